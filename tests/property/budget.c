/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The budget is exact: with the memory that it was given between two guard pages, a store does all
 * that stores do, and a memory system pages, and neither touches a byte beside it. What was at most
 * in use is never more than there is; at the end nobody holds anything (the engine asserts it at
 * close, the fixtures look), and all of it is wiped.
 *
 * The sizes begin with the least; of those that aren't whole pages one lies at each guard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/random.h"
#include "support/space_fixture.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define NAMES   40u
#define HANDLES 400u
#define WRITERS 80u
#define PIECE   30000u

static const struct {
    size_t size;
    enum guarded_end end;
} sizes[] = {
    {COFFER_MEMORY_MIN, GUARDED_BACK},
    {COFFER_MEMORY_MIN + 4095, GUARDED_BACK},
    {COFFER_MEMORY_MIN + 4095, GUARDED_FRONT},
    {COFFER_MEMORY_MIN + 4097, GUARDED_BACK},
    {COFFER_MEMORY_MIN + 4097, GUARDED_FRONT},
    {320 * KIB + 64, GUARDED_BACK},
    {512 * KIB, GUARDED_BACK},
    {1 * MIB + 1, GUARDED_FRONT},
    {4 * MIB - 1, GUARDED_BACK},
    {4 * MIB, GUARDED_BACK},
};

struct world {
    struct random random;
    struct memory_device *device;
    struct memory_settings memory;
    struct store_options options;
    struct store_fixture fixture;
    struct model model;
    uint8_t *large; /* what the object "large" holds */
    size_t large_size;
    bool refuses; /* one allocation of eight */
    uint64_t refused, shortages;
};

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct world *world = argument;

    (void)owner;
    (void)size;
    if (!world->refuses || below(world, 8) != 0)
        return false;
    world->refused++;
    return true;
}

/* --- The books --------------------------------------------------------------------------- */

static void check_books(struct world *world)
{
    struct memory *memory = world->fixture.store->memory;
    struct coffer_statistics now;

    store_fixture_stop_collector(&world->fixture);
    assert_int_equal(coffer_statistics_get(world->fixture.store, &now), COFFER_OK);
    assert_true(now.memory_used <= now.memory_peak);
    assert_true(now.memory_peak <= now.memory_total);
    assert_true(now.memory_total <= world->fixture.region.size);
    assert_int_equal(now.wrong_frees, 0);
    assert_true(frames_is_valid(memory->frames));
    store_fixture_start_collector(&world->fixture);
}

static void open_store(struct world *world)
{
    assert_int_equal(store_fixture_open(&world->fixture, world->device, &world->options),
                     COFFER_OK);
    world->options.create = false;
}

/* --- Changes ----------------------------------------------------------------------------- */

static struct step some_step(struct world *world, char id[16], char to[16])
{
    static const enum step_kind kinds[] = {
        STEP_PUT,  STEP_PUT,      STEP_REPLACE, STEP_PUT_KEY, STEP_WRITE, STEP_WRITE, STEP_STREAM,
        STEP_READ, STEP_TRUNCATE, STEP_RENAME,  STEP_DELETE,  STEP_LIST,  STEP_STAT};
    struct step step = {.kind = kinds[below(world, sizeof(kinds) / sizeof(kinds[0]))],
                        .id = id,
                        .to = to,
                        .offset = below(world, 30000),
                        .size = (size_t)below(world, below(world, 4) == 0 ? 60000 : 6000)};

    snprintf(id, 16, "object %u", (unsigned)below(world, NAMES));
    snprintf(to, 16, "object %u", (unsigned)below(world, NAMES));
    return step;
}

/* Whether the model has what the step needs, and nothing that is in its way. */
static bool is_possible(const struct world *world, const struct step *step)
{
    struct coffer_name name = step_name(step->id);
    struct coffer_name to = step_name(step->to);
    bool exists = model_find(&world->model, &name) != NULL;

    switch (step->kind) {
    case STEP_PUT:
    case STEP_PUT_KEY:
    case STEP_STREAM:
        return !exists;
    case STEP_RENAME:
        return exists && model_find(&world->model, &to) == NULL;
    case STEP_LIST:
    case STEP_CHECK:
        return true;
    default:
        return exists;
    }
}

/* One change: it is done, or it found no memory and everything is as it was. */
static void change(struct world *world, bool may_be_short)
{
    char id[16];
    char to[16];
    struct step step = some_step(world, id, to);
    enum coffer_status status;

    if (!is_possible(world, &step))
        return;
    status = step_run(&step, world->fixture.store);
    if (status == COFFER_OK)
        step_apply(&step, &world->model);
    else if (status != COFFER_NO_MEMORY || !may_be_short)
        fail_msg("%s: %s", step_kind_name(step.kind), coffer_status_name(status));
    world->shortages += status != COFFER_OK;
}

static void change_much(struct world *world, unsigned count, bool may_be_short)
{
    for (unsigned i = 0; i < count; i++)
        change(world, may_be_short);
    check_books(world);
}

static void expect_model(struct world *world)
{
    char why[256];

    if (!model_matches(&world->model, world->fixture.store, why, sizeof(why)))
        fail_msg("%s", why);
}

/* --- An object that is larger than all memory -------------------------------------------- */

static void make_large(struct world *world)
{
    const struct coffer_name name = step_name("large");
    struct coffer_writer *writer;

    world->large_size = 2 * world->options.memory + 12345;
    world->large = must_alloc(world->large_size);
    random_bytes(&world->random, world->large, world->large_size);
    assert_int_equal(coffer_writer_open(world->fixture.store, &name, 0, NULL, &writer), COFFER_OK);
    for (size_t done = 0; done < world->large_size; done += PIECE) {
        size_t left = world->large_size - done;

        assert_int_equal(
            coffer_writer_write(writer, world->large + done, left < PIECE ? left : PIECE),
            COFFER_OK);
    }
    assert_int_equal(coffer_writer_commit(writer), COFFER_OK);
    model_put(&world->model, &name, NULL, world->large, world->large_size);
    check_books(world);
}

/* Here and there, more than once: the model has it last. */
static void use_large(struct world *world, unsigned count, bool may_be_short)
{
    const struct coffer_name name = step_name("large");
    uint8_t *bytes = must_alloc(PIECE);
    struct coffer_object *object;
    enum coffer_status status = coffer_object_open(world->fixture.store, &name, &object);

    if (may_be_short && status == COFFER_NO_MEMORY) {
        free(bytes);
        return;
    }
    assert_int_equal(status, COFFER_OK);
    for (unsigned i = 0; i < count; i++) {
        size_t most = below(world, 8) == 0 ? PIECE : 5000;
        size_t size = 1 + (size_t)below(world, most);
        size_t at = (size_t)below(world, world->large_size - size);
        bool writes = below(world, 3) == 0;
        size_t got = size;

        random_bytes(&world->random, bytes, size);
        if (writes)
            status = coffer_object_write(object, at, bytes, size);
        else
            status = coffer_object_read(object, at, bytes, size, &got);
        if (may_be_short && status == COFFER_NO_MEMORY) {
            world->shortages++;
            continue;
        }
        assert_int_equal(status, COFFER_OK);
        assert_int_equal(got, size);
        if (writes)
            memcpy(world->large + at, bytes, size);
        else
            assert_memory_equal(bytes, world->large + at, size);
    }
    coffer_object_close(object);
    free(bytes);
    model_write(model_find(&world->model, &name), 0, world->large, world->large_size);
    check_books(world);
}

/* --- Shortage ---------------------------------------------------------------------------- */

/* Handles and writers until memory is out, or as many as there are; the store works on. */
static void fill_up(struct world *world)
{
    static struct coffer_object *handles[HANDLES];
    static struct coffer_writer *writers[WRITERS];
    enum coffer_status status = COFFER_OK;
    unsigned handle_count = 0;
    unsigned writer_count = 0;

    while (handle_count < HANDLES && status == COFFER_OK) {
        const struct model_object *object = &world->model
                                                 .objects[handle_count % world->model.count];
        struct coffer_name name = model_name(object);

        status = coffer_object_open(world->fixture.store, &name, &handles[handle_count]);
        handle_count += status == COFFER_OK;
    }
    assert_true(status == COFFER_OK || status == COFFER_NO_MEMORY);
    assert_true(handle_count > 0);
    status = COFFER_OK;
    while (writer_count < WRITERS && status == COFFER_OK) {
        const struct coffer_name name = step_name("of a writer");

        status = coffer_writer_open(world->fixture.store, &name, 0, NULL, &writers[writer_count]);
        if (status == COFFER_OK)
            status = coffer_writer_write(writers[writer_count++], world->large, 100);
    }
    assert_true(status == COFFER_OK || status == COFFER_NO_MEMORY);
    world->shortages += status != COFFER_OK;
    use_large(world, 60, true);
    while (writer_count > 0)
        coffer_writer_abort(writers[--writer_count]);
    while (handle_count > 0)
        coffer_object_close(handles[--handle_count]);
    check_books(world);
}

static void refuse_some(struct world *world)
{
    world->refuses = true;
    change_much(world, 150, true);
    use_large(world, 100, true);
    world->refuses = false;
    expect_model(world);
}

/* --- Quotas ------------------------------------------------------------------------------ */

static void use_quotas(struct world *world)
{
    struct coffer *store = world->fixture.store;
    const struct step more = {.kind = STEP_PUT, .id = "one too many", .size = 5000};
    const struct coffer_name large = step_name("large");
    struct coffer_object *object;

    assert_int_equal(coffer_set_quota(store, &step_ta, COFFER_NO_QUOTA, world->large_size),
                     COFFER_OK);
    assert_int_equal(step_run(&more, store), COFFER_NO_SPACE);
    assert_int_equal(coffer_set_quota(store, &step_ta, 1, COFFER_NO_QUOTA), COFFER_OK);
    assert_int_equal(coffer_object_open(store, &large, &object), COFFER_NO_MEMORY);
    assert_int_equal(coffer_set_quota(store, &step_ta, COFFER_NO_QUOTA, COFFER_NO_QUOTA),
                     COFFER_OK);
    check_books(world);
}

/* --- A store ----------------------------------------------------------------------------- */

static void collect(struct world *world)
{
    enum coffer_status status = COFFER_BUSY;

    while (status == COFFER_BUSY)
        status = coffer_tick(world->fixture.store, 1000000);
    assert_int_equal(status, COFFER_OK);
    check_books(world);
}

/* One operation at a time always finds what it needs, whatever was before. */
static void work(struct world *world)
{
    make_large(world);
    change_much(world, 300, false);
    use_large(world, 300, false);
    collect(world);
    fill_up(world);
    refuse_some(world);
    use_quotas(world);
    change_much(world, 200, false);
    use_large(world, 200, false);
    expect_model(world);
    store_fixture_close(&world->fixture);
    open_store(world);
    use_large(world, 100, false);
    expect_model(world);
    check_books(world);
}

static void test_a_store_stays_in_its_memory(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, "test_a_store_stays_in_its_memory");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct world world = {
            .options = {.memory = sizes[i].size, .memory_end = sizes[i].end, .create = true}};

        world.device = memory_device_open();
        world.memory = (struct memory_settings){.refuse = refuse, .refuse_argument = &world};
        world.options.memory_settings = &world.memory;
        model_init(&world.model);
        open_store(&world);
        work(&world);
        store_fixture_close(&world.fixture);
        assert_true(world.refused > 0 && world.shortages > 0);
        model_fini(&world.model);
        memory_device_free(world.device);
        free(world.large);
        random = world.random;
    }
}

/* --- A memory system --------------------------------------------------------------------- */

#define BLOCKS 12u

/* Pages for twice the memory, written and read at random, beside blocks that come and go and may
 * have a third of it: pages are sure to come only where blocks don't have all. */
static void page(struct space_fixture *f, struct random *random, size_t pages)
{
    struct coffer_space *space = space_make(f, (pages + 16) * COFFER_PAGE_SIZE);
    uintptr_t base = space_map(space, pages * COFFER_PAGE_SIZE, COFFER_READ | COFFER_WRITE);
    uint64_t *values = must_alloc(pages * sizeof(*values));
    struct coffer_pool_settings settings = {.name = "blocks"};
    void *blocks[BLOCKS] = {NULL};
    struct coffer_pool *pool;

    must(coffer_owner_open(f->memory, "blocks", &settings.owner) == COFFER_OK);
    must(coffer_owner_set_quota(f->memory, settings.owner, pages / 2 / 3) == COFFER_OK);
    must(coffer_pool_open(f->memory, &settings, &pool) == COFFER_OK);
    memset(values, 0, pages * sizeof(*values));
    for (unsigned i = 0; i < 6000; i++) {
        size_t page = (size_t)random_below(random, pages);
        uintptr_t at = base + page * COFFER_PAGE_SIZE + 8 * (page % 512);
        void **block = &blocks[random_below(random, BLOCKS)];

        if (random_below(random, 2) == 0)
            space_put(space, at, values[page] = i + 1);
        else
            assert_int_equal(space_get(space, at), values[page]);
        if (*block != NULL)
            assert_int_equal(coffer_pool_free(pool, *block), COFFER_OK);
        *block = NULL;
        if (random_below(random, 2) == 0 &&
            coffer_pool_alloc(pool, 1 + (size_t)random_below(random, 9000), block) != COFFER_OK)
            *block = NULL;
    }
    coffer_pool_close(pool);
    coffer_space_close(space);
    assert_int_equal(coffer_owner_close(f->memory, settings.owner), COFFER_OK);
    free(values);
}

static void test_paging_stays_in_its_memory(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, "test_paging_stays_in_its_memory");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t pages = 2 * sizes[i].size / COFFER_PAGE_SIZE;
        const struct space_fixture_settings settings = {
            .memory = sizes[i].size, .memory_end = sizes[i].end, .swap_pages = pages};
        struct coffer_memory_statistics statistics;
        struct coffer_paging_statistics paging;
        struct space_fixture fixture;

        space_fixture_open(&fixture, SPACE_SOFTWARE, &settings);
        page(&fixture, &random, pages);
        coffer_memory_statistics(fixture.memory, &statistics);
        coffer_paging_statistics(fixture.memory, &paging);
        assert_true(paging.page_outs > 0 && paging.page_ins > 0);
        assert_true(statistics.used_peak + statistics.reserved <= statistics.total);
        assert_true(statistics.total <= sizes[i].size / COFFER_PAGE_SIZE);
        space_fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_stays_in_its_memory),
        cmocka_unit_test(test_paging_stays_in_its_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
