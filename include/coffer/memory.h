/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory system: frames, pools and boxes in pieces of memory that the caller gives. Virtual
 * spaces and paging over it: <coffer/space.h>.
 *
 *   frames   physical memory in units of 4 KiB: a buddy allocator for runs of any length
 *   pools    blocks of any size: alloc, free, realloc, aligned; two policies
 *   boxes    blocks of one size
 *
 * Everything lives inside the areas given at open; nothing else is ever allocated, but that an MMU
 * of the machine may keep a little of its own outside (on Linux two bits a page). Metadata lies
 * beside blocks, never in them: what is written through a stale pointer to a free block can't harm
 * the allocators, and every wrong free (double, stale, foreign, interior, forged) is refused with
 * COFFER_MISUSE and counted. What is written beyond a block's end can: descriptors lie in frames
 * between those of blocks (in a little pool and in boxes, in front of all blocks). Blocks whose
 * descriptor was overwritten are refused, and coffer_pool_check tells; no more is promised.
 *
 * Outputs are written on success only. Sizes are bytes where nothing else is said.
 *
 * NULL        A call that returns a status answers COFFER_MISUSE to NULL for a memory system,
 *             settings, a configuration, a name or an output, where nothing else is said. Closing
 *             NULL is nothing. Two kinds of calls check none of that, and need what they are given:
 *             those on an open pool or boxes, which are short, and those that return no status.
 *
 * Threads     With a port that has threads every call may come from any thread, but for opening and
 *             closing the memory itself; a thing is closed when no call on it, or with it, is under
 *             way. Pools and boxes may be opened at once: of two for one region the first gets it.
 *             Without a port, or with one without threads, all calls come from one thread.
 * Lifetime    Closing the memory closes everything in it. A region must stay until the pool or the
 *             boxes in it are closed.
 */
#ifndef COFFER_MEMORY_H
#define COFFER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/area.h"
#include "coffer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_FRAME_SIZE       4096u
#define COFFER_ORDER_COUNT      11u /* free blocks of 2^0 .. 2^10 frames */
#define COFFER_MEMORY_AREAS_MAX 8u

struct coffer_memory; /* a memory system */
struct coffer_mmu;    /* a memory management unit, made by a port; see <coffer/space.h> */

enum coffer_pressure {
    COFFER_PRESSURE_OVER, /* there are as many free frames as the high watermark again */
    COFFER_PRESSURE_LOW,  /* fewer free frames than the low watermark */
    COFFER_PRESSURE_NONE, /* an allocation is about to fail for want of frames */
};

/* The configuration. Zero is the default of every optional field. */
struct coffer_memory_config {
    /* 1 to COFFER_MEMORY_AREAS_MAX areas of any address and size that don't overlap; the memory
     * system alone uses them until it is closed, which wipes them. Required. Price: metadata, about
     * 0.3 % of them and two or three frames: 3 or 4 of the 256 frames of 1 MiB. */
    const struct coffer_area *areas;
    size_t area_count;

    /* The machine. Default: none, and then there is one thread, no randomness and no log. Price of
     * one with threads: a lock for each call that the caches of the threads don't answer. */
    const struct coffer_port *port;

    /* Default: page tables in software, and spaces that are reached by coffer_space_read and
     * _write only. */
    const struct coffer_mmu *mmu;

    /* Don't wipe frames that are given back. Price of the default: about 50 ns a frame. */
    bool keep_contents;

    /* Single frames that each thread may keep for itself. Unit: frames. Range: 0 to 256. Default 0.
     * Price: frames that others get only when there are no others. */
    unsigned frame_cache;

    /* Frames that only page tables may use, so that a page fault can always be answered. Unit:
     * frames. Default: 4, and one more for each 256 frames of memory; at most half of it. */
    size_t table_reserve;

    /* Watermarks. Unit: free frames. Below `low`, spaces are asked for pages and `pressure` is
     * called; as soon as there are `high` again it ends. Default: `low` is 1/32 of memory, or
     * `high` if that is less; `high` is twice `low`, or `low` if that is over 1/4 of memory.
     * COFFER_MISUSE: `low` above `high`, or that above all there is. */
    size_t low;
    size_t high;

    /* Told of pressure, outside of all locks; it may give memory back (and should, at
     * COFFER_PRESSURE_NONE: the allocation is then tried again if it returns true, and so on as
     * long as more becomes free), and may allocate nothing. Default: nobody is told. */
    bool (*pressure)(void *context, enum coffer_pressure level);
    void *pressure_context;

    /* Pages that are evicted in one go. Range: 1 to 64. Default: 16. Price: 64 bytes each; more
     * mean fewer, longer pauses. */
    unsigned evict_batch;

    /* What the port knows of the areas, for the statistics. */
    bool locked; /* they stay in RAM */
    bool secret; /* they are hidden from the kernel's own mappings, too */

    /* Called by coffer_memory_close when all is over, the areas included. Default: nothing. */
    void (*release)(void *context);
    void *release_context;
};

/* Open a memory system. COFFER_MISUSE: areas that overlap, none, too many. COFFER_NO_MEMORY: too
 * little for what is asked; the areas are then unused again, wiped as far as they were begun. */
COFFER_MUST_CHECK enum coffer_status coffer_memory_open(const struct coffer_memory_config *config,
                                                        struct coffer_memory **out);

/* Close everything that is open in it and wipe the areas. NULL is nothing. */
void coffer_memory_close(struct coffer_memory *memory);

/* --- Owners ------------------------------------------------------------------------------ */

/* Who is charged: a component or a trusted application. Zero-initialised, it is the memory system's
 * own "system". */
struct coffer_owner {
    uint8_t index;
};

/* `name` must outlive the owner. COFFER_NO_MEMORY: as many are open as there can be, 63 with those
 * that the memory system has for itself: three, and one more with a swap. */
COFFER_MUST_CHECK enum coffer_status coffer_owner_open(struct coffer_memory *memory,
                                                       const char *name, struct coffer_owner *out);

/* COFFER_BUSY while it holds frames, or a pool, boxes, a space or a segment of it is open. */
COFFER_MUST_CHECK enum coffer_status coffer_owner_close(struct coffer_memory *memory,
                                                        struct coffer_owner owner);

/* It may hold at most `frames` frames from now on; UINT64_MAX: any number. What it holds already
 * stays. */
COFFER_MUST_CHECK enum coffer_status
coffer_owner_set_quota(struct coffer_memory *memory, struct coffer_owner owner, uint64_t frames);

/* --- Frames ------------------------------------------------------------------------------ */

/*
 * `count` (> 0) contiguous frames, zeroed (unless keep_contents), with one reference, at an address
 * that is a multiple of `alignment` frames (a power of two; 0 and 1: any frame). A run that is no
 * power of two costs no more than its frames. COFFER_NO_MEMORY, also beyond the owner's quota.
 */
COFFER_MUST_CHECK enum coffer_status coffer_frames_take(struct coffer_memory *memory,
                                                        struct coffer_owner owner, size_t count,
                                                        size_t alignment, void **out);

/* One reference more or fewer; the address is that of the run's first frame. With the last one the
 * run is wiped and free. COFFER_MISUSE when there is no run that begins there. */
COFFER_MUST_CHECK enum coffer_status coffer_frames_hold(struct coffer_memory *memory,
                                                        void *address);
COFFER_MUST_CHECK enum coffer_status coffer_frames_give(struct coffer_memory *memory,
                                                        void *address);

enum coffer_frame_state {
    COFFER_FRAME_FOREIGN,  /* no memory of ours */
    COFFER_FRAME_RESERVED, /* the memory system's metadata */
    COFFER_FRAME_FREE,
    COFFER_FRAME_USED,
};

struct coffer_frame {
    enum coffer_frame_state state;
    struct coffer_owner owner; /* used: whose */
    uint32_t references;       /* used: of its run */
    uint32_t run;              /* used: frames in its run */
    uint32_t offset;           /* used: its place in the run */
    unsigned order;            /* free: of the block that begins here */
};

/* What the frame under any address is. */
void coffer_frames_query(struct coffer_memory *memory, const void *address,
                         struct coffer_frame *out);

/* --- Pools ------------------------------------------------------------------------------- */

struct coffer_pool;

enum coffer_pool_policy {
    COFFER_POOL_FAST,   /* spans of equal blocks for small sizes, two-level segregated fit above,
                           whole frames for the largest: constant time, for pools of any size;
                           where frames are few small blocks are fitted side by side */
    COFFER_POOL_LITTLE, /* best fit with the least overhead, for regions of up to 64 KiB */
};

struct coffer_pool_settings {
    const char *name; /* for people; must outlive the pool. NULL: "pool" */
    enum coffer_pool_policy policy;
    struct coffer_owner owner; /* of the frames it takes */

    /* A pool in a fixed region of any address and size: nothing outside of it is touched. It must
     * stay until the pool is closed. NULL: the pool lives in frames of the memory. A little pool
     * needs a region. */
    void *region;
    size_t region_size;

    /* With a region: take frames of the memory when the region is full, and give them back when
     * they are free again. Without one that goes without saying. */
    bool expand;
    size_t frames_max; /* at most so many frames of the memory. 0, the default: any number */

    /* What it does for safety; each has its price in docs/MEMORY.md. */
    bool zero;         /* wipe blocks when they are freed; allocated ones are then always zero */
    bool poison;       /* fill freed blocks with COFFER_POOL_POISON (not with `zero`), and tell by
                          `poisoned` in the statistics of ones that were written while free */
    size_t quarantine; /* blocks that are kept from reuse after their free; 0 to 65,536 */
    bool random;       /* blocks in random order within a span (needs a port) */
    bool guards;       /* a free frame around each block of whole frames */
};

#define COFFER_POOL_POISON 0xDBu
/* In bytes: of every block whose size, as it was asked for, is a multiple of it, as the size of a
 * type with that alignment is. Others lie at multiples of COFFER_POOL_ALIGNMENT_LEAST. */
#define COFFER_POOL_ALIGNMENT       16u
#define COFFER_POOL_ALIGNMENT_LEAST 8u

/* `memory` may be NULL for a pool in a region that doesn't expand; it then has no port. A region
 * must not overlap another pool's region in this memory, nor memory in use (COFFER_EXISTS).
 * COFFER_NO_MEMORY: too small. COFFER_MISUSE: settings that don't go together; or the region lies
 * in a user's space that is reached by pointers, whose pages come and go. */
COFFER_MUST_CHECK enum coffer_status coffer_pool_open(struct coffer_memory *memory,
                                                      const struct coffer_pool_settings *settings,
                                                      struct coffer_pool **out);

/* Blocks that are still allocated go with it. NULL is nothing, and neither is the memory's own
 * pool: that stays. */
void coffer_pool_close(struct coffer_pool *pool);

/* An expanding pool, or one without a region, may hold at most `frames` frames of the memory from
 * now on; UINT64_MAX: any number; 0: no more (not, as in the settings, the default). What it holds
 * already stays. COFFER_MISUSE: it doesn't expand. */
COFFER_MUST_CHECK enum coffer_status coffer_pool_set_frames_max(struct coffer_pool *pool,
                                                                uint64_t frames);

/* A block of at least `size` (> 0) bytes; its contents are anything, or zero with the option `zero`
 * and by alloc_zeroed. COFFER_NO_MEMORY; COFFER_MISUSE for no bytes. */
COFFER_MUST_CHECK enum coffer_status coffer_pool_alloc(struct coffer_pool *pool, size_t size,
                                                       void **out);
COFFER_MUST_CHECK enum coffer_status coffer_pool_alloc_zeroed(struct coffer_pool *pool, size_t size,
                                                              void **out);

/* At a multiple of `alignment`, a power of two of any size. The slack isn't lost. */
COFFER_MUST_CHECK enum coffer_status
coffer_pool_alloc_aligned(struct coffer_pool *pool, size_t size, size_t alignment, void **out);

/* The block with a new size (> 0), in place where that can be; the first bytes of it stay as they
 * are, and so does its alignment (an aligned block stays as aligned as it was asked to be). NULL is
 * an allocation. On failure the old block stays. COFFER_MISUSE as for free. */
COFFER_MUST_CHECK enum coffer_status coffer_pool_realloc(struct coffer_pool *pool, void *block,
                                                         size_t size, void **out);

/* COFFER_MISUSE, counted, when it isn't the address of an allocated block of this pool. */
COFFER_MUST_CHECK enum coffer_status coffer_pool_free(struct coffer_pool *pool, void *block);

/* Bytes that an allocated block can hold; 0 for any other address. */
size_t coffer_pool_usable_size(struct coffer_pool *pool, const void *block);

/* A block of so many bytes can be allocated by this thread now; 0: none, or it can't be told. What
 * lies in quarantine counts as free, as an allocation that finds nothing else takes it back. With
 * the little policy no larger one can be had; with the fast one perhaps, also by expanding. With a
 * quarantine it looks at all blocks of patches and areas. */
size_t coffer_pool_largest_free(struct coffer_pool *pool);

/* Give back what can be given back: magazines, empty spans, patches and areas. How many frames it
 * were. */
size_t coffer_pool_shrink(struct coffer_pool *pool);

struct coffer_pool_statistics {
    const char *name;
    enum coffer_pool_policy policy;
    uint64_t size;            /* bytes that the pool holds, its metadata included */
    uint64_t used, used_peak; /* bytes in allocated blocks, at what they can hold */
    uint64_t free;            /* bytes in free blocks */
    uint64_t blocks, free_blocks;
    uint64_t allocations, frees, refusals; /* since it was opened */
    uint64_t wrong_frees;                  /* refused */
    uint64_t poisoned;                     /* free blocks that were found written to */
    uint64_t spans, areas, frames;         /* areas: and patches; frames: of the memory */
    uint64_t magazines; /* bytes in free blocks that threads keep for themselves */
};

/* Consistent when no other thread is in a call on the pool. */
void coffer_pool_statistics(struct coffer_pool *pool, struct coffer_pool_statistics *out);

/* Does all of the pool's metadata hold together? A broken pool is reported, never a trap;
 * `problem` (may be NULL) is told what, in a few words. Walks everything. */
bool coffer_pool_check(struct coffer_pool *pool, const char **problem);

/* Every block, allocated and free, in order of address within each part of the pool. `visit`
 * returns false to stop; it must not call the pool. */
void coffer_pool_walk(struct coffer_pool *pool,
                      bool (*visit)(void *context, const void *block, size_t size, bool used),
                      void *context);

/* The memory's own pool, for whoever wants none of their own: fast, charged to "system". Small
 * sizes come from spans, large ones straight from frames. */
struct coffer_pool *coffer_memory_pool(struct coffer_memory *memory);

/* --- Boxes ------------------------------------------------------------------------------- */

struct coffer_boxes;

struct coffer_boxes_settings {
    const char *name; /* as for pools; NULL: "boxes" */
    struct coffer_owner owner;
    size_t box_size; /* 1 .. 1 MiB; rounded up to a multiple of 8, which is the alignment
                        (16 for multiples of 16) */
    void *region;    /* as for pools; NULL: frames of the memory for `count` boxes */
    size_t region_size;
    size_t count; /* without a region */
};

/* As many boxes as the region holds, or `count`. `memory` may be NULL with a region. Errors as for
 * pools. */
COFFER_MUST_CHECK enum coffer_status coffer_boxes_open(struct coffer_memory *memory,
                                                       const struct coffer_boxes_settings *settings,
                                                       struct coffer_boxes **out);
void coffer_boxes_close(struct coffer_boxes *boxes);

COFFER_MUST_CHECK enum coffer_status coffer_box_alloc(struct coffer_boxes *boxes, void **out);
COFFER_MUST_CHECK enum coffer_status coffer_box_free(struct coffer_boxes *boxes, void *box);
/* Zero an allocated box. COFFER_MISUSE for any other address; nothing is written. */
COFFER_MUST_CHECK enum coffer_status coffer_box_clear(struct coffer_boxes *boxes, void *box);

struct coffer_boxes_statistics {
    const char *name;
    size_t box_size; /* usable bytes */
    uint64_t count, used, used_peak, allocations, refusals, wrong_frees;
};

void coffer_boxes_statistics(struct coffer_boxes *boxes, struct coffer_boxes_statistics *out);

/* --- Seeing it --------------------------------------------------------------------------- */

struct coffer_memory_statistics {
    uint64_t total, reserved, free, used; /* frames; reserved: metadata, in no other number */
    uint64_t used_peak;
    uint64_t cached;      /* of the free ones, set aside for the next takes of their size */
    uint64_t largest_run; /* frames in the largest run that can be had */
    uint64_t free_blocks[COFFER_ORDER_COUNT];
    uint64_t wrong_frees; /* of frames */
    uint64_t low, high;   /* the watermarks */
    uint64_t low_events;  /* times that free frames fell below `low` */
    unsigned segments, owners, pools, spaces;
    bool locked; /* the areas are locked into RAM; as the port said */
    bool secret; /* the areas are hidden from the kernel's own mappings; likewise */
};

void coffer_memory_statistics(struct coffer_memory *memory, struct coffer_memory_statistics *out);

struct coffer_owner_statistics {
    const char *name;
    struct coffer_owner owner;
    uint64_t frames, frames_peak, quota; /* quota: UINT64_MAX is none */
    uint64_t takes, gives, refusals;     /* of frames */
};

/* The owner after `*cursor` (0 at first), which is moved on; false behind the last. */
bool coffer_memory_next_owner(struct coffer_memory *memory, unsigned *cursor,
                              struct coffer_owner_statistics *out);

/* The pool after `previous` (NULL: the first); NULL behind the last. Nobody may open or close pools
 * meanwhile. */
struct coffer_pool *coffer_memory_next_pool(struct coffer_memory *memory,
                                            struct coffer_pool *previous);

/* The trimmed areas, for walks with coffer_frames_query; false behind the last index. */
bool coffer_memory_area(struct coffer_memory *memory, unsigned index, struct coffer_area *out);

#ifdef __cplusplus
}
#endif

#endif
