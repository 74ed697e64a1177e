/* SPDX-License-Identifier: BSD-2-Clause */
/* Damage: what is found, what is read all the same, where it goes (coffer.h, "Checking"). */
#include "fixture.h"

#include "tree/layout.h"

/* What a check told. */
struct told {
    struct coffer_finding findings[64];
    char files[64][16];
    unsigned count;
    struct coffer_check_summary summary;
    unsigned progress_calls;
    unsigned stop_after;
};

static struct told told;

static void note(void *context, const struct coffer_finding *finding)
{
    struct told *at = context;

    must(at->count < 64);
    at->findings[at->count] = *finding;
    snprintf(at->files[at->count], sizeof(at->files[0]), "%s", finding->file);
    must(finding->text != NULL);
    at->count++;
}

static bool go_on(void *context, uint64_t done, uint64_t total)
{
    struct told *at = context;

    must(done <= total);
    return ++at->progress_calls != at->stop_after;
}

static enum coffer_status check_store(unsigned flags)
{
    unsigned stop_after = told.stop_after;

    memset(&told, 0, sizeof(told));
    told.stop_after = stop_after;
    return coffer_check(fixture.store, flags, note, go_on, &told, &told.summary);
}

static void assert_clean(void)
{
    assert_ok(check_store(COFFER_CHECK_DEEP));
    assert_int_equal(told.count, 0);
    assert_int_equal(told.summary.damaged, 0);
    assert_int_equal(told.summary.notes, 0);
}

/* Exactly one finding. */
static const struct coffer_finding *the_finding(enum coffer_finding_kind kind, const char *file)
{
    assert_int_equal(told.count, 1);
    assert_int_equal(told.findings[0].kind, kind);
    assert_string_equal(told.files[0], file);
    return &told.findings[0];
}

static void flip(const char *name, uint64_t offset)
{
    memory_device_flip(disk, name, offset, 0x10);
}

/* Where a block of a file that was written once lies (docs/FORMAT.md). */
static uint64_t block_at(uint32_t block)
{
    return layout_block_offset((struct block){block}, block & 1);
}

static uint64_t data_at(uint64_t place)
{
    uint64_t in_file = place + OBJECT_HEAD_SIZE;

    return block_at((uint32_t)(in_file / BLOCK)) + in_file % BLOCK;
}

static void test_a_sound_store_has_no_findings(void **state)
{
    (void)state;
    assert_clean();
    assert_ok(put("x", 'x', 10000));
    assert_ok(put("y", 'y', 0));
    assert_clean();
    assert_int_equal(told.summary.objects, 2);
    assert_true(told.summary.bytes >= 10000);
    assert_true(told.summary.nodes >= 4);
    assert_true(told.progress_calls > 0);
    assert_ok(check_store(COFFER_CHECK_DEEP | COFFER_CHECK_REPAIR));
    assert_int_equal(told.count, 0);
}

static void test_a_check_stops_when_asked_to(void **state)
{
    (void)state;
    assert_ok(put("x", 'x', 10));
    assert_ok(put("y", 'y', 10));
    told.stop_after = 2;
    assert_status(check_store(0), COFFER_BUSY);
    told.stop_after = 0;
    assert_ok(check_store(0));
}

static void test_damaged_ranges_are_told_to_the_byte(void **state)
{
    static const uint32_t broken[] = {1, 2, 5, 9};
    struct coffer_object *object;
    uint8_t bytes[200];
    size_t got;

    (void)state;
    assert_ok(put("x", 'x', 9 * BLOCK + 1000)); /* the last block has 1024 bytes */
    for (unsigned i = 0; i < 4; i++)
        flip("0", block_at(broken[i]) + 77);
    reopen();
    assert_ok(check_store(0));
    assert_int_equal(told.count, 3);
    assert_int_equal(told.summary.damaged, 3);
    assert_int_equal(told.summary.repaired, 0);
    for (unsigned i = 0; i < 3; i++) {
        static const uint64_t from[] = {1 * BLOCK - 24, 5 * BLOCK - 24, 9 * BLOCK - 24};
        static const uint64_t size[] = {2 * BLOCK, BLOCK, 1024};

        assert_int_equal(told.findings[i].kind, COFFER_FINDING_DATA);
        assert_string_equal(told.files[i], "0");
        assert_true(told.findings[i].damage && told.findings[i].has_object);
        assert_int_equal(told.findings[i].offset, from[i]);
        assert_int_equal(told.findings[i].size, size[i]);
        assert_int_equal(told.findings[i].object.id_size, 1);
        assert_int_equal(told.findings[i].object.id[0], 'x');
    }
    /* What isn't damaged reads. */
    assert_ok(open_object("x", &object));
    assert_ok(coffer_object_read(object, 3 * BLOCK, bytes, sizeof(bytes), &got));
    assert_int_equal(bytes[9], byte_of('x', 3 * BLOCK + 9));
    memset(bytes, 0xcc, sizeof(bytes));
    assert_status(coffer_object_read(object, BLOCK - 24 - 100, bytes, 200, &got), COFFER_CORRUPT);
    assert_true(bytes_are_zero(bytes, sizeof(bytes)));
    coffer_object_close(object);
    /* A repair moves the object as a whole: one finding, from the first to the last of them. */
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_int_equal(told.count, 1);
    assert_int_equal(told.findings[0].kind, COFFER_FINDING_DATA);
    assert_true(told.findings[0].damage && told.findings[0].repaired);
    assert_int_equal(told.findings[0].offset, BLOCK - 24);
    assert_int_equal(told.findings[0].size, 8 * BLOCK + 1024);
    assert_int_equal(told.summary.damaged, 1);
    assert_int_equal(told.summary.repaired, 1);
}

static void test_a_damaged_object_is_moved_aside_and_nothing_is_destroyed(void **state)
{
    struct coffer_info info;
    uint8_t *before;
    const uint8_t *after;
    size_t size, size_after;

    (void)state;
    assert_ok(put("x", 'x', 20000));
    assert_ok(put("y", 'y', 20000));
    flip("0", data_at(9000));
    before = memory_device_bytes(disk, "0", &size);
    before = must_copy(before, size);
    reopen();
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_int_equal(told.summary.damaged, 1);
    assert_int_equal(told.summary.repaired, 1);
    assert_int_equal(fixture.notices[COFFER_NOTICE_QUARANTINED], 1);
    assert_false(memory_device_has(disk, "0"));
    after = memory_device_bytes(disk, "quarantine/0.0", &size_after);
    assert_non_null(after);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    assert_status(stat_object("x", &info), COFFER_NOT_FOUND);
    assert_holds("y", 'y', 20000);
    assert_clean();
    /* The number is free again, the name too, and the next damaged 0 gets a place of its own. */
    assert_ok(put("x", 'z', 20000));
    assert_ok(stat_object("x", &info));
    assert_int_equal(info.file, 0);
    flip("0", data_at(15000));
    reopen();
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_true(memory_device_has(disk, "quarantine/0.1"));
    assert_int_equal(quarantined_files(), 2);
    assert_clean();
}

static void test_an_object_whose_head_or_root_is_damaged_is_one_finding(void **state)
{
    static const uint64_t places[] = {68 + 20, BLOCK + 66 + 40};
    const struct coffer_finding *finding;
    struct coffer_info info;
    size_t size;

    (void)state;
    assert_ok(put("x", 'x', 9000));
    (void)memory_device_bytes(disk, "0", &size);
    for (unsigned i = 0; i < 2; i++) {
        flip("0", places[i]);
        reopen();
        assert_status(stat_object("x", &info), COFFER_CORRUPT);
        assert_ok(check_store(0));
        finding = the_finding(COFFER_FINDING_OBJECT, "0");
        assert_true(finding->damage && !finding->repaired && finding->has_object);
        assert_int_equal(finding->size, size);
        flip("0", places[i]);
    }
    flip("0", places[0]);
    reopen();
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_true(the_finding(COFFER_FINDING_OBJECT, "0")->repaired);
    assert_true(memory_device_has(disk, "quarantine/0.0"));
    assert_clean();
}

static void test_a_missing_file_is_corrupt_and_its_entry_can_go(void **state)
{
    struct coffer_object *object;

    (void)state;
    assert_ok(put("x", 'x', 100));
    assert_ok(put("y", 'y', 100));
    assert_true(memory_device_drop(disk, "0"));
    reopen();
    assert_status(open_object("x", &object), COFFER_CORRUPT);
    assert_ok(check_store(0));
    assert_false(the_finding(COFFER_FINDING_MISSING, "0")->repaired);
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_true(the_finding(COFFER_FINDING_MISSING, "0")->repaired);
    assert_clean();
    assert_int_equal(objects_listed(), 1);
    assert_int_equal(quarantined_files(), 0);
    assert_holds("y", 'y', 100);
    /* Without a check: deleted on request, or replaced. */
    assert_true(memory_device_drop(disk, "1"));
    reopen();
    assert_ok(put_flags("y", COFFER_REPLACE, 'z', 7));
    assert_holds("y", 'z', 7);
    assert_clean();
}

static void test_an_open_object_is_not_moved_aside(void **state)
{
    struct coffer_object *object;

    (void)state;
    assert_ok(put("x", 'x', 20000));
    flip("0", data_at(10000));
    reopen();
    assert_ok(open_object("x", &object));
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_int_equal(told.summary.damaged, 1);
    assert_int_equal(told.summary.repaired, 0);
    assert_true(memory_device_has(disk, "0"));
    coffer_object_close(object);
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_int_equal(told.summary.repaired, 1);
}

/* By name, without a check: out of sight, its bytes kept, and its name free again. */
static void test_an_object_is_put_away_by_name(void **state)
{
    struct coffer_object *object;
    struct coffer_info info;
    uint8_t *before;
    size_t size, kept;

    (void)state;
    assert_ok(put("x", 'x', 20000));
    assert_ok(put("y", 'y', 100));
    flip("0", data_at(10000));
    before = memory_device_bytes(disk, "0", &size);
    before = memcpy(must_alloc(size), before, size);
    reopen();
    assert_ok(open_object("x", &object));
    assert_status(quarantine("x"), COFFER_BUSY);
    assert_ok(coffer_object_info(object, &info));
    coffer_object_close(object);
    assert_status(quarantine("none"), COFFER_NOT_FOUND);
    assert_int_equal(quarantined_files(), 0);
    assert_ok(quarantine("x"));
    assert_int_equal(fixture.notices[COFFER_NOTICE_QUARANTINED], 1);
    for (unsigned round = 0; round < 2; round++) {
        assert_status(open_object("x", &object), COFFER_NOT_FOUND);
        assert_status(stat_object("x", &info), COFFER_NOT_FOUND);
        assert_status(quarantine("x"), COFFER_NOT_FOUND);
        assert_int_equal(objects_listed(), 1);
        assert_int_equal(object_files(), 1);
        assert_memory_equal(memory_device_bytes(disk, "quarantine/0.0", &kept), before, size);
        assert_int_equal(kept, size);
        assert_holds("y", 'y', 100);
        assert_clean();
        reopen();
    }
    free(before);
    /* The name and the number are free; the next goes beside the first. */
    assert_ok(put("x", 'z', 50));
    assert_holds("x", 'z', 50);
    assert_ok(quarantine("x"));
    assert_true(memory_device_has(disk, "quarantine/0.0"));
    assert_true(memory_device_has(disk, "quarantine/0.1"));
    assert_clean();
}

/* Its head is damaged, or it has no file at all: it can't be opened, and can be put away. */
static void test_what_cannot_be_opened_can_be_put_away(void **state)
{
    struct coffer_object *object;

    (void)state;
    assert_ok(put("head", 'h', 100));
    assert_ok(put("file", 'f', 100));
    flip("0", 68);
    assert_true(memory_device_drop(disk, "1"));
    reopen();
    assert_status(open_object("head", &object), COFFER_CORRUPT);
    assert_ok(quarantine("head"));
    assert_status(open_object("file", &object), COFFER_CORRUPT);
    assert_ok(quarantine("file"));
    assert_int_equal(objects_listed(), 0);
    assert_int_equal(quarantined_files(), 1);
    assert_clean();
}

static void test_replacing_a_damaged_object_keeps_its_bytes(void **state)
{
    (void)state;
    assert_ok(put("x", 'x', 100));
    flip("0", 68);
    reopen();
    assert_ok(put_flags("x", COFFER_REPLACE, 'n', 50));
    assert_holds("x", 'n', 50);
    assert_true(memory_device_has(disk, "quarantine/0.0"));
    assert_clean();
    /* Deleting is the caller's wish. */
    flip("1", 68);
    reopen();
    assert_ok(delete_object("x"));
    assert_int_equal(quarantined_files(), 1);
    assert_int_equal(object_files(), 0);
}

static void test_a_repair_that_fails_leaves_the_bytes_within_reach(void **state)
{
    bool fired = true;

    (void)state;
    for (uint64_t at = 1; fired; at++) {
        struct fault_plan plan = {.kind = FAULT_IO_BEFORE, .at = at};
        bool kept = false;

        assert_ok(put("x", 'x', 9000));
        flip("0", data_at(7000));
        reopen();
        memory_device_inject(disk, &plan);
        (void)!check_store(COFFER_CHECK_REPAIR);
        memory_device_inject(disk, NULL);
        fired = plan.fired;
        reopen();
        for (size_t i = 0; i < memory_device_file_count(disk) && !kept; i++) {
            const char *name = memory_device_file_name(disk, i);
            size_t size;
            const uint8_t *bytes = memory_device_bytes(disk, name, &size);

            kept = (strcmp(name, "0") == 0 || strncmp(name, "quarantine/0.", 13) == 0) &&
                   size > BLOCK && bytes != NULL;
        }
        assert_true(kept);
        assert_ok(check_store(COFFER_CHECK_REPAIR));
        assert_clean();
        assert_int_equal(objects_listed(), 0);
        for (size_t i = memory_device_file_count(disk); i-- > 0;) {
            if (strncmp(memory_device_file_name(disk, i), "quarantine/", 11) == 0)
                assert_true(memory_device_drop(disk, memory_device_file_name(disk, i)));
        }
    }
}

static void test_orphans_are_told_by_a_deep_check_and_moved_by_a_repair(void **state)
{
    (void)state;
    assert_ok(put("x", 'x', 100));
    memory_device_set(disk, "7", "orphan", 6);
    memory_device_set(disk, "deadbeef", "orphan too", 10);
    memory_device_set(disk, "notes.txt", "not ours", 8);
    memory_device_set(disk, "007", "not ours either", 15);
    reopen();
    assert_ok(check_store(0));
    assert_int_equal(told.count, 0);
    assert_ok(check_store(COFFER_CHECK_DEEP));
    assert_int_equal(told.count, 2);
    assert_int_equal(told.summary.notes, 2);
    assert_int_equal(told.summary.damaged, 0);
    assert_int_equal(told.findings[0].kind, COFFER_FINDING_ORPHAN);
    assert_int_equal(told.findings[0].size, 6);
    assert_false(told.findings[0].damage);
    assert_string_equal(told.files[1], "deadbeef");
    assert_int_equal(told.findings[1].size, 10);
    assert_ok(check_store(COFFER_CHECK_DEEP | COFFER_CHECK_REPAIR));
    assert_true(told.findings[0].repaired && told.findings[1].repaired);
    assert_true(memory_device_has(disk, "quarantine/7.0"));
    assert_true(memory_device_has(disk, "quarantine/deadbeef.0"));
    assert_true(memory_device_has(disk, "notes.txt") && memory_device_has(disk, "007"));
    assert_clean();
}

static void test_a_deep_check_tells_every_orphan_however_many(void **state)
{
    enum { COUNT = 50 };
    char name[9];

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        catalogue_file_name(100 + i * 37 % COUNT, name); /* in no order */
        memory_device_set(disk, name, "orphan", 6);
    }
    assert_ok(check_store(COFFER_CHECK_DEEP));
    assert_int_equal(told.summary.notes, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        catalogue_file_name(100 + i, name);
        assert_string_equal(told.files[i], name);
    }
    assert_ok(check_store(COFFER_CHECK_DEEP | COFFER_CHECK_REPAIR));
    assert_int_equal(quarantined_files(), COUNT);
    assert_clean();
}

static void test_a_writers_file_is_no_orphan(void **state)
{
    struct coffer_name name = step_name("w");
    struct coffer_writer *writer;

    (void)state;
    assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writer));
    assert_ok(coffer_writer_write(writer, "w", 1));
    assert_ok(check_store(COFFER_CHECK_DEEP | COFFER_CHECK_REPAIR));
    assert_int_equal(told.count, 0);
    assert_ok(coffer_writer_commit(writer));
    assert_int_equal(objects_listed(), 1);
}

/* The slot of dirf.db's newest head. */
static unsigned newest_head(void)
{
    size_t size;
    const uint8_t *file = memory_device_bytes(disk, "dirf.db", &size);

    return load_le32(file + 68 + 64) > load_le32(file + 64);
}

static void test_a_damaged_newest_catalogue_gives_the_one_before(void **state)
{
    struct coffer_info info;

    (void)state;
    assert_ok(put("x", 'x', 100));
    assert_ok(put("y", 'y', 100));
    flip("dirf.db", 68 * newest_head() + 5);
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 1);
    assert_holds("x", 'x', 100);
    assert_status(stat_object("y", &info), COFFER_NOT_FOUND);
    assert_ok(check_store(0));
    assert_true(the_finding(COFFER_FINDING_CATALOGUE, "dirf.db")->damage);
    /* Nothing was touched so far; the first change puts both aside first. */
    assert_int_equal(quarantined_files(), 0);
    assert_ok(put("z", 'z', 100));
    assert_true(memory_device_has(disk, "quarantine/dirf.db.0"));
    assert_true(memory_device_has(disk, "quarantine/1.0"));
    assert_int_equal(fixture.notices[COFFER_NOTICE_QUARANTINED], 2);
    assert_int_equal(object_files(), 2);
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 0);
    assert_holds("x", 'x', 100);
    assert_holds("z", 'z', 100);
    assert_clean();
}

static void test_repair_renews_a_damaged_catalogue(void **state)
{
    (void)state;
    for (unsigned objects = 0; objects < 2; objects++) {
        if (objects > 0)
            assert_ok(put("x", 'x', 100));
        assert_ok(put("y", 'y', 100));
        assert_ok(delete_object("y"));
        flip("dirf.db", 68 * newest_head() + 5);
        reopen();
        assert_ok(check_store(COFFER_CHECK_REPAIR));
        assert_int_equal(told.findings[0].kind, COFFER_FINDING_CATALOGUE);
        assert_true(told.findings[0].damage && told.findings[0].repaired);
        reopen();
        assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 0);
        /* y, deleted in the lost version, is back: without its file. */
        assert_ok(check_store(COFFER_CHECK_REPAIR | COFFER_CHECK_DEEP));
        assert_clean();
    }
    assert_holds("x", 'x', 100);
}

static void test_a_damaged_spare_catalogue_loses_nothing(void **state)
{
    (void)state;
    assert_ok(put("x", 'x', 100));
    assert_ok(put("y", 'y', 100));
    flip("dirf.db", 68 * (newest_head() ^ 1) + 5);
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_SPARE], 1);
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 0);
    assert_holds("x", 'x', 100);
    assert_holds("y", 'y', 100);
    assert_ok(check_store(0));
    assert_false(the_finding(COFFER_FINDING_CATALOGUE, "dirf.db")->damage);
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_true(told.findings[0].repaired);
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_SPARE], 0);
    assert_clean();
    assert_int_equal(quarantined_files(), 0);
    /* In a store without any object, too. */
    assert_ok(delete_object("x"));
    assert_ok(delete_object("y"));
    flip("dirf.db", 68 * (newest_head() ^ 1) + 5);
    reopen();
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_true(the_finding(COFFER_FINDING_CATALOGUE, "dirf.db")->repaired);
    reopen();
    assert_clean();
}

static void test_a_deep_check_reads_the_spare_catalogue_whole(void **state)
{
    unsigned newest;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_ok(put_flags("x", COFFER_REPLACE, 'x', 100));
    newest = newest_head();
    assert_clean();
    /* A block of the spare version: its head and root are good. Block 0 is in either slot. */
    for (unsigned slot = 0; slot < 2; slot++) {
        struct coffer_info info;

        flip("dirf.db", layout_block_offset((struct block){0}, slot) + 9);
        reopen();
        if (fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK] == 0) {
            assert_ok(stat_object("x", &info));
            assert_ok(check_store(0));
            assert_int_equal(told.count, 0);
            assert_ok(check_store(COFFER_CHECK_DEEP));
            assert_false(the_finding(COFFER_FINDING_CATALOGUE, "dirf.db")->damage);
        } else {
            assert_ok(check_store(0));
            assert_true(told.findings[0].damage);
        }
        flip("dirf.db", layout_block_offset((struct block){0}, slot) + 9);
    }
    reopen();
    assert_int_equal(newest_head(), newest);
    assert_clean();
}

static void test_without_any_good_catalogue_nothing_opens_and_nothing_changes(void **state)
{
    const struct store_options create = {.create = true};
    struct memory_device *before;

    (void)state;
    assert_ok(put("x", 'x', 100));
    close_store();
    flip("dirf.db", 5);
    flip("dirf.db", 68 + 5);
    before = memory_device_clone(disk);
    assert_status(store_fixture_open(&fixture, disk, NULL), COFFER_CORRUPT);
    assert_status(store_fixture_open(&fixture, disk, &create), COFFER_CORRUPT);
    assert_true(memory_device_equal(before, disk, NULL));
    memory_device_free(before);
}

/* Make two entries name one file, by the store's own means: `second` gets the number of `first`. */
static void make_duplicate(const char *first, const char *second)
{
    struct store *store = &fixture.store->store;
    struct name names[2];
    struct entry entry, before, after;
    struct change change = {NULL, 0, &before, &after};
    struct coffer_name name = step_name(first);
    uint32_t slot;

    assert_ok(engine_name(&name, &names[0]));
    name = step_name(second);
    assert_ok(engine_name(&name, &names[1]));
    assert_ok(catalogue_find(&store->catalogue, &names[0], &slot, &entry));
    assert_ok(catalogue_find(&store->catalogue, &names[1], &change.slot, &before));
    after = before;
    after.file = entry.file;
    assert_ok(store_publish(store, &change));
}

static void assert_duplicate_is_left_out(const char *file)
{
    struct coffer_info info;

    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_DUPLICATE_FILE], 1);
    assert_int_equal(objects_listed(), 1);
    assert_status(stat_object("b", &info), COFFER_NOT_FOUND);
    assert_holds("a", 'a', 5000);
    assert_ok(check_store(0));
    assert_true(the_finding(COFFER_FINDING_CATALOGUE, "dirf.db")->damage);
    assert_int_equal(told.findings[0].object.id[0], 'b');
    assert_ok(check_store(COFFER_CHECK_REPAIR));
    assert_true(told.findings[0].repaired);
    assert_true(memory_device_has(disk, file));
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_DUPLICATE_FILE], 0);
    assert_holds("a", 'a', 5000);
    assert_clean();
}

static void test_of_two_entries_with_one_file_the_later_does_not_count(void **state)
{
    (void)state;
    assert_ok(put("a", 'a', 5000));
    assert_ok(put("b", 'b', 5000));
    make_duplicate("a", "b");
    close_store();
    assert_true(memory_device_drop(disk, "1"));
    open_store();
    assert_duplicate_is_left_out("0");
}

/* Move an object to a file with a large number. */
static void renumber(const char *id, uint32_t file)
{
    struct store *store = &fixture.store->store;
    struct entry before, after;
    struct change change = {NULL, 0, &before, &after};
    struct coffer_name name = step_name(id);
    struct name inside;
    char names[2][9];
    uint8_t *bytes;
    size_t size;

    assert_ok(engine_name(&name, &inside));
    assert_ok(catalogue_find(&store->catalogue, &inside, &change.slot, &before));
    after = before;
    after.file = file;
    assert_ok(store_publish(store, &change));
    catalogue_file_name(before.file, names[0]);
    catalogue_file_name(file, names[1]);
    bytes = memory_device_bytes(disk, names[0], &size);
    bytes = must_copy(bytes, size);
    memory_device_set(disk, names[1], bytes, size);
    free(bytes);
    assert_true(memory_device_drop(disk, names[0]));
}

static void test_a_duplicate_of_a_large_file_number_does_not_count_either(void **state)
{
    (void)state;
    assert_ok(put("a", 'a', 5000));
    assert_ok(put("b", 'b', 5000));
    renumber("a", 70000);
    renumber("b", 70001);
    reopen();
    assert_holds("a", 'a', 5000);
    assert_holds("b", 'b', 5000);
    make_duplicate("a", "b");
    close_store();
    assert_true(memory_device_drop(disk, "11171"));
    open_store();
    assert_duplicate_is_left_out("11170");
}

static void test_a_file_with_a_large_number_is_in_use(void **state)
{
    (void)state;
    assert_ok(put("a", 'a', 5000));
    renumber("a", 130); /* beyond what is kept in memory at first */
    reopen();
    assert_clean();
    for (unsigned i = 0; i < 140; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%u", i);
        assert_ok(put(id, 'n', 10));
    }
    assert_holds("a", 'a', 5000);
    assert_clean();
    reopen();
    assert_holds("a", 'a', 5000);
    assert_int_equal(object_files(), 141);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_a_sound_store_has_no_findings),
        store_test(test_a_check_stops_when_asked_to),
        store_test(test_damaged_ranges_are_told_to_the_byte),
        store_test(test_a_damaged_object_is_moved_aside_and_nothing_is_destroyed),
        store_test(test_an_object_whose_head_or_root_is_damaged_is_one_finding),
        store_test(test_a_missing_file_is_corrupt_and_its_entry_can_go),
        store_test(test_an_open_object_is_not_moved_aside),
        store_test(test_an_object_is_put_away_by_name),
        store_test(test_what_cannot_be_opened_can_be_put_away),
        store_test(test_replacing_a_damaged_object_keeps_its_bytes),
        store_test(test_a_repair_that_fails_leaves_the_bytes_within_reach),
        store_test(test_orphans_are_told_by_a_deep_check_and_moved_by_a_repair),
        store_test(test_a_deep_check_tells_every_orphan_however_many),
        store_test(test_a_writers_file_is_no_orphan),
        store_test(test_a_damaged_newest_catalogue_gives_the_one_before),
        store_test(test_repair_renews_a_damaged_catalogue),
        store_test(test_a_damaged_spare_catalogue_loses_nothing),
        store_test(test_a_deep_check_reads_the_spare_catalogue_whole),
        store_test(test_without_any_good_catalogue_nothing_opens_and_nothing_changes),
        store_test(test_of_two_entries_with_one_file_the_later_does_not_count),
        store_test(test_a_duplicate_of_a_large_file_number_does_not_count_either),
        store_test(test_a_file_with_a_large_number_is_in_use),
    };

    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
