/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on a cache against a list: whatever is here is what the list says was stored,
 * exactly one thing goes when one must, in the order of the policy, and failures of make, of loads
 * and of write-backs lose and leak nothing. One thread, all three policies, with and without
 * write-back.
 *
 * The model is an array of what is here, in the order of replacement, cold first. It is told what
 * the cache does; who goes it works out by itself.
 */
#include "../unit/cache/fixture.h"

#include "support/random.h"

#define KEYS    24u
#define GROUPS  2u
#define PINS    6u
#define BOUND   12u
#define NOTHING UINT64_MAX

struct line {
    uint64_t key;
    unsigned pins;
    bool dirty, marked;
};

struct model {
    struct toys toys;
    struct random random;
    struct cache_set set;
    struct line lines[BOUND]; /* cold first; parked ones anywhere */
    size_t count, entries, min, max;
    uint64_t stored[KEYS];  /* the device */
    uint64_t current[KEYS]; /* the truth, written or not */
    struct toy *pinned[PINS];
    bool parked[KEYS]; /* the search met it pinned or dirty, and took it out */
    bool writes_back, refuse;
};

/* --- The model --- */

static struct line *find(struct model *model, uint64_t key)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->lines[i].key == key)
            return &model->lines[i];
    return NULL;
}

/* One that is here for sure. */
static struct line *line_of(struct model *model, uint64_t key)
{
    struct line *line = find(model, key);

    must(line != NULL);
    return line;
}

static void remove_line(struct model *model, struct line *line)
{
    size_t at = (size_t)(line - model->lines);

    memmove(line, line + 1, (model->count - at - 1) * sizeof(*line));
    model->count--;
}

static void to_warm_end(struct model *model, uint64_t key)
{
    struct line line = *line_of(model, key);

    remove_line(model, line_of(model, key));
    model->lines[model->count++] = line;
}

static struct cache_group *group_of(struct model *model, uint64_t key)
{
    return &model->toys.groups[key % GROUPS];
}

static bool may_go(const struct model *model, const struct line *line)
{
    return line->pins == 0 && (!line->dirty || model->writes_back);
}

static bool one_may_go(const struct model *model)
{
    for (size_t i = 0; i < model->count; i++)
        if (may_go(model, &model->lines[i]))
            return true;
    return false;
}

/* The policy, without bounds on its search: who goes next? It must be known that one may. */
static uint64_t next_victim(struct model *model)
{
    for (size_t i = 0;;) {
        struct line *line = &model->lines[i];

        must(i < model->count);
        if (model->parked[line->key]) {
            i++;
        } else if (!may_go(model, line)) {
            model->parked[line->key] = true;
            line->marked = false;
            i++;
        } else if (model->toys.type.policy == CACHE_CLOCK && line->marked) {
            line->marked = false;
            to_warm_end(model, line->key);
        } else {
            return line->key;
        }
    }
}

/* Its pins or its state changed: what was taken out comes in again, last. */
static void settle(struct model *model, uint64_t key, bool used)
{
    struct line *line = line_of(model, key);

    if (line->pins > 0)
        return;
    if (used && model->toys.type.policy == CACHE_LRU)
        model->parked[key] = true;
    if (model->parked[key] && may_go(model, line)) {
        model->parked[key] = false;
        to_warm_end(model, key);
    }
}

static void drop(struct model *model, uint64_t key)
{
    model->parked[key] = false;
    remove_line(model, line_of(model, key));
}

/* --- The type --- */

static struct cache_entry *(*make_toy)(void *context);

static struct model *model_of(void *context)
{
    return (struct model *)context; /* the toys are its first member */
}

static struct cache_entry *make(void *context)
{
    struct model *model = model_of(context);

    return model->refuse ? NULL : make_toy(context);
}

static enum coffer_status write_back(void *context, struct cache_entry *entry)
{
    struct model *model = model_of(context);
    struct line *line = line_of(model, next_victim(model));

    must(line->key == entry->index && line->dirty);
    must(((struct toy *)entry)->number == model->current[entry->index]);
    if (model->toys.fail_writes) {
        model->parked[entry->index] = true;
        settle(model, entry->index, false);
        return COFFER_IO;
    }
    model->stored[entry->index] = model->current[entry->index];
    line->dirty = false;
    return COFFER_OK;
}

/* --- Checks --- */

static void check(struct model *model)
{
    struct cache_statistics now = toys_statistics(&model->toys);
    size_t pinned = 0;
    size_t dirty = 0;

    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(toys_has(&model->toys, key % GROUPS, key), find(model, key) != NULL);
    for (size_t i = 0; i < model->count; i++) {
        pinned += model->lines[i].pins > 0;
        dirty += model->lines[i].dirty;
    }
    assert_int_equal(now.pinned, pinned);
    assert_int_equal(now.dirty, dirty);
    assert_int_equal(model->set.count, dirty);
    assert_int_equal(now.entries, model->entries);
    assert_int_equal(now.spare, model->entries - model->count);
    assert_int_equal(now.entries, model->toys.made);
    assert_int_equal(now.bytes, atomic_load(&model->toys.share.bytes));
    assert_true(cache_is_valid(model->toys.cache));
}

/* --- Operations --- */

/* What the cache should answer when it needs an entry for a new key; COFFER_BUSY: it depends. */
static enum coffer_status expect_room(struct model *model)
{
    struct model copy;
    const struct line *victim;

    if (model->count < model->entries)
        return COFFER_OK; /* a spare one */
    if (model->entries < model->max && !model->refuse) {
        model->entries++;
        return COFFER_OK;
    }
    if (!one_may_go(model))
        return COFFER_NO_MEMORY;
    /* A dirty one is written first, which the write-back tells the model itself; if that may fail,
     * what comes of it is seen afterwards. */
    copy = *model;
    victim = line_of(&copy, next_victim(&copy));
    return victim->dirty && model->toys.fail_writes ? COFFER_BUSY : COFFER_OK;
}

static struct toy *get(struct model *model, uint64_t key)
{
    const struct cache_key of = {.group = group_of(model, key), .index = key};
    struct line *line = find(model, key);
    struct cache_entry *entry = NULL;
    enum coffer_status expected = COFFER_OK;
    enum coffer_status status;
    uint64_t victim = NOTHING;
    bool claimed = false;

    if (line == NULL) {
        bool evicts;

        expected = expect_room(model);
        evicts = model->count == model->entries && expected == COFFER_OK;
        if (evicts)
            victim = next_victim(model);
    }
    status = cache_get(model->toys.cache, &of, 0, &entry, &claimed);
    if (expected == COFFER_BUSY) {
        expected = status;
        assert_true(status == COFFER_OK || status == COFFER_IO);
        if (status == COFFER_OK)
            victim = next_victim(model);
    }
    assert_int_equal(status, expected);
    if (status != COFFER_OK)
        return NULL;
    assert_int_equal(claimed, line == NULL);
    if (line != NULL) {
        line->pins++;
        line->marked = true;
        assert_int_equal(((struct toy *)entry)->number, model->current[key]);
        return (struct toy *)entry;
    }
    if (victim != NOTHING)
        drop(model, victim);
    must(((struct toy *)entry)->number == 0);
    if (random_below(&model->random, 8) == 0) {
        ((struct toy *)entry)->number = 77;
        cache_loaded(model->toys.cache, entry, COFFER_CORRUPT);
        return NULL;
    }
    assert_true(model->count < BOUND);
    assert_int_equal(model->stored[key], model->current[key]); /* nothing was lost */
    ((struct toy *)entry)->number = model->stored[key];
    cache_loaded(model->toys.cache, entry, COFFER_OK);
    model->lines[model->count++] = (struct line){.key = key, .pins = 1};
    return (struct toy *)entry;
}

static void unpin(struct model *model, struct toy *toy)
{
    uint64_t key = toy->core.index;

    cache_unpin(model->toys.cache, &toy->core);
    line_of(model, key)->pins--;
    settle(model, key, true);
}

static void op_get(struct model *model)
{
    uint64_t key = random_below(&model->random, KEYS);
    struct toy *toy = get(model, key);
    size_t slot = (size_t)random_below(&model->random, PINS);

    if (toy == NULL)
        return;
    if (random_below(&model->random, 3) == 0) {
        cache_dirty(model->toys.cache, &toy->core, &model->set);
        toy->number = ++model->current[key];
        line_of(model, key)->dirty = true;
    }
    if (random_below(&model->random, 3) == 0) {
        if (model->pinned[slot] != NULL)
            unpin(model, model->pinned[slot]);
        model->pinned[slot] = toy;
    } else {
        unpin(model, toy);
    }
}

static void op_unpin(struct model *model)
{
    size_t slot = (size_t)random_below(&model->random, PINS);

    if (model->pinned[slot] != NULL)
        unpin(model, model->pinned[slot]);
    model->pinned[slot] = NULL;
}

/* As a commit does; now and then a write fails. */
static void op_write(struct model *model)
{
    struct cache_entry *previous = NULL;
    uint64_t last = 0;

    for (;;) {
        struct cache_entry *entry = cache_set_next(model->toys.cache, &model->set, previous);

        if (entry != NULL) {
            line_of(model, entry->index)->pins++;
            assert_true(entry->index >= last);
            last = entry->index;
        }
        if (previous != NULL)
            unpin(model, (struct toy *)previous);
        if (entry == NULL)
            break;
        previous = entry;
        assert_true(cache_write_begin(model->toys.cache, entry));
        if (random_below(&model->random, 6) == 0) {
            cache_write_end(model->toys.cache, entry, COFFER_IO);
            continue;
        }
        model->stored[entry->index] = model->current[entry->index];
        line_of(model, entry->index)->dirty = false;
        cache_write_end(model->toys.cache, entry, COFFER_OK);
    }
}

static void op_forget(struct model *model)
{
    uint64_t key = random_below(&model->random, KEYS);
    struct line *line = find(model, key);
    struct toy *toy;

    if (line == NULL || line->pins > 0)
        return;
    toy = get(model, key);
    cache_forget(model->toys.cache, &toy->core);
    model->current[key] = model->stored[key]; /* a change is undone with it */
    drop(model, key);
}

static void op_forget_group(struct model *model, struct cache_group *group)
{
    for (size_t i = 0; i < model->count; i++)
        if (group_of(model, model->lines[i].key) == group && model->lines[i].pins > 0)
            return;
    cache_forget_group(model->toys.cache, group);
    for (size_t i = 0; i < model->count;) {
        uint64_t key = model->lines[i].key;

        if (group_of(model, key) != group) {
            i++;
            continue;
        }
        model->current[key] = model->stored[key];
        drop(model, key);
    }
}

/* Without dirty ones in the way, whose writing the other operations are for. */
static void op_shrink(struct model *model)
{
    size_t steps = (size_t)random_below(&model->random, 4);
    uint64_t given;

    for (size_t i = 0; i < model->count; i++)
        if (model->lines[i].dirty)
            return;
    given = cache_shrink(model->toys.cache, steps * TOY_BYTES, 200);
    for (size_t i = 0; i < steps; i++) {
        if (model->entries == model->min)
            break;
        if (model->count == model->entries) {
            if (!one_may_go(model))
                break;
            drop(model, next_victim(model));
        }
        model->entries--;
        given -= TOY_BYTES;
    }
    assert_int_equal(given, 0);
}

static void op_set(struct model *model)
{
    model->refuse = random_below(&model->random, 3) == 0;
    model->toys.fail_writes = random_below(&model->random, 3) == 0;
}

static void step(struct model *model)
{
    switch (random_below(&model->random, 12)) {
    case 0:
    case 1:
        op_unpin(model);
        break;
    case 2:
        op_write(model);
        break;
    case 3:
        op_forget(model);
        break;
    case 4:
        if (random_below(&model->random, 8) == 0)
            op_forget_group(model, group_of(model, random_below(&model->random, KEYS)));
        break;
    case 5:
        op_shrink(model);
        break;
    case 6:
        op_set(model);
        break;
    default:
        op_get(model);
    }
    check(model);
}

static void run(enum cache_policy policy, bool writes_back, const char *name)
{
    unsigned steps = getenv("COFFER_DEEP") != NULL ? 500000 : 20000;
    struct model *model = must_alloc(sizeof(*model));
    struct cache_bounds bounds;

    memset(model, 0, sizeof(*model));
    random_init(&model->random, name);
    model->min = 3;
    model->max = BOUND - 2;
    model->entries = model->min;
    model->writes_back = writes_back;
    toys_begin(&model->toys, policy);
    make_toy = model->toys.type.make;
    model->toys.type.make = make;
    model->toys.type.write_back = writes_back ? write_back : NULL;
    cache_set_init(&model->set);
    for (uint64_t key = 0; key < KEYS; key++)
        model->stored[key] = model->current[key] = 1 + key * 1000000;
    bounds = (struct cache_bounds){.entries_min = model->min, .entries_max = model->max};
    assert_ok(cache_open(&model->toys.share, model->toys.memory, model->toys.owner,
                         &model->toys.type, &model->toys, &bounds, &model->toys.cache));
    for (unsigned i = 0; i < steps; i++)
        step(model);
    for (unsigned i = 0; i < PINS; i++)
        if (model->pinned[i] != NULL)
            unpin(model, model->pinned[i]);
    for (uint64_t key = 0; key < GROUPS; key++)
        op_forget_group(model, group_of(model, key));
    assert_int_equal(model->count, 0);
    check(model);
    toys_end(&model->toys);
    free(model);
}

static void test_lru_as_the_list(void **state)
{
    (void)state;
    run(CACHE_LRU, false, "cache, lru");
    run(CACHE_LRU, true, "cache, lru, write-back");
}

static void test_clock_as_the_list(void **state)
{
    (void)state;
    run(CACHE_CLOCK, false, "cache, clock");
    run(CACHE_CLOCK, true, "cache, clock, write-back");
}

static void test_round_robin_as_the_list(void **state)
{
    (void)state;
    run(CACHE_ROUND_ROBIN, false, "cache, round robin");
    run(CACHE_ROUND_ROBIN, true, "cache, round robin, write-back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru_as_the_list),
        cmocka_unit_test(test_clock_as_the_list),
        cmocka_unit_test(test_round_robin_as_the_list),
    };

    return cmocka_run_group_tests_name("property cache", tests, NULL, NULL);
}
