/* SPDX-License-Identifier: BSD-2-Clause */
/* Watermarks: who is told when frames run short. */
#include "memory/frames/kept.h"
#include "memory/frames/table.h"

/* The short way takes no lock, wipes nothing, looks at no level. With threads it stays closed. */
void frames_set_pace(struct frames *frames)
{
    const struct watch *watch = &frames->watch;
    struct account *account = frames->account;
    bool quick = frames->keep_contents;
    bool is_watched = watch->function != NULL && watch->low > 0;
    uint64_t bound = 0;

    if (frames->port != NULL)
        return;
    if (quick && is_watched && !watch->is_low)
        bound = account->frames_total - watch->low; /* to fall below `low` is the long way's */
    else if (quick)
        bound = UINT64_MAX;
    account_set_bound(account, bound);
    frames->quick_count = quick && !watch->is_low ? frames->segments[0].frame_count : 0;
    frames->quick_takes = quick ? 1u << (FRAMES_ORDER_COUNT - 1) : 0;
}

/* A level that was crossed and isn't told yet; from now on it is this thread's to tell. */
static bool next_level(struct frames *frames, enum frames_level *level)
{
    struct watch *watch = &frames->watch;
    uint64_t free = frames->account->frames_total - frames->account->frames_used;

    if (watch->telling || (watch->is_low ? free < watch->high : free >= watch->low))
        return false;
    watch->is_low = !watch->is_low;
    watch->low_events += watch->is_low;
    watch->telling = true;
    *level = watch->is_low ? FRAMES_LOW : FRAMES_HIGH;
    frames_set_pace(frames);
    return true;
}

void frames_watch(struct frames *frames)
{
    struct watch *watch = &frames->watch;
    struct spin *lock = &frames->account->lock;
    enum frames_level level;

    if (watch->function == NULL)
        return;
    spin_take(lock);
    while (next_level(frames, &level)) {
        spin_give(lock);
        watch->function(watch->context, level);
        spin_take(lock);
        watch->telling = false;
    }
    spin_give(lock);
}

/* A thread whose call with FRAMES_NONE is under way: on its stack. */
struct asker {
    struct list link;
    const void *thread;
};

/* With the lock. */
static bool is_asking(const struct watch *watch, const void *thread)
{
    list_each (link, &watch->askers) {
        if (list_entry(link, struct asker, link)->thread == thread)
            return true;
    }
    return false;
}

/* Did the last plea bring anything, and have all of them not brought enough in vain? */
static bool is_worthwhile(uint64_t free, size_t count, struct frames_plea *plea)
{
    bool is_first = plea->count++ == 0;

    plea->vain += !is_first && free <= plea->free;
    plea->free = free;
    return is_first || (plea->vain <= 1 && free / FRAMES_PLEA < (uint64_t)count);
}

bool frames_ask(struct frames *frames, size_t count, struct frames_plea *plea)
{
    const struct coffer_port *port = frames->port;
    struct asker self = {.thread = port == NULL ? NULL : port->thread_self(port->context)};
    struct watch *watch = &frames->watch;
    struct spin *lock = &frames->account->lock;
    bool asks;
    bool freed;

    if (watch->function == NULL)
        return false;
    spin_take(lock);
    asks = !is_asking(watch, self.thread) &&
           is_worthwhile(frames->account->frames_total - frames->account->frames_used, count, plea);
    if (asks)
        list_insert_before(&watch->askers, &self.link);
    spin_give(lock);
    if (!asks)
        return false;

    freed = watch->function(watch->context, FRAMES_NONE);
    spin_take(lock);
    list_remove(&self.link);
    spin_give(lock);
    return freed;
}

enum coffer_status frames_set_watermarks(struct frames *frames, uint64_t low, uint64_t high,
                                         bool (*function)(void *context, enum frames_level level),
                                         void *context)
{
    struct watch *watch = &frames->watch;

    if (low > high || high > frames->account->frames_total)
        return COFFER_MISUSE;
    spin_take(&frames->account->lock);
    watch->low = low;
    watch->high = high;
    watch->function = function;
    watch->context = context;
    watch->is_low = false;
    frames_set_pace(frames);
    spin_give(&frames->account->lock);
    frames_watch(frames);
    return COFFER_OK;
}
