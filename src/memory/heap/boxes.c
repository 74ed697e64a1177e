/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/boxes.h"

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/spin.h"
#include "memory/frames/kept.h"

#define GRANULE   8u  /* bytes: box sizes are multiples of it */
#define ALIGNMENT 16u /* of the first box */

struct coffer_boxes {
    uint8_t *base; /* of the first box */
    uint32_t size;
    uint32_t count;
    uint32_t inverse; /* of the odd part of `size` / GRANULE, see boxes_index */
    uint32_t shift;
    uint32_t used;
    uint32_t used_peak;
    struct bitmap free[2]; /* a bit a box, see `now` */
    unsigned now;          /* boxes are taken from free[now] and given to the other; when the first
                              is empty they change places: no box is taken again before all others
                              that were free, so that a stale free finds it free for long */
    struct spin lock;
    uint64_t allocations;
    uint64_t refusals;
    uint64_t wrong_frees;
    const char *name;
    void *region; /* NULL: frames */
    size_t region_size;
    struct frames *frames;
    void *keeper;
    uint64_t words[];
};

/* The number of the box that begins at an address; `count` or more if none does. As for spans: the
 * quotient of a division that must come out exact, by a multiplication. */
static inline uint32_t boxes_index(const struct coffer_boxes *boxes, const void *box)
{
    uint64_t offset = (uintptr_t)box - (uintptr_t)boxes->base;
    uint32_t product = (uint32_t)(offset / GRANULE) * boxes->inverse;
    uint32_t index = product >> boxes->shift | product << (-boxes->shift & 31);

    return (offset & (GRANULE - 1)) == 0 && offset / GRANULE <= UINT32_MAX ? index : UINT32_MAX;
}

static size_t head_size(uint64_t count)
{
    size_t size = sizeof(struct coffer_boxes) + 2 * bitmap_word_count(count) * sizeof(uint64_t);

    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* Boxes that `room` bytes hold with their head; none is 0. */
static uint64_t count_fitting(size_t room, size_t size)
{
    uint64_t count = room / size;

    if (count > BITMAP_BITS_MAX)
        count = BITMAP_BITS_MAX;
    /* A bit a box is what each costs, so a few steps are enough. */
    while (count > 0 && head_size(count) + count * size > room) {
        uint64_t excess = head_size(count) + count * size - room;

        count -= excess / size < count ? excess / size + 1 : count;
    }
    return count;
}

static void begin(struct coffer_boxes *boxes, const struct pool_host *host,
                  const struct coffer_boxes_settings *settings, size_t size, uint32_t count)
{
    uint32_t units = (uint32_t)(size / GRANULE);
    uint32_t odd = units >> bits_first(units);
    uint32_t x = odd * 3 ^ 2;

    wipe(boxes, head_size(count));
    for (unsigned bits = 5; bits < 32; bits *= 2)
        x *= 2 - odd * x;
    boxes->base = (uint8_t *)boxes + head_size(count);
    boxes->size = (uint32_t)size;
    boxes->count = count;
    boxes->inverse = x;
    boxes->shift = bits_first(units);
    boxes->name = settings->name != NULL ? settings->name : "boxes";
    boxes->region = settings->region;
    boxes->region_size = settings->region_size;
    boxes->frames = host->frames;
    spin_init(&boxes->lock, host->port);
    bitmap_init(&boxes->free[0], boxes->words, count);
    bitmap_init(&boxes->free[1], boxes->words + bitmap_word_count(count), count);
    for (uint32_t i = 0; i < count; i++)
        bitmap_add(&boxes->free[0], i);
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
    if (settings->count > BITMAP_BITS_MAX)
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

enum coffer_status coffer_box_alloc(struct coffer_boxes *boxes, void **out)
{
    uint32_t index;
    bool last;

    spin_take(&boxes->lock);
    if (bitmap_is_empty(&boxes->free[boxes->now])) {
        boxes->now ^= 1;
        if (bitmap_is_empty(&boxes->free[boxes->now])) {
            boxes->refusals++;
            spin_give(&boxes->lock);
            return COFFER_NO_MEMORY;
        }
    }
    index = bitmap_take_first(&boxes->free[boxes->now], &last);
    boxes->allocations++;
    if (++boxes->used > boxes->used_peak)
        boxes->used_peak = boxes->used;
    spin_give(&boxes->lock);
    *out = boxes->base + (size_t)index * boxes->size;
    return COFFER_OK;
}

static inline bool is_free(const struct coffer_boxes *boxes, uint32_t index)
{
    return bitmap_has(&boxes->free[0], index) || bitmap_has(&boxes->free[1], index);
}

enum coffer_status coffer_box_free(struct coffer_boxes *boxes, void *box)
{
    uint32_t index = boxes_index(boxes, box);

    spin_take(&boxes->lock);
    if (index >= boxes->count || is_free(boxes, index)) {
        boxes->wrong_frees++;
        spin_give(&boxes->lock);
        return COFFER_MISUSE;
    }
    bitmap_add(&boxes->free[boxes->now ^ 1], index);
    boxes->used--;
    spin_give(&boxes->lock);
    return COFFER_OK;
}

enum coffer_status coffer_box_clear(struct coffer_boxes *boxes, void *box)
{
    uint32_t index = boxes_index(boxes, box);
    bool used;

    spin_take(&boxes->lock);
    used = index < boxes->count && !is_free(boxes, index);
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
        .used = boxes->used,
        .used_peak = boxes->used_peak,
        .allocations = boxes->allocations,
        .refusals = boxes->refusals,
        .wrong_frees = boxes->wrong_frees,
    };
    spin_give(&boxes->lock);
}

bool boxes_is_valid(const struct coffer_boxes *boxes)
{
    for (uint32_t i = 0; i < boxes->count; i++) {
        if (bitmap_has(&boxes->free[0], i) && bitmap_has(&boxes->free[1], i))
            return false;
    }
    return bitmap_is_valid(&boxes->free[0], boxes->count) &&
           bitmap_is_valid(&boxes->free[1], boxes->count) &&
           bitmap_count(&boxes->free[0], boxes->count) +
                   bitmap_count(&boxes->free[1], boxes->count) ==
               boxes->count - boxes->used &&
           boxes->used <= boxes->used_peak && boxes->used_peak <= boxes->count;
}

void boxes_set_keeper(struct coffer_boxes *boxes, void *keeper)
{
    boxes->keeper = keeper;
}

void *boxes_keeper(const struct coffer_boxes *boxes)
{
    return boxes->keeper;
}
