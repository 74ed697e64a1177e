/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/boxes.h"

#include "base/bytes.h"
#include "base/exact.h"
#include "base/spin.h"
#include "memory/frames/kept.h"

#define GRANULE   8u  /* bytes: box sizes are multiples of it */
#define ALIGNMENT 16u /* of the first box */
#define COUNT_MAX ((uint64_t)1 << 30)

/* Links that lead to no box. */
#define BOX_USED UINT32_MAX       /* the box is allocated */
#define BOX_END  (UINT32_MAX - 1) /* there is no next one */

struct coffer_boxes {
    uint8_t *base; /* of the first box */
    struct exact by_size;
    uint64_t count;
    uint64_t size;
    uint32_t first; /* the box to take, or BOX_END; the others of its list follow */
    uint32_t freed; /* likewise of those that were freed since: taken when the others are used up */
    uint32_t fresh; /* the boxes from here on were never taken */
    struct spin lock;
    uint64_t used_peak;
    int64_t below_peak; /* by how much fewer are in use */
    uint64_t allocations;
    uint64_t refusals;
    uint64_t wrong_frees;
    const char *name;
    void *region; /* NULL: frames */
    size_t region_size;
    struct frames *frames;
    void *keeper;
    uint32_t links[]; /* one a box: BOX_USED; when it is free, the next one; 0 from `fresh` on */
};

/* The number of the box that begins at an address; `count` or more if none does. */
static inline uint64_t boxes_index(const struct coffer_boxes *boxes, const void *box)
{
    return exact_quotient(&boxes->by_size, (uintptr_t)box - (uintptr_t)boxes->base);
}

static size_t head_size(uint64_t count)
{
    size_t size = sizeof(struct coffer_boxes) + count * sizeof(uint32_t);

    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* Boxes that `room` bytes hold with their head; none is 0. */
static uint64_t count_fitting(size_t room, size_t size)
{
    uint64_t count;

    if (room < sizeof(struct coffer_boxes))
        return 0;
    count = (room - sizeof(struct coffer_boxes)) / (size + sizeof(uint32_t));
    if (count > COUNT_MAX)
        count = COUNT_MAX;
    /* What rounding the head up may take. */
    while (count > 0 && head_size(count) + count * size > room)
        count--;
    return count;
}

static void begin(struct coffer_boxes *boxes, const struct pool_host *host,
                  const struct coffer_boxes_settings *settings, size_t size, uint32_t count)
{
    wipe(boxes, head_size(count));
    boxes->base = (uint8_t *)boxes + head_size(count);
    boxes->by_size = exact_by(size);
    boxes->count = count;
    boxes->size = size;
    boxes->first = BOX_END;
    boxes->freed = BOX_END;
    boxes->name = settings->name != NULL ? settings->name : "boxes";
    boxes->region = settings->region;
    boxes->region_size = settings->region_size;
    boxes->frames = host->frames;
    spin_init(&boxes->lock, host->port);
}

static enum coffer_status open_region(const struct pool_host *host,
                                      const struct coffer_boxes_settings *settings, size_t size,
                                      struct coffer_boxes **out)
{
    uintptr_t region = (uintptr_t)settings->region;
    size_t lead = (size_t)(-region % ALIGNMENT);
    uint64_t count;

    if (UINTPTR_MAX - region < settings->region_size)
        return COFFER_MISUSE;
    if (settings->region_size <= lead)
        return COFFER_NO_MEMORY;
    count = count_fitting(settings->region_size - lead, size);
    if (count == 0)
        return COFFER_NO_MEMORY;
    *out = (struct coffer_boxes *)(void *)((uint8_t *)settings->region + lead);
    begin(*out, host, settings, size, (uint32_t)count);
    return COFFER_OK;
}

static enum coffer_status open_frames(const struct pool_host *host,
                                      const struct coffer_boxes_settings *settings, size_t size,
                                      struct coffer_boxes **out)
{
    uint64_t frames;
    void *first;
    uint32_t number;

    if (host->frames == NULL || settings->count == 0 || settings->region_size != 0 ||
        !account_has(host->account, host->owner))
        return COFFER_MISUSE;
    if (settings->count > COUNT_MAX)
        return COFFER_NO_MEMORY;
    frames = (head_size(settings->count) + (uint64_t)settings->count * size + FRAME_SIZE - 1) /
             FRAME_SIZE;
    if (frames > FRAMES_TOTAL_MAX ||
        !account_allows(host->account, host->owner, frames * FRAME_SIZE) ||
        frames_take_kept(host->frames, host->owner, frames, FRAMES_BLOCK, 0, &first) != COFFER_OK)
        return COFFER_NO_MEMORY;
    /* To pools the frames are those of another one: its name is the head's slot. */
    number = frames_number(host->frames, first);
    frames_tag_kept(host->frames, first, (uint32_t)frames,
                    number < FRAMES_TAG_KEPT / 64 ? number * 64 : 0);
    *out = first;
    begin(*out, host, settings, size, (uint32_t)settings->count);
    return COFFER_OK;
}

enum coffer_status boxes_open(const struct pool_host *host,
                              const struct coffer_boxes_settings *settings,
                              struct coffer_boxes **out)
{
    size_t size = (settings->box_size + GRANULE - 1) / GRANULE * GRANULE;

    if (settings->box_size == 0 || settings->box_size > BOXES_SIZE_MAX)
        return COFFER_MISUSE;
    return settings->region != NULL ? open_region(host, settings, size, out)
                                    : open_frames(host, settings, size, out);
}

void boxes_close(struct coffer_boxes *boxes)
{
    if (boxes->region != NULL)
        wipe(boxes->region, boxes->region_size);
    else
        frames_give_kept(boxes->frames, boxes);
}

/* When the list is empty: a box to take, or BOX_END. */
static uint32_t refill(struct coffer_boxes *boxes)
{
    uint32_t index = boxes->fresh;

    if (index < boxes->count) {
        boxes->fresh++;
        boxes->links[index] = BOX_END;
        return index;
    }
    index = boxes->freed;
    boxes->freed = BOX_END;
    return index;
}

__attribute__((noinline)) static enum coffer_status raise_peak(struct coffer_boxes *boxes)
{
    boxes->below_peak++;
    boxes->used_peak++;
    return COFFER_OK;
}

static inline enum coffer_status alloc(struct coffer_boxes *boxes, void **out)
{
    uint32_t index = boxes->first;

    if (index == BOX_END && (index = refill(boxes)) == BOX_END) {
        boxes->refusals++;
        return COFFER_NO_MEMORY;
    }
    boxes->first = boxes->links[index];
    boxes->links[index] = BOX_USED;
    boxes->allocations++;
    *out = boxes->base + index * boxes->size;
    return --boxes->below_peak < 0 ? raise_peak(boxes) : COFFER_OK;
}

/* The ways with a lock are out of line, so that without one the short ways save no registers. */
__attribute__((noinline)) static enum coffer_status alloc_locked(struct coffer_boxes *boxes,
                                                                 void **out)
{
    enum coffer_status status;

    spin_take(&boxes->lock);
    status = alloc(boxes, out);
    spin_give(&boxes->lock);
    return status;
}

enum coffer_status coffer_box_alloc(struct coffer_boxes *boxes, void **out)
{
    return spin_is_needed(&boxes->lock) ? alloc_locked(boxes, out) : alloc(boxes, out);
}

static inline bool is_used(const struct coffer_boxes *boxes, uint64_t index)
{
    return index < boxes->count && boxes->links[index] == BOX_USED;
}

static inline enum coffer_status free_index(struct coffer_boxes *boxes, uint64_t index)
{
    if (!is_used(boxes, index)) {
        boxes->wrong_frees++;
        return COFFER_MISUSE;
    }
    boxes->links[index] = boxes->freed;
    boxes->freed = (uint32_t)index;
    boxes->below_peak++;
    return COFFER_OK;
}

__attribute__((noinline)) static enum coffer_status free_locked(struct coffer_boxes *boxes,
                                                                void *box)
{
    enum coffer_status status;

    spin_take(&boxes->lock);
    status = free_index(boxes, boxes_index(boxes, box));
    spin_give(&boxes->lock);
    return status;
}

enum coffer_status coffer_box_free(struct coffer_boxes *boxes, void *box)
{
    return spin_is_needed(&boxes->lock) ? free_locked(boxes, box)
                                        : free_index(boxes, boxes_index(boxes, box));
}

enum coffer_status coffer_box_clear(struct coffer_boxes *boxes, void *box)
{
    bool used;

    spin_take(&boxes->lock);
    used = is_used(boxes, boxes_index(boxes, box));
    spin_give(&boxes->lock);
    if (!used)
        return COFFER_MISUSE;
    wipe(box, boxes->size);
    return COFFER_OK;
}

void coffer_boxes_statistics(struct coffer_boxes *boxes, struct coffer_boxes_statistics *out)
{
    spin_take(&boxes->lock);
    *out = (struct coffer_boxes_statistics){
        .name = boxes->name,
        .box_size = boxes->size,
        .count = boxes->count,
        .used = boxes->used_peak - (uint64_t)boxes->below_peak,
        .used_peak = boxes->used_peak,
        .allocations = boxes->allocations,
        .refusals = boxes->refusals,
        .wrong_frees = boxes->wrong_frees,
    };
    spin_give(&boxes->lock);
}

/* Count the boxes of a list; false when one can't be there. */
static bool count_list(const struct coffer_boxes *boxes, uint32_t first, uint64_t *count)
{
    for (uint32_t i = first; i != BOX_END; i = boxes->links[i]) {
        if (i >= boxes->fresh || boxes->links[i] == BOX_USED || ++*count > boxes->fresh)
            return false;
    }
    return true;
}

bool boxes_is_valid(const struct coffer_boxes *boxes)
{
    uint64_t used = boxes->used_peak - (uint64_t)boxes->below_peak;
    int lists = (boxes->first != BOX_END) + (boxes->freed != BOX_END);
    int ends = 0;
    uint64_t found = 0;
    uint64_t free = 0;

    if (boxes->below_peak < 0 || used > boxes->used_peak || boxes->used_peak > boxes->fresh ||
        boxes->fresh > boxes->count)
        return false;
    for (uint64_t i = 0; i < boxes->fresh; i++) {
        found += boxes->links[i] == BOX_USED;
        ends += boxes->links[i] == BOX_END;
    }
    for (uint64_t i = boxes->fresh; i < boxes->count; i++) {
        if (boxes->links[i] != 0)
            return false;
    }

    /* A list with an end meets no box twice, and two with an end each have none in common. So when
     * both are as long as they must be, each free box is in one of them. */
    return ends == lists && found == used && count_list(boxes, boxes->first, &free) &&
           count_list(boxes, boxes->freed, &free) && free == boxes->fresh - used;
}

void boxes_set_keeper(struct coffer_boxes *boxes, void *keeper)
{
    boxes->keeper = keeper;
}

void *boxes_keeper(const struct coffer_boxes *boxes)
{
    return boxes->keeper;
}
