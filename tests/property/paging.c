/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paging against plain arrays of contents: random loads, stores, clones, discards, pins, evictions
 * and syncs on several objects with hardly any memory, in which calls fail now and then.
 */
#include "../unit/paging/fixture.h"

#include "support/random.h"

#define OBJECTS 6u
#define PAGES   80u /* more than one node of the tree */

struct model {
    struct object *object; /* NULL: none */
    struct fake_file *file;
    uint64_t values[PAGES];
    unsigned pins[PAGES];
};

struct world {
    struct paging_fixture *f;
    struct random random;
    struct model models[OBJECTS];
    uint64_t next_value;
    unsigned pinned;
    uint64_t refused;
};

static bool is_shortage(enum coffer_status status)
{
    return status == COFFER_NO_MEMORY || status == COFFER_NO_SPACE || status == COFFER_IO;
}

static void make(struct world *w, struct model *model)
{
    bool is_file = random_below(&w->random, 3) == 0;

    memset(model, 0, sizeof(*model));
    if (is_file) {
        model->file = fake_file_make(w->f, PAGES, false);
        for (uint64_t i = 0; i < PAGES; i++)
            model->values[i] = FILE_VALUE(i);
    }
    model->object = fake_object(w->f, PAGES, is_file ? &model->file->pager : NULL);
    w->refused += model->object == NULL;
    if (model->object == NULL && is_file)
        fake_file_free(model->file);
}

static void drop(struct world *w, struct model *model)
{
    for (uint64_t i = 0; i < PAGES; i++)
        w->pinned -= model->pins[i] > 0;
    fake_drop(w->f, model->object);
    if (model->file != NULL) {
        assert_int_equal(model->file->closes, 1);
        fake_file_free(model->file);
    }
    model->object = NULL;
}

static void clone_object(struct world *w, const struct model *model)
{
    struct model *other = &w->models[random_below(&w->random, OBJECTS)];
    struct object *object = NULL;
    enum coffer_status status;

    if (other == model)
        return;
    if (other->object != NULL)
        drop(w, other);
    status = fake_clone(w->f, model->object, &object);
    if (model->file != NULL) {
        assert_int_equal(status, COFFER_MISUSE);
        return;
    }
    w->refused += status != COFFER_OK;
    assert_true(status == COFFER_OK || is_shortage(status));
    if (status != COFFER_OK)
        return;
    *other = *model;
    other->object = object;
    memset(other->pins, 0, sizeof(other->pins));
}

static void store(struct world *w, struct model *model, uint64_t index)
{
    enum coffer_status status = fake_store(w->f, model->object, index, ++w->next_value);

    assert_true(status == COFFER_OK || is_shortage(status));
    w->refused += status != COFFER_OK;
    if (status == COFFER_OK)
        model->values[index] = w->next_value;
}

static void load(struct world *w, struct model *model, uint64_t index)
{
    uint64_t value = 0;
    enum coffer_status status = fake_load(w->f, model->object, index, &value);

    assert_true(status == COFFER_OK || is_shortage(status));
    w->refused += status != COFFER_OK;
    if (status == COFFER_OK)
        assert_int_equal(value, model->values[index]);
}

/* Each range at once: what is dirty by then is what the file doesn't have. */
static void discard(struct world *w, struct model *model, uint64_t first)
{
    uint64_t count = random_below(&w->random, random_below(&w->random, PAGES - first) + 1) + 1;

    assert_ok(fake_discard(w->f, model->object, first, count));
    for (uint64_t i = first; i < first + count; i++) {
        assert_absent(w->f, model->object, i);
        model->values[i] = model->file != NULL ? fake_file_value(model->file, i) : 0;
        w->pinned -= model->pins[i] > 0;
        model->pins[i] = 0;
    }
}

static void sync_some(struct world *w, struct model *model, uint64_t first)
{
    enum coffer_status status = fake_sync(w->f, model->object, first, PAGES);

    assert_true(status == COFFER_OK || status == COFFER_IO);
    for (uint64_t i = first; status == COFFER_OK && model->file != NULL && i < PAGES; i++)
        assert_int_equal(fake_file_value(model->file, i), model->values[i]);
}

static void pin_or_unpin(struct world *w, struct model *model, uint64_t index)
{
    if (model->pins[index] > 0 && random_below(&w->random, 2) == 0) {
        fake_unpin(w->f, model->object, index);
        w->pinned -= --model->pins[index] == 0;
        return;
    }
    if (w->pinned >= 6 || fake_touch(w->f, model->object, index, true) != COFFER_OK)
        return;
    assert_ok(fake_pin(w->f, model->object, index));
    w->pinned += model->pins[index]++ == 0;
}

/* From now on, a few calls of one kind fail. */
static void trouble(struct world *w)
{
    static const enum coffer_status statuses[FAKE_CALLS] = {
        [FAKE_ALLOC] = COFFER_NO_MEMORY, [FAKE_RESERVE] = COFFER_NO_SPACE,
        [FAKE_WRITE] = COFFER_IO,        [FAKE_READ] = COFFER_IO,
        [FAKE_PAGER_READ] = COFFER_IO,   [FAKE_PAGER_WRITE] = COFFER_IO,
    };
    enum fake_call call = (enum fake_call)random_below(&w->random, FAKE_CALLS);

    for (unsigned i = 0; i < FAKE_CALLS; i++)
        fake_disarm(w->f, (enum fake_call)i);
    if (random_below(&w->random, 2) == 0)
        fake_arm(w->f, call, 1 + random_below(&w->random, 10), random_below(&w->random, 2) == 0,
                 statuses[call]);
}

static void step(struct world *w)
{
    struct model *model = &w->models[random_below(&w->random, OBJECTS)];
    uint64_t index = random_below(&w->random, random_below(&w->random, PAGES) + 1);
    uint64_t kind = random_below(&w->random, 1000);

    if (kind >= 990) {
        trouble(w);
    } else if (kind >= 950) {
        size_t wanted = 1 + (size_t)random_below(&w->random, 8);

        (void)paging_reclaim(w->f->paging, wanted, (struct owner){0});
    } else if (model->object == NULL) {
        /* Records need memory, and no room is made for them in there. */
        (void)paging_reclaim(w->f->paging, 4, (struct owner){0});
        make(w, model);
    } else if (kind < 420) {
        store(w, model, index);
    } else if (kind < 840) {
        load(w, model, index);
    } else if (kind < 880) {
        pin_or_unpin(w, model, index);
    } else if (kind < 910) {
        discard(w, model, index);
    } else if (kind < 925) {
        sync_some(w, model, index);
    } else if (kind < 940) {
        clone_object(w, model);
    } else {
        drop(w, model);
    }
}

static void run(struct world *w, uint64_t steps)
{
    for (uint64_t i = 0; i < steps; i++) {
        step(w);
        if (i % 64 == 0)
            assert_true(fake_is_valid(w->f));
    }
    for (unsigned i = 0; i < FAKE_CALLS; i++)
        fake_disarm(w->f, (enum fake_call)i);
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (w->models[i].object == NULL)
            continue;
        for (uint64_t page = 0; page < PAGES; page++)
            load(w, &w->models[i], page);
        drop(w, &w->models[i]);
    }
    assert_int_equal(w->pinned, 0);
}

static void test_pages_agree_with_arrays(void **state)
{
    static const struct paging_fixture_settings settings[] = {
        {.frames = 48, .slots = 600},
        {.frames = 48, .slots = 40},
        {.frames = 60, .slots = 600, .batch = 16, .low = 6, .high = 12},
        {.frames = 52, .slots = 600, .batch = 1, .keep_contents = true},
    };
    uint64_t steps = getenv("COFFER_DEEP") != NULL ? 1500000 : 40000;

    (void)state;
    for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct world *w = must_alloc(sizeof(*w));
        char name[32];

        memset(w, 0, sizeof(*w));
        w->f = must_alloc(sizeof(*w->f));
        snprintf(name, sizeof(name), "property paging %u", i);
        random_init(&w->random, name);
        paging_fixture_open(w->f, &settings[i]);
        run(w, steps);
        fprintf(stderr, "%s: %llu steps, %llu refused, %llu out, %llu in, %llu copies\n", name,
                (unsigned long long)steps, (unsigned long long)w->refused,
                (unsigned long long)fake_statistics(w->f).page_outs,
                (unsigned long long)fake_statistics(w->f).page_ins,
                (unsigned long long)fake_statistics(w->f).copies);
        assert_true(fake_statistics(w->f).page_outs > 0 && w->refused < steps / 2);
        paging_fixture_close(w->f);
        free(w->f);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_agree_with_arrays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
