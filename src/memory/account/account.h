/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds how much of secure memory.
 *
 * An owner is a component ("tree", "cache", ...), opened by name at start. Two things are counted
 * for each: `frames`, the whole frames that it holds (what it really costs), and `bytes`, what is
 * allocated to it inside of them (heap blocks at the size of their class; a run of frames counts
 * in full). The sum of all lines' frames is what is in use of the memory; its metadata has a line
 * of its own, "frames".
 *
 * Locking: none; the owner of the memory serialises calls.
 */
#ifndef COFFER_MEMORY_ACCOUNT_H
#define COFFER_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "coffer/status.h"

#define ACCOUNT_OWNERS_MAX 16

/* An owner; index 0 is "none" and owns nothing. */
struct owner {
    uint8_t index;
};

struct account_line {
    const char *name;
    uint64_t bytes;
    uint64_t bytes_peak;
    uint64_t frames;
    uint64_t frames_peak;
    uint64_t takes;    /* allocations that succeeded */
    uint64_t gives;    /* frees */
    uint64_t refusals; /* allocations that failed */
};

struct account {
    struct account_line lines[ACCOUNT_OWNERS_MAX];
    unsigned owner_count;
    uint64_t frames_total; /* of all areas, metadata included */
    uint64_t frames_used;
    uint64_t frames_used_peak;
    uint64_t wrong_frees; /* refused: double, stale, foreign, interior, of another owner */

    /* A test's hook: asked before every allocation, true refuses it. NULL: never. */
    bool (*refuse)(void *argument, struct owner owner, size_t size);
    void *refuse_argument;
};

void account_init(struct account *account);

/* A new owner; `name` must outlive the account. COFFER_NO_MEMORY when all lines are taken. */
COFFER_MUST_CHECK enum coffer_status account_open_owner(struct account *account, const char *name,
                                                        struct owner *owner);

/* An owner that was opened; "none" isn't. */
static inline bool account_has(const struct account *account, struct owner owner)
{
    return owner.index != 0 && owner.index < account->owner_count;
}

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
    account->lines[owner.index].refusals++;
}

/* One allocation of `size` bytes. */
static inline void account_take_bytes(struct account *account, struct owner owner, size_t size)
{
    struct account_line *line = &account->lines[owner.index];

    line->takes++;
    line->bytes += size;
    if (line->bytes > line->bytes_peak)
        line->bytes_peak = line->bytes;
}

/* A part of an allocation that stays was given back. */
static inline void account_trim_bytes(struct account *account, struct owner owner, size_t size)
{
    assert_debug(account->lines[owner.index].bytes >= size);
    account->lines[owner.index].bytes -= size;
}

/* One free of `size` bytes. */
static inline void account_give_bytes(struct account *account, struct owner owner, size_t size)
{
    account_trim_bytes(account, owner, size);
    account->lines[owner.index].gives++;
}

static inline void account_take_frames(struct account *account, struct owner owner, size_t count)
{
    struct account_line *line = &account->lines[owner.index];

    line->frames += count;
    if (line->frames > line->frames_peak)
        line->frames_peak = line->frames;
    account->frames_used += count;
    if (account->frames_used > account->frames_used_peak)
        account->frames_used_peak = account->frames_used;
}

static inline void account_give_frames(struct account *account, struct owner owner, size_t count)
{
    assert_debug(account->lines[owner.index].frames >= count);
    account->lines[owner.index].frames -= count;
    account->frames_used -= count;
}

/* A run of frames that is one allocation: both at once. */
static inline void account_take_run(struct account *account, struct owner owner, size_t count,
                                    size_t size)
{
    struct account_line *line = &account->lines[owner.index];
    uint64_t used = account->frames_used + count;
    uint64_t frames = line->frames + count;
    uint64_t bytes = line->bytes + size;

    account->frames_used = used;
    line->frames = frames;
    line->bytes = bytes;
    line->takes++;
    if (used > account->frames_used_peak)
        account->frames_used_peak = used;
    if (frames > line->frames_peak)
        line->frames_peak = frames;
    if (bytes > line->bytes_peak)
        line->bytes_peak = bytes;
}

static inline void account_give_run(struct account *account, struct owner owner, size_t count,
                                    size_t size)
{
    struct account_line *line = &account->lines[owner.index];

    assert_debug(line->frames >= count && line->bytes >= size);
    account->frames_used -= count;
    line->frames -= count;
    line->bytes -= size;
    line->gives++;
}

#endif
