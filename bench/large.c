/* SPDX-License-Identifier: BSD-2-Clause */
/* The least memory that an object of 1 GiB can be worked on in: created, read at random and
 * overwritten. */
#include "large.h"

#include <stdio.h>
#include <string.h>

#include "coffer/linux.h"
#include "must.h"
#include "report.h"
#include "scratch.h"

#define CHUNK       ((size_t)128 * 1024)
#define STEP        ((size_t)8 * 1024)
#define SEARCH_FROM ((size_t)64 * 1024)
#define SEARCH_TO   ((size_t)512 * 1024)
#define LIMIT       ((size_t)256 * 1024)
#define PROBES      300u
#define GIB         ((uint64_t)1024 * 1024 * 1024)

static const struct coffer_name name = {
    .ta = {0xc0ffe700, 0xbe4c, 0x4000, {0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03}},
    .id = "large",
    .id_size = 5};
static const uint8_t key_bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* A shortage is an answer, anything else the end of the bench. */
static bool is_enough(enum coffer_status status, const char *what)
{
    if (status == COFFER_NO_MEMORY)
        return false;
    must(status, what);
    return true;
}

/* That it is too little is what is asked. */
static void hear_nothing(void *context, enum coffer_notice notice, const char *text)
{
    (void)context;
    (void)notice;
    (void)text;
}

bool large_open(struct large *large, size_t memory)
{
    const struct coffer_key key = {COFFER_KEY_HUK, key_bytes, sizeof(key_bytes)};
    char path[4096];
    const struct coffer_linux_options options = {.directory = path,
                                                 .key = &key,
                                                 .memory = memory,
                                                 .create = true,
                                                 .volatile_commits = true,
                                                 .notice = hear_nothing};

    scratch_check_interrupt();
    (void)snprintf(path, sizeof(path), "%s/store", large->directory);
    large->object = NULL;
    return is_enough(coffer_linux_open(&options, &large->store), "open");
}

void large_close(struct large *large)
{
    coffer_close(large->store);
    large->store = NULL;
}

bool large_create(struct large *large)
{
    struct coffer_writer *writer;
    bool enough = is_enough(coffer_writer_open(large->store, &name, COFFER_REPLACE, NULL, &writer),
                            "writer");

    if (!enough)
        return false;
    for (uint64_t done = 0; done < large->size && enough; done += CHUNK) {
        scratch_check_interrupt();
        enough = is_enough(coffer_writer_write(writer, bench_bytes(), CHUNK), "write");
    }
    if (!enough) {
        coffer_writer_abort(writer);
        return false;
    }
    return is_enough(coffer_writer_commit(writer), "commit");
}

bool large_find(struct large *large)
{
    return is_enough(coffer_object_open(large->store, &name, &large->object), "open");
}

bool large_read(struct large *large, uint64_t page)
{
    uint8_t bytes[LARGE_PAGE];
    size_t got = 0;

    if (!is_enough(coffer_object_read(large->object, page * LARGE_PAGE, bytes, sizeof(bytes), &got),
                   "read"))
        return false;
    must_system(got == sizeof(bytes) && bytes[0] == bench_bytes()[0], "what was read");
    return true;
}

bool large_write(struct large *large, uint64_t page)
{
    return is_enough(
        coffer_object_write(large->object, page * LARGE_PAGE, bench_bytes(), LARGE_PAGE), "write");
}

/* Can it be read and overwritten anywhere, a chunk at a time too? */
static bool can_work(struct large *large, size_t memory)
{
    uint64_t pages = large->size / LARGE_PAGE;
    bool enough = pages > 0 && large_open(large, memory);

    if (!enough)
        return false;
    enough = large_find(large);
    for (unsigned i = 0; i < PROBES && enough; i++) {
        uint64_t page = i * UINT64_C(15485863) % pages;

        enough = large_read(large, page) && large_write(large, (page + 1) % pages);
    }
    if (enough)
        enough = is_enough(
            coffer_object_write(large->object, large->size / 2 + 100, bench_bytes(), CHUNK),
            "write");
    large_close(large);
    return enough;
}

static bool can_create(struct large *large, size_t memory)
{
    bool enough = large_open(large, memory);

    if (!enough)
        return false;
    enough = large_create(large);
    large_close(large);
    return enough;
}

/* The least memory, a multiple of STEP: the search goes by what is quick, an object that is there
 * already; then it is made in so little, which mostly is enough for it, or else in a step more. */
static size_t least_memory(struct large *large)
{
    size_t below = SEARCH_FROM;
    size_t enough = SEARCH_TO;

    must_system(can_create(large, SEARCH_TO), "the large object");
    while (enough - below > STEP) {
        size_t middle = below + (enough - below) / 2 / STEP * STEP;

        if (can_work(large, middle))
            enough = middle;
        else
            below = middle;
    }
    while (!can_create(large, enough) || !can_work(large, enough)) {
        enough += STEP;
        must_system(enough <= 2 * SEARCH_TO, "no memory is enough for the large object");
    }
    return enough;
}

void run_large(struct bench *bench, const char *directory)
{
    struct large large = {.directory = directory, .size = bench->quick ? DATA_SIZE : GIB};
    const char *figure = bench->quick ? "mem.16mib.kib" : "mem.1gib.kib";
    size_t least;

    printf("\nThe least secure memory that an object of %s is created, read at random and "
           "overwritten in\n\n",
           bench->quick ? "16 MiB" : "1 GiB");
    least = least_memory(&large);
    scratch_empty(directory);
    report_figure(bench->report, figure, (double)least / 1024, "KiB");
    report_target(bench->report, TARGET_COUNT, figure, (double)least / 1024, LIMIT / 1024.0);
}
