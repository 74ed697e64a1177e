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

/* Below this many frames in all, another run passes no peak and no quota. */
static void set_mark(struct account_line *line)
{
    uint32_t mark = line->frames_peak;

    if (mark - line->frames_kept > line->runs_peak)
        mark = line->runs_peak + line->frames_kept;
    line->frames_mark = mark < line->quota ? mark : line->quota;
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

        if (line->frames > 0 || line->bytes > 0) {
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
        set_mark(line);
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
    set_mark(line);
    account->frames_used += count;
    if (account->frames_used > account->frames_used_peak)
        account->frames_used_peak = account->frames_used;
}

void account_give_frames(struct account *account, struct owner owner, uint32_t count, uint32_t kept)
{
    struct account_line *line = &account->lines[owner.index];

    assert_debug(line->frames >= count && line->frames_kept >= kept);
    line->frames -= count;
    line->frames_kept -= kept;
    set_mark(line);
    account->frames_used -= count;
}

bool account_line_is_valid(const struct account_line *line)
{
    uint32_t runs = line->frames - line->frames_kept;

    if (line->name == NULL)
        return line->frames == 0 && line->frames_mark == 0;
    return line->frames_kept <= line->frames && line->frames <= line->frames_peak &&
           runs <= line->runs_peak && line->frames_mark <= line->quota &&
           line->frames_mark <= line->frames_peak &&
           line->frames_mark <= line->runs_peak + line->frames_kept;
}
