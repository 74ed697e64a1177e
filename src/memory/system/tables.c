/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames for page tables.
 *
 * They come from the free frames like all others as long as there are any. When there are none, a
 * reserve that was set aside at start answers, so that a page fault doesn't fail for a table while
 * pages could still be evicted. It is filled again by the tables that are given back.
 */
#include <string.h>

#include "memory/paging/paging.h"
#include "memory/system/system.h"

/* Marks frames of page tables: who has an address alone can't give them. */
#define TABLE_TAG 1u

static void *take_frame(struct coffer_memory *memory, struct owner owner)
{
    struct frames *frames = memory->core->frames;
    void *frame;
    enum coffer_status status = frames_take(frames, owner, 1, &frame);

    if (status != COFFER_OK)
        return NULL;
    status = frames_set_tag(frames, frame, 1, TABLE_TAG);
    assert_cheap(status == COFFER_OK);
    return frame;
}

static void give_frame(struct coffer_memory *memory, void *frame)
{
    enum coffer_status status = frames_give(memory->core->frames, frame);

    assert_cheap(status == COFFER_OK);
}

static void refill(struct coffer_memory *memory)
{
    struct table_reserve *tables = &memory->tables;

    while (tables->count < tables->target) {
        void *frame = take_frame(memory, memory->system);

        if (frame == NULL)
            return;
        tables->frames[tables->count++] = frame;
    }
}

enum coffer_status tables_init(struct coffer_memory *memory, size_t target)
{
    struct table_reserve *tables = &memory->tables;
    void *frames = NULL;
    enum coffer_status status;

    if (target == 0)
        return COFFER_OK;
    status = memory_alloc(memory->core, memory->system, target * sizeof(*tables->frames), &frames);
    if (status != COFFER_OK)
        return status;
    tables->frames = frames;
    tables->target = target;
    refill(memory);
    if (tables->count < target) {
        tables_fini(memory);
        return COFFER_NO_MEMORY;
    }
    return COFFER_OK;
}

void tables_fini(struct coffer_memory *memory)
{
    struct table_reserve *tables = &memory->tables;

    assert_cheap(tables->used == 0);
    while (tables->count > 0)
        give_frame(memory, tables->frames[--tables->count]);
    if (tables->frames != NULL)
        memory_free(memory->core, tables->frames);
    *tables = (struct table_reserve){.frames = NULL};
}

/* Has the owner reached its quota? The reserve isn't for whoever has. */
static bool is_at_quota(struct coffer_memory *memory, struct owner owner)
{
    struct account *account = &memory->core->account;
    bool is_at;

    spin_take(&account->lock);
    is_at = account->lines[owner.index].frames >= account->lines[owner.index].quota;
    spin_give(&account->lock);
    return is_at;
}

void *tables_take(void *context, struct owner owner)
{
    struct coffer_memory *memory = context;
    struct table_reserve *tables = &memory->tables;
    void *frame = take_frame(memory, owner);

    if (frame == NULL) {
        if (tables->count == 0 || is_at_quota(memory, owner))
            return NULL;
        frame = tables->frames[--tables->count];
    }
    if (memory->config.keep_contents)
        memset(frame, 0, FRAME_SIZE);
    tables->used++;
    return frame;
}

void tables_give(void *context, struct owner owner, void *frame)
{
    struct coffer_memory *memory = context;
    struct table_reserve *tables = &memory->tables;

    assert_cheap(tables->used > 0);
    tables->used--;
    (void)owner; /* the frame knows, and it may be the reserve's */
    if (tables->count < tables->target &&
        frames_query(memory->core->frames, frame).owner.index == memory->system.index) {
        memset(frame, 0, FRAME_SIZE);
        tables->frames[tables->count++] = frame;
        return;
    }
    give_frame(memory, frame);
    refill(memory);
}
