/* SPDX-License-Identifier: BSD-2-Clause */
/* From the caller's areas to segments: trimming, cutting metadata from the front, and building the
 * frame table. */
#include "memory/frames/boot.h"

#include <stdatomic.h>
#include <string.h>

#include "memory/frames/buddy.h"
#include "memory/frames/runs.h"

static bool areas_overlap(const struct memory_area *a, const struct memory_area *b)
{
    uintptr_t a_start = (uintptr_t)a->address;
    uintptr_t b_start = (uintptr_t)b->address;

    return a->size > 0 && b->size > 0 &&
           (a_start <= b_start ? b_start - a_start < a->size : a_start - b_start < b->size);
}

static enum coffer_status check_areas(const struct memory_area *areas, size_t count)
{
    if (areas == NULL || count == 0 || count > FRAMES_AREAS_MAX)
        return COFFER_MISUSE;

    for (size_t i = 0; i < count; i++) {
        if (areas[i].size == 0)
            continue;
        if (areas[i].address == NULL || areas[i].size > UINTPTR_MAX - (uintptr_t)areas[i].address)
            return COFFER_MISUSE;
        for (size_t j = 0; j < i; j++) {
            if (areas_overlap(&areas[i], &areas[j]))
                return COFFER_MISUSE;
        }
    }
    return COFFER_OK;
}

/* Trim an area inward to whole frames and insert it by address, if anything is left. */
static void add_area(struct boot *boot, const struct memory_area *area)
{
    size_t skip = (size_t)(-(uintptr_t)area->address % FRAME_SIZE);
    struct boot_area new_area;
    unsigned i;

    if (area->size < skip || area->size - skip < FRAME_SIZE)
        return;

    new_area.start = (uint8_t *)area->address + skip;
    new_area.frame_count = (area->size - skip) / FRAME_SIZE;
    new_area.cut_size = 0;
    for (i = boot->area_count++; i > 0; i--) {
        if ((uintptr_t)boot->areas[i - 1].start < (uintptr_t)new_area.start)
            break;
        boot->areas[i] = boot->areas[i - 1];
    }
    boot->areas[i] = new_area;
}

enum coffer_status boot_init(struct boot *boot, const struct memory_area *areas, size_t count)
{
    enum coffer_status status = check_areas(areas, count);
    uint64_t total = 0;

    if (status != COFFER_OK)
        return status;

    boot->area_count = 0;
    for (size_t i = 0; i < count; i++)
        add_area(boot, &areas[i]);

    for (unsigned i = 0; i < boot->area_count; i++) {
        if (boot->areas[i].frame_count > FRAMES_TOTAL_MAX - total)
            return COFFER_MISUSE;
        total += boot->areas[i].frame_count;
    }
    return total > 0 ? COFFER_OK : COFFER_NO_MEMORY;
}

void *boot_cut(struct boot *boot, size_t size)
{
    size_t rounded = (size + BOOT_ALIGNMENT - 1) & ~(size_t)(BOOT_ALIGNMENT - 1);

    for (unsigned i = 0; i < boot->area_count; i++) {
        struct boot_area *area = &boot->areas[i];

        if (rounded <= area->frame_count * FRAME_SIZE - area->cut_size) {
            area->cut_size += rounded;
            return area->start + (area->cut_size - rounded);
        }
    }
    return NULL;
}

/* What a segment is made of, as planned before anything is written. */
struct plan {
    struct frame *table;
    size_t table_size;
    _Atomic uint32_t *tags;
    uint64_t *clean;
    size_t clean_size;
    unsigned order_count;
};

static bool plan_segment(struct boot *boot, const struct boot_area *area, struct plan *plan)
{
    unsigned top = bits_log2_down(area->frame_count);

    plan->order_count = top < FRAMES_ORDER_COUNT ? top + 1 : FRAMES_ORDER_COUNT;
    plan->table_size = (area->frame_count + plan->order_count) * sizeof(struct frame);
    plan->clean_size = (area->frame_count + 63) / 64 * sizeof(uint64_t);
    plan->table = boot_cut(boot, plan->table_size);
    plan->tags = boot_cut(boot, area->frame_count * sizeof(uint32_t));
    plan->clean = boot_cut(boot, plan->clean_size);
    return plan->table != NULL && plan->tags != NULL && plan->clean != NULL;
}

static void build_segment(struct segment *segment, const struct boot_area *area,
                          const struct plan *plan, uint32_t first_number)
{
    uint32_t top_places = 1u << (plan->order_count - 1);

    segment->start = area->start;
    segment->frame_count = area->frame_count;
    segment->tags = plan->tags;
    segment->table = plan->table;
    segment->rings = plan->table + area->frame_count;
    segment->clean = plan->clean;
    segment->lead = (uint32_t)((uintptr_t)area->start / FRAME_SIZE & (top_places - 1));
    segment->reserved_count = (uint32_t)boot_cut_frames(area);
    segment->unclean_count = (uint32_t)area->frame_count - segment->reserved_count;
    segment->first_number = first_number;
    segment->order_count = plan->order_count;
    segment->rows = (struct rows){.least = UINT32_MAX};

    memset(plan->table, 0, plan->table_size);
    memset(plan->clean, 0, plan->clean_size);
    for (size_t i = 0; i < area->frame_count; i++)
        atomic_init(&plan->tags[i], 0);
    for (unsigned order = 0; order < plan->order_count; order++) {
        uint32_t ring = buddy_ring(segment, order);

        segment->table[ring].run = ring;
        segment->table[ring].state = frame_free_state(order, ring);
    }
    buddy_give_range(segment, segment->reserved_count, segment->unclean_count);
}

/* Frames and their segments from what was planned; nothing can fail any longer. */
static void build(struct frames *frames, const struct boot *boot, const struct plan *plans)
{
    uint32_t total = 0;

    frames->segment_count = boot->area_count;
    for (unsigned i = 0; i < boot->area_count; i++) {
        build_segment(&frames->segments[i], &boot->areas[i], &plans[i], total);
        total += (uint32_t)boot->areas[i].frame_count;
    }
}

/* All that a start cuts from the areas. */
struct start {
    struct frames *frames;
    size_t size;
    uint8_t *caches;
    unsigned cache_count;
    unsigned cache_blocks;
    bool threads;
    struct plan plans[FRAMES_AREAS_MAX];
    uint32_t total;
    uint32_t reserved;
};

static enum coffer_status plan_start(struct boot *boot, const struct frames_settings *settings,
                                     struct start *start)
{
    const struct coffer_port *port = settings->port;
    bool threads = port != NULL && port->thread_slot != NULL && port->thread_self != NULL &&
                   port->thread_yield != NULL;
    unsigned cache_blocks = threads ? settings->cache_frames : FRAME_CACHE_BLOCKS;

    if (settings->cache_frames > FRAMES_CACHE_MAX)
        return COFFER_MISUSE;
    *start = (struct start){
        .size = sizeof(struct frames) + boot->area_count * sizeof(struct segment),
        .cache_count = cache_blocks == 0 ? 0
                       : threads         ? PORT_SLOTS_MAX
                                         : FRAMES_ORDER_COUNT,
        .cache_blocks = cache_blocks,
        .threads = threads,
    };
    start->frames = boot_cut(boot, start->size);
    start->caches = boot_cut(boot, start->cache_count * frame_cache_size(cache_blocks));
    if (start->frames == NULL || start->caches == NULL)
        return COFFER_NO_MEMORY;
    for (unsigned i = 0; i < boot->area_count; i++) {
        if (!plan_segment(boot, &boot->areas[i], &start->plans[i]))
            return COFFER_NO_MEMORY;
    }
    for (unsigned i = 0; i < boot->area_count; i++) {
        start->total += (uint32_t)boot->areas[i].frame_count;
        start->reserved += (uint32_t)boot_cut_frames(&boot->areas[i]);
    }
    return start->reserved == start->total ? COFFER_NO_MEMORY : COFFER_OK;
}

enum coffer_status frames_measure(struct boot *boot, const struct frames_settings *settings,
                                  uint64_t *total, uint64_t *reserved)
{
    struct start start;
    enum coffer_status status = plan_start(boot, settings, &start);

    if (status != COFFER_OK)
        return status;
    *total = start.total;
    *reserved = start.reserved;
    return COFFER_OK;
}

enum coffer_status frames_start(struct boot *boot, const struct frames_settings *settings,
                                struct account *account, struct frames **out)
{
    struct frames *frames;
    struct start start;
    struct owner self;
    enum coffer_status status = plan_start(boot, settings, &start);

    if (status != COFFER_OK)
        return status;
    if (account_open_owner(account, "frames", &self) != COFFER_OK)
        return COFFER_NO_MEMORY;

    frames = start.frames;
    memset(frames, 0, start.size);
    frames->account = account;
    frames->port = start.threads ? settings->port : NULL;
    frames->caches = start.caches;
    frames->cache_count = start.cache_count;
    frames->cache_blocks = start.cache_blocks;
    frames->self = self;
    list_init(&frames->watch.askers);
    frames->keep_contents = settings->keep_contents;
    build(frames, boot, start.plans);
    frames_cache_init(frames);
    spin_init(&account->lock, frames->port);
    account->frames_total += start.total;
    account_take_frames(account, self, start.reserved, 0);
    frames_set_pace(frames);
    *out = frames;
    return COFFER_OK;
}
