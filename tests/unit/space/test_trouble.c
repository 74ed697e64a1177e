/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong in the middle of a call harms nobody else and loses nothing. */
#include "fixture.h"

#include "memory/space/space.h"
#include "memory/system/system.h"

#define FILE_PAGES 8u

/* A file that can be made to fail, and to do something while it is written. */
struct file {
    uint64_t pages[FILE_PAGES]; /* the first word of each */
    enum coffer_status read_status;
    enum coffer_status write_status;
    unsigned writes;
    struct coffer_space *writer; /* NULL: none; writes to the page after the one that is written */
    uintptr_t at;
};

static enum coffer_status file_read(void *context, uint64_t index, void *page)
{
    const struct file *file = context;

    memset(page, 0, PG);
    memcpy(page, &file->pages[index], sizeof(uint64_t));
    return file->read_status;
}

static enum coffer_status file_write(void *context, uint64_t index, const void *page)
{
    struct file *file = context;

    file->writes++;
    if (file->write_status != COFFER_OK)
        return file->write_status;
    memcpy(&file->pages[index], page, sizeof(uint64_t));
    if (file->writer != NULL && file->writes < 100)
        space_put(file->writer, file->at + (index + 1) % FILE_PAGES * PG, file->writes);
    return COFFER_OK;
}

static struct coffer_segment *open_file(struct file *file, struct coffer_memory *memory)
{
    const struct coffer_pager pager = {.context = file, .read = file_read, .write = file_write};
    struct coffer_segment *segment;

    *file = (struct file){.pages = {0}};
    assert_ok(
        coffer_segment_open(memory, (struct coffer_owner){0}, FILE_PAGES * PG, &pager, &segment));
    return segment;
}

static uintptr_t map_segment(struct coffer_space *space, struct coffer_segment *segment,
                             size_t pages, unsigned flags)
{
    return space_map_with(
        space,
        &(struct coffer_map){.size = pages * PG, .rights = RW, .flags = flags, .segment = segment});
}

/* Nobody but the mappings knows yet that the pages were written, when no frame can be had for the
 * new one's page tables. */
static void test_a_pinned_map_that_fails_loses_nothing_that_was_written(void **state)
{
    const struct space_fixture_settings settings = {
        .memory = 16 * MIB, .swap_pages = 4096, .config = {.table_reserve = 1}};
    const size_t pages = 1040; /* in three tables at least */
    struct space_fixture f;
    unsigned failed = 0;

    (void)state;
    space_fixture_open(&f, fixture_mmu, &settings);
    for (uint64_t at = 1; at < 8; at++) {
        struct coffer_space *space = space_make(&f, 4096 * PG);
        uintptr_t base = space_map(space, pages * PG, RW);
        struct coffer_segment *segment;
        struct coffer_map map = {.address = base,
                                 .size = pages * PG,
                                 .rights = RW,
                                 .flags = COFFER_MAP_FIXED | COFFER_MAP_PINNED};
        uintptr_t address;

        assert_ok(
            coffer_segment_open(f.memory, (struct coffer_owner){0}, pages * PG, NULL, &segment));
        map.segment = segment;
        /* Its pages are there: tables and a record of a region are all that it still takes. */
        address = map_segment(space, segment, pages, COFFER_MAP_POPULATE);
        for (size_t i = 0; i < pages; i++)
            space_put(space, base + i * PG, i + 1);
        space_fixture_refuse(&f, at, UINT64_MAX);
        if (coffer_space_map(space, &map, &address) != COFFER_OK) {
            space_fixture_refuse(&f, 0, 0);
            failed++;
            (void)coffer_reclaim(f.memory, 4096);
            for (size_t i = 0; i < pages; i++)
                assert_int_equal(space_get(space, base + i * PG), i + 1);
        }
        space_fixture_refuse(&f, 0, 0);
        coffer_space_close(space);
        assert_ok(coffer_segment_close(segment));
    }
    assert_true(failed > 1);
    space_fixture_close(&f);
}

static void test_a_killed_space_maps_nothing_that_others_write_back(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, fixture.memory);
    struct coffer_space *killed = space_make(&fixture, 64 * PG);
    struct coffer_space *other = space_make(&fixture, 64 * PG);
    uintptr_t in_killed = map_segment(killed, segment, FILE_PAGES, 0);
    uintptr_t in_other = map_segment(other, segment, FILE_PAGES, 0);

    (void)state;
    assert_ok(coffer_space_pin(killed, in_killed, PG));
    file.read_status = COFFER_CORRUPT;
    assert_status(coffer_space_fault(killed, in_killed + PG, COFFER_READ), COFFER_CORRUPT);
    file.read_status = COFFER_OK;
    space_put(other, in_other, 7);
    assert_ok(coffer_space_sync(other, in_other, PG));
    assert_int_equal(file.pages[0], 7);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(killed);
    coffer_space_close(other);
    assert_ok(coffer_segment_close(segment));
}

static void test_a_map_that_meets_a_corrupt_page_kills_its_space(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, fixture.memory);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    const struct coffer_map map = {
        .size = PG, .rights = RW, .flags = COFFER_MAP_POPULATE, .segment = segment};
    uintptr_t own = space_map(space, 2 * PG, RW);
    uintptr_t address;

    (void)state;
    space_put(space, own + PG, 1);
    file.read_status = COFFER_CORRUPT;
    assert_status(coffer_space_map(space, &map, &address), COFFER_CORRUPT);
    file.read_status = COFFER_OK;
    assert_status(coffer_space_status(space), COFFER_CORRUPT);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
    assert_ok(coffer_segment_close(segment));
}

/* Its page has to go so that another space gets one, and can't; that is no word on the other's. */
static void test_what_a_victims_file_answers_kills_nobody(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, fixture.memory);
    struct coffer_space *writer = space_make(&fixture, 64 * PG);
    struct coffer_space *other = space_make(&fixture, 1024 * PG);
    uintptr_t in_file = map_segment(writer, segment, FILE_PAGES, 0);
    uintptr_t own = space_map(other, 1024 * PG, RW);
    static const enum coffer_status answers[] = {COFFER_CORRUPT, COFFER_MISUSE, COFFER_NOT_FOUND};
    size_t held = 0;

    (void)state;
    for (size_t i = 0; i < FILE_PAGES; i++)
        space_put(writer, in_file + i * PG, i);
    while (coffer_space_pin(other, own + held * PG, PG) == COFFER_OK && file.writes == 0)
        held++;
    /* All but the file's last pages are pinned. */
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        enum coffer_status status;

        for (size_t page = 0; page < FILE_PAGES; page++) {
            uint64_t value = page;

            (void)!coffer_space_write(writer, in_file + page * PG, &value, 8);
        }
        file.write_status = answers[i];
        do
            status = coffer_space_fill(other, own + ++held * PG, 1, 1);
        while (status == COFFER_OK && held < 1023);
        assert_status(status, COFFER_IO);
        assert_ok(coffer_space_status(other));
    }
    file.write_status = COFFER_OK;
    coffer_space_close(other);
    coffer_space_close(writer);
    assert_ok(coffer_segment_close(segment));
}

/* What a pager may not say is COFFER_IO; nor can what it was to write be corrupt. */
static void test_a_pager_says_no_more_than_it_may(void **state)
{
    static const enum coffer_status may_not[] = {COFFER_NOT_FOUND, COFFER_BUSY, COFFER_MISUSE,
                                                 (enum coffer_status)77};
    struct file file;
    struct coffer_segment *segment = open_file(&file, fixture.memory);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = map_segment(space, segment, FILE_PAGES, 0);
    uint64_t value;

    (void)state;
    space_put(space, at, 1);
    for (size_t i = 0; i < sizeof(may_not) / sizeof(may_not[0]); i++) {
        file.read_status = file.write_status = may_not[i];
        assert_status(coffer_space_read(space, at + PG, &value, 8), COFFER_IO);
        assert_status(coffer_space_sync(space, at, PG), COFFER_IO);
    }
    file.write_status = COFFER_CORRUPT;
    assert_status(coffer_space_sync(space, at, PG), COFFER_IO);
    assert_ok(coffer_space_status(space));
    file.read_status = file.write_status = COFFER_OK;
    assert_int_equal(space_get(space, at), 1);
    assert_ok(coffer_space_sync(space, at, PG));
    assert_int_equal(file.pages[0], 1);
    coffer_space_close(space);
    assert_ok(coffer_segment_close(segment));
}

/* --- Pages that are lost with their segment --------------------------------------------------- */

static unsigned warnings;

static void count_warnings(void *context, enum port_log_level level, const char *text)
{
    (void)context;
    (void)text;
    warnings += level == PORT_LOG_WARNING;
}

static void test_pages_that_are_lost_with_their_segment_are_logged(void **state)
{
    static struct coffer_port port;
    struct space_fixture f;
    struct file file;
    struct coffer_segment *segment;
    struct coffer_space *space;
    uintptr_t at;

    (void)state;
    space_fixture_open(&f, fixture_mmu, NULL);
    port = *f.memory->port;
    port.log = count_warnings;
    f.memory->spaces->port = &port;
    warnings = 0;

    /* With the last region of a closed one. */
    segment = open_file(&file, f.memory);
    space = space_make(&f, 64 * PG);
    at = map_segment(space, segment, FILE_PAGES, 0);
    assert_ok(coffer_segment_close(segment));
    space_put(space, at, 1);
    file.write_status = COFFER_IO;
    assert_ok(coffer_space_unmap(space, at, FILE_PAGES * PG));
    assert_int_equal(warnings, 1);

    /* With the memory system; the third has nothing to lose. */
    segment = open_file(&file, f.memory);
    at = map_segment(space, segment, FILE_PAGES, 0);
    space_put(space, at, 1);
    coffer_space_close(space);
    file.write_status = COFFER_IO;
    space = space_make(&f, 64 * PG);
    segment = open_file(&file, f.memory);
    file.write_status = COFFER_IO;
    (void)map_segment(space, segment, FILE_PAGES, 0);
    coffer_memory_close(f.memory);
    assert_int_equal(warnings, 2);
}

/* --- Buffers ---------------------------------------------------------------------------------- */

/* Two threads that copy to each other's spaces would wait for each other's lock for ever. */
static void test_a_buffer_may_lie_in_no_memory_systems_space(void **state)
{
    struct space_fixture f;
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 2 * PG, RW);
    struct coffer_space *other;
    uintptr_t there;
    uintptr_t block;
    uint64_t value = 0;

    (void)state;
    if (fixture_mmu == SPACE_SOFTWARE) { /* addresses are no pointers */
        coffer_space_close(space);
        return;
    }
    space_fixture_open(&f, fixture_mmu, NULL);
    other = space_make(&f, 64 * PG);
    there = space_base(other);
    assert_status(coffer_space_read(space, at, (void *)there, 8), COFFER_MISUSE);
    assert_status(coffer_space_read(space, at, (void *)(there + 64 * PG - 1), 8), COFFER_MISUSE);
    assert_status(coffer_space_read(space, at, (void *)(there - 7), 8), COFFER_MISUSE);
    assert_status(coffer_space_write(space, at, (void *)there, 8), COFFER_MISUSE);
    assert_status(coffer_space_write(space, at, (void *)space_base(space), 8), COFFER_MISUSE);
    assert_ok(coffer_space_read(space, at, (void *)there, 0));
    assert_ok(coffer_vmalloc(f.memory, PG, &block));
    assert_status(coffer_space_write(space, at, (void *)block, 8), COFFER_MISUSE);
    assert_ok(coffer_vfree(f.memory, block));

    /* The pages of vmalloc's blocks are always there; the page behind one never is. */
    assert_ok(coffer_vmalloc(fixture.memory, PG, &block));
    *(uint64_t *)block = 5;
    assert_ok(coffer_space_write(space, at, (void *)block, 8));
    assert_ok(coffer_space_read(space, at, &value, 8));
    assert_int_equal(value, 5);
    assert_status(coffer_space_read(space, at, (void *)(block + PG - 7), 8), COFFER_MISUSE);
    assert_ok(coffer_vfree(fixture.memory, block));
    coffer_space_close(other);
    coffer_space_close(space);
    space_fixture_close(&f);
}

/* It ends, though there is always a page that was written since. */
static void test_sync_writes_what_was_dirty_when_it_was_called(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, fixture.memory);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = map_segment(space, segment, FILE_PAGES, 0);

    (void)state;
    space_put(space, at + 5 * PG, 55);
    file.writer = space;
    file.at = at;
    assert_ok(coffer_space_sync(space, at, FILE_PAGES * PG));
    assert_int_equal(file.pages[5], 55);
    assert_in_range(file.writes, 1, FILE_PAGES);
    file.writer = NULL;
    coffer_space_close(space);
    assert_ok(coffer_segment_close(segment));
}

/* It is opened from within, after the caller's may have been. */
static void test_nobody_charges_anything_to_the_swap(void **state)
{
    const struct coffer_space_settings settings = {.size = 16 * PG};
    struct coffer_owner_statistics line = {.name = NULL};
    struct coffer_space_settings charged = settings;
    struct coffer_owner owner;
    struct coffer_space *space;
    unsigned cursor = 0;
    void *run;

    (void)state;
    while (coffer_memory_next_owner(fixture.memory, &cursor, &line) &&
           strcmp(line.name, "swap") != 0)
        ;
    assert_string_equal(line.name, "swap");
    charged.owner = line.owner;
    assert_status(coffer_owner_set_quota(fixture.memory, line.owner, 0), COFFER_MISUSE);
    assert_status(coffer_owner_close(fixture.memory, line.owner), COFFER_MISUSE);
    assert_status(coffer_frames_take(fixture.memory, line.owner, 1, 1, &run), COFFER_MISUSE);
    assert_status(coffer_space_open(fixture.memory, &charged, &space), COFFER_MISUSE);

    /* Those that are opened later are the caller's. */
    assert_ok(coffer_owner_open(fixture.memory, "later", &owner));
    assert_int_not_equal(owner.index, line.owner.index);
    assert_ok(coffer_owner_set_quota(fixture.memory, owner, 1));
    assert_ok(coffer_frames_take(fixture.memory, owner, 1, 1, &run));
    assert_ok(coffer_frames_give(fixture.memory, run));
    assert_ok(coffer_owner_close(fixture.memory, owner));
}

static void test_a_size_that_reaches_the_end_of_all_addresses_is_refused(void **state)
{
    struct coffer_space *space;
    struct coffer_space_settings settings = {.size = ~(size_t)0 & ~(PG - 1)};

    (void)state;
    if (fixture_mmu == SPACE_SOFTWARE) /* a sanitizer has an allocation of that size end it all */
        assert_true(coffer_space_open(fixture.memory, &settings, &space) != COFFER_OK);
    settings = (struct coffer_space_settings){.base = ~(PG - 1), .size = PG};
    assert_true(coffer_space_open(fixture.memory, &settings, &space) != COFFER_OK);
}

static const struct CMUnitTest tests[] = {
    space_test(test_a_pinned_map_that_fails_loses_nothing_that_was_written),
    space_test(test_a_killed_space_maps_nothing_that_others_write_back),
    space_test(test_a_map_that_meets_a_corrupt_page_kills_its_space),
    space_test(test_what_a_victims_file_answers_kills_nobody),
    space_test(test_a_pager_says_no_more_than_it_may),
    space_test(test_pages_that_are_lost_with_their_segment_are_logged),
    space_test(test_a_buffer_may_lie_in_no_memory_systems_space),
    space_test(test_sync_writes_what_was_dirty_when_it_was_called),
    space_test(test_nobody_charges_anything_to_the_swap),
    space_test(test_a_size_that_reaches_the_end_of_all_addresses_is_refused),
};

run_on_every_mmu(tests)
