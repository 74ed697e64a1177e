/* SPDX-License-Identifier: BSD-2-Clause */
/* The swap: slots, and pages on their way between frames and the medium. */
#include "swap/swap.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "swap/inside.h"

_Static_assert(SWAP_SLOT_SIZE == FRAME_SIZE, "a lane's buffer is a frame");
_Static_assert(BITMAP_BITS_MAX <= BACKING_NO_SLOT, "a slot's number fits");

#define SWAP_FRAME_TAG 3u /* in the place of a page's and a page table's */

static enum coffer_status reserve(void *context, uint32_t *slot)
{
    struct swap *swap = context;

    if (!bitmap_is_empty(&swap->released)) {
        bool empty;

        *slot = bitmap_take_first(&swap->released, &empty);
    } else if (swap->fresh < swap->slot_count) {
        *slot = swap->fresh++;
    } else {
        return COFFER_NO_SPACE;
    }
    (void)atomic_fetch_add_explicit(&swap->used, 1, memory_order_relaxed);
    return COFFER_OK;
}

static void release(void *context, uint32_t slot)
{
    struct swap *swap = context;

    assert_cheap(slot < swap->fresh && !bitmap_has(&swap->released, slot));
    bitmap_add(&swap->released, slot);
    (void)atomic_fetch_sub_explicit(&swap->used, 1, memory_order_relaxed);
}

static void count(void *context, uint64_t *slots, uint64_t *used)
{
    const struct swap *swap = context;

    *slots = swap->slot_count;
    *used = atomic_load_explicit(&swap->used, memory_order_relaxed);
}

/* The medium is somebody else's code and untrusted: of its errors only the kinds that paging knows
 * what to do with are passed on. Least of all may it say COFFER_CORRUPT: that is for the tag. */
static enum coffer_status medium_status(enum coffer_status status)
{
    return status == COFFER_OK || status == COFFER_NO_SPACE ? status : COFFER_IO;
}

static enum coffer_status write_page(void *context, uint32_t slot, const void *frame,
                                     uint64_t *stamp)
{
    struct swap *swap = context;
    struct lane *lane;
    uint64_t version;
    enum coffer_status status = lanes_next_version(&swap->lanes, &version);

    if (status != COFFER_OK)
        return status;
    lane = lanes_take(&swap->lanes);
    status = lane_seal(&swap->lanes, lane, slot, version, frame, swap->tags[slot]);
    if (status == COFFER_OK) {
        status = medium_status(swap->medium.write(
            swap->medium.context, (uint64_t)slot * SWAP_SLOT_SIZE, lane->buffer, SWAP_SLOT_SIZE));
    }
    lanes_give(&swap->lanes, lane);
    if (status == COFFER_OK)
        *stamp = version;
    return status;
}

static enum coffer_status read_page(void *context, uint32_t slot, uint64_t stamp, void *frame)
{
    struct swap *swap = context;
    struct lane *lane = lanes_take(&swap->lanes);
    enum coffer_status status;

    status = medium_status(swap->medium.read(swap->medium.context, (uint64_t)slot * SWAP_SLOT_SIZE,
                                             lane->buffer, SWAP_SLOT_SIZE));
    if (status == COFFER_OK)
        status = lane_unseal(&swap->lanes, lane, slot, stamp, frame, swap->tags[slot]);
    lanes_give(&swap->lanes, lane);
    if (status != COFFER_OK)
        wipe(frame, COFFER_PAGE_SIZE);
    return status;
}

static void free_block(struct swap *swap)
{
    struct memory *memory = swap->memory;
    struct owner owner = swap->owner;
    enum coffer_status status;

    wipe(swap, swap->size);
    status = frames_give(memory->frames, swap);
    if (status == COFFER_OK)
        status = account_close_owner(&memory->account, owner);
    assert_cheap(status == COFFER_OK);
    (void)status;
}

static void close_swap(void *context)
{
    struct swap *swap = context;

    lanes_fini(&swap->lanes);
    free_block(swap);
}

/* One run of frames: the swap, the words of its bitmap, the tags; then the buffers of its lanes. */
static enum coffer_status make_block(struct memory *memory, size_t pages, unsigned lanes,
                                     struct swap **out)
{
    size_t words = bitmap_word_count(pages) * sizeof(uint64_t);
    size_t tags = pages * CIPHER_GCM_TAG_SIZE;
    size_t buffers = (sizeof(struct swap) + words + tags + FRAME_SIZE - 1) / FRAME_SIZE *
                     FRAME_SIZE;
    size_t size = buffers + (size_t)lanes * SWAP_SLOT_SIZE;
    struct swap *swap;
    struct owner owner;
    void *frames;
    enum coffer_status status = account_open_owner(&memory->account, "swap", &owner);

    if (status != COFFER_OK)
        return status;
    status = frames_take(memory->frames, owner, size / FRAME_SIZE, &frames);
    if (status != COFFER_OK) {
        enum coffer_status closed = account_close_owner(&memory->account, owner);

        assert_cheap(closed == COFFER_OK);
        (void)closed;
        return status;
    }
    /* Marked: who has an address alone can't give them. */
    status = frames_set_tag(memory->frames, frames, size / FRAME_SIZE, SWAP_FRAME_TAG);
    assert_cheap(status == COFFER_OK);
    wipe(frames, size); /* frames aren't zero with `keep_contents` */
    swap = frames;
    swap->memory = memory;
    swap->owner = owner;
    swap->size = size;
    bitmap_init(&swap->released, (uint64_t *)(swap + 1), pages);
    swap->tags = (void *)((uint8_t *)(swap + 1) + words);
    for (unsigned i = 0; i < lanes; i++)
        swap->lanes.lane[i].buffer = (uint8_t *)frames + buffers + (size_t)i * SWAP_SLOT_SIZE;
    *out = swap;
    return COFFER_OK;
}

enum coffer_status swap_open(struct memory *memory, const struct coffer_port *port,
                             const struct coffer_swap_settings *settings, struct swap **out)
{
    struct swap *swap;
    enum coffer_status status;
    unsigned lanes;

    if (port == NULL || settings == NULL || settings->ciphers == NULL ||
        settings->medium.read == NULL || settings->medium.write == NULL || settings->pages == 0 ||
        settings->pages > BITMAP_BITS_MAX)
        return COFFER_MISUSE;
    if (settings->pages > SIZE_MAX / 2 / CIPHER_GCM_TAG_SIZE)
        return COFFER_NO_MEMORY;
    lanes = lanes_count_for(port);
    status = make_block(memory, settings->pages, lanes, &swap);
    if (status != COFFER_OK)
        return status;
    status = lanes_init(&swap->lanes, port, settings->ciphers, lanes);
    if (status != COFFER_OK) {
        free_block(swap);
        return status;
    }
    swap->medium = settings->medium;
    swap->slot_count = (uint32_t)settings->pages;
    atomic_init(&swap->used, 0);
    swap->backing = (struct backing){
        .context = swap,
        .reserve = reserve,
        .release = release,
        .write = write_page,
        .read = read_page,
        .count = count,
        .close = close_swap,
    };
    *out = swap;
    return COFFER_OK;
}

const struct backing *swap_backing(const struct swap *swap)
{
    return &swap->backing;
}

struct owner swap_owner(const struct swap *swap)
{
    return swap->owner;
}

bool swap_is_valid(const struct swap *swap)
{
    uint64_t released = bitmap_count(&swap->released, swap->slot_count);

    return bitmap_is_valid(&swap->released, swap->slot_count) && swap->fresh <= swap->slot_count &&
           released + atomic_load_explicit(&swap->used, memory_order_relaxed) == swap->fresh;
}
