/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/space_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coffer/linux_memory.h"
#include "memory/space/space.h"
#include "memory/system/system.h"
#include "support/must.h"

const char *space_mmu_name(enum space_mmu mmu)
{
    return mmu == SPACE_SOFTWARE ? "software" : "linux";
}

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct refusals *refusals = argument;

    (void)owner;
    (void)size;
    if (refusals->at == 0)
        return false; /* and nothing is written: this may be any of several threads */
    refusals->seen++;
    if (refusals->seen < refusals->at || refusals->seen - refusals->at >= refusals->count)
        return false;
    refusals->fired = true;
    return true;
}

static uint64_t used_frames(struct coffer_memory *memory)
{
    struct coffer_memory_statistics statistics;

    /* Empty spans that the heap keeps for the next time are nobody's. */
    paging_lock(memory->paging);
    (void)coffer_pool_shrink(memory->core->pool);
    paging_unlock(memory->paging);
    coffer_memory_statistics(memory, &statistics);
    return statistics.used;
}

struct space_balance space_fixture_balance(struct space_fixture *f)
{
    struct coffer_paging_statistics paging;
    struct space_balance balance = {.used = used_frames(f->memory)};

    coffer_paging_statistics(f->memory, &paging);
    balance.reserve = paging.table_reserve;
    balance.pages = paging.active + paging.inactive + paging.pinned + paging.swapped;
    balance.slots_used = paging.slots_used;
    balance.table_frames = paging.table_frames;
    for (struct coffer_space *space = coffer_space_next(f->memory, NULL); space != NULL;
         space = coffer_space_next(f->memory, space))
        balance.spaces++;
    return balance;
}

bool space_fixture_is_valid(struct space_fixture *f)
{
    return spaces_is_valid(f->memory->spaces) && frames_is_valid(f->memory->core->frames);
}

/* All of the machine's own, put together by the port. */
static void open_linux(struct space_fixture *f, const struct space_fixture_settings *settings)
{
    const struct coffer_linux_memory_options options = {
        .memory = settings->memory,
        .swap_pages = settings->swap_pages,
        .swap_in_memory = true,
        .config = &settings->config,
    };

    must(coffer_linux_memory_open(&options, &f->memory) == COFFER_OK);
}

static void open_software(struct space_fixture *f, const struct space_fixture_settings *settings)
{
    struct coffer_memory_config config = settings->config;
    struct coffer_swap_settings swap = {.ciphers = coffer_linux_ciphers(),
                                        .pages = settings->swap_pages};
    struct coffer_area area;

    guarded_take(&f->region, settings->memory != 0 ? settings->memory : COFFER_LINUX_MEMORY_DEFAULT,
                 settings->memory_end);
    area = (struct coffer_area){f->region.bytes, f->region.size};
    config.areas = &area;
    config.area_count = 1;
    config.port = coffer_linux_port();
    must(coffer_memory_open(&config, &f->memory) == COFFER_OK);
    if (settings->swap_pages == 0)
        return;
    must(coffer_linux_swap_memory(settings->swap_pages * COFFER_SWAP_SLOT_SIZE, &f->medium) ==
         COFFER_OK);
    swap.medium = f->medium;
    must(coffer_swap_open(f->memory, &swap) == COFFER_OK);
}

void space_fixture_open(struct space_fixture *f, enum space_mmu mmu,
                        const struct space_fixture_settings *settings)
{
    static const struct space_fixture_settings defaults;
    const struct space_fixture_settings *use = settings != NULL ? settings : &defaults;

    *f = (struct space_fixture){.mmu = mmu};
    if (mmu == SPACE_SOFTWARE)
        open_software(f, use);
    else
        open_linux(f, use);
    account_set_refuse(&f->memory->core->account, refuse, &f->refusals);
    f->start = space_fixture_balance(f);
}

bool space_fixture_end(struct space_fixture *f)
{
    struct space_balance now;

    space_fixture_refuse(f, 0, 0);
    if (!space_fixture_is_valid(f)) {
        fprintf(stderr, "the spaces are not valid any more\n");
        return false;
    }
    now = space_fixture_balance(f);
    if (now.used != f->start.used || now.reserve != f->start.reserve || now.pages != 0 ||
        now.slots_used != 0 || now.table_frames != f->start.table_frames ||
        now.spaces != f->start.spaces) {
        fprintf(stderr,
                "used %llu (%llu), reserve %llu (%llu), pages %llu (%llu), slots %llu (%llu), "
                "table frames %llu (%llu), spaces %u (%u)\n",
                (unsigned long long)now.used, (unsigned long long)f->start.used,
                (unsigned long long)now.reserve, (unsigned long long)f->start.reserve,
                (unsigned long long)now.pages, (unsigned long long)f->start.pages,
                (unsigned long long)now.slots_used, (unsigned long long)f->start.slots_used,
                (unsigned long long)now.table_frames, (unsigned long long)f->start.table_frames,
                now.spaces, f->start.spaces);
        return false;
    }
    coffer_memory_close(f->memory);
    coffer_linux_swap_close(&f->medium);
    must(f->region.bytes == NULL || guarded_is_wiped(&f->region));
    guarded_give(&f->region);
    return true;
}

void space_fixture_close(struct space_fixture *f)
{
    must(space_fixture_end(f));
}

void space_fixture_refuse(struct space_fixture *f, uint64_t at, uint64_t count)
{
    f->refusals = (struct refusals){.at = at, .count = count};
}

struct coffer_space *space_make(struct space_fixture *f, size_t size)
{
    const struct coffer_space_settings settings = {.size = size};
    struct coffer_space *space;

    must(coffer_space_open(f->memory, &settings, &space) == COFFER_OK);
    return space;
}

uintptr_t space_map_with(struct coffer_space *space, const struct coffer_map *map)
{
    uintptr_t address;

    must(coffer_space_map(space, map, &address) == COFFER_OK);
    return address;
}

uintptr_t space_map(struct coffer_space *space, size_t size, unsigned rights)
{
    const struct coffer_map map = {.size = size, .rights = rights};

    return space_map_with(space, &map);
}

void space_put(struct coffer_space *space, uintptr_t address, uint64_t value)
{
    must(coffer_space_write(space, address, &value, sizeof(value)) == COFFER_OK);
}

uint64_t space_get(struct coffer_space *space, uintptr_t address)
{
    uint64_t value;

    must(coffer_space_read(space, address, &value, sizeof(value)) == COFFER_OK);
    return value;
}

/* --- Pictures ---------------------------------------------------------------------------- */

/* A page as it can be seen: what is beside its contents, and their sum. */
struct page_picture {
    uintptr_t address;
    unsigned rights;
    bool heap, shared, file, pinned;
    uint64_t sum; /* 0 where there is no right to read */
};

struct space_picture {
    uintptr_t heap_break;
    enum coffer_status status;
    size_t mapped;
    size_t count;
    struct page_picture pages[];
};

static uint64_t sum_page(struct coffer_space *space, uintptr_t address)
{
    uint64_t words[COFFER_PAGE_SIZE / 8];
    uint64_t sum = 0;

    must(coffer_space_read(space, address, words, sizeof(words)) == COFFER_OK);
    for (size_t i = 0; i < COFFER_PAGE_SIZE / 8; i++)
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
    return sum;
}

struct space_picture *space_picture(struct coffer_space *space)
{
    struct coffer_space_info info;
    struct coffer_region_info region;
    struct space_picture *picture;

    coffer_space_info(space, &info);
    picture = must_alloc(sizeof(*picture) +
                         info.mapped / COFFER_PAGE_SIZE * sizeof(struct page_picture));
    *picture = (struct space_picture){
        .heap_break = info.heap_break, .status = info.status, .mapped = info.mapped};
    for (uintptr_t at = 0; coffer_space_region(space, at, &region) == COFFER_OK;
         at = region.address + region.size) {
        for (size_t offset = 0; offset < region.size; offset += COFFER_PAGE_SIZE) {
            picture->pages[picture->count++] = (struct page_picture){
                .address = region.address + offset,
                .rights = region.rights,
                .heap = region.heap,
                .shared = region.shared,
                .file = region.file,
                .pinned = region.pinned,
                .sum = (region.rights & COFFER_READ) != 0 ? sum_page(space, region.address + offset)
                                                          : 0,
            };
        }
    }
    must(picture->count * COFFER_PAGE_SIZE == info.mapped);
    return picture;
}

bool space_pictures_are_equal(const struct space_picture *a, const struct space_picture *b)
{
    if (a->heap_break != b->heap_break || a->status != b->status || a->mapped != b->mapped ||
        a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct page_picture *x = &a->pages[i];
        const struct page_picture *y = &b->pages[i];

        if (x->address != y->address || x->rights != y->rights || x->heap != y->heap ||
            x->shared != y->shared || x->file != y->file || x->pinned != y->pinned ||
            x->sum != y->sum)
            return false;
    }
    return true;
}

void space_picture_free(struct space_picture *picture)
{
    free(picture);
}
