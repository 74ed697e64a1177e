/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces: regions over pages (memory/paging) and the MMU. The calls are those of <coffer/space.h>;
 * this header is for the files of this folder and for memory/system.
 *
 *   spaces.c    all of them: opening and closing, the list, address lookup
 *   kernel.c    the kernel's space and vmalloc's; start and end
 *   change.c    what calls that change regions have in common, so that they do all or nothing
 *   map.c       map and unmap
 *   place.c     where a map goes, and whose pages it gets
 *   protect.c   protect
 *   remap.c     remap
 *   break.c     the heap
 *   pin.c       pin and unpin
 *   fault.c     from an access to a mapped page; killed spaces
 *   copy.c      read, write, fill
 *   clone.c     clone
 *   segment.c   shared memory and files
 *   look.c      seeing it
 *   valid.c     are the invariants true?
 *
 * Invariants (besides R1 to R3 of the regions)
 *   M1 A page is mapped only inside a region of its space, to the frame that the region's object
 *      has for it, with no more than the region's rights, and not writable while its frame is
 *      shared with a clone.
 *   M2 Each region of an object is on the object's list once and holds it once; nothing else is on
 *      that list but regions that are leaving.
 *   M3 A page of an object that is neither a segment's nor shared is in one region at most, and
 *      absent when it is in none. So what lies next to a region in its object is fresh.
 *   M4 While a region is pinned all its pages are resident, pinned, mapped (but for the moment that
 *      a file's page is written back), and not shared with a clone.
 *   M5 A killed space maps nothing.
 *   M6 The heap's end lies in the heap: heap_start <= heap_break <= heap_end.
 *
 * Locking: the paging lock, for everything. A call gathers all that can fail, then changes regions
 * and mappings in one go with the lock held. What takes time (forgetting pages, which may wait for
 * some in transit) comes last and can't fail.
 */
#ifndef COFFER_MEMORY_SPACE_SPACE_H
#define COFFER_MEMORY_SPACE_SPACE_H

#include "base/list.h"
#include "coffer/space.h"
#include "memory/memory.h"
#include "memory/paging/object.h"
#include "memory/paging/paging.h"
#include "memory/space/mmu.h"
#include "memory/space/regions.h"

#define PAGE ((uintptr_t)COFFER_PAGE_SIZE)

/* What the memory system is asked to do when frames are short, see spaces_settings. */
struct spaces_host {
    void *context;
    /* For page tables: as in struct mmu_host. */
    void *(*take_table_frame)(void *context, struct owner owner);
    void (*give_table_frame)(void *context, struct owner owner, void *frame);
    /* Without the lock: have frames freed, those of the owner if its quota is what is short. True:
     * it may be tried again. */
    bool (*relieve)(void *context, struct owner owner);
    /* A call has let go of the paging lock for good. */
    void (*settle)(void *context);
};

struct spaces_settings {
    struct memory *memory;
    struct owner system;            /* of the kernel's and vmalloc's, and of records */
    const struct coffer_port *port; /* NULL: one thread, and no randomness */
    const struct coffer_mmu *mmu;
    struct spaces_host host;
    bool keep_contents; /* these four as in struct paging_settings */
    unsigned batch;
    size_t low, high;
};

struct spaces {
    struct memory *memory;
    struct owner system;
    const struct coffer_port *port;
    const struct coffer_mmu *mmu;
    struct mmu_host mmu_host;
    struct spaces_host host;
    struct paging *paging;
    struct list list; /* all spaces: the kernel's, vmalloc's, and the users' as they were opened */
    struct list segments;
    struct coffer_space *kernel;
    struct coffer_space *vmalloc;
    uint64_t faults;           /* all spaces', also those that are closed */
    uint64_t soft_faults_past; /* of closed ones */
};

/* Events of a space's pages; see space_events. */
struct page_events {
    uint64_t zero_fills, copies, page_ins, page_outs;
};

struct coffer_space {
    struct spaces *spaces;
    struct list link;
    enum coffer_space_kind kind;
    const char *name;
    struct owner owner;
    struct regions regions;
    struct mmu_table *table; /* NULL: the kernel's */
    uintptr_t base;
    size_t size;
    uintptr_t heap_start, heap_break, heap_end;
    bool random;
    enum coffer_status status;
    uint64_t faults;
    struct page_events past; /* of pages whose objects are gone */
};

/* With the kernel's space and vmalloc's. COFFER_NO_MEMORY: nothing is left. */
COFFER_MUST_CHECK enum coffer_status spaces_open(const struct spaces_settings *settings,
                                                 struct spaces **out);
/* Closes all spaces and segments, and paging. */
void spaces_close(struct spaces *spaces);

/* As coffer_space_open, coffer_vmalloc and so on; `owner` is one of the account. */
COFFER_MUST_CHECK enum coffer_status spaces_open_space(struct spaces *spaces,
                                                       const struct coffer_space_settings *settings,
                                                       struct owner owner,
                                                       struct coffer_space **out);
COFFER_MUST_CHECK enum coffer_status spaces_open_segment(struct spaces *spaces, struct owner owner,
                                                         uint64_t size,
                                                         const struct coffer_pager *pager,
                                                         struct coffer_segment **out);
COFFER_MUST_CHECK enum coffer_status spaces_vmalloc(struct spaces *spaces, size_t size,
                                                    uintptr_t *address);
COFFER_MUST_CHECK enum coffer_status spaces_vfree(struct spaces *spaces, uintptr_t address);
struct coffer_space *spaces_find(struct spaces *spaces, uintptr_t address);
/* No lock: nobody opens or closes spaces meanwhile. */
struct coffer_space *spaces_next(struct spaces *spaces, struct coffer_space *previous);
unsigned spaces_count(struct spaces *spaces);
void spaces_statistics(struct spaces *spaces, struct coffer_paging_statistics *out);

/* R1 to R3 and M1 to M6 for all spaces. Walks everything. */
bool spaces_is_valid(struct spaces *spaces);

/* --- For the files of this folder -------------------------------------------------------- */

/* Locking; the second also sees to pressure that came up meanwhile. */
void spaces_lock(struct spaces *spaces);
void spaces_unlock(struct spaces *spaces);

/* A user's space that is on no list yet; and the end of any. With the lock, which they let go of
 * meanwhile. */
COFFER_MUST_CHECK enum coffer_status spaces_make(struct spaces *spaces,
                                                 const struct coffer_space_settings *settings,
                                                 struct owner owner, struct coffer_space **out);
void space_close(struct coffer_space *space);

/* Is it a user's, and alive? COFFER_MISUSE, COFFER_CORRUPT. */
COFFER_MUST_CHECK enum coffer_status space_check(const struct coffer_space *space);

/* Is [address, address + size) whole pages of the space, one at least? */
bool space_has(const struct coffer_space *space, uintptr_t address, size_t size);

static inline uint64_t region_page(const struct region *region, uintptr_t address)
{
    return region->first + (address - region->start) / PAGE;
}

static inline uint64_t region_page_count(const struct region *region)
{
    return (region->end - region->start) / PAGE;
}

/* Is the object this region's alone? */
static inline bool region_is_private(const struct region *region)
{
    return (region->flags & (REGION_SHARED | REGION_SEGMENT | REGION_LINEAR)) == 0;
}

/* Shortage under the lock: have pages evicted, with the lock let go of. COFFER_BUSY: look again.
 * COFFER_NO_MEMORY: nothing more to be had; `*tries` (0 at first) bounds how often. */
COFFER_MUST_CHECK enum coffer_status spaces_relieve(struct spaces *spaces, struct owner owner,
                                                    unsigned *tries);

/* A record, zeroed, of a call that may be short of memory: as spaces_relieve. */
COFFER_MUST_CHECK enum coffer_status spaces_take_record(struct spaces *spaces, struct owner owner,
                                                        size_t size, unsigned *tries, void **out);

/* Make the page accessible, with the lock held: maps it, or gives the mapping it has more rights.
 * COFFER_BUSY: look again. */
COFFER_MUST_CHECK enum coffer_status space_fault(struct coffer_space *space, uintptr_t address,
                                                 unsigned access, unsigned *tries);

/* Map a page that its object has given, for an access, as far as it isn't. */
COFFER_MUST_CHECK enum coffer_status
space_enter_page(struct coffer_space *space, const struct region *region, uintptr_t address,
                 const struct object_page *page, unsigned access);

/* The access that a page of a region without faults (pinned, vmalloc's) is mapped for: pointers to
 * it may be handed to the machine's own system, which can't take one. 0 without pointers. */
static inline unsigned space_lasting_access(const struct coffer_space *space,
                                            const struct region *region)
{
    return space->spaces->mmu->has_pointers ? region->rights : 0;
}

/* Map the pages of a part of a region, or of all regions in a range, again if they are pinned. */
void space_enter_pinned(struct coffer_space *space, const struct region *region, uintptr_t start,
                        uintptr_t end);
void space_enter_pinned_range(struct coffer_space *space, uintptr_t start, uintptr_t end);

/* Write dirty pages of a file back. They are mapped nowhere for a moment, also pinned ones. Lets go
 * of the lock meanwhile. */
COFFER_MUST_CHECK enum coffer_status space_sync_object(struct object *object, uint64_t first,
                                                       uint64_t count);

/* Pages that were written through the mappings of a part of the region are marked so. */
void space_keep_dirty(struct coffer_space *space, const struct region *region, uintptr_t start,
                      uintptr_t end);

/* Take the mappings of a range away, whose private pages are about to go; others that were written
 * are marked so. The second marks private ones, too: they may be mapped again. */
void space_unmap_range(struct coffer_space *space, uintptr_t start, uintptr_t end);
void space_unmap_for_now(struct coffer_space *space, uintptr_t start, uintptr_t end);

/* The space is no longer to be trusted: all its mappings go. */
void space_kill(struct coffer_space *space);

/* Put a region into its space and on its object's list; the hold on the object is given with it. */
void space_attach(struct coffer_space *space, struct region *region);

/* Make one of neighbours in [start, end] and around it that could be one region. */
void space_merge(struct coffer_space *space, uintptr_t start, uintptr_t end);

/* Take a region, which maps nothing any more, out of its space; then let it go, with its pages. The
 * second lets go of the lock meanwhile. In between the region stays on its object's list, so that
 * nobody takes its pages for fresh ones. */
void space_leave(struct coffer_space *space, struct region *region);
void space_forget(struct coffer_space *space, struct region *region);

/* What has happened to the pages of the space so far. A page that several spaces map counts for one
 * of them. Walks the regions. */
struct page_events space_events(const struct coffer_space *space);

/* For struct paging_client. */
unsigned space_client_unmap(void *context, struct object *object, uint64_t index);
unsigned space_client_write_protect(void *context, struct object *object, uint64_t index);
unsigned space_client_bits(void *context, struct object *object, uint64_t index);
unsigned space_client_age(void *context, struct object *object, uint64_t index);

/* The last region of a segment's object may have gone. Lets go of the lock meanwhile. */
void segment_settle(struct object *object);
void spaces_close_segments(struct spaces *spaces);

#endif
