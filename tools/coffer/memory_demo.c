/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_demo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "coffer/linux_memory.h"

#include "memory_map.h"
#include "output.h"
#include "report.h"

#define DEFAULT_MEMORY ((size_t)1 << 20)
#define LEAST_MEMORY   ((size_t)256 << 10)
#define MOST_MEMORY    ((size_t)256 << 20)
#define TIMES          8u /* user memory is so many times as much */
#define TOUCHES        20000u
#define BLOCKS         400u
#define LIVE_COLUMNS   80u /* what isn't so wide breaks lines, and can't be drawn over */
#define LIVE_ROWS      24u
#define DRAW_NS        100000000 /* a picture every 0.1 s on a terminal */

/* The untrusted side: evicted pages, in plain memory of the command, which may hurt them. */
struct medium {
    uint8_t *bytes;
    size_t size;
};

struct demo {
    struct options *options;
    struct coffer_linux_mmu *mmu;
    struct coffer_memory *memory;
    struct medium medium;
    struct coffer_owner owner; /* of the space */
    struct coffer_space *space;
    uintptr_t start; /* of the user memory */
    size_t pages;
    uint64_t *expected; /* of each page's counter */
    uint64_t random;
    struct json_object *facts;
    struct json_object *map;
    struct timespec drawn;
    unsigned lines; /* of the last live picture, to be drawn over */
    unsigned rows;  /* of the terminal; 0: no live pictures */
    bool is_good;   /* so far */
};

/* --- Showing ----------------------------------------------------------------------------- */

/* The last live picture goes; what is printed next stays. */
static void erase(struct demo *demo)
{
    if (demo->lines > 0)
        printf("\033[%uA\033[J", demo->lines);
    demo->lines = 0;
}

static void title(struct demo *demo, const char *text)
{
    bool bold = output_is_fancy();

    if (demo->options->json)
        return;
    erase(demo);
    printf("\n%s%s%s\n\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

static void draw(struct demo *demo)
{
    if (demo->options->json) {
        (void)json_object_put(demo->map);
        demo->map = memory_map_json(demo->memory);
        return;
    }
    erase(demo);
    (void)memory_map_print(demo->memory, MEMORY_MAP_ALL);
    printf("\n");
}

/* Now and then, on a terminal: as much as it has room for. */
static void draw_live(struct demo *demo)
{
    struct timespec now;

    if (demo->rows == 0)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - demo->drawn.tv_sec) * 1000000000 + now.tv_nsec - demo->drawn.tv_nsec <
        DRAW_NS)
        return;
    demo->drawn = now;
    erase(demo);
    demo->lines = memory_map_print(demo->memory, demo->rows - 1);
    if (demo->lines > demo->rows - 1)
        demo->rows = demo->lines = 0; /* many areas: its top has left the screen */
}

static unsigned live_rows(const struct options *options)
{
    unsigned rows;
    unsigned columns;

    if (options->json || !output_is_fancy() || !output_terminal_size(&rows, &columns))
        return 0;
    return rows >= LIVE_ROWS && columns >= LIVE_COLUMNS ? rows : 0;
}

/* A fact that must hold. */
static bool hold(struct demo *demo, bool fact, const char *text)
{
    struct json_object *value = json_object_new_object();

    erase(demo);
    if (!demo->options->json)
        printf("    %s %s\n", fact ? "=>" : "NOT TRUE:", text);
    json_object_object_add(value, "fact", json_object_new_string(text));
    json_object_object_add(value, "holds", json_object_new_boolean(fact));
    json_object_array_add(demo->facts, value);
    demo->is_good = demo->is_good && fact;
    return fact;
}

/* xorshift64*, so that each run is the same. */
static size_t draw_lot(struct demo *demo, size_t below)
{
    demo->random ^= demo->random >> 12;
    demo->random ^= demo->random << 25;
    demo->random ^= demo->random >> 27;
    return (size_t)((demo->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* --- The untrusted side ------------------------------------------------------------------ */

static enum coffer_status medium_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    const struct medium *medium = context;

    if (offset > medium->size || size > medium->size - offset)
        return COFFER_IO;
    memcpy(bytes, medium->bytes + offset, size);
    return COFFER_OK;
}

static enum coffer_status medium_write(void *context, uint64_t offset, const void *bytes,
                                       size_t size)
{
    struct medium *medium = context;

    if (offset > medium->size || size > medium->size - offset)
        return COFFER_NO_SPACE;
    memcpy(medium->bytes + offset, bytes, size);
    return COFFER_OK;
}

static enum coffer_status open_system(struct demo *demo, size_t size)
{
    const struct coffer_linux_mmu_options mmu = {.size = size};
    struct coffer_swap_settings swap = {.ciphers = coffer_linux_ciphers()};
    struct coffer_memory_config config = {.port = coffer_linux_port(), .area_count = 1};
    struct coffer_area area;
    enum coffer_status status = coffer_linux_mmu_make(&mmu, &demo->mmu);

    if (status != COFFER_OK)
        return status;
    area = coffer_linux_mmu_area(demo->mmu);
    config.areas = &area;
    config.mmu = coffer_linux_mmu_operations(demo->mmu);
    config.locked = coffer_linux_mmu_is_locked(demo->mmu);
    status = coffer_memory_open(&config, &demo->memory);
    if (status != COFFER_OK)
        return status;

    demo->pages = TIMES * size / COFFER_PAGE_SIZE;
    /* A slot is a page and its tag; twice as much is enough whatever the tag takes. */
    demo->medium.size = 2 * (demo->pages + 64) * COFFER_PAGE_SIZE;
    demo->medium.bytes = must_have(malloc(demo->medium.size));
    memset(demo->medium.bytes, 0xA5, demo->medium.size);
    demo->expected = must_have(calloc(demo->pages, sizeof(*demo->expected)));
    swap.pages = demo->pages + 64;
    swap.medium.context = &demo->medium;
    swap.medium.read = medium_read;
    swap.medium.write = medium_write;
    return coffer_swap_open(demo->memory, &swap);
}

/* --- Pools ------------------------------------------------------------------------------- */

static void show_pool(struct demo *demo)
{
    struct coffer_pool_settings settings = {.name = "demo", .zero = true};
    struct coffer_pool *pool = NULL;
    void *blocks[BLOCKS] = {NULL};
    struct coffer_pool_statistics statistics;
    unsigned sizes = 0; /* a bit for each power of two that was had */
    uint8_t *block = NULL;

    title(demo, "A pool: blocks of 16 bytes to 8 KiB, come and gone");
    if (coffer_owner_open(demo->memory, "pool", &settings.owner) != COFFER_OK ||
        coffer_pool_open(demo->memory, &settings, &pool) != COFFER_OK) {
        (void)hold(demo, false, "a pool can be had");
        return;
    }
    for (unsigned i = 0; i < 20 * BLOCKS; i++) {
        size_t at = draw_lot(demo, BLOCKS);
        size_t power = draw_lot(demo, 10);

        if (blocks[at] != NULL)
            demo->is_good &= coffer_pool_free(pool, blocks[at]) == COFFER_OK;
        blocks[at] = NULL;
        if (draw_lot(demo, 3) == 0 ||
            coffer_pool_alloc(pool, (size_t)16 << power, &blocks[at]) != COFFER_OK)
            continue;
        sizes |= 1u << power;
        draw_live(demo);
    }
    draw(demo);
    (void)hold(demo, sizes == 0x3FF, "blocks of all ten sizes were had");
    for (unsigned i = 0; i < BLOCKS; i++)
        block = blocks[i] != NULL ? blocks[i] : block;
    (void)hold(demo, coffer_pool_free(pool, block + 1) == COFFER_MISUSE,
               "a free of the inside of a block is refused");
    demo->is_good &= coffer_pool_free(pool, block) == COFFER_OK;
    (void)hold(demo, coffer_pool_free(pool, block) == COFFER_MISUSE, "and a second free, too");
    (void)hold(demo, coffer_pool_check(pool, NULL), "the pool's metadata holds together");
    coffer_pool_statistics(pool, &statistics);
    (void)hold(demo, statistics.wrong_frees == 2, "both wrong frees were counted");
    coffer_pool_close(pool);
    (void)hold(demo, coffer_owner_close(demo->memory, settings.owner) == COFFER_OK,
               "closed, it gave every frame back");
}

/* --- A space ----------------------------------------------------------------------------- */

/* In the space: its addresses are pointers. */
static void fill_pages(void *argument)
{
    struct demo *demo = argument;

    for (size_t i = 0; i < demo->pages; i++) {
        uint64_t *counter = (uint64_t *)(demo->start + i * COFFER_PAGE_SIZE);

        *counter = i;
        counter[COFFER_PAGE_SIZE / sizeof(*counter) - 1] = ~(uint64_t)i;
        demo->expected[i] = i;
        draw_live(demo);
    }
}

static void touch_pages(void *argument)
{
    struct demo *demo = argument;

    for (unsigned i = 0; i < TOUCHES; i++) {
        size_t page = draw_lot(demo, demo->pages);
        uint64_t *counter = (uint64_t *)(demo->start + page * COFFER_PAGE_SIZE);

        if (*counter != demo->expected[page])
            demo->is_good = false;
        *counter += 1;
        demo->expected[page]++;
        draw_live(demo);
    }
}

static void read_pages(void *argument)
{
    struct demo *demo = argument;

    for (size_t i = 0; i < demo->pages; i++) {
        const uint64_t *counter = (const uint64_t *)(demo->start + i * COFFER_PAGE_SIZE);

        if (*counter != demo->expected[i] ||
            counter[COFFER_PAGE_SIZE / sizeof(*counter) - 1] != ~(uint64_t)i)
            demo->is_good = false;
        draw_live(demo);
    }
}

static void show_space(struct demo *demo)
{
    struct coffer_space_settings settings = {.name = "vault",
                                             .size = 2 * demo->pages * COFFER_PAGE_SIZE};
    struct coffer_map map = {.size = demo->pages * COFFER_PAGE_SIZE,
                             .rights = COFFER_READ | COFFER_WRITE};
    const uint8_t zeros[64] = {0};
    struct coffer_space_info info;

    title(demo, "A user space eight times the secure memory, used through plain pointers");
    if (coffer_owner_open(demo->memory, "vault", &demo->owner) != COFFER_OK) {
        (void)hold(demo, false, "an owner can be had");
        return;
    }
    settings.owner = demo->owner;
    if (coffer_space_open(demo->memory, &settings, &demo->space) != COFFER_OK ||
        coffer_space_map(demo->space, &map, &demo->start) != COFFER_OK) {
        (void)hold(demo, false, "a space can be had");
        return;
    }
    (void)hold(demo, coffer_space_enter(demo->space, fill_pages, demo) == COFFER_OK,
               "every page was written");
    (void)hold(demo, coffer_space_enter(demo->space, touch_pages, demo) == COFFER_OK,
               "20000 pages, chosen at random, were read, checked and changed");
    draw(demo);
    (void)hold(demo,
               coffer_space_enter(demo->space, read_pages, demo) == COFFER_OK && demo->is_good,
               "every page read back as it was written last");
    coffer_space_info(demo->space, &info);
    (void)hold(demo, info.page_outs > demo->pages && info.page_ins > 0,
               "most of them had been evicted, sealed, meanwhile");
    /* The pages are mostly zeros, the medium was filled with something else. */
    (void)hold(demo, memmem(demo->medium.bytes, demo->medium.size, zeros, sizeof(zeros)) == NULL,
               "and none of their contents can be seen outside");
}

/* --- Clones ------------------------------------------------------------------------------ */

static void show_clone(struct demo *demo)
{
    struct coffer_space *copy;
    struct coffer_space_info from;
    struct coffer_space_info to;
    uint64_t ours;
    uint64_t theirs = 12345;
    uintptr_t address;

    title(demo, "A clone, copied page by page as they are written");
    if (coffer_space_clone(demo->space, "clone", &copy) != COFFER_OK) {
        (void)hold(demo, false, "the space can be cloned");
        return;
    }
    coffer_space_info(demo->space, &from);
    coffer_space_info(copy, &to);
    address = demo->start - from.base + to.base;
    (void)hold(demo, coffer_space_write(copy, address, &theirs, sizeof(theirs)) == COFFER_OK,
               "the clone's first page was written");
    (void)hold(demo,
               coffer_space_read(demo->space, demo->start, &ours, sizeof(ours)) == COFFER_OK &&
                   ours == demo->expected[0],
               "the other's stayed as it was");
    draw(demo);
    coffer_space_close(copy);
}

/* --- Tampering --------------------------------------------------------------------------- */

static void show_tampering(struct demo *demo)
{
    struct coffer_space *other = NULL;
    const struct coffer_space_settings settings = {.name = "bystander",
                                                   .size = (size_t)16 * COFFER_PAGE_SIZE};
    const struct coffer_map map = {.size = COFFER_PAGE_SIZE, .rights = COFFER_READ | COFFER_WRITE};
    uintptr_t address = 0;
    uint64_t value = 7;

    title(demo, "One bit of each evicted page is flipped outside");
    (void)hold(demo,
               coffer_space_open(demo->memory, &settings, &other) == COFFER_OK &&
                   coffer_space_map(other, &map, &address) == COFFER_OK &&
                   coffer_space_write(other, address, &value, sizeof(value)) == COFFER_OK &&
                   coffer_space_pin(other, address, COFFER_PAGE_SIZE) == COFFER_OK,
               "another space has a page of its own, pinned");
    for (size_t i = 100; i < demo->medium.size; i += 512)
        demo->medium.bytes[i] ^= 1;
    (void)hold(demo, coffer_space_enter(demo->space, read_pages, demo) == COFFER_CORRUPT,
               "the next access to one ended the code that made it, with a clear status");
    (void)hold(demo, coffer_space_status(demo->space) == COFFER_CORRUPT, "the space is killed");
    value = 0;
    (void)hold(demo,
               coffer_space_read(other, address, &value, sizeof(value)) == COFFER_OK && value == 7,
               "the other space, and this program, go on");
    draw(demo);
    coffer_space_close(other);
}

/* --- All of it --------------------------------------------------------------------------- */

static void close_system(struct demo *demo)
{
    coffer_memory_close(demo->memory);
    coffer_linux_mmu_unmake(demo->mmu);
    free(demo->medium.bytes);
    free(demo->expected);
    (void)json_object_put(demo->facts);
    (void)json_object_put(demo->map);
}

static void print_result(struct demo *demo)
{
    struct json_object *value;

    if (!demo->options->json) {
        printf("\n%s\n",
               demo->is_good ? "everything went as it should" : "SOMETHING WENT WRONG, see above");
        return;
    }
    value = json_object_new_object();
    json_object_object_add(value, "good", json_object_new_boolean(demo->is_good));
    json_object_object_add(value, "facts", json_object_get(demo->facts));
    json_object_object_add(value, "map", json_object_get(demo->map));
    (void)output_json(value);
}

enum exit_status memory_demo(struct options *options)
{
    struct demo demo = {.options = options, .random = 88172645463325252u, .is_good = true};
    size_t size = options->memory != 0 ? options->memory : DEFAULT_MEMORY;
    struct coffer_paging_statistics paging;
    enum coffer_status status;
    bool good;

    if (size < LEAST_MEMORY || size > MOST_MEMORY)
        return fail_usage(options, "memory: the demo takes 256K to 256M of secure memory");
    demo.rows = live_rows(options);
    demo.facts = json_object_new_array();
    status = open_system(&demo, size);
    if (status != COFFER_OK) {
        close_system(&demo);
        return fail_status(options, status, NULL, "memory: opening %zu bytes of secure memory",
                           size);
    }

    show_pool(&demo);
    show_space(&demo);
    if (demo.space != NULL) {
        show_clone(&demo);
        show_tampering(&demo);
        coffer_space_close(demo.space);
    }
    title(&demo, "The end");
    coffer_paging_statistics(demo.memory, &paging);
    (void)hold(&demo, coffer_owner_close(demo.memory, demo.owner) == COFFER_OK,
               "the space's owner has given every frame back");
    (void)hold(&demo, paging.swapped == 0 && paging.slots_used == 0,
               "and none of its pages has a place outside any more");
    print_result(&demo);
    good = demo.is_good;
    close_system(&demo);
    return good ? EXIT_DONE : EXIT_OTHER;
}
