/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked copies. They go page by page: a page is looked up in the space's table (and faulted in
 * when it isn't there), and copied through the linear window while the lock is held, so that it
 * can't be evicted under way. The access is then marked in the table like one of the space's own.
 */
#include <string.h>

#include "base/assert.h"
#include "memory/space/space.h"

#define LOT_PAGES 16u /* copied before others get the lock */

struct copy {
    unsigned access;     /* COFFER_READ or _WRITE */
    uint8_t *to;         /* of a read */
    const uint8_t *from; /* of a write; neither of them: a fill */
    uint8_t value;
};

/* Is all of the range mapped, with the right that it takes? */
static enum coffer_status check_range(const struct coffer_space *space, uintptr_t address,
                                      size_t size, unsigned access)
{
    uintptr_t end = address + size;

    if (end < address || !regions_cover(&space->regions, address, end))
        return COFFER_NOT_FOUND;
    for (const struct region *region = regions_find(&space->regions, address);
         region != NULL && region->start < end; region = regions_next(region)) {
        if ((region->rights & access) == 0)
            return COFFER_MISUSE;
    }
    return COFFER_OK;
}

/* The bytes behind an address, with the lock held until they are no longer used. */
static enum coffer_status find_bytes(struct coffer_space *space, uintptr_t address, unsigned access,
                                     unsigned *tries, uint8_t **out)
{
    const struct coffer_mmu *mmu = space->spaces->mmu;
    enum coffer_status status = COFFER_OK;
    struct mmu_entry entry;
    bool found;

    if (space->table == NULL) {
        /* The kernel's window: an address is a pointer. */
        status = space_fault(space, address, access, tries);
        if (status == COFFER_OK)
            *out = (uint8_t *)address;
        return status;
    }
    if (!mmu->query(space->table, address, &entry) || (entry.rights & access) == 0) {
        space->faults++;
        space->spaces->faults++;
        do
            status = space_fault(space, address, access, tries);
        while (status == COFFER_BUSY);
        if (status != COFFER_OK)
            return status;
        found = mmu->query(space->table, address, &entry);
        assert_cheap(found);
    } else {
        mmu->mark(space->table, address & ~(PAGE - 1),
                  access == COFFER_WRITE ? MMU_REFERENCED | MMU_DIRTY : MMU_REFERENCED);
    }
    *out = (uint8_t *)entry.frame + address % PAGE;
    return COFFER_OK;
}

static void copy_part(const struct copy *copy, size_t offset, uint8_t *bytes, size_t size)
{
    if (copy->to != NULL)
        memcpy(copy->to + offset, bytes, size);
    else if (copy->from != NULL)
        memcpy(bytes, copy->from + offset, size);
    else
        memset(bytes, copy->value, size);
}

static enum coffer_status copy_locked(struct coffer_space *space, uintptr_t address, size_t size,
                                      const struct copy *copy)
{
    unsigned tries = 0;
    unsigned pages = 0;
    enum coffer_status status = COFFER_OK;

    for (size_t done = 0; status == COFFER_OK && done < size;) {
        size_t part = PAGE - (address + done) % PAGE;
        uint8_t *bytes;

        if (part > size - done)
            part = size - done;
        status = find_bytes(space, address + done, copy->access, &tries, &bytes);
        if (status != COFFER_OK)
            break;
        copy_part(copy, done, bytes, part);
        done += part;
        tries = 0;
        if (++pages % LOT_PAGES == 0) {
            paging_unlock(space->spaces->paging);
            paging_lock(space->spaces->paging);
            if (space->status != COFFER_OK)
                status = space->status;
        }
    }
    return status;
}

/* Is all of the range vmalloc's, where pages are always there? */
static bool is_lasting(const struct spaces *spaces, uintptr_t start, size_t size)
{
    return size <= UINTPTR_MAX - start &&
           regions_cover(&spaces->vmalloc->regions, start, start + size);
}

/* Does the buffer lie in a space? With the lock held faults in ours can't be answered, and those in
 * another memory system's would wait for that one's lock, whose holder may be waiting for ours. */
static bool would_fault(const struct coffer_space *space, const struct copy *copy, size_t size)
{
    const struct spaces *spaces = space->spaces;
    const struct coffer_mmu *mmu = spaces->mmu;
    uintptr_t start = (uintptr_t)(copy->to != NULL ? copy->to : copy->from);

    if (!mmu->has_pointers || start == 0)
        return false;
    return mmu->is_in_space(mmu->context, start, size) && !is_lasting(spaces, start, size);
}

static enum coffer_status copy_all(struct coffer_space *space, uintptr_t address, size_t size,
                                   const struct copy *copy)
{
    enum coffer_status status;

    spaces_lock(space->spaces);
    status = space->status;
    if (status == COFFER_OK && size > 0)
        status = check_range(space, address, size, copy->access);
    if (status == COFFER_OK && would_fault(space, copy, size))
        status = COFFER_MISUSE;
    if (status == COFFER_OK && size > 0)
        status = copy_locked(space, address, size, copy);
    spaces_unlock(space->spaces);
    return status;
}

enum coffer_status coffer_space_read(struct coffer_space *space, uintptr_t address, void *buffer,
                                     size_t size)
{
    const struct copy copy = {.access = COFFER_READ, .to = buffer};

    if (space == NULL || buffer == NULL)
        return COFFER_MISUSE;
    return copy_all(space, address, size, &copy);
}

enum coffer_status coffer_space_write(struct coffer_space *space, uintptr_t address,
                                      const void *buffer, size_t size)
{
    const struct copy copy = {.access = COFFER_WRITE, .from = buffer};

    if (space == NULL || buffer == NULL)
        return COFFER_MISUSE;
    return copy_all(space, address, size, &copy);
}

enum coffer_status coffer_space_fill(struct coffer_space *space, uintptr_t address, uint8_t value,
                                     size_t size)
{
    const struct copy copy = {.access = COFFER_WRITE, .value = value};

    if (space == NULL)
        return COFFER_MISUSE;
    return copy_all(space, address, size, &copy);
}
