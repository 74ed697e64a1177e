/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual spaces over the memory system of <coffer/memory.h>.
 *
 *   space     a range of addresses with regions in it: the kernel's, vmalloc's, users'
 *   region    a part of a space with one set of rights: anonymous memory, shared memory or a file
 *   page      4 KiB of a region; gets its frame when it is first touched, and may be evicted to
 *             the backing store when frames are short
 *   segment   pages that several regions can map: shared memory, or a file behind a pager
 *
 * With an MMU of the machine (on Linux: <coffer/linux_memory.h>) user addresses are plain pointers
 * and faults are real. With page tables in software addresses are numbers, spaces may have equal
 * ones, and coffer_space_read, _write and _fill are the loads and stores. Everything else is the
 * same, but for isolation: in software nothing reaches a space but by a call that names it. On
 * Linux it is as good as the code: <coffer/linux_memory.h> tells.
 *
 * Each call is all or nothing: when it fails, the space is as it was, where nothing else is said.
 * Addresses and sizes of map, unmap, protect, remap, pin, unpin and sync must be multiples of the
 * page size, sizes not 0; ranges must not wrap and must lie within the space.
 *
 * NULL        A call that returns a status answers COFFER_MISUSE, before anything is done, to NULL
 *             for a space, a memory system, settings, a map, a buffer, a body or an output. Closing
 *             NULL is nothing, a name may be NULL, and what returns no status needs what it is
 * given. Threads     as for <coffer/memory.h>. A space is closed, or cloned, while nobody runs in
 * it. Killed      A page that does not come back as it went (tampered with, swapped with another,
 *             rolled back) kills its space: every call on it then answers COFFER_CORRUPT, until it
 *             is closed. Nothing else is harmed.
 *
 * What the codes mean where a call says nothing else:
 *
 *   COFFER_MISUSE      an argument, or a range as above, is wrong; a call that changes a space, and
 *                      it is the kernel's or vmalloc's; or an access that rights forbid, which has
 *                      no code of its own
 *   COFFER_NO_MEMORY   frames are short, or the owner's quota is used up, though all was evicted
 *                      that could be; any call that makes or cuts regions may answer it
 *   COFFER_CORRUPT     the space is killed, or this call has met the page that kills it
 *
 * and where pages are *brought in*:
 *
 *   COFFER_NO_SPACE    room for them could only be made by evicting, and the backing store is full
 *   COFFER_IO          a page can't be read, or none of those that could make room be written
 *   any that a file's pager answers for its page (struct coffer_pager)
 */
#ifndef COFFER_SPACE_H
#define COFFER_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_PAGE_SIZE 4096u

/* Rights. Writing includes reading, and so does executing: there are machines that can't have it
 * otherwise. */
#define COFFER_READ    1u
#define COFFER_WRITE   2u
#define COFFER_EXECUTE 4u

struct coffer_space;
struct coffer_segment;

enum coffer_space_kind {
    COFFER_SPACE_KERNEL,  /* a linear window on all frames; one in a memory system */
    COFFER_SPACE_VMALLOC, /* scattered frames at contiguous addresses; one in a memory system */
    COFFER_SPACE_USER,
};

/* --- Spaces ------------------------------------------------------------------------------ */

struct coffer_space_settings {
    const char *name;          /* must outlive the space; NULL: "user" */
    struct coffer_owner owner; /* of its frames, page tables and records */

    /* The addresses. `base` 0 lets the MMU choose (in software: 64 KiB). A multiple of the page
     * size each. Required: `size`. */
    uintptr_t base;
    size_t size;

    /* The heap, which coffer_space_break moves: at the space's start. 0: no heap. What lies above
     * it is for maps whose address is chosen. */
    size_t heap_size;

    bool random; /* choose addresses at random (needs a port), not the lowest that fit */
};

/* A user space. COFFER_BUSY: the MMU can't have these addresses. */
COFFER_MUST_CHECK enum coffer_status coffer_space_open(struct coffer_memory *memory,
                                                       const struct coffer_space_settings *settings,
                                                       struct coffer_space **out);

/* Unmap and wipe all of it, with its swapped pages. NULL is nothing. Not for kernel and vmalloc. */
void coffer_space_close(struct coffer_space *space);

/* A copy, `name` as in the settings, with the same addresses (with an MMU of the machine: the same
 * layout at other addresses, see coffer_space_info.base), private pages shared until either side
 * writes. Pages are brought in if room is short, COFFER_BUSY as for coffer_space_open;
 * COFFER_NO_MEMORY also when a page has 65,535 sharers. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_clone(struct coffer_space *space, const char *name, struct coffer_space **out);

struct coffer_space *coffer_space_kernel(struct coffer_memory *memory);
struct coffer_space *coffer_space_vmalloc(struct coffer_memory *memory);

/* The space that an address belongs to: vmalloc's, the kernel's, or, where addresses are pointers,
 * a user's. NULL: a foreign address. */
struct coffer_space *coffer_space_of(struct coffer_memory *memory, uintptr_t address);

/* COFFER_OK, or why it was killed. */
COFFER_MUST_CHECK enum coffer_status coffer_space_status(struct coffer_space *space);

/* --- Regions ----------------------------------------------------------------------------- */

#define COFFER_MAP_FIXED    1u  /* exactly at `address`; what is mapped there goes */
#define COFFER_MAP_KEEP     2u  /* with FIXED: COFFER_EXISTS when anything is mapped there */
#define COFFER_MAP_SHARED   4u  /* clones share it instead of copying; segments always are */
#define COFFER_MAP_POPULATE 8u  /* give every page its frame now */
#define COFFER_MAP_PINNED   16u /* POPULATE, and never evict */

struct coffer_map {
    uintptr_t address; /* where, with FIXED; else a hint that is tried first, 0: none */
    size_t size;
    unsigned rights; /* 0: no access */
    unsigned flags;
    struct coffer_segment *segment; /* NULL: anonymous memory, zero at first */
    uint64_t offset;                /* in the segment; a multiple of the page size */
};

/* COFFER_NO_MEMORY: also when no gap is large enough. COFFER_EXISTS: see KEEP. COFFER_MISUSE: also
 * a segment of another memory system, a part that it hasn't, the right to write to a read-only
 * file. COFFER_IO: no random numbers, for a space that wants them. POPULATE and PINNED bring pages
 * in. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_map(struct coffer_space *space, const struct coffer_map *map, uintptr_t *address);

/* Whatever regions and parts of regions lie in the range; holes are fine. COFFER_NO_MEMORY: a
 * region would have to be cut in two. With the last region of a closed file its dirty pages are
 * written back; those that can't be are lost, which is only logged. */
COFFER_MUST_CHECK enum coffer_status coffer_space_unmap(struct coffer_space *space,
                                                        uintptr_t address, size_t size);

/* All of the range must be mapped: else COFFER_NOT_FOUND. COFFER_MISUSE: also the right to write to
 * a read-only file. COFFER_NO_MEMORY: as for unmap. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_protect(struct coffer_space *space, uintptr_t address, size_t size, unsigned rights);

#define COFFER_REMAP_MOVE  1u /* it may move when it can't grow in place */
#define COFFER_REMAP_FIXED 2u /* with MOVE: to *address, what is mapped there goes */

/* Change the size of a range within one region; contents stay. `*address` in: the target with
 * FIXED, which may not overlap the range; out: where it is now. COFFER_NOT_FOUND: the range isn't
 * within one region. COFFER_MISUSE: the heap; or a pinned range that is to grow or to move.
 * COFFER_NO_MEMORY: also when it can't grow in place and may not move, when no gap is large enough,
 * and past the end of a segment. COFFER_IO: as for map. */
COFFER_MUST_CHECK enum coffer_status coffer_space_remap(struct coffer_space *space,
                                                        uintptr_t old_address, size_t old_size,
                                                        size_t new_size, unsigned flags,
                                                        uintptr_t *address);

/* Move the end of the heap to `wanted` (any address in it; pages are rounded up inside) and tell
 * it; 0 only asks. COFFER_NO_MEMORY beyond the heap's size or into a region, COFFER_MISUSE below
 * its start. Pages above are gone. */
COFFER_MUST_CHECK enum coffer_status coffer_space_break(struct coffer_space *space,
                                                        uintptr_t wanted, uintptr_t *now);

/* Every page in the range is brought in and keeps its frame until it is unpinned as often as it was
 * pinned. Pinned pages may be handed to the operating system; others may not (a fault inside of a
 * system call is an error there). COFFER_NOT_FOUND: not all mapped. COFFER_NO_MEMORY: also 65,535
 * pins. */
COFFER_MUST_CHECK enum coffer_status coffer_space_pin(struct coffer_space *space, uintptr_t address,
                                                      size_t size);

/* Once for every page in the range, however it was divided when it was pinned. COFFER_NOT_FOUND:
 * not all mapped; COFFER_MISUSE: not all pinned; COFFER_NO_MEMORY: as for unmap. */
COFFER_MUST_CHECK enum coffer_status coffer_space_unpin(struct coffer_space *space,
                                                        uintptr_t address, size_t size);

/* Write the pages of files in the range that are dirty now back to their pagers; pinned ones aren't
 * mapped meanwhile. Holes are fine. COFFER_IO, _NO_SPACE, _NO_MEMORY: what a pager said first; the
 * pages of that region that could not be written stay dirty, the regions above it are as they were.
 */
COFFER_MUST_CHECK enum coffer_status coffer_space_sync(struct coffer_space *space,
                                                       uintptr_t address, size_t size);

/* --- Access ------------------------------------------------------------------------------ */

/* Checked copies from and to a space: rights are checked, pages are brought in as needed. All of
 * the range is checked for regions and rights before the first byte moves. COFFER_NOT_FOUND: not
 * all mapped; COFFER_MISUSE: rights, or `buffer` lies in a space of any memory system in the
 * program (this one's blocks of coffer_vmalloc are fine). When a page can't be brought in, what was
 * copied by then stays copied. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_read(struct coffer_space *space, uintptr_t address, void *buffer, size_t size);
COFFER_MUST_CHECK enum coffer_status
coffer_space_write(struct coffer_space *space, uintptr_t address, const void *buffer, size_t size);
COFFER_MUST_CHECK enum coffer_status
coffer_space_fill(struct coffer_space *space, uintptr_t address, uint8_t value, size_t size);

/* What an MMU calls on a fault: bring the page in and make it accessible. `access` is COFFER_READ,
 * _WRITE or _EXECUTE. May wait. COFFER_NOT_FOUND: nothing is mapped; COFFER_MISUSE: rights. */
COFFER_MUST_CHECK enum coffer_status coffer_space_fault(struct coffer_space *space,
                                                        uintptr_t address, unsigned access);

/* Run `body` in the calling thread, with the space active. When an access in it to this space is
 * refused (nothing mapped, no rights, killed, no memory), `body` is left at that point, as if by
 * longjmp, and the answer is that of coffer_space_fault. Any other bad access is none of its
 * business: where NULL or a space that isn't entered is touched in vain, that ends the program as
 * it would anywhere. `body` must not be left in another way but by its end. Software: only calls
 * `body`. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_enter(struct coffer_space *space, void (*body)(void *argument), void *argument);

/* --- Segments ---------------------------------------------------------------------------- */

/* A file's pages, for a segment. Called outside of all locks, from any thread, one call for a page
 * at a time. `page` has COFFER_PAGE_SIZE bytes; what lies behind a file's end reads as zeros. They
 * answer COFFER_OK, _IO, _NO_SPACE, _NO_MEMORY, and `read` also COFFER_CORRUPT, which kills the
 * spaces that touched the page; anything else is taken for COFFER_IO. */
struct coffer_pager {
    void *context;
    enum coffer_status (*read)(void *context, uint64_t index, void *page);
    enum coffer_status (*write)(void *context, uint64_t index,
                                const void *page); /* NULL: read only */
    /* The segment is gone. May be NULL. */
    void (*close)(void *context);
};

/* `size` bytes to map, which are rounded up to pages; `pager` (copied) NULL: shared memory, zero at
 * first. It lives until it is closed and the last region of it is unmapped. COFFER_MISUSE: no size,
 * a pager that can't read, no such owner. COFFER_NO_MEMORY: also for more than 2^32 pages. */
COFFER_MUST_CHECK enum coffer_status coffer_segment_open(struct coffer_memory *memory,
                                                         struct coffer_owner owner, uint64_t size,
                                                         const struct coffer_pager *pager,
                                                         struct coffer_segment **out);

/* Writes a file's dirty pages back. COFFER_IO, _NO_SPACE, _NO_MEMORY: not all could be; it is
 * closed all the same. If nothing maps it any more they are lost; else they are tried once more
 * when the last region goes (see coffer_space_unmap), as are pages that get dirty later. Segments
 * that are open when the memory system is closed are written back then, and only a log tells how it
 * went. */
COFFER_MUST_CHECK enum coffer_status coffer_segment_close(struct coffer_segment *segment);

/* Does any region map it? */
bool coffer_segment_is_mapped(struct coffer_segment *segment);

/* --- The kernel's side ------------------------------------------------------------------- */

/* Contiguous addresses in vmalloc's space on scattered frames, resident and zeroed. With an MMU of
 * the machine the address is a pointer. Brings pages in; COFFER_NO_MEMORY: also without addresses
 * left. */
COFFER_MUST_CHECK enum coffer_status coffer_vmalloc(struct coffer_memory *memory, size_t size,
                                                    uintptr_t *address);
/* COFFER_MISUSE: not the address of a coffer_vmalloc. */
COFFER_MUST_CHECK enum coffer_status coffer_vfree(struct coffer_memory *memory, uintptr_t address);

/* Evict pages until `frames` are free that weren't. How many became so: fewer if no more can go. */
size_t coffer_reclaim(struct coffer_memory *memory, size_t frames);

/* --- Backing store ----------------------------------------------------------------------- */

#define COFFER_SWAP_SLOT_SIZE COFFER_PAGE_SIZE

/* Where evicted pages are kept, sealed: untrusted. Whole slots are read and written. Called outside
 * of all locks, from any thread, one call for a slot at a time. */
struct coffer_swap_medium {
    void *context;
    enum coffer_status (*read)(void *context, uint64_t offset, void *bytes, size_t size);
    enum coffer_status (*write)(void *context, uint64_t offset, const void *bytes, size_t size);
};

struct coffer_swap_settings {
    const struct coffer_ciphers *ciphers; /* required */
    struct coffer_swap_medium medium;     /* both required */
    size_t pages;                         /* that it holds; 1 to 2^30. Price: 129 bits each, and 56
                                             bytes for each page that exists, of secure memory */
};

/* Give the memory system (opened with a port) a place to evict anonymous pages to: AES-128-GCM with
 * a random key that never leaves secure memory; a page's slot and its version are bound in, and the
 * version is kept in secure memory. Once, before pages are evicted: else COFFER_EXISTS.
 * COFFER_MISUSE: the memory system has no port, no ciphers, half a medium, no pages or too many.
 * COFFER_NO_MEMORY: its price can't be paid, or the port or the ciphers have no room for their
 * part. COFFER_IO: no random numbers. COFFER_UNSUPPORTED: the ciphers can't AES-128-GCM. */
COFFER_MUST_CHECK enum coffer_status coffer_swap_open(struct coffer_memory *memory,
                                                      const struct coffer_swap_settings *settings);

/* --- Seeing it --------------------------------------------------------------------------- */

struct coffer_page_info {
    bool mapped;                /* there is a region */
    unsigned rights;            /* the region's */
    bool resident;              /* it has a frame */
    bool swapped;               /* its contents are in the backing store only */
    bool dirty, pinned, shared; /* shared: with a clone, or a segment's */
    void *frame;                /* resident: its address in the linear window ("physical") */
};

/* The page under an address. Nothing is mapped there: COFFER_OK, and `mapped` is false. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_query(struct coffer_space *space, uintptr_t address, struct coffer_page_info *out);

/* The reverse: the lowest address in the space that a frame's page is mapped at. COFFER_NOT_FOUND
 * if it is mapped nowhere. */
COFFER_MUST_CHECK enum coffer_status coffer_space_address_of(struct coffer_space *space,
                                                             const void *frame, uintptr_t *address);

struct coffer_region_info {
    uintptr_t address;
    size_t size;
    unsigned rights;
    bool heap, shared, file, pinned;
};

/* The region that begins at or after `address`. COFFER_NOT_FOUND: no more. */
COFFER_MUST_CHECK enum coffer_status
coffer_space_region(struct coffer_space *space, uintptr_t address, struct coffer_region_info *out);

struct coffer_space_info {
    const char *name;
    enum coffer_space_kind kind;
    struct coffer_owner owner;
    uintptr_t base;
    size_t size;
    uintptr_t heap_start, heap_break;
    size_t regions, mapped;           /* mapped: bytes */
    size_t resident, swapped, pinned; /* pages */
    size_t table_frames;
    uint64_t faults, zero_fills, copies, page_ins, page_outs; /* of this space; copies: on write */
    enum coffer_status status;
};

void coffer_space_info(struct coffer_space *space, struct coffer_space_info *out);

/* The space after `previous` (NULL: the first, the kernel's; NULL: there are no more). Nobody
 * opens, clones or closes spaces meanwhile: that is the caller's to see to. */
struct coffer_space *coffer_space_next(struct coffer_memory *memory, struct coffer_space *previous);

struct coffer_paging_statistics {
    uint64_t active, inactive, pinned; /* pages with frames that may be evicted, by list; or not */
    uint64_t swapped;                  /* pages in the backing store only */
    uint64_t slots, slots_used;        /* of the backing store */
    uint64_t faults, soft_faults, zero_fills, copies, page_ins, page_outs, page_drops;
    uint64_t scanned, second_chances, reclaims, out_errors, corrupt_pages, waits;
    uint64_t table_frames, table_reserve;
};

void coffer_paging_statistics(struct coffer_memory *memory, struct coffer_paging_statistics *out);

#ifdef __cplusplus
}
#endif

#endif
