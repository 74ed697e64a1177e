/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sequence of calls on a user space that is larger than the memory, as the input says. Each page
 * is what the model says it is: mapped or not, with its rights and its contents; a call that fails
 * has changed nothing; at the end every frame is back.
 *
 * For each call, 5 bytes: the call, the first page, how many pages, and two more (a page and a
 * value, or rights).
 */
#include <stdlib.h>
#include <string.h>

#include "coffer/linux_memory.h"
#include "support/must.h"
#include "target.h"

#define MEMORY_SIZE ((size_t)256 * 1024)
#define SWAP_PAGES  512u
#define PAGES       256u
#define HEAP_PAGES  32u

struct page {
    bool mapped;
    unsigned rights;
    uint8_t value; /* of each of its bytes that is looked at */
};

struct run {
    struct coffer_memory *memory;
    struct coffer_space *space;
    uintptr_t base;
    size_t heap; /* pages below the break */
    struct page pages[PAGES];
};

static uintptr_t address_of(const struct run *run, size_t page)
{
    return run->base + page * COFFER_PAGE_SIZE;
}

static void note_space(struct run *run)
{
    struct coffer_space_info info;

    coffer_space_info(run->space, &info);
    run->base = info.base;
}

static void check_page(struct run *run, size_t page)
{
    const struct page *model = &run->pages[page];
    struct coffer_page_info info;
    uint8_t byte = 0;
    enum coffer_status status;

    must(coffer_space_query(run->space, address_of(run, page), &info) == COFFER_OK);
    must(info.mapped == model->mapped);
    if (model->mapped)
        must(info.rights == model->rights);
    status = coffer_space_read(run->space, address_of(run, page) + 77, &byte, 1);
    if (!model->mapped)
        must(status == COFFER_NOT_FOUND);
    else if ((model->rights & COFFER_READ) == 0)
        must(status == COFFER_MISUSE);
    else
        must(status == COFFER_OK && byte == model->value);
}

static bool all_mapped(const struct run *run, size_t first, size_t count, unsigned rights)
{
    for (size_t i = first; i < first + count; i++) {
        if (!run->pages[i].mapped || (run->pages[i].rights & rights) != rights)
            return false;
    }
    return true;
}

static void map(struct run *run, size_t first, size_t count, unsigned rights)
{
    const struct coffer_map request = {.address = address_of(run, first),
                                       .size = count * COFFER_PAGE_SIZE,
                                       .rights = rights,
                                       .flags = COFFER_MAP_FIXED};
    uintptr_t address;

    /* The heap is moved by its own call. */
    if (first < HEAP_PAGES)
        return;
    if (coffer_space_map(run->space, &request, &address) != COFFER_OK)
        return;
    must(address == request.address);
    for (size_t i = first; i < first + count; i++)
        run->pages[i] = (struct page){.mapped = true, .rights = rights};
}

static void unmap(struct run *run, size_t first, size_t count)
{
    if (first < HEAP_PAGES || coffer_space_unmap(run->space, address_of(run, first),
                                                 count * COFFER_PAGE_SIZE) != COFFER_OK)
        return;
    for (size_t i = first; i < first + count; i++)
        run->pages[i].mapped = false;
}

static void protect(struct run *run, size_t first, size_t count, unsigned rights)
{
    enum coffer_status status = coffer_space_protect(run->space, address_of(run, first),
                                                     count * COFFER_PAGE_SIZE, rights);

    if (!all_mapped(run, first, count, 0))
        must(status == COFFER_NOT_FOUND);
    if (status != COFFER_OK)
        return;
    for (size_t i = first; i < first + count; i++)
        run->pages[i].rights = rights;
}

static void fill(struct run *run, size_t first, size_t count, uint8_t value)
{
    enum coffer_status status = coffer_space_fill(run->space, address_of(run, first), value,
                                                  count * COFFER_PAGE_SIZE);

    if (!all_mapped(run, first, count, 0))
        must(status == COFFER_NOT_FOUND);
    else if (!all_mapped(run, first, count, COFFER_WRITE))
        must(status == COFFER_MISUSE);
    else
        must(status == COFFER_OK);
    for (size_t i = first; status == COFFER_OK && i < first + count; i++)
        run->pages[i].value = value;
}

static void remap(struct run *run, size_t first, size_t count, size_t wanted, size_t to)
{
    uintptr_t address = address_of(run, to);
    struct page moved[PAGES];
    size_t kept = count < wanted ? count : wanted;
    unsigned rights = run->pages[first].rights;

    if (first < HEAP_PAGES || to < HEAP_PAGES || to + wanted > PAGES ||
        !all_mapped(run, first, count, 0) ||
        coffer_space_remap(run->space, address_of(run, first), count * COFFER_PAGE_SIZE,
                           wanted * COFFER_PAGE_SIZE, COFFER_REMAP_MOVE | COFFER_REMAP_FIXED,
                           &address) != COFFER_OK)
        return;
    must(address == address_of(run, to));
    memcpy(moved, &run->pages[first], kept * sizeof(moved[0]));
    for (size_t i = kept; i < wanted; i++)
        moved[i] = (struct page){.mapped = true, .rights = rights};
    for (size_t i = first; i < first + count; i++)
        run->pages[i].mapped = false;
    memcpy(&run->pages[to], moved, wanted * sizeof(moved[0]));
}

static void move_break(struct run *run, size_t pages)
{
    uintptr_t now;

    if (coffer_space_break(run->space, address_of(run, pages), &now) != COFFER_OK)
        return;
    must(now == address_of(run, pages));
    for (size_t i = run->heap; i < pages; i++)
        run->pages[i] = (struct page){.mapped = true, .rights = COFFER_READ | COFFER_WRITE};
    for (size_t i = pages; i < run->heap; i++)
        run->pages[i].mapped = false;
    run->heap = pages;
}

/* The clone goes on in place of the original, or the original does. */
static void clone(struct run *run, bool stay)
{
    struct coffer_space *copy;

    if (coffer_space_clone(run->space, "clone", &copy) != COFFER_OK)
        return;
    if (stay) {
        coffer_space_close(copy);
    } else {
        coffer_space_close(run->space);
        run->space = copy;
        note_space(run);
    }
}

static void call(struct run *run, const uint8_t *input)
{
    size_t first = input[1] % PAGES;
    size_t count = 1 + input[2] % (PAGES - first);
    unsigned rights = input[3] & 3u;

    switch (input[0] % 10) {
    case 0:
    case 1:
        map(run, first, count, rights == 2 ? 3 : rights);
        break;
    case 2:
        unmap(run, first, count);
        break;
    case 3:
        protect(run, first, count, rights == 2 ? 3 : rights);
        break;
    case 4:
    case 5:
        fill(run, first, count, input[4]);
        break;
    case 6:
        remap(run, first, count, 1 + input[3] % 64, input[4] % PAGES);
        break;
    case 7:
        move_break(run, input[3] % (HEAP_PAGES + 1));
        break;
    case 8:
        clone(run, input[3] % 2 != 0);
        break;
    default:
        (void)coffer_reclaim(run->memory, input[3] % 16);
        break;
    }
    check_page(run, first);
    check_page(run, first + count - 1);
    check_page(run, input[4] % PAGES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct coffer_linux_memory_options options = {
        .memory = MEMORY_SIZE, .software = true, .swap_pages = SWAP_PAGES, .swap_in_memory = true};
    struct coffer_space_settings settings = {.size = PAGES * (size_t)COFFER_PAGE_SIZE,
                                             .heap_size = HEAP_PAGES * (size_t)COFFER_PAGE_SIZE};
    struct coffer_paging_statistics paging;
    struct run run = {0};

    must(coffer_linux_memory_open(&options, &run.memory) == COFFER_OK);
    must(coffer_owner_open(run.memory, "fuzz", &settings.owner) == COFFER_OK);
    must(coffer_space_open(run.memory, &settings, &run.space) == COFFER_OK);
    note_space(&run);
    for (size_t at = 0; at + 5 <= size && at < 5 * 400; at += 5)
        call(&run, data + at);
    for (size_t i = 0; i < PAGES; i++)
        check_page(&run, i);
    coffer_space_close(run.space);
    must(coffer_owner_close(run.memory, settings.owner) == COFFER_OK); /* holds no frame */
    coffer_paging_statistics(run.memory, &paging);
    must(paging.swapped == 0 && paging.slots_used == 0 && paging.active + paging.inactive == 0);
    coffer_memory_close(run.memory);
    return 0;
}
