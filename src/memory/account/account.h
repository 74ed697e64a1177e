/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds how much of secure memory.
 *
 * An owner is a component ("tree", "cache", ...) or an instance of a trusted application, opened by
 * name. Counted for each are `frames`, the whole frames that it holds (what it really costs, and
 * what a quota bounds), and `bytes`, what pools have allocated to it inside of frames (at the size
 * of their classes). The sum of all lines' frames is what is in use of the memory; its metadata has
 * a line of its own, "frames".
 *
 * Invariants
 *   A1 The frames of all lines add up to frames_used, and that and the free frames to frames_total.
 *   A2 Up to the mark of its line and of the whole account a take passes no peak, no quota and no
 *      bound, needs not ask the hook, and has an open owner: one comparison each, on the shortest
 *      path, tells all of that. A mark of 0 sends every take on the long way. account_is_valid.
 *
 * Locking. `lock` guards owners, quotas, frames_*, wrong_frees and of each line what stands under
 * "Frames"; the frames use it as their own. What stands under "Pools" is guarded by the pool that
 * counts there (only one may count on a line), but for the refusals, which anybody counts. Reading
 * a number without its lock, with account_seen, gives one that was true a moment ago.
 */
#ifndef COFFER_MEMORY_ACCOUNT_H
#define COFFER_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/spin.h"
#include "coffer/status.h"

#define ACCOUNT_OWNERS_MAX     64u /* lines an account can have */
#define ACCOUNT_OWNERS_DEFAULT 16u
#define ACCOUNT_NO_QUOTA       UINT64_MAX

/* An owner; index 0 is "none" and owns nothing. */
struct owner {
    uint8_t index;
};

struct account_line {
    const char *name; /* NULL: the line is not open */

    /* Pools */
    uint64_t bytes;
    uint64_t bytes_peak;
    uint64_t takes;    /* allocations that succeeded */
    uint64_t gives;    /* frees */
    uint64_t refusals; /* allocations that failed */

    /* Frames; not in a cache line with what pools count on other threads. */
    _Alignas(64) uint64_t run_takes; /* runs, not those of pools */
    uint64_t run_gives;
    uint64_t run_refusals;
    uint64_t quota_refusals; /* of whatever asked for frames beyond the quota */
    uint32_t frames;
    uint32_t frames_kept; /* of them, those of pools */
    uint32_t frames_peak;
    uint32_t runs_peak;   /* the most frames that no pool held */
    uint32_t frames_mark; /* A2 */
    uint32_t quota;       /* UINT32_MAX: none */
};

struct account {
    struct account_line *lines;
    unsigned owner_max;    /* lines */
    unsigned owner_count;  /* one more than the highest line that was ever open */
    uint64_t frames_total; /* of all areas, metadata included */
    uint64_t frames_used;
    uint64_t frames_used_peak;
    uint64_t frames_mark;  /* A2 */
    uint64_t frames_bound; /* see account_set_bound */
    uint64_t wrong_frees;  /* refused: double, stale, foreign, interior, of another owner */
    struct spin lock;

    /* A test's hook: asked before every allocation, true refuses it. NULL: never. */
    bool (*refuse)(void *argument, struct owner owner, size_t size);
    void *refuse_argument;
};

/* `lines` (2 .. ACCOUNT_OWNERS_MAX) must stay. Until frames are started on it, for one thread. */
void account_init(struct account *account, struct account_line *lines, unsigned line_count);

/* Set the hook; NULL takes it away. For pools alone, which ask each time, writing it does too. */
void account_set_refuse(struct account *account,
                        bool (*refuse)(void *argument, struct owner owner, size_t size),
                        void *argument);

/* A new owner without a quota; `name` must outlive the owner. COFFER_NO_MEMORY when all lines are
 * taken. */
COFFER_MUST_CHECK enum coffer_status account_open_owner(struct account *account, const char *name,
                                                        struct owner *owner);

/* The owner is no more, and its line can be another's. COFFER_BUSY while it holds frames or bytes;
 * COFFER_MISUSE when it isn't open. */
COFFER_MUST_CHECK enum coffer_status account_close_owner(struct account *account,
                                                         struct owner owner);

/* The owner may hold at most `frames` frames from now on; ACCOUNT_NO_QUOTA: any number. What it
 * holds already stays. COFFER_MISUSE when it isn't open. */
COFFER_MUST_CHECK enum coffer_status account_set_quota(struct account *account, struct owner owner,
                                                       uint64_t frames);

/* An owner that is open; "none" isn't. */
static inline bool account_has(const struct account *account, struct owner owner)
{
    return owner.index != 0 && owner.index < account->owner_max &&
           account->lines[owner.index].name != NULL;
}

static inline uint64_t account_line_quota(const struct account_line *line)
{
    return line->quota == UINT32_MAX ? ACCOUNT_NO_QUOTA : line->quota;
}

/* A number of what pools count, as it was a moment ago. */
static inline uint64_t account_seen(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

/* What is allocated to a line by pools and in whole runs, together. The peak is that of both added,
 * which may have been at different times. */
static inline uint64_t account_line_bytes(const struct account_line *line, uint32_t frame_size)
{
    return account_seen(&line->bytes) + (uint64_t)(line->frames - line->frames_kept) * frame_size;
}

static inline uint64_t account_line_bytes_peak(const struct account_line *line, uint32_t frame_size)
{
    return account_seen(&line->bytes_peak) + (uint64_t)line->runs_peak * frame_size;
}

/* Do A1, as far as the lines go, and A2 hold? Under the lock; frames_is_valid asks it. */
bool account_is_valid(const struct account *account);

/*
 * For the allocators only, and inline because they lie on the shortest path there is. A call that
 * allocates asks once whether it may, whatever it takes inside; a failed one counts one refusal.
 */
COFFER_MUST_CHECK static inline bool account_allows(struct account *account, struct owner owner,
                                                    size_t size)
{
    return account->refuse == NULL || !account->refuse(account->refuse_argument, owner, size);
}

static inline void account_refused(struct account *account, struct owner owner)
{
    (void)__atomic_fetch_add(&account->lines[owner.index].refusals, 1, __ATOMIC_RELAXED);
}

static inline void account_store(uint64_t *number, uint64_t value)
{
    __atomic_store_n(number, value, __ATOMIC_RELAXED);
}

/* One allocation of `size` bytes. */
static inline void account_take_bytes(struct account *account, struct owner owner, size_t size)
{
    struct account_line *line = &account->lines[owner.index];

    account_store(&line->takes, line->takes + 1);
    account_store(&line->bytes, line->bytes + size);
    if (line->bytes > line->bytes_peak)
        account_store(&line->bytes_peak, line->bytes);
}

/* One free of `size` bytes. */
static inline void account_give_bytes(struct account *account, struct owner owner, size_t size)
{
    struct account_line *line = &account->lines[owner.index];

    assert_debug(line->bytes >= size);
    account_store(&line->bytes, line->bytes - size);
    account_store(&line->gives, line->gives + 1);
}

/* For the frames, under the lock: may the owner hold `count` more? A refusal is counted. */
COFFER_MUST_CHECK bool account_has_room(struct account *account, struct owner owner,
                                        uint32_t count);

/* For the frames, under the lock: a take beyond `bound` frames in use goes the long way. */
void account_set_bound(struct account *account, uint64_t bound);

/* For the frames, under the lock: `count` more or fewer of them are held, `kept` by a pool. */
void account_take_frames(struct account *account, struct owner owner, uint32_t count,
                         uint32_t kept);
void account_give_frames(struct account *account, struct owner owner, uint32_t count,
                         uint32_t kept);

#endif
