/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when frames are short.
 *
 * The frames tell the thread that took or gave the one that crossed a watermark, wherever it is. If
 * it holds the paging lock it can't evict or call out: it only leaves a note, which is looked for
 * at the end of each call on a space; and page faults that are short of frames evict for
 * themselves. Without the lock (frames, pools) pages are evicted on the spot, and the program is
 * asked to help.
 */
#include "memory/paging/paging.h"
#include "memory/system/system.h"

static bool tell(struct coffer_memory *memory, enum coffer_pressure level)
{
    if (memory->config.pressure == NULL)
        return false;
    return memory->config.pressure(memory->config.pressure_context, level);
}

static uint64_t free_frames(struct coffer_memory *memory)
{
    struct account *account = &memory->core->account;
    uint64_t free;

    spin_take(&account->lock);
    free = account->frames_total - account->frames_used;
    spin_give(&account->lock);
    return free;
}

static void answer(struct coffer_memory *memory, enum frames_level level)
{
    const struct owner anybody = {0};
    uint64_t free = free_frames(memory);

    if (level == FRAMES_LOW && free < memory->config.high)
        (void)paging_reclaim(memory->paging, (size_t)(memory->config.high - free), anybody);
    (void)tell(memory, level == FRAMES_LOW ? COFFER_PRESSURE_LOW : COFFER_PRESSURE_OVER);
}

bool pressure_relieve(void *context, struct owner owner)
{
    struct coffer_memory *memory = context;
    struct account *account = &memory->core->account;
    struct owner whose = {0};
    bool helped;

    spin_take(&account->lock);
    if (account->lines[owner.index].frames >= account->lines[owner.index].quota)
        whose = owner;
    spin_give(&account->lock);
    helped = paging_reclaim(memory->paging, memory->config.evict_batch, whose) > 0;
    return tell(memory, COFFER_PRESSURE_NONE) || helped;
}

bool pressure_told(void *context, enum frames_level level)
{
    const struct owner nobody = {0};
    struct coffer_memory *memory = context;

    if (!paging_is_locked_here(memory->paging)) {
        if (level == FRAMES_NONE)
            return pressure_relieve(memory, nobody);
        answer(memory, level);
    } else if (level != FRAMES_NONE) {
        atomic_store(&memory->untold, level == FRAMES_LOW ? UNTOLD_LOW : UNTOLD_HIGH);
    }
    return false;
}

void pressure_settle(void *context)
{
    struct coffer_memory *memory = context;

    /* The answer may bring up the next level. */
    while (atomic_load_explicit(&memory->untold, memory_order_relaxed) != UNTOLD_NOTHING) {
        unsigned level = atomic_exchange(&memory->untold, UNTOLD_NOTHING);

        if (level != UNTOLD_NOTHING)
            answer(memory, level == UNTOLD_LOW ? FRAMES_LOW : FRAMES_HIGH);
    }
}
