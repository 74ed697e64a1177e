/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paging with each allocation refused, and each call to the backing store and to a pager failing,
 * one after another: whatever fails says so, no contents are lost, nothing is kept that should have
 * been given back, and once the trouble is over all goes on.
 */
#include "../unit/paging/fixture.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGES 30u

/* A scene: an object, a clone of it and a file, and what they hold. */
struct scene {
    struct paging_fixture f;
    struct fake_file *file;
    struct object *objects[3]; /* the object, its clone, the file's; NULL: not (yet) there */
    uint64_t values[3][PAGES];
};

static enum coffer_status store(struct scene *scene, unsigned which, uint64_t index, uint64_t value)
{
    enum coffer_status status = fake_store(&scene->f, scene->objects[which], index, value);

    if (status == COFFER_OK)
        scene->values[which][index] = value;
    return status;
}

static enum coffer_status load(struct scene *scene, unsigned which, uint64_t index)
{
    uint64_t value;
    enum coffer_status status = fake_load(&scene->f, scene->objects[which], index, &value);

    if (status == COFFER_OK)
        assert_int_equal(value, scene->values[which][index]);
    return status;
}

static enum coffer_status make_clone(struct scene *scene)
{
    enum coffer_status status = fake_clone(&scene->f, scene->objects[0], &scene->objects[1]);

    if (status == COFFER_OK)
        memcpy(scene->values[1], scene->values[0], sizeof(scene->values[0]));
    return status;
}

/* Calls of every kind. Each goes on after a failure of the one before; the first is told. */
static enum coffer_status play(struct scene *scene)
{
    enum coffer_status first = COFFER_OK;

#define NOTE(call)                                                                                 \
    do {                                                                                           \
        enum coffer_status status_ = (call);                                                       \
        if (first == COFFER_OK)                                                                    \
            first = status_;                                                                       \
    } while (0)

    for (uint64_t i = 0; i < PAGES; i++) {
        NOTE(store(scene, 0, i, 1000 + i));
        NOTE(load(scene, 2, i));
    }
    NOTE(fake_pin(&scene->f, scene->objects[0], PAGES - 1) == COFFER_OK ? COFFER_OK
                                                                        : COFFER_NO_MEMORY);
    NOTE(make_clone(scene));
    for (uint64_t i = 0; i < PAGES; i += 2) {
        if (scene->objects[1] != NULL)
            NOTE(store(scene, 1, i, 2000 + i));
        NOTE(store(scene, 2, i, 3000 + i));
        NOTE(load(scene, 0, i));
    }
    NOTE(fake_sync(&scene->f, scene->objects[2], 0, PAGES));
    (void)paging_reclaim(scene->f.paging, 10, (struct owner){0});
    NOTE(fake_discard(&scene->f, scene->objects[0], 0, 3));
    memset(scene->values[0], 0, 3 * sizeof(scene->values[0][0]));
    for (uint64_t i = 0; i < PAGES; i++)
        NOTE(load(scene, 0, i));
    return first;
}

static void open_scene(struct scene *scene, bool is_tight)
{
    const struct paging_fixture_settings settings = {.frames = 40, .slots = 100};

    memset(scene, 0, sizeof(*scene));
    paging_fixture_open(&scene->f, &settings);
    scene->file = fake_file_make(&scene->f, PAGES, false);
    scene->objects[0] = fake_object(&scene->f, PAGES, NULL);
    scene->objects[2] = fake_object(&scene->f, PAGES, &scene->file->pager);
    for (uint64_t i = 0; i < PAGES; i++)
        scene->values[2][i] = FILE_VALUE(i);
    if (is_tight)
        paging_fixture_leave(&scene->f, 12);
}

/* All contents are there, as the calls that succeeded left them. */
static void close_scene(struct scene *scene, bool is_lost)
{
    assert_true(fake_is_valid(&scene->f));
    for (unsigned which = 0; which < 3; which++) {
        for (uint64_t i = 0; scene->objects[which] != NULL && i < PAGES; i++) {
            enum coffer_status status = load(scene, which, i);

            assert_true(status == COFFER_OK || (is_lost && status == COFFER_CORRUPT));
        }
        if (scene->objects[which] != NULL)
            fake_drop(&scene->f, scene->objects[which]);
    }
    fake_file_free(scene->file);
    paging_fixture_close(&scene->f);
}

/* The n-th call fails, and all later ones if `sticky`, for n = 1, 2, ... until it isn't reached. */
static void strike(enum fake_call call, enum coffer_status with, bool sticky, const char *name)
{
    uint64_t n = 0;
    uint64_t told = 0;
    bool fired = true;

    while (fired) {
        struct scene *scene = must_alloc(sizeof(*scene));
        enum coffer_status status;

        open_scene(scene, call != FAKE_ALLOC);
        fake_arm(&scene->f, call, ++n, sticky, with);
        status = play(scene);
        fired = atomic_load(&scene->f.plans[call].fired);
        fake_disarm(&scene->f, call);
        if (!fired)
            assert_int_equal(status, COFFER_OK);
        told += status != COFFER_OK;
        if (status != COFFER_OK && status != with && status != COFFER_NO_MEMORY)
            fail_msg("%s %" PRIu64 ": status %d", name, n, status);
        close_scene(scene, with == COFFER_CORRUPT);
        free(scene);
    }
    fprintf(stderr, "%s%s: %" PRIu64 " strikes, %" PRIu64 " told\n", name,
            sticky ? ", and all after it" : "", n - 1, told);
    assert_true(n > 10);
    if (sticky)
        assert_true(told > 0);
}

static void test_each_allocation_is_refused(void **state)
{
    (void)state;
    strike(FAKE_ALLOC, COFFER_NO_MEMORY, false, "allocation");
    strike(FAKE_ALLOC, COFFER_NO_MEMORY, true, "allocation");
}

static void test_each_reservation_is_refused(void **state)
{
    (void)state;
    strike(FAKE_RESERVE, COFFER_NO_SPACE, false, "reservation");
    strike(FAKE_RESERVE, COFFER_NO_SPACE, true, "reservation");
}

static void test_each_write_fails(void **state)
{
    (void)state;
    strike(FAKE_WRITE, COFFER_IO, false, "write");
    strike(FAKE_WRITE, COFFER_IO, true, "write");
}

static void test_each_read_fails(void **state)
{
    (void)state;
    strike(FAKE_READ, COFFER_IO, false, "read");
    strike(FAKE_READ, COFFER_IO, true, "read");
    strike(FAKE_READ, COFFER_CORRUPT, false, "corrupt read");
}

static void test_each_read_of_a_file_fails(void **state)
{
    (void)state;
    strike(FAKE_PAGER_READ, COFFER_IO, false, "pager's read");
    strike(FAKE_PAGER_READ, COFFER_IO, true, "pager's read");
    strike(FAKE_PAGER_READ, COFFER_CORRUPT, false, "pager's corrupt read");
}

static void test_each_write_of_a_file_fails(void **state)
{
    (void)state;
    strike(FAKE_PAGER_WRITE, COFFER_IO, false, "pager's write");
    strike(FAKE_PAGER_WRITE, COFFER_IO, true, "pager's write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_is_refused),
        cmocka_unit_test(test_each_reservation_is_refused),
        cmocka_unit_test(test_each_write_fails),
        cmocka_unit_test(test_each_read_fails),
        cmocka_unit_test(test_each_read_of_a_file_fails),
        cmocka_unit_test(test_each_write_of_a_file_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
