/* SPDX-License-Identifier: BSD-2-Clause */
/* Owners, and frames for them. */
#include "memory/frames/lookup.h"
#include "memory/frames/quick.h"
#include "memory/paging/paging.h"
#include "memory/space/space.h"
#include "memory/system/system.h"

/* Those before "system" are the memory's own: nobody charges anything to them from outside. */
void system_set_owners(struct coffer_memory *memory, struct owner system)
{
    memory->system = system;
    for (unsigned i = 0; i <= UINT8_MAX; i++)
        memory->owners[i].index = 0;
    memory->owners[0] = system;
    for (unsigned i = system.index; i < memory->core->account.owner_max; i++)
        memory->owners[i].index = (uint8_t)i;
}

void system_hide_owner(struct coffer_memory *memory, struct owner owner)
{
    memory->owners[owner.index].index = 0;
}

enum coffer_status system_owner(const struct coffer_memory *memory, struct coffer_owner owner,
                                struct owner *out)
{
    struct owner inside = memory->owners[owner.index];

    if (!account_has(&memory->core->account, inside))
        return COFFER_MISUSE;
    *out = inside;
    return COFFER_OK;
}

enum coffer_status coffer_owner_open(struct coffer_memory *memory, const char *name,
                                     struct coffer_owner *out)
{
    struct owner owner;
    enum coffer_status status;

    if (memory == NULL || name == NULL || out == NULL)
        return COFFER_MISUSE;
    status = account_open_owner(&memory->core->account, name, &owner);
    if (status == COFFER_OK)
        out->index = owner.index;
    return status;
}

/* Spaces and segments hold the records that they are; pools in regions may hold nothing as yet. */
static enum coffer_status close_owner(struct coffer_memory *memory, struct owner owner)
{
    enum coffer_status status;

    if (pools_name(memory, owner))
        return COFFER_BUSY;
    status = account_close_owner(&memory->core->account, owner);
    if (status != COFFER_BUSY)
        return status;

    /* The span that it keeps for its next record may be all that it has. */
    (void)coffer_pool_shrink(memory->core->pool);
    return account_close_owner(&memory->core->account, owner);
}

enum coffer_status coffer_owner_close(struct coffer_memory *memory, struct coffer_owner owner)
{
    struct owner inside;
    enum coffer_status status;

    if (memory == NULL)
        return COFFER_MISUSE;
    spaces_lock(memory->spaces);
    status = system_owner(memory, owner, &inside);
    if (status == COFFER_OK && inside.index == memory->system.index)
        status = COFFER_MISUSE;
    if (status == COFFER_OK)
        status = close_owner(memory, inside);
    spaces_unlock(memory->spaces);
    return status;
}

enum coffer_status coffer_owner_set_quota(struct coffer_memory *memory, struct coffer_owner owner,
                                          uint64_t frames)
{
    struct owner inside;
    enum coffer_status status;

    if (memory == NULL)
        return COFFER_MISUSE;
    status = system_owner(memory, owner, &inside);
    if (status != COFFER_OK)
        return status;
    return account_set_quota(&memory->core->account, inside, frames);
}

enum coffer_status coffer_frames_take(struct coffer_memory *memory, struct coffer_owner owner,
                                      size_t count, size_t alignment, void **out)
{
    struct owner inside;

    if (memory == NULL || out == NULL)
        return COFFER_MISUSE;

    /* As system_owner, but that frames_take finds out itself whether the owner is open. */
    inside = memory->owners[owner.index];
    if (alignment <= 1)
        return frames_take_quickly(memory->frames, inside, count, out);
    return frames_take_aligned(memory->frames, inside, count, alignment, out);
}

/* Frames of spaces, page tables, pools and the swap carry a tag; they aren't the caller's to hold
 * or give. */
static bool is_tagged(const struct coffer_memory *memory, const void *address)
{
    return frames_tag(memory->frames, address) != 0;
}

enum coffer_status coffer_frames_hold(struct coffer_memory *memory, void *address)
{
    if (memory == NULL || is_tagged(memory, address))
        return COFFER_MISUSE;
    return frames_hold(memory->frames, address);
}

enum coffer_status coffer_frames_give(struct coffer_memory *memory, void *address)
{
    if (memory == NULL)
        return COFFER_MISUSE;
    return frames_give_quickly(memory->frames, address, frames_give_untagged);
}

void coffer_frames_query(struct coffer_memory *memory, const void *address,
                         struct coffer_frame *out)
{
    struct frame_info info = frames_query(memory->frames, address);

    *out = (struct coffer_frame){.state = COFFER_FRAME_FOREIGN};
    if (!info.found)
        return;
    if (info.reserved) {
        out->state = COFFER_FRAME_RESERVED;
    } else if (info.free) {
        out->state = COFFER_FRAME_FREE;
        out->order = info.order;
    } else {
        out->state = COFFER_FRAME_USED;
        out->owner.index = info.owner.index == memory->system.index ? 0 : info.owner.index;
        out->references = info.references;
        out->run = info.run;
        out->offset = info.offset;
    }
}
