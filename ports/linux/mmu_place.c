/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel is told about the pages of a space.
 *
 * By syscall(): a sanitizer's mmap and mprotect do work for each call that these pages don't need,
 * and would take the time that the tests are about.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bitmap.h"
#include "mmu.h"

int entry_prot(const struct mmu_entry *entry)
{
    int prot = PROT_NONE;

    if ((entry->bits & MMU_REFERENCED) == 0)
        return PROT_NONE;
    if ((entry->rights & (COFFER_READ | COFFER_WRITE)) != 0)
        prot |= PROT_READ;
    if ((entry->rights & COFFER_WRITE) != 0 && (entry->bits & MMU_DIRTY) != 0)
        prot |= PROT_WRITE;
    if ((entry->rights & COFFER_EXECUTE) != 0)
        prot |= PROT_EXEC;
    return prot;
}

static void set_placed(struct mmu_table *table, uintptr_t address, size_t count, bool value)
{
    size_t first = (address - table->base) / COFFER_PAGE_SIZE;

    for (size_t page = first; page < first + count; page++) {
        uint64_t bit = (uint64_t)1 << page % 64;

        if (value)
            table->placed[page / 64] |= bit;
        else
            table->placed[page / 64] &= ~bit;
    }
}

static bool set_prot(uintptr_t address, size_t count, int prot)
{
    return syscall(SYS_mprotect, address, count * COFFER_PAGE_SIZE, prot) == 0;
}

/* Within what was reserved the kernel can always do this (ranges.h). If it couldn't, others would
 * see a frame that isn't theirs: then it is better to stop. */
static void take_access(uintptr_t address, size_t count)
{
    bool done = set_prot(address, count, PROT_NONE);

    assert_cheap(done);
    (void)done;
}

static bool map_frames(struct mmu_table *table, uintptr_t address, const void *frame, size_t count,
                       int prot)
{
    const struct window *window = &table->mmu->window;
    size_t offset = (size_t)((const uint8_t *)frame - window->address);
    int flags = MAP_SHARED | MAP_FIXED | (prot != PROT_NONE ? MAP_POPULATE : 0);

    if (syscall(SYS_mmap, address, count * COFFER_PAGE_SIZE, prot, flags, window->file, offset) ==
        -1)
        return false;
    /* The kernel does so by itself with secret memory. */
    if (!window->secret &&
        syscall(SYS_madvise, address, count * COFFER_PAGE_SIZE, MADV_DONTDUMP) != 0) {
        take_access(address, count);
        return false;
    }
    set_placed(table, address, count, true);
    return true;
}

bool table_place(struct mmu_table *table, uintptr_t address, const struct mmu_entry *entry)
{
    if (table_is_placed(table, address))
        return set_prot(address, 1, entry_prot(entry));
    return map_frames(table, address, entry->frame, 1, entry_prot(entry));
}

bool table_place_run(struct mmu_table *table, uintptr_t address, const struct mmu_entry *first,
                     size_t count)
{
    return map_frames(table, address, first->frame, count, entry_prot(first));
}

void table_displace(struct mmu_table *table, uintptr_t address, const struct mmu_entry *entry)
{
    if (entry_prot(entry) != PROT_NONE)
        take_access(address, 1);
    set_placed(table, address, 1, false);
}

static void map_nothing(uintptr_t address, size_t count)
{
    long got = syscall(SYS_mmap, address, count * COFFER_PAGE_SIZE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

    assert_cheap(got != -1);
    (void)got;
}

/* --- Pages spoken for ------------------------------------------------------------------------- */

/* The most mappings that the space can be in: each such page one, one between any two, and one at
 * either end; but never more than pages. */
static size_t mappings_for(const struct mmu_table *table, size_t spoken)
{
    size_t most = 2 * spoken + 1;

    return most < table->page_count ? most : table->page_count;
}

static bool is_spoken(const struct mmu_table *table, size_t page)
{
    return table->spoken[page / 64] >> page % 64 & 1;
}

bool table_speak_for(struct mmu_table *table, uintptr_t address, size_t count)
{
    struct coffer_linux_mmu *mmu = table->mmu;
    size_t first = (address - table->base) / COFFER_PAGE_SIZE;
    size_t fresh = 0;
    size_t wanted;

    for (size_t page = first; page < first + count; page++)
        fresh += !is_spoken(table, page);
    if (fresh == 0)
        return true;
    if (mmu->window.secret && fresh > mmu->window.locked_spare - mmu->secret_pages)
        return false;
    wanted = mappings_for(table, table->spoken_count + fresh);
    if (!ranges_reserve_mappings(wanted - table->mappings))
        return false;
    table->mappings = wanted;
    table->spoken_count += fresh;
    mmu->secret_pages += fresh;
    for (size_t page = first; page < first + count; page++)
        table->spoken[page / 64] |= (uint64_t)1 << page % 64;
    return true;
}

/* `count` pages from `first` on, which are spoken for, aren't any more. */
static void forget(struct mmu_table *table, size_t first, size_t count)
{
    for (size_t page = first; page < first + count; page++) {
        table->spoken[page / 64] &= ~((uint64_t)1 << page % 64);
        table->placed[page / 64] &= ~((uint64_t)1 << page % 64);
    }
    table->spoken_count -= count;
    table->mmu->secret_pages -= count;
}

/* Mappings that are gone from the kernel, too, can be had by others. */
static void settle(struct mmu_table *table)
{
    size_t wanted = mappings_for(table, table->spoken_count);

    ranges_return_mappings(table->mappings - wanted);
    table->mappings = wanted;
}

/* The next page from `page` on, below `end`, that is spoken for (or `end`). */
static size_t next_spoken(const struct mmu_table *table, size_t page, size_t end)
{
    while (page < end) {
        uint64_t word = table->spoken[page / 64] >> page % 64;

        if (word != 0) {
            page += bits_first(word);
            return page < end ? page : end;
        }
        page = (page / 64 + 1) * 64;
    }
    return end;
}

/* Runs of pages that are spoken for, in [first, end), and stale if only those are wanted. */
static void clear_runs(struct mmu_table *table, size_t first, size_t end, bool only_stale)
{
    size_t page = next_spoken(table, first, end);

    while (page < end) {
        size_t start = page;

        for (; page < end && is_spoken(table, page); page++) {
            struct mmu_entry entry;

            if (only_stale &&
                pagetable_query(table->shadow, table->base + page * COFFER_PAGE_SIZE, &entry))
                break;
        }
        if (page > start) {
            map_nothing(table->base + start * COFFER_PAGE_SIZE, page - start);
            forget(table, start, page - start);
        } else {
            page++;
        }
        page = next_spoken(table, page, end);
    }
    settle(table);
}

void table_clear(struct mmu_table *table, uintptr_t address, size_t count)
{
    size_t first = (address - table->base) / COFFER_PAGE_SIZE;

    clear_runs(table, first, first + count, false);
}

void table_sweep(struct mmu_table *table)
{
    if (table->spoken_count > pagetable_mapped(table->shadow))
        clear_runs(table, 0, table->page_count, true);
}

/* --- Validity --------------------------------------------------------------------------------- */

struct look {
    struct mmu_table *table;
    size_t mapped;
    bool good;
};

static bool look_at(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    struct look *look = context;
    size_t page = (address - look->table->base) / COFFER_PAGE_SIZE;
    const struct window *window = &look->table->mmu->window;
    size_t offset = (size_t)((const uint8_t *)entry->frame - window->address);

    look->mapped++;
    if (!is_spoken(look->table, page) || offset >= window->size)
        look->good = false;
    return look->good;
}

bool linux_mmu_table_is_valid(struct mmu_table *table)
{
    struct look look = {.table = table, .good = true};
    size_t spoken = 0;
    size_t stray = 0;

    for (size_t i = 0; i < (table->page_count + 63) / 64; i++) {
        spoken += bits_count(table->spoken[i]);
        stray += bits_count(table->placed[i] & ~table->spoken[i]);
    }
    pagetable_walk(table->shadow, table->base, table->page_count, look_at, &look);
    return look.good && look.mapped == pagetable_mapped(table->shadow) &&
           spoken == table->spoken_count && stray == 0 &&
           table->mappings == mappings_for(table, spoken) && pagetable_is_valid(table->shadow);
}
