/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls on several spaces, in little memory with swap behind it, against a model: for each
 * page its rights, its pins and a cell that has its contents, which pages that share it have in
 * common. Every answer is foreseen, but for a shortage: that may come, and must change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/must.h"
#include "support/random.h"
#include "support/space_fixture.h"

#define PG         ((uintptr_t)COFFER_PAGE_SIZE)
#define PAGES      64u /* of a space */
#define HEAP_PAGES 12u
#define SPACES     4u
#define SEGMENTS   2u /* shared memory, and a file */
#define SEG_PAGES  20u
#define PINS_MAX   40u /* pages, so that there is always memory to go on with */
#define BLOCKS     4u  /* of vmalloc */

#define RW (COFFER_READ | COFFER_WRITE)

/* What a page holds; a page is filled with one number. */
struct cell {
    uint64_t value;
    unsigned count; /* pages and segments that have it */
};

struct model_page {
    struct cell *cell; /* NULL: not mapped */
    unsigned rights;
    unsigned pins;
    bool heap;
    bool shared;
    unsigned segment; /* from 1; 0: none */
    unsigned index;   /* in the segment */
};

struct model_space {
    struct coffer_space *space; /* NULL: closed */
    uintptr_t base;
    size_t heap_break; /* bytes above the base */
    struct model_page pages[PAGES];
};

struct world {
    struct space_fixture fixture;
    struct random random;
    struct model_space spaces[SPACES];
    struct coffer_segment *segments[SEGMENTS];
    struct cell *segment_cells[SEGMENTS][SEG_PAGES];
    uint64_t file[SEG_PAGES]; /* what is in the file: page i is filled with file[i] */
    struct {
        uintptr_t address;
        size_t size;
        uint64_t value;
    } blocks[BLOCKS];
    uint64_t shortages;
    const char *last;
};

static size_t below(struct world *w, size_t bound)
{
    return (size_t)random_below(&w->random, bound);
}

/* --- Cells ------------------------------------------------------------------------------- */

static struct cell *cell_make(uint64_t value)
{
    struct cell *cell = must_alloc(sizeof(*cell));

    *cell = (struct cell){value, 1};
    return cell;
}

static struct cell *cell_hold(struct cell *cell)
{
    cell->count++;
    return cell;
}

static void cell_drop(struct cell *cell)
{
    if (--cell->count == 0)
        free(cell);
}

static void page_clear(struct model_page *page)
{
    if (page->cell != NULL)
        cell_drop(page->cell);
    *page = (struct model_page){.cell = NULL};
}

static void model_unmap(struct model_space *s, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        page_clear(&s->pages[i]);
}

/* --- The file ---------------------------------------------------------------------------- */

static enum coffer_status file_read(void *context, uint64_t index, void *page)
{
    struct world *w = context;
    uint64_t *words = page;

    for (size_t i = 0; i < PG / 8; i++)
        words[i] = w->file[index];
    return COFFER_OK;
}

static enum coffer_status file_write(void *context, uint64_t index, const void *page)
{
    struct world *w = context;
    const uint64_t *words = page;

    for (size_t i = 0; i < PG / 8; i++)
        must(words[i] == words[0]);
    w->file[index] = words[0];
    return COFFER_OK;
}

/* --- Helpers ----------------------------------------------------------------------------- */

static uintptr_t address_of(const struct model_space *s, size_t page)
{
    return s->base + page * PG;
}

static bool is_free(const struct model_space *s, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (i >= PAGES || s->pages[i].cell != NULL)
            return false;
    }
    return true;
}

static bool is_mapped(const struct model_space *s, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (s->pages[i].cell == NULL)
            return false;
    }
    return true;
}

/* PAGES: none. */
static size_t lowest_gap(const struct model_space *s, size_t count)
{
    for (size_t i = HEAP_PAGES; i + count <= PAGES; i++) {
        if (is_free(s, i, count))
            return i;
    }
    return PAGES;
}

static size_t pinned_pages(const struct world *w)
{
    size_t count = 0;

    for (size_t s = 0; s < SPACES; s++) {
        for (size_t i = 0; i < PAGES; i++)
            count += w->spaces[s].pages[i].pins > 0;
    }
    return count;
}

/* The call answered what it had to, or there was no memory; true: it was done. */
static bool judge(struct world *w, enum coffer_status status, enum coffer_status wanted)
{
    if (status == COFFER_NO_MEMORY && wanted == COFFER_OK) {
        w->shortages++;
        return false;
    }
    if (status != wanted)
        fprintf(stderr, "%s: %d, not %d\n", w->last, status, wanted);
    must(status == wanted);
    return status == COFFER_OK;
}

/* --- Operations -------------------------------------------------------------------------- */

static void do_open(struct world *w, struct model_space *s)
{
    const struct coffer_space_settings settings = {.size = PAGES * PG,
                                                   .heap_size = HEAP_PAGES * PG};
    struct coffer_space_info info;

    w->last = "open";
    if (!judge(w, coffer_space_open(w->fixture.memory, &settings, &s->space), COFFER_OK))
        return;
    coffer_space_info(s->space, &info);
    s->base = info.base;
    s->heap_break = 0;
}

static void do_close(struct world *w, struct model_space *s)
{
    w->last = "close";
    coffer_space_close(s->space);
    s->space = NULL;
    model_unmap(s, 0, PAGES);
}

static void do_clone(struct world *w, const struct model_space *s)
{
    struct coffer_space_info info;
    struct model_space *to = NULL;

    for (size_t i = 0; i < SPACES; i++) {
        if (w->spaces[i].space == NULL)
            to = &w->spaces[i];
    }
    if (to == NULL)
        return;
    w->last = "clone";
    if (!judge(w, coffer_space_clone(s->space, "clone", &to->space), COFFER_OK)) {
        to->space = NULL;
        return;
    }
    coffer_space_info(to->space, &info);
    to->base = info.base;
    to->heap_break = s->heap_break;
    for (size_t i = 0; i < PAGES; i++) {
        to->pages[i] = s->pages[i];
        to->pages[i].pins = 0;
        if (s->pages[i].cell == NULL)
            continue;
        if (s->pages[i].shared || s->pages[i].segment != 0)
            (void)cell_hold(s->pages[i].cell);
        else
            to->pages[i].cell = cell_make(s->pages[i].cell->value);
    }
}

/* A page as a map makes it. */
static struct model_page new_page(struct world *w, const struct coffer_map *map, unsigned segment,
                                  size_t i)
{
    struct model_page page = {.rights = map->rights, .segment = segment};

    if ((page.rights & COFFER_WRITE) != 0)
        page.rights |= COFFER_READ;
    page.pins = (map->flags & COFFER_MAP_PINNED) != 0;
    if (segment != 0) {
        page.index = (unsigned)(map->offset / PG + i);
        page.cell = cell_hold(w->segment_cells[segment - 1][page.index]);
    } else {
        page.shared = (map->flags & COFFER_MAP_SHARED) != 0;
        page.cell = cell_make(0);
    }
    return page;
}

static unsigned random_rights(struct world *w)
{
    static const unsigned rights[] = {RW, RW, RW, RW, COFFER_READ, COFFER_READ, 0, COFFER_WRITE, 7};

    return rights[below(w, sizeof(rights) / sizeof(rights[0]))];
}

static void do_map(struct world *w, struct model_space *s)
{
    size_t count = 1 + below(w, below(w, 4) == 0 ? 20 : 5);
    size_t first = below(w, PAGES);
    unsigned segment = below(w, 4) == 0 ? 1 + (unsigned)below(w, SEGMENTS) : 0;
    struct coffer_map map = {.size = count * PG, .rights = random_rights(w)};
    enum coffer_status wanted = COFFER_OK;
    enum coffer_status status;
    uintptr_t address = 0;
    size_t place;

    w->last = "map";
    if (below(w, 3) == 0)
        map.flags |= COFFER_MAP_SHARED;
    if (below(w, 8) == 0)
        map.flags |= COFFER_MAP_POPULATE;
    if (below(w, 12) == 0 && pinned_pages(w) + count <= PINS_MAX)
        map.flags |= COFFER_MAP_PINNED;
    if (segment != 0) {
        map.segment = w->segments[segment - 1];
        map.offset = below(w, SEG_PAGES) * PG;
        if (map.offset / PG + count > SEG_PAGES)
            wanted = COFFER_MISUSE;
    }
    switch (below(w, 4)) {
    case 0:
        map.flags |= COFFER_MAP_FIXED | COFFER_MAP_KEEP;
        break;
    case 1:
        map.flags |= COFFER_MAP_FIXED;
        break;
    case 2:
        map.address = address_of(s, first);
        break;
    default:
        break;
    }
    place = lowest_gap(s, count);
    if ((map.flags & COFFER_MAP_FIXED) != 0) {
        map.address = address_of(s, first);
        place = first;
        if (first + count > PAGES)
            wanted = COFFER_MISUSE;
        else if ((map.flags & COFFER_MAP_KEEP) != 0 && !is_free(s, first, count) &&
                 wanted == COFFER_OK)
            wanted = COFFER_EXISTS;
    } else if (map.address != 0 && is_free(s, first, count)) {
        place = first;
    } else if (place == PAGES && wanted == COFFER_OK) {
        wanted = COFFER_NO_MEMORY;
    }
    status = coffer_space_map(s->space, &map, &address);
    /* Pages come before the place is looked for. */
    if (wanted == COFFER_EXISTS && status == COFFER_NO_MEMORY &&
        (map.flags & (COFFER_MAP_POPULATE | COFFER_MAP_PINNED)) != 0)
        return;
    if (!judge(w, status, wanted))
        return;
    must(address == address_of(s, place));
    model_unmap(s, place, count);
    for (size_t i = 0; i < count; i++)
        s->pages[place + i] = new_page(w, &map, segment, i);
}

static void random_range(struct world *w, size_t *first, size_t *count)
{
    *first = below(w, PAGES);
    *count = 1 + below(w, below(w, 4) == 0 ? PAGES : 6);
    if (*first + *count > PAGES)
        *count = PAGES - *first;
}

static void do_unmap(struct world *w, struct model_space *s)
{
    size_t first;
    size_t count;

    random_range(w, &first, &count);
    w->last = "unmap";
    if (judge(w, coffer_space_unmap(s->space, address_of(s, first), count * PG), COFFER_OK))
        model_unmap(s, first, count);
}

static void do_protect(struct world *w, struct model_space *s)
{
    unsigned rights = random_rights(w);
    size_t first;
    size_t count;
    bool mapped;

    random_range(w, &first, &count);
    mapped = is_mapped(s, first, count);
    w->last = "protect";
    if (!judge(w, coffer_space_protect(s->space, address_of(s, first), count * PG, rights),
               mapped ? COFFER_OK : COFFER_NOT_FOUND))
        return;
    for (size_t i = first; i < first + count; i++)
        s->pages[i].rights = rights | ((rights & COFFER_WRITE) != 0 ? COFFER_READ : 0);
}

/* Are the two pages, one behind the other, in what a program takes for one region? */
static bool are_one(const struct model_page *lower, const struct model_page *upper)
{
    return lower->cell != NULL && upper->cell != NULL && lower->rights == upper->rights &&
           lower->pins == upper->pins && lower->heap == upper->heap &&
           lower->shared == upper->shared && lower->segment == upper->segment &&
           (lower->segment == 0 || lower->index + 1 == upper->index);
}

static enum coffer_status foresee_remap(const struct model_space *s, size_t first, size_t count,
                                        size_t wanted, unsigned flags, size_t *target)
{
    const struct model_page *page = &s->pages[first];
    bool grows = wanted > count;
    bool fixed = (flags & COFFER_REMAP_FIXED) != 0;

    if (page->cell == NULL)
        return COFFER_NOT_FOUND;
    for (size_t i = first; i + 1 < first + count; i++) {
        if (!are_one(&s->pages[i], &s->pages[i + 1]))
            return COFFER_NOT_FOUND;
    }
    if (page->heap || (page->pins > 0 && (fixed || grows)))
        return COFFER_MISUSE;
    if (!fixed && !grows) {
        *target = first;
        return COFFER_OK;
    }
    if (fixed)
        return page->segment != 0 && grows && page->index + wanted > SEG_PAGES ? COFFER_NO_MEMORY
                                                                               : COFFER_OK;
    if (first + wanted <= PAGES && is_free(s, first + count, wanted - count))
        *target = first;
    else if ((flags & COFFER_REMAP_MOVE) == 0 || (*target = lowest_gap(s, wanted)) == PAGES)
        return COFFER_NO_MEMORY;
    return page->segment != 0 && page->index + wanted > SEG_PAGES ? COFFER_NO_MEMORY : COFFER_OK;
}

static void model_remap(struct world *w, struct model_space *s, size_t first, size_t count,
                        size_t wanted, size_t target)
{
    struct model_page moved[PAGES] = {{.cell = NULL}};
    struct model_page last = s->pages[first + count - 1];

    for (size_t i = 0; i < count; i++) {
        moved[i] = s->pages[first + i];
        s->pages[first + i] = (struct model_page){.cell = NULL};
    }
    for (size_t i = count; i < wanted; i++) {
        moved[i] = last;
        if (last.segment != 0) {
            moved[i].index = last.index + (unsigned)(i - count + 1);
            moved[i].cell = cell_hold(w->segment_cells[last.segment - 1][moved[i].index]);
        } else {
            moved[i].cell = cell_make(0);
        }
    }
    for (size_t i = wanted; i < count; i++)
        page_clear(&moved[i]);
    model_unmap(s, target, wanted);
    for (size_t i = 0; i < wanted; i++)
        s->pages[target + i] = moved[i];
}

static void do_remap(struct world *w, struct model_space *s)
{
    size_t wanted = 1 + below(w, 12);
    unsigned flags = below(w, 3) == 0 ? 0 : COFFER_REMAP_MOVE;
    size_t target = 0;
    uintptr_t address = 1;
    enum coffer_status status;
    size_t first;
    size_t count;

    random_range(w, &first, &count);
    w->last = "remap";
    if (flags != 0 && below(w, 3) == 0) {
        flags |= COFFER_REMAP_FIXED;
        target = below(w, PAGES);
        address = address_of(s, target);
    }
    status = foresee_remap(s, first, count, wanted, flags, &target);
    if ((flags & COFFER_REMAP_FIXED) != 0 &&
        (target + wanted > PAGES || (target < first + count && first < target + wanted)))
        status = COFFER_MISUSE;
    if (!judge(w,
               coffer_space_remap(s->space, address_of(s, first), count * PG, wanted * PG, flags,
                                  &address),
               status))
        return;
    must(address == address_of(s, target));
    model_remap(w, s, first, count, wanted, target);
}

static void do_break(struct world *w, struct model_space *s)
{
    size_t wanted = below(w, HEAP_PAGES * PG + 2 * PG);
    size_t old_pages = (s->heap_break + PG - 1) / PG;
    size_t pages = (wanted + PG - 1) / PG;
    enum coffer_status status = COFFER_OK;
    uintptr_t now = 0;

    w->last = "break";
    if (wanted > HEAP_PAGES * PG ||
        (pages > old_pages && !is_free(s, old_pages, pages - old_pages)))
        status = COFFER_NO_MEMORY;
    if (!judge(w, coffer_space_break(s->space, s->base + wanted, &now), status))
        return;
    must(now == s->base + wanted);
    if (pages < old_pages)
        model_unmap(s, pages, old_pages - pages);
    for (size_t i = old_pages; i < pages; i++)
        s->pages[i] = (struct model_page){.cell = cell_make(0), .rights = RW, .heap = true};
    s->heap_break = wanted;
}

static void do_pin(struct world *w, struct model_space *s)
{
    size_t first;
    size_t count;

    random_range(w, &first, &count);
    w->last = "pin";
    if (pinned_pages(w) + count > PINS_MAX ||
        !judge(w, coffer_space_pin(s->space, address_of(s, first), count * PG),
               is_mapped(s, first, count) ? COFFER_OK : COFFER_NOT_FOUND))
        return;
    for (size_t i = first; i < first + count; i++)
        s->pages[i].pins++;
}

static void do_unpin(struct world *w, struct model_space *s)
{
    enum coffer_status status = COFFER_OK;
    size_t first;
    size_t count;

    random_range(w, &first, &count);
    if (!is_mapped(s, first, count))
        status = COFFER_NOT_FOUND;
    for (size_t i = first; status == COFFER_OK && i < first + count; i++) {
        if (s->pages[i].pins == 0)
            status = COFFER_MISUSE;
    }
    w->last = "unpin";
    if (!judge(w, coffer_space_unpin(s->space, address_of(s, first), count * PG), status))
        return;
    for (size_t i = first; i < first + count; i++)
        s->pages[i].pins--;
}

static enum coffer_status foresee_access(const struct model_space *s, size_t first, size_t count,
                                         unsigned right)
{
    if (!is_mapped(s, first, count))
        return COFFER_NOT_FOUND;
    for (size_t i = first; i < first + count; i++) {
        if ((s->pages[i].rights & right) == 0)
            return COFFER_MISUSE;
    }
    return COFFER_OK;
}

static void do_read(struct world *w, struct model_space *s)
{
    static uint64_t words[PAGES * COFFER_PAGE_SIZE / 8];
    size_t first;
    size_t count;

    random_range(w, &first, &count);
    w->last = "read";
    if (!judge(w, coffer_space_read(s->space, address_of(s, first), words, count * PG),
               foresee_access(s, first, count, COFFER_READ)))
        return;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = s->pages[first + i].cell->value;

        for (size_t j = 0; j < PG / 8; j += 73)
            must(words[i * PG / 8 + j] == value);
    }
}

static void do_write(struct world *w, struct model_space *s)
{
    uint64_t words[COFFER_PAGE_SIZE / 8];
    uint64_t value = random_next(&w->random);
    size_t page = below(w, PAGES);

    w->last = "write";
    for (size_t i = 0; i < PG / 8; i++)
        words[i] = value;
    if (judge(w, coffer_space_write(s->space, address_of(s, page), words, PG),
              foresee_access(s, page, 1, COFFER_WRITE)))
        s->pages[page].cell->value = value;
}

static void do_fill(struct world *w, struct model_space *s)
{
    uint8_t value = (uint8_t)random_next(&w->random);
    size_t first;
    size_t count;
    enum coffer_status wanted;
    enum coffer_status status;

    random_range(w, &first, &count);
    w->last = "fill";
    wanted = foresee_access(s, first, count, COFFER_WRITE);
    status = coffer_space_fill(s->space, address_of(s, first), value, count * PG);
    must(status == wanted); /* there is always memory for the page that it is at */
    for (size_t i = first; status == COFFER_OK && i < first + count; i++)
        s->pages[i].cell->value = value * 0x0101010101010101u;
}

static void do_fault(struct world *w, struct model_space *s)
{
    unsigned access = 1u << below(w, 3);
    size_t page = below(w, PAGES);

    w->last = "fault";
    (void)judge(w, coffer_space_fault(s->space, address_of(s, page) + below(w, PG), access),
                foresee_access(s, page, 1, access));
}

static void do_sync(struct world *w, struct model_space *s)
{
    w->last = "sync";
    must(coffer_space_sync(s->space, s->base, PAGES * PG) == COFFER_OK);
    for (size_t i = 0; i < PAGES; i++) {
        const struct model_page *page = &s->pages[i];

        if (page->segment == 2)
            must(w->file[page->index] == page->cell->value);
    }
}

static void do_reclaim(struct world *w)
{
    w->last = "reclaim";
    (void)coffer_reclaim(w->fixture.memory, 1 + below(w, 100));
}

static void do_vmalloc(struct world *w)
{
    struct coffer_space *vmalloc = coffer_space_vmalloc(w->fixture.memory);
    size_t i = below(w, BLOCKS);

    w->last = "vmalloc";
    if (w->blocks[i].address != 0) {
        must(space_get(vmalloc, w->blocks[i].address) == w->blocks[i].value);
        must(coffer_vfree(w->fixture.memory, w->blocks[i].address + PG) == COFFER_MISUSE);
        must(coffer_vfree(w->fixture.memory, w->blocks[i].address) == COFFER_OK);
        must(coffer_vfree(w->fixture.memory, w->blocks[i].address) == COFFER_MISUSE);
        w->blocks[i].address = 0;
        return;
    }
    w->blocks[i].size = 1 + below(w, 6 * PG);
    if (!judge(w, coffer_vmalloc(w->fixture.memory, w->blocks[i].size, &w->blocks[i].address),
               COFFER_OK))
        return;
    must(space_get(vmalloc, w->blocks[i].address) == 0);
    must(coffer_space_of(w->fixture.memory, w->blocks[i].address) == vmalloc);
    w->blocks[i].value = random_next(&w->random);
    space_put(vmalloc, w->blocks[i].address, w->blocks[i].value);
}

/* --- All of it against the model --------------------------------------------------------- */

static void check_space(const struct model_space *s)
{
    struct coffer_space_info info;
    size_t mapped = 0;

    for (size_t i = 0; i < PAGES; i++) {
        const struct model_page *page = &s->pages[i];
        struct coffer_page_info seen;

        must(coffer_space_query(s->space, address_of(s, i), &seen) == COFFER_OK);
        must(seen.mapped == (page->cell != NULL));
        if (page->cell == NULL)
            continue;
        mapped++;
        must(seen.rights == page->rights);
        must(page->pins == 0 || (seen.pinned && seen.resident));
        must(!(page->shared || page->segment != 0) || seen.shared);
        if ((page->rights & COFFER_READ) != 0)
            must(space_get(s->space, address_of(s, i) + 512) == page->cell->value);
    }
    coffer_space_info(s->space, &info);
    must(info.mapped == mapped * PG && info.status == COFFER_OK);
    must(info.heap_break == s->base + s->heap_break);
}

static void check_world(struct world *w)
{
    for (size_t i = 0; i < SPACES; i++) {
        if (w->spaces[i].space != NULL)
            check_space(&w->spaces[i]);
    }
}

static void step(struct world *w)
{
    static void (*const operations[])(struct world * w, struct model_space * s) = {
        do_map,     do_map,   do_map,   do_map,   do_unmap,   do_unmap, do_protect,
        do_protect, do_remap, do_remap, do_break, do_pin,     do_unpin, do_unpin,
        do_read,    do_read,  do_write, do_write, do_write,   do_write, do_write,
        do_write,   do_fill,  do_fault, do_sync,  do_protect, do_write, do_fill,
    };
    struct model_space *s = &w->spaces[below(w, SPACES)];

    if (below(w, 20) == 0) {
        do_reclaim(w);
    } else if (below(w, 40) == 0) {
        do_vmalloc(w);
    } else if (s->space == NULL) {
        if (below(w, 4) == 0)
            do_open(w, s);
    } else if (below(w, 100) == 0) {
        do_close(w, s);
    } else if (below(w, 40) == 0) {
        do_clone(w, s);
    } else {
        operations[below(w, sizeof(operations) / sizeof(operations[0]))](w, s);
    }
}

static void run(enum space_mmu mmu, uint64_t steps)
{
    static const struct space_fixture_settings settings = {.memory = 512 * KIB, .swap_pages = 2048};
    struct world *w = must_alloc(sizeof(*w));
    const struct coffer_pager pager = {.context = w, .read = file_read, .write = file_write};

    memset(w, 0, sizeof(*w));
    random_init(&w->random, space_mmu_name(mmu));
    space_fixture_open(&w->fixture, mmu, &settings);
    for (size_t i = 0; i < SEGMENTS; i++) {
        must(coffer_segment_open(w->fixture.memory, (struct coffer_owner){0}, SEG_PAGES * PG,
                                 i == 1 ? &pager : NULL, &w->segments[i]) == COFFER_OK);
        for (size_t j = 0; j < SEG_PAGES; j++) {
            w->file[j] = 1000 + j;
            w->segment_cells[i][j] = cell_make(i == 1 ? w->file[j] : 0);
        }
    }
    for (uint64_t i = 0; i < steps; i++) {
        step(w);
        if (i % 16 == 0)
            must(space_fixture_is_valid(&w->fixture));
        if (i % 64 == 0)
            check_world(w);
    }
    fprintf(stderr, "%" PRIu64 " calls, %" PRIu64 " of them short of memory\n", steps,
            w->shortages);

    /* Segments are closed first in one of two runs: they live on while they are mapped. */
    for (size_t i = 0; i < SEGMENTS; i++) {
        must(coffer_segment_close(w->segments[i]) == COFFER_OK);
        for (size_t j = 0; j < SEG_PAGES; j++)
            must(i == 0 || w->file[j] == w->segment_cells[i][j]->value);
    }
    check_world(w);
    for (size_t i = 0; i < SPACES; i++) {
        if (w->spaces[i].space != NULL)
            do_close(w, &w->spaces[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (w->blocks[i].address != 0)
            must(coffer_vfree(w->fixture.memory, w->blocks[i].address) == COFFER_OK);
    }
    for (size_t i = 0; i < SEGMENTS * SEG_PAGES; i++)
        cell_drop(w->segment_cells[i / SEG_PAGES][i % SEG_PAGES]);
    space_fixture_close(&w->fixture);
    free(w);
}

static uint64_t steps(uint64_t short_run, uint64_t deep_run)
{
    return getenv("COFFER_DEEP") != NULL ? deep_run : short_run;
}

static void test_calls_agree_with_the_model_in_software(void **state)
{
    (void)state;
    run(SPACE_SOFTWARE, steps(40000, 3000000));
}

static void test_calls_agree_with_the_model_on_linux(void **state)
{
    (void)state;
    run(SPACE_LINUX, steps(8000, 300000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_agree_with_the_model_in_software),
        cmocka_unit_test(test_calls_agree_with_the_model_on_linux),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
