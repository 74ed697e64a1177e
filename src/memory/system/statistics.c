/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeing the memory system: numbers only, nothing is changed. */
#include "memory/frames/lookup.h"
#include "memory/space/space.h"
#include "memory/system/system.h"

static unsigned owners_open(const struct account *account)
{
    unsigned count = 0;

    for (unsigned i = 1; i < account->owner_count; i++)
        count += account->lines[i].name != NULL;
    return count;
}

void coffer_memory_statistics(struct coffer_memory *memory, struct coffer_memory_statistics *out)
{
    struct account *account = &memory->core->account;
    struct frames_statistics frames = frames_statistics(memory->core->frames);

    *out = (struct coffer_memory_statistics){
        .total = frames.total,
        .reserved = frames.reserved,
        .free = frames.free,
        .used = frames.total - frames.reserved - frames.free,
        .cached = frames.cached,
        .largest_run = frames.largest_run,
        .low = frames.low,
        .high = frames.high,
        .low_events = frames.low_events,
        .segments = frames.segments,
        .pools = pools_count(memory),
        .spaces = memory->spaces == NULL ? 0 : spaces_count(memory->spaces),
        .locked = memory->config.locked,
        .secret = memory->config.secret,
    };
    for (unsigned order = 0; order < COFFER_ORDER_COUNT; order++)
        out->free_blocks[order] = frames.free_blocks[order];

    spin_take(&account->lock);
    out->used_peak = account->frames_used_peak - frames.reserved;
    out->wrong_frees = account->wrong_frees;
    out->owners = owners_open(account);
    spin_give(&account->lock);
}

bool coffer_memory_next_owner(struct coffer_memory *memory, unsigned *cursor,
                              struct coffer_owner_statistics *out)
{
    struct account *account = &memory->core->account;
    bool found = false;

    spin_take(&account->lock);
    for (unsigned i = *cursor + 1; i < account->owner_count && !found; i++) {
        const struct account_line *line = &account->lines[i];

        if (line->name == NULL)
            continue;
        found = true;
        *cursor = i;
        *out = (struct coffer_owner_statistics){
            .name = line->name,
            .owner.index = i == memory->system.index ? 0 : (uint8_t)i,
            .frames = line->frames,
            .frames_peak = line->frames_peak,
            .quota = account_line_quota(line),
            .takes = line->run_takes,
            .gives = line->run_gives,
            .refusals = line->run_refusals,
        };
    }
    spin_give(&account->lock);
    return found;
}

bool coffer_memory_area(struct coffer_memory *memory, unsigned index, struct coffer_area *out)
{
    const struct frames *frames = memory->core->frames;

    if (index >= frames->segment_count)
        return false;
    *out = (struct coffer_area){frames->segments[index].start,
                                (size_t)frames->segments[index].frame_count * FRAME_SIZE};
    return true;
}
