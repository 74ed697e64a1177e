/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start and end of all spaces; the kernel's, a linear window on all frames without any page table,
 * and vmalloc's, whose pages are there from the start and stay.
 */
#include "base/assert.h"
#include "memory/frames/lookup.h"
#include "memory/space/place.h"

/* Addresses for vmalloc: so many times the memory, at least. A page between any two allocations
 * is never mapped. */
#define VMALLOC_FACTOR   4u
#define VMALLOC_SIZE_MIN ((size_t)1 << 24)

static struct coffer_space *make_bare(struct spaces *spaces, enum coffer_space_kind kind,
                                      const char *name)
{
    struct coffer_space *space;
    void *record;

    if (memory_alloc(spaces->memory, spaces->system, sizeof(*space), &record) != COFFER_OK)
        return NULL;
    space = record;
    space->spaces = spaces;
    space->kind = kind;
    space->name = name;
    space->owner = spaces->system;
    list_insert_before(&spaces->list, &space->link);
    return space;
}

static enum coffer_status open_window(struct spaces *spaces)
{
    const struct frames *frames = spaces->memory->frames;
    const struct segment *last = &frames->segments[frames->segment_count - 1];
    struct coffer_space *kernel = make_bare(spaces, COFFER_SPACE_KERNEL, "kernel");

    if (kernel == NULL)
        return COFFER_NO_MEMORY;
    spaces->kernel = kernel;
    kernel->base = (uintptr_t)frames->segments[0].start;
    kernel->size = (uintptr_t)last->start + (size_t)last->frame_count * PAGE - kernel->base;
    kernel->heap_start = kernel->heap_break = kernel->heap_end = kernel->base;
    regions_init(&kernel->regions, kernel->base, kernel->base + kernel->size);
    for (unsigned i = 0; i < frames->segment_count; i++) {
        struct region *region;
        void *record;
        enum coffer_status status = memory_alloc(spaces->memory, spaces->system, sizeof(*region),
                                                 &record);

        if (status != COFFER_OK)
            return status;
        region = record;
        region->start = (uintptr_t)frames->segments[i].start;
        region->end = region->start + (size_t)frames->segments[i].frame_count * PAGE;
        region->rights = COFFER_READ | COFFER_WRITE;
        region->flags = REGION_LINEAR;
        space_attach(kernel, region);
        space_merge(kernel, region->start, region->end);
    }
    return COFFER_OK;
}

/* Where no area is: an address belongs to one of the two at most. Addresses that the MMU makes
 * pointers of are its to choose. */
static uintptr_t vmalloc_base(const struct spaces *spaces, size_t size)
{
    const struct coffer_space *kernel = spaces->kernel;

    if (spaces->mmu->has_pointers)
        return 0;
    if (kernel->base > size && kernel->base - size >= PAGE)
        return (kernel->base - size) / 2 & ~(PAGE - 1);
    return kernel->base + kernel->size;
}

static enum coffer_status open_vmalloc(struct spaces *spaces)
{
    size_t total = (size_t)spaces->memory->account.frames_total * PAGE;
    size_t size = total > VMALLOC_SIZE_MIN / VMALLOC_FACTOR ? total * VMALLOC_FACTOR
                                                            : VMALLOC_SIZE_MIN;
    const struct coffer_space_settings settings = {
        .name = "vmalloc", .size = size, .base = vmalloc_base(spaces, size)};
    enum coffer_status status;

    paging_lock(spaces->paging);
    status = spaces_make(spaces, &settings, spaces->system, &spaces->vmalloc);
    if (status == COFFER_OK) {
        spaces->vmalloc->kind = COFFER_SPACE_VMALLOC;
        list_insert_before(&spaces->list, &spaces->vmalloc->link);
    }
    paging_unlock(spaces->paging);
    return status;
}

static enum coffer_status fault_of_table(void *cookie, uintptr_t address, unsigned access)
{
    return coffer_space_fault(cookie, address, access);
}

static enum coffer_status open_paging(struct spaces *spaces, const struct spaces_settings *settings)
{
    const struct paging_settings paging = {
        .memory = settings->memory,
        .owner = settings->system,
        .port = settings->port,
        .client = {.context = spaces,
                   .unmap = space_client_unmap,
                   .write_protect = space_client_write_protect,
                   .bits = space_client_bits,
                   .age = space_client_age},
        .keep_contents = settings->keep_contents,
        .batch = settings->batch,
        .low = settings->low,
        .high = settings->high,
    };

    return paging_open(&paging, &spaces->paging);
}

enum coffer_status spaces_open(const struct spaces_settings *settings, struct spaces **out)
{
    struct spaces *spaces;
    void *record;
    enum coffer_status status = memory_alloc(settings->memory, settings->system, sizeof(*spaces),
                                             &record);

    if (status != COFFER_OK)
        return status;
    spaces = record;
    spaces->memory = settings->memory;
    spaces->system = settings->system;
    spaces->port = settings->port;
    spaces->mmu = settings->mmu;
    spaces->host = settings->host;
    spaces->mmu_host = (struct mmu_host){
        .frames = settings->memory->frames,
        .context = settings->host.context,
        .take_table_frame = settings->host.take_table_frame,
        .give_table_frame = settings->host.give_table_frame,
        .fault = fault_of_table,
    };
    list_init(&spaces->list);
    list_init(&spaces->segments);
    status = open_paging(spaces, settings);
    if (status != COFFER_OK) {
        memory_free(settings->memory, spaces);
        return status;
    }
    status = open_window(spaces);
    if (status == COFFER_OK)
        status = open_vmalloc(spaces);
    if (status != COFFER_OK) {
        spaces_close(spaces);
        return status;
    }
    *out = spaces;
    return COFFER_OK;
}

void spaces_close(struct spaces *spaces)
{
    struct memory *memory = spaces->memory;

    paging_lock(spaces->paging);
    while (!list_is_empty(&spaces->list))
        space_close(list_entry(spaces->list.previous, struct coffer_space, link));
    spaces_close_segments(spaces);
    paging_unlock(spaces->paging);
    paging_close(spaces->paging);
    memory_free(memory, spaces);
}

/* --- vmalloc ----------------------------------------------------------------------------- */

/* A region of `size` bytes with an object of its own, somewhere; its pages aren't there yet. */
static enum coffer_status reserve(struct change *change, size_t size, struct region **out)
{
    struct coffer_space *space = change->space;
    struct page_source source;
    struct region *region;
    uintptr_t start;
    enum coffer_status status;

    /* The pages before and behind it are guards, which neighbours have in common. */
    if (!regions_find_gap(&space->regions, size + 2 * PAGE, space->base, space->base + space->size,
                          &start))
        return COFFER_NO_MEMORY;
    status = change_need(change, 1);
    if (status == COFFER_OK)
        status = page_source_open(change, size / PAGE, &source);
    if (status != COFFER_OK)
        return status;
    region = change_take(change);
    *region = (struct region){
        .start = start + PAGE,
        .end = start + PAGE + size,
        .rights = COFFER_READ | COFFER_WRITE,
        .object = source.object,
    };
    space_attach(space, region);
    *out = region;
    return COFFER_OK;
}

/* Nobody else knows of the region yet: it stays what it is when the lock is let go of. */
static enum coffer_status fill(struct change *change, const struct region *region)
{
    struct coffer_space *space = change->space;
    enum coffer_status status = COFFER_OK;

    for (uintptr_t at = region->start; at < region->end && status == COFFER_OK;) {
        uint64_t index = region_page(region, at);
        struct object_page page;

        status = object_get(region->object, index, true, &page);
        if (status == COFFER_OK)
            status = space_enter_page(space, region, at, &page,
                                      space_lasting_access(space, region));
        if (status == COFFER_OK)
            status = object_pin(region->object, index);
        if (status == COFFER_NO_MEMORY)
            status = spaces_relieve(space->spaces, space->owner, &change->tries);
        if (status == COFFER_BUSY) {
            status = COFFER_OK; /* this page again */
        } else {
            change->tries = 0;
            at += PAGE;
        }
    }
    return status;
}

enum coffer_status spaces_vmalloc(struct spaces *spaces, size_t size, uintptr_t *address)
{
    struct change change = {.space = spaces->vmalloc};
    struct region *region = NULL;
    enum coffer_status status;

    if (size == 0)
        return COFFER_MISUSE;
    if (size > spaces->vmalloc->size - 2 * PAGE)
        return COFFER_NO_MEMORY;
    size = (size + PAGE - 1) & ~(PAGE - 1);
    spaces_lock(spaces);
    do
        status = reserve(&change, size, &region);
    while (status == COFFER_BUSY);
    if (status == COFFER_OK) {
        status = fill(&change, region);
        if (status == COFFER_OK) {
            region->pins = 1;
            *address = region->start;
        } else {
            (void)spaces->mmu->unmap(change.space->table, region->start, size / PAGE);
            change_remove(&change, region->start, region->end);
        }
    }
    return change_end(&change, status);
}

enum coffer_status spaces_vfree(struct spaces *spaces, uintptr_t address)
{
    struct change change = {.space = spaces->vmalloc};
    struct region *region;
    enum coffer_status status = COFFER_MISUSE;

    spaces_lock(spaces);
    region = regions_find(&change.space->regions, address);
    if (region != NULL && region->start == address && region->pins > 0) {
        (void)spaces->mmu->unmap(change.space->table, address, region_page_count(region));
        change_remove(&change, address, region->end);
        status = COFFER_OK;
    }
    return change_end(&change, status);
}
