/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting. Every sum is kept as it changes, so that a reader never walks anything. */
#include "memory/account/account.h"

#include <string.h>

void account_init(struct account *account, struct account_line *lines, unsigned line_count)
{
    assert_cheap(line_count >= 2 && line_count <= ACCOUNT_OWNERS_MAX);
    memset(account, 0, sizeof(*account));
    memset(lines, 0, line_count * sizeof(*lines));
    account->lines = lines;
    account->owner_max = line_count;
    lines[0].name = "none";
    account->owner_count = 1;
    spin_init(&account->lock, NULL);
}

/* The marks of A2. */
static void set_marks(struct account *account, struct account_line *line)
{
    uint32_t mark = line->frames_peak;

    if (mark - line->frames_kept > line->runs_peak)
        mark = line->runs_peak + line->frames_kept;
    line->frames_mark = mark < line->quota ? mark : line->quota;

    account->frames_mark = account->frames_used_peak < account->frames_bound
                               ? account->frames_used_peak
                               : account->frames_bound;
    if (account->refuse != NULL)
        account->frames_mark = 0;
}

static enum coffer_status open_line(struct account *account, const char *name, struct owner *owner)
{
    for (unsigned i = 1; i < account->owner_max; i++) {
        struct account_line *line = &account->lines[i];

        if (line->name == NULL) {
            *line = (struct account_line){.name = name, .quota = UINT32_MAX};
            if (i >= account->owner_count)
                account->owner_count = i + 1;
            owner->index = (uint8_t)i;
            return COFFER_OK;
        }
    }
    return COFFER_NO_MEMORY;
}

enum coffer_status account_open_owner(struct account *account, const char *name,
                                      struct owner *owner)
{
    enum coffer_status status;

    if (name == NULL)
        return COFFER_MISUSE;
    spin_take(&account->lock);
    status = open_line(account, name, owner);
    spin_give(&account->lock);
    return status;
}

enum coffer_status account_close_owner(struct account *account, struct owner owner)
{
    enum coffer_status status = COFFER_MISUSE;

    spin_take(&account->lock);
    if (account_has(account, owner)) {
        struct account_line *line = &account->lines[owner.index];

        if (line->frames > 0 || account_seen(&line->bytes) > 0) {
            status = COFFER_BUSY;
        } else {
            memset(line, 0, sizeof(*line));
            status = COFFER_OK;
        }
    }
    spin_give(&account->lock);
    return status;
}

enum coffer_status account_set_quota(struct account *account, struct owner owner, uint64_t frames)
{
    enum coffer_status status = COFFER_MISUSE;

    spin_take(&account->lock);
    if (account_has(account, owner)) {
        struct account_line *line = &account->lines[owner.index];

        line->quota = frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
        set_marks(account, line);
        status = COFFER_OK;
    }
    spin_give(&account->lock);
    return status;
}

bool account_has_room(struct account *account, struct owner owner, uint32_t count)
{
    struct account_line *line = &account->lines[owner.index];

    if (line->frames <= line->quota && count <= line->quota - line->frames)
        return true;
    line->quota_refusals++;
    return false;
}

void account_take_frames(struct account *account, struct owner owner, uint32_t count, uint32_t kept)
{
    struct account_line *line = &account->lines[owner.index];

    line->frames += count;
    line->frames_kept += kept;
    if (line->frames > line->frames_peak)
        line->frames_peak = line->frames;
    if (line->frames - line->frames_kept > line->runs_peak)
        line->runs_peak = line->frames - line->frames_kept;
    account->frames_used += count;
    if (account->frames_used > account->frames_used_peak)
        account->frames_used_peak = account->frames_used;
    set_marks(account, line);
}

void account_give_frames(struct account *account, struct owner owner, uint32_t count, uint32_t kept)
{
    struct account_line *line = &account->lines[owner.index];

    assert_debug(line->frames >= count && line->frames_kept >= kept);
    line->frames -= count;
    line->frames_kept -= kept;
    set_marks(account, line);
    account->frames_used -= count;
}

void account_set_bound(struct account *account, uint64_t bound)
{
    account->frames_bound = bound;
    set_marks(account, &account->lines[0]);
}

void account_set_refuse(struct account *account,
                        bool (*refuse)(void *argument, struct owner owner, size_t size),
                        void *argument)
{
    spin_take(&account->lock);
    account->refuse = refuse;
    account->refuse_argument = argument;
    set_marks(account, &account->lines[0]);
    spin_give(&account->lock);
}

static bool line_is_valid(const struct account_line *line)
{
    uint32_t runs = line->frames - line->frames_kept;

    return line->frames_kept <= line->frames && line->frames <= line->frames_peak &&
           runs <= line->runs_peak && line->frames_mark <= line->quota &&
           line->frames_mark <= line->frames_peak &&
           line->frames_mark <= line->runs_peak + line->frames_kept;
}

bool account_is_valid(const struct account *account)
{
    uint64_t used = 0;

    for (unsigned i = 0; i < account->owner_max; i++) {
        if (!line_is_valid(&account->lines[i]) ||
            (account->lines[i].name == NULL && account->lines[i].frames_peak != 0))
            return false;
        used += account->lines[i].frames;
    }
    return used == account->frames_used && used <= account->frames_total &&
           used <= account->frames_used_peak && account->frames_mark <= account->frames_used_peak &&
           account->frames_mark <= account->frames_bound;
}
