/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heights count from below: an entry of height 0 is that of a page, one of height h covers 512^h
 * pages and refers to a table with entries of height h - 1. The topmost table has no entry that
 * refers to it, and so no count.
 */
#include "memory/space/pagetable.h"

#include "base/assert.h"
#include "memory/frames/lookup.h"

#define TABLE_SHIFT   9u
#define TABLE_ENTRIES (1u << TABLE_SHIFT)
#define HEIGHT_MAX    6u /* of the whole address space */

#define ENTRY_RIGHTS      0x7u
#define ENTRY_PRESENT     0x8u
#define ENTRY_BITS_SHIFT  4u
#define ENTRY_BITS        (MMU_REFERENCED | MMU_DIRTY)
#define ENTRY_USED        ((uint64_t)1 << 16) /* one used entry */
#define ENTRY_USED_MASK   0x3ffu
#define ENTRY_FRAME_SHIFT 32u

struct pagetable {
    const struct mmu_host *host;
    struct owner owner;
    uintptr_t base;
    uint64_t page_count;
    size_t mapped;       /* pages */
    size_t table_frames; /* below the topmost table */
    unsigned height;     /* of the topmost table, from 1 */
    uint64_t *top;       /* the topmost table: the rest of this frame */
};

#define TOP_ENTRIES ((FRAME_SIZE - sizeof(struct pagetable)) / sizeof(uint64_t))

_Static_assert((COFFER_READ | COFFER_WRITE | COFFER_EXECUTE) == ENTRY_RIGHTS, "rights fit");
_Static_assert(FRAME_SIZE == COFFER_PAGE_SIZE, "a page is a frame");
_Static_assert(FRAME_SIZE == TABLE_ENTRIES * sizeof(uint64_t), "a table is a frame");
_Static_assert(FRAMES_TOTAL_MAX <= (uint64_t)1 << 32, "a frame's number fits");

/* --- Entries ----------------------------------------------------------------------------- */

static uint64_t make_entry(uint32_t frame, unsigned rights, unsigned bits)
{
    return (uint64_t)frame << ENTRY_FRAME_SHIFT | (uint64_t)bits << ENTRY_BITS_SHIFT |
           ENTRY_PRESENT | rights;
}

static void *frame_of(const struct pagetable *table, uint64_t entry)
{
    return frames_address(table->host->frames, (uint32_t)(entry >> ENTRY_FRAME_SHIFT));
}

static unsigned used_of(uint64_t entry)
{
    return (unsigned)(entry / ENTRY_USED) & ENTRY_USED_MASK;
}

static unsigned bits_of(uint64_t entry)
{
    return (unsigned)(entry >> ENTRY_BITS_SHIFT) & ENTRY_BITS;
}

static struct mmu_entry describe(const struct pagetable *table, uint64_t entry)
{
    return (struct mmu_entry){
        .frame = frame_of(table, entry),
        .rights = (unsigned)entry & ENTRY_RIGHTS,
        .bits = bits_of(entry),
    };
}

/* --- Ways down --------------------------------------------------------------------------- */

/* The entries on the way to a page, by height, as far as there are tables. */
struct path {
    uint64_t *entry[HEIGHT_MAX];
    unsigned low; /* the lowest of them; when it isn't 0, that entry is: nothing is below */
};

static unsigned index_at(uint64_t page, unsigned height)
{
    return (unsigned)(page >> height * TABLE_SHIFT) % TABLE_ENTRIES;
}

/* The entries of the table that an entry refers to. */
static uint64_t *table_below(const struct pagetable *table, uint64_t entry)
{
    return frame_of(table, entry);
}

static void find_path(const struct pagetable *table, uint64_t page, struct path *path)
{
    unsigned height = table->height - 1;

    path->entry[height] = &table->top[page >> height * TABLE_SHIFT];
    while (height > 0 && *path->entry[height] != 0) {
        uint64_t *entries = table_below(table, *path->entry[height]);

        height--;
        path->entry[height] = &entries[index_at(page, height)];
    }
    path->low = height;
}

/* Part of a range of pages: those in one lowest table, or some that have none. */
struct stretch {
    uint64_t count;
    uint64_t *entries; /* of these pages; NULL: there is no table */
    struct path path;  /* of the first */
};

/* The stretch at `page` of a range that ends before `end`. */
static void find_stretch(const struct pagetable *table, uint64_t page, uint64_t end,
                         struct stretch *out)
{
    unsigned height;
    uint64_t *entry;
    uint64_t index; /* as if all tables of one height were one */

    find_path(table, page, &out->path);
    height = out->path.low;
    entry = out->path.entry[height];
    out->entries = height == 0 ? entry : NULL;
    if (height == 0)
        height = 1;
    index = (page >> height * TABLE_SHIFT) + 1;
    /* A table that is missing is passed over with those behind it, as far as one table tells. */
    while (out->path.low > 0 && index << height * TABLE_SHIFT < end && index % TABLE_ENTRIES != 0 &&
           *++entry == 0)
        index++;
    index <<= height * TABLE_SHIFT;
    out->count = (index < end ? index : end) - page;
}

/* An entry at `height` of the path has come to be or to mean nothing: its table counts it. */
static void count_used(const struct pagetable *table, struct path *path, unsigned height,
                       uint64_t change)
{
    if (height + 1 < table->height)
        *path->entry[height + 1] += change * ENTRY_USED;
}

/* Give the tables on a path back that have become empty, from the lowest up. */
static void prune(struct pagetable *table, struct path *path)
{
    unsigned height = path->low + 1;

    for (; height < table->height && used_of(*path->entry[height]) == 0; height++) {
        table->host->give_table_frame(table->host->context, table->owner,
                                      frame_of(table, *path->entry[height]));
        table->table_frames--;
        *path->entry[height] = 0;
        count_used(table, path, height, (uint64_t)-1);
    }
}

/* Make the tables that are missing on a path. False: one can't be had, and those above are left,
 * empty perhaps. */
static bool complete(struct pagetable *table, uint64_t page, struct path *path)
{
    while (path->low > 0) {
        uint64_t *frame = table->host->take_table_frame(table->host->context, table->owner);

        if (frame == NULL)
            return false;
        table->table_frames++;
        *path->entry[path->low] = make_entry(frames_number(table->host->frames, frame), 0, 0);
        count_used(table, path, path->low, 1);
        path->low--;
        path->entry[path->low] = &frame[index_at(page, path->low)];
    }
    return true;
}

/* --- Ranges ------------------------------------------------------------------------------ */

/* Pages of the table, by number: [first, end). */
struct pages {
    uint64_t first;
    uint64_t end;
};

/* What of `count` pages from the one at `address` lies in the range of addresses. */
static struct pages clip(const struct pagetable *table, uintptr_t address, size_t count)
{
    uint64_t first = 0;

    assert_debug((address - table->base) % COFFER_PAGE_SIZE == 0);
    if (address >= table->base) {
        first = (address - table->base) / COFFER_PAGE_SIZE;
    } else {
        uint64_t before = (table->base - address) / COFFER_PAGE_SIZE;

        count = count > before ? count - (size_t)before : 0;
    }
    if (first > table->page_count)
        first = table->page_count;
    if (count > table->page_count - first)
        count = (size_t)(table->page_count - first);
    return (struct pages){first, first + count};
}

static uintptr_t address_of(const struct pagetable *table, uint64_t page)
{
    return table->base + (uintptr_t)page * COFFER_PAGE_SIZE;
}

/* The entry of the page that an address lies in; NULL: it isn't mapped. */
static uint64_t *find_entry(const struct pagetable *table, uintptr_t address)
{
    uint64_t page = (address - table->base) / COFFER_PAGE_SIZE; /* below the base: far too large */
    unsigned height = table->height - 1;
    uint64_t *entry;

    if (page >= table->page_count)
        return NULL;
    entry = &table->top[page >> height * TABLE_SHIFT];
    while (*entry != 0) {
        if (height-- == 0)
            return entry;
        entry = &table_below(table, *entry)[index_at(page, height)];
    }
    return NULL;
}

/* --- Mapping ----------------------------------------------------------------------------- */

/* Is none of the pages mapped? `tables`: do they have all the tables they need? The stretch is the
 * last one. */
static bool is_free(const struct pagetable *table, const struct pages *pages,
                    struct stretch *stretch, bool *tables)
{
    *tables = true;
    for (uint64_t page = pages->first; page < pages->end; page += stretch->count) {
        find_stretch(table, page, pages->end, stretch);
        *tables = *tables && stretch->entries != NULL;
        for (uint64_t i = 0; stretch->entries != NULL && i < stretch->count; i++) {
            if (stretch->entries[i] != 0)
                return false;
        }
    }
    return true;
}

/* Have all tables that the pages need. When one can't be had, those made for it go back. */
static bool make_tables(struct pagetable *table, const struct pages *pages)
{
    struct stretch stretch;
    uint64_t page = pages->first;

    for (; page < pages->end; page += stretch.count) {
        find_stretch(table, page, pages->end, &stretch);
        if (stretch.entries != NULL)
            continue;
        if (!complete(table, page, &stretch.path))
            break;
        find_stretch(table, page, pages->end, &stretch);
    }
    if (page >= pages->end)
        return true;

    prune(table, &stretch.path);
    for (uint64_t made = pages->first; made < page; made += stretch.count) {
        find_stretch(table, made, page, &stretch);
        prune(table, &stretch.path);
    }
    return false;
}

/* The number of the first of `count` frames that lie behind one another. */
static bool number_frames(const struct pagetable *table, void *frame, size_t count, uint32_t *out)
{
    uint32_t first = frames_number(table->host->frames, frame);
    uint32_t last;

    if (first == FRAMES_NO_NUMBER || count > FRAMES_TOTAL_MAX || (uintptr_t)frame % FRAME_SIZE != 0)
        return false;
    last = frames_number(table->host->frames, (uint8_t *)frame + (count - 1) * FRAME_SIZE);
    *out = first;
    return last != FRAMES_NO_NUMBER && last - first == count - 1;
}

enum coffer_status pagetable_map(struct pagetable *table, uintptr_t address, void *frame,
                                 size_t count, unsigned rights, unsigned bits)
{
    uint64_t first = (address - table->base) / COFFER_PAGE_SIZE;
    struct pages pages = {first, first + count};
    struct stretch stretch;
    uint32_t number;
    bool tables;

    if (count == 0 || address < table->base || (address - table->base) % COFFER_PAGE_SIZE != 0 ||
        first >= table->page_count || count > table->page_count - first)
        return COFFER_MISUSE;
    if ((rights & ~ENTRY_RIGHTS) != 0 || (bits & ~ENTRY_BITS) != 0 ||
        !number_frames(table, frame, count, &number))
        return COFFER_MISUSE;
    if (!is_free(table, &pages, &stretch, &tables))
        return COFFER_EXISTS;
    if (!tables && !make_tables(table, &pages))
        return COFFER_NO_MEMORY;

    for (uint64_t page = pages.first; page < pages.end; page += stretch.count) {
        /* One that has all the pages is at hand. */
        if (!tables || stretch.count < count)
            find_stretch(table, page, pages.end, &stretch);
        for (uint64_t i = 0; i < stretch.count; i++)
            stretch.entries[i] = make_entry(number++, rights, bits);
        count_used(table, &stretch.path, 0, stretch.count);
    }
    table->mapped += count;
    return COFFER_OK;
}

unsigned pagetable_unmap(struct pagetable *table, uintptr_t address, size_t count)
{
    struct pages pages = clip(table, address, count);
    struct stretch stretch;
    unsigned bits = 0;

    for (uint64_t page = pages.first; page < pages.end; page += stretch.count) {
        uint64_t cleared = 0;

        find_stretch(table, page, pages.end, &stretch);
        for (uint64_t i = 0; stretch.entries != NULL && i < stretch.count; i++) {
            bits |= bits_of(stretch.entries[i]);
            cleared += stretch.entries[i] != 0;
            stretch.entries[i] = 0;
        }
        if (cleared == 0)
            continue;
        table->mapped -= (size_t)cleared;
        count_used(table, &stretch.path, 0, 0 - cleared);
        prune(table, &stretch.path);
    }
    return bits;
}

void pagetable_protect(struct pagetable *table, uintptr_t address, size_t count, unsigned rights)
{
    struct pages pages = clip(table, address, count);
    struct stretch stretch;

    assert_debug((rights & ~ENTRY_RIGHTS) == 0);
    for (uint64_t page = pages.first; page < pages.end; page += stretch.count) {
        find_stretch(table, page, pages.end, &stretch);
        for (uint64_t i = 0; stretch.entries != NULL && i < stretch.count; i++) {
            uint64_t *entry = &stretch.entries[i];

            if (*entry != 0)
                *entry = (*entry & ~(uint64_t)ENTRY_RIGHTS) | (rights & ENTRY_RIGHTS);
        }
    }
}

/* --- Looking ----------------------------------------------------------------------------- */

bool pagetable_query(const struct pagetable *table, uintptr_t address, struct mmu_entry *out)
{
    const uint64_t *entry = find_entry(table, address);

    if (entry == NULL)
        return false;
    *out = describe(table, *entry);
    return true;
}

unsigned pagetable_harvest(struct pagetable *table, uintptr_t address, unsigned mask)
{
    uint64_t *entry = find_entry(table, address);
    unsigned bits;

    if (entry == NULL)
        return 0;
    bits = bits_of(*entry);
    *entry &= ~((uint64_t)(mask & ENTRY_BITS) << ENTRY_BITS_SHIFT);
    return bits;
}

void pagetable_mark(struct pagetable *table, uintptr_t address, unsigned bits)
{
    uint64_t *entry = find_entry(table, address);

    if (entry != NULL)
        *entry |= (uint64_t)(bits & ENTRY_BITS) << ENTRY_BITS_SHIFT;
}

void pagetable_walk(const struct pagetable *table, uintptr_t address, size_t count,
                    bool (*visit)(void *context, uintptr_t address, const struct mmu_entry *entry),
                    void *context)
{
    struct pages pages = clip(table, address, count);
    struct stretch stretch;

    for (uint64_t page = pages.first; page < pages.end; page += stretch.count) {
        find_stretch(table, page, pages.end, &stretch);
        for (uint64_t i = 0; stretch.entries != NULL && i < stretch.count; i++) {
            struct mmu_entry entry;

            if (stretch.entries[i] == 0)
                continue;
            entry = describe(table, stretch.entries[i]);
            if (!visit(context, address_of(table, page + i), &entry))
                return;
        }
    }
}

size_t pagetable_mapped(const struct pagetable *table)
{
    return table->mapped;
}

size_t pagetable_frames(const struct pagetable *table)
{
    return table->table_frames + 1;
}

/* --- Life -------------------------------------------------------------------------------- */

enum coffer_status pagetable_open(const struct mmu_host *host, struct owner owner, uintptr_t base,
                                  size_t size, struct pagetable **out)
{
    struct pagetable *table;

    if (size == 0 || size % COFFER_PAGE_SIZE != 0 || base % COFFER_PAGE_SIZE != 0 ||
        size - 1 > UINTPTR_MAX - base)
        return COFFER_MISUSE;
    table = host->take_table_frame(host->context, owner);
    if (table == NULL)
        return COFFER_NO_MEMORY;

    table->host = host;
    table->owner = owner;
    table->base = base;
    table->page_count = size / COFFER_PAGE_SIZE;
    table->top = (uint64_t *)(void *)(table + 1);
    table->height = 1;
    while ((table->page_count - 1) >> (table->height - 1) * TABLE_SHIFT >= TOP_ENTRIES)
        table->height++;
    assert_cheap(table->height <= HEIGHT_MAX);
    *out = table;
    return COFFER_OK;
}

void pagetable_close(struct pagetable *table)
{
    pagetable_unmap(table, table->base, (size_t)table->page_count);
    table->host->give_table_frame(table->host->context, table->owner, table);
}

/* --- Validity ---------------------------------------------------------------------------- */

static unsigned count_entries(const uint64_t *entries)
{
    unsigned used = 0;

    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        used += entries[i] != 0;
    return used;
}

bool pagetable_is_valid(const struct pagetable *table)
{
    size_t frames = 0;
    size_t mapped = 0;
    struct stretch stretch;

    /* Each table is looked at with the stretch that begins where it does. */
    for (uint64_t page = 0; page < table->page_count; page += stretch.count) {
        find_stretch(table, page, table->page_count, &stretch);
        for (unsigned below = stretch.path.low; below < table->height - 1; below++) {
            uint64_t entry = *stretch.path.entry[below + 1];
            unsigned used = count_entries(table_below(table, entry));

            if (index_at(page, below) != 0)
                break;
            if (used == 0 || used != used_of(entry))
                return false;
            frames++;
            mapped += below == 0 ? used : 0;
        }
        for (uint64_t i = 0; table->height == 1 && stretch.entries != NULL && i < stretch.count;
             i++)
            mapped += stretch.entries[i] != 0;
    }
    return frames == table->table_frames && mapped == table->mapped;
}
