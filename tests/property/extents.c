/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two allocators of blocks, extents and little, against a model: an owner for each granule of
 * memory and a list of live blocks. Random operations; after each the allocator's own predicate
 * must hold. The model knows who may have what: overlaps, refusals without need, wrong places and
 * bytes written by anybody but a block's owner are all seen.
 */
#include "../unit/memory/fixture.h"

#include "base/bytes.h"
#include "memory/heap/extents.h"
#include "memory/heap/little.h"
#include "support/must.h"
#include "support/random.h"

#define UNIT       16u /* bytes: the model's granule */
#define BLOCKS_MAX 400u
#define FREE_BYTE  0xee
#define AREAS_MAX  4u

/* An allocator under test, its state being the model's. */
struct model;
struct kind {
    const char *name;
    size_t granule; /* bytes */
    size_t size_min;
    size_t aligned_min; /* of a block that was asked with more than a granule's alignment */
    size_t size_max;    /* of random blocks */
    enum coffer_status (*alloc)(struct model *m, size_t size, size_t alignment, uint8_t **out);
    enum coffer_status (*free)(struct model *m, void *block);
    enum coffer_status (*resize)(struct model *m, void *block, size_t size);
    size_t (*usable)(const struct model *m, const void *block);
    size_t (*largest)(const struct model *m);
    struct blocks_statistics (*statistics)(const struct model *m);
    bool (*walk)(const struct model *m, const struct blocks_visitor *visitor);
    bool (*is_valid)(const struct model *m, const char **problem);
    /* Was the answer to a request right: the place (NULL: none) among what is free? */
    void (*judge)(const struct model *m, size_t size, size_t alignment, const uint8_t *place);
};

struct block {
    uint8_t *address; /* NULL: none */
    size_t size;      /* usable */
    uint8_t pattern;
    size_t least; /* it never has fewer bytes */
};

struct model {
    const struct kind *kind;
    struct extents extents;
    struct extents_area *areas[AREAS_MAX];
    size_t share; /* of the buffer, that an area lies in */
    struct little *little;
    struct buffer buffer;
    size_t unit_count;
    uint16_t *owners; /* by unit: 0 free, 0xffff not a block's, else the block's index + 1 */
    struct block blocks[BLOCKS_MAX];
    uint64_t used_count;
    uint64_t used_size;
    struct random random;
};

#define OUTSIDE 0xffffu

/* --- Extents ----------------------------------------------------------------------------- */

static struct extents_area *area_with(const struct model *m, const void *address)
{
    size_t offset = (size_t)((uintptr_t)address - (uintptr_t)m->buffer.start);

    return m->areas[offset < m->buffer.size ? offset / m->share % AREAS_MAX : 0];
}

static enum coffer_status alloc_extent(struct model *m, size_t size, size_t alignment,
                                       uint8_t **out)
{
    struct extents_area *area = NULL;
    void *block = NULL;
    enum coffer_status status = alignment == 1 ? extents_alloc(&m->extents, size, &block, &area)
                                               : extents_alloc_aligned(&m->extents, size, alignment,
                                                                       &block, &area);

    *out = block;
    if (status == COFFER_OK)
        assert_ptr_equal(area, area_with(m, block));
    return status;
}

static enum coffer_status free_extent(struct model *m, void *block)
{
    return extents_free(&m->extents, area_with(m, block), block);
}

static enum coffer_status resize_extent(struct model *m, void *block, size_t size)
{
    return extents_resize(&m->extents, area_with(m, block), block, size);
}

static size_t usable_extent(const struct model *m, const void *block)
{
    return extents_usable_size(area_with(m, block), block);
}

static size_t largest_extent(const struct model *m)
{
    return extents_largest(&m->extents);
}

static struct blocks_statistics statistics_of_extents(const struct model *m)
{
    return extents_statistics(&m->extents);
}

static bool walk_extents(const struct model *m, const struct blocks_visitor *visitor)
{
    return extents_walk(&m->extents, visitor);
}

static bool extents_are_valid(const struct model *m, const char **problem)
{
    return extents_is_valid(&m->extents, problem);
}

/* The free stretch from `unit` on: how many units. */
static size_t stretch(const struct model *m, size_t unit)
{
    size_t end = unit;

    while (end < m->unit_count && m->owners[end] == 0)
        end++;
    return end - unit;
}

/* A refusal is right when no free stretch is so much longer that its whole class would do. */
static void judge_extent(const struct model *m, size_t size, size_t alignment, const uint8_t *place)
{
    size_t enough = size < EXTENTS_SIZE_MIN ? EXTENTS_SIZE_MIN : (size + 63) / 64 * 64;

    if (place != NULL)
        return;
    if (alignment > EXTENTS_GRANULE)
        enough += alignment + EXTENTS_SIZE_MIN;
    enough += enough / 16;
    for (size_t unit = 0; unit < m->unit_count; unit += stretch(m, unit) + 1)
        assert_true(stretch(m, unit) * UNIT < enough);
}

/* --- Little ------------------------------------------------------------------------------ */

static enum coffer_status alloc_little(struct model *m, size_t size, size_t alignment,
                                       uint8_t **out)
{
    void *block = NULL;
    enum coffer_status status = little_alloc(m->little, size, alignment, &block);

    *out = block;
    return status;
}

static enum coffer_status free_little(struct model *m, void *block)
{
    return little_free(m->little, block);
}

static enum coffer_status resize_little(struct model *m, void *block, size_t size)
{
    return little_resize(m->little, block, size);
}

static size_t usable_little(const struct model *m, const void *block)
{
    return little_usable_size(m->little, block);
}

static size_t largest_little(const struct model *m)
{
    return little_largest(m->little);
}

static struct blocks_statistics statistics_of_little(const struct model *m)
{
    return little_statistics(m->little);
}

static bool walk_little(const struct model *m, const struct blocks_visitor *visitor)
{
    return little_walk(m->little, visitor);
}

static bool little_holds_together(const struct model *m, const char **problem)
{
    return little_is_valid(m->little, problem);
}

/* Best fit has one right answer. */
static void judge_little(const struct model *m, size_t size, size_t alignment, const uint8_t *place)
{
    const uint8_t *best = NULL;
    size_t best_length = SIZE_MAX;
    size_t length;

    if (alignment > LITTLE_GRANULE && size < m->kind->aligned_min)
        size = m->kind->aligned_min;
    for (size_t unit = 0; unit < m->unit_count; unit += length + 1) {
        uint8_t *start = m->buffer.start + unit * UNIT;
        size_t gap = (0 - (uintptr_t)start) & (alignment - 1);

        length = stretch(m, unit);
        if (length < best_length && gap + size <= length * UNIT) {
            best = start + gap;
            best_length = length;
        }
    }
    assert_ptr_equal(place, best);
}

/* --- The model --------------------------------------------------------------------------- */

static uint16_t *owners_of(const struct model *m, const void *address)
{
    return &m->owners[((uintptr_t)address - (uintptr_t)m->buffer.start) / UNIT];
}

static bool filled_with(const uint8_t *p, size_t size, uint8_t pattern)
{
    return size == 0 || (*p == pattern && memcmp(p, p + 1, size - 1) == 0);
}

/* Change the owner of whole units, and fill them as the new one does. */
static void hand_over(struct model *m, uint8_t *address, size_t size, uint16_t from, uint16_t to)
{
    uint16_t *owners = owners_of(m, address);
    uint8_t before = from == 0 ? FREE_BYTE : m->blocks[from - 1].pattern;
    uint8_t after = to == 0 ? FREE_BYTE : m->blocks[to - 1].pattern;

    for (size_t i = 0; i < size / UNIT; i++) {
        assert_int_equal(owners[i], from);
        owners[i] = to;
    }
    assert_true(filled_with(address, size, before));
    memset(address, after, size);
}

static size_t random_size(struct model *m)
{
    const struct kind *kind = m->kind;

    switch (random_below(&m->random, 8)) {
    case 0:
        return 1 + (size_t)random_below(&m->random, kind->size_max * 8);
    case 1:
        return kind->size_min * (1 + (size_t)random_below(&m->random, 4));
    default:
        return 1 + (size_t)random_below(&m->random, kind->size_max);
    }
}

static void model_alloc(struct model *m, struct block *block)
{
    size_t size = random_size(m);
    size_t alignment = random_below(&m->random, 4) > 0 ? 1
                                                       : (size_t)1 << random_below(&m->random, 14);
    uint16_t number = (uint16_t)(block - m->blocks + 1);
    uint8_t *address = NULL;
    size_t rounded = (size + m->kind->granule - 1) / m->kind->granule * m->kind->granule;
    enum coffer_status status = m->kind->alloc(m, size, alignment, &address);

    size_t least = alignment > m->kind->granule ? m->kind->aligned_min : m->kind->size_min;

    m->kind->judge(m, size, alignment, address);
    if (status != COFFER_OK) {
        assert_int_equal(status, COFFER_NO_MEMORY);
        assert_true(alignment > m->kind->granule || size > m->kind->largest(m));
        return;
    }
    assert_int_equal((uintptr_t)address % m->kind->granule, 0);
    assert_int_equal((uintptr_t)address % alignment, 0);
    rounded = rounded < least ? least : rounded;
    block->least = least;
    block->address = address;
    block->size = m->kind->usable(m, address);
    block->pattern = (uint8_t)(1 + random_below(&m->random, 200));
    assert_true(block->size >= rounded && block->size < rounded + m->kind->size_min);
    hand_over(m, address, block->size, 0, number);
    m->used_count++;
    m->used_size += block->size;
}

static void model_free(struct model *m, struct block *block)
{
    uint16_t number = (uint16_t)(block - m->blocks + 1);

    assert_ok(m->kind->free(m, block->address));
    assert_status(m->kind->free(m, block->address), COFFER_MISUSE);
    hand_over(m, block->address, block->size, number, 0);
    m->used_count--;
    m->used_size -= block->size;
    block->address = NULL;
}

static void model_resize(struct model *m, struct block *block)
{
    uint16_t number = (uint16_t)(block - m->blocks + 1);
    size_t size = random_size(m);
    size_t wanted = size < block->least ? block->least : size;
    size_t rounded = (wanted + m->kind->granule - 1) / m->kind->granule * m->kind->granule;
    size_t behind = stretch(m, (size_t)(owners_of(m, block->address + block->size) - m->owners));
    bool fits = rounded <= block->size + behind * UNIT;
    size_t before = block->size;

    assert_status(m->kind->resize(m, block->address, size), fits ? COFFER_OK : COFFER_NO_MEMORY);
    block->size = m->kind->usable(m, block->address);
    if (!fits)
        assert_int_equal(block->size, before);
    else
        assert_true(block->size >= rounded && block->size < rounded + m->kind->size_min);
    if (block->size > before)
        hand_over(m, block->address + before, block->size - before, 0, number);
    else
        hand_over(m, block->address + block->size, before - block->size, number, 0);
    m->used_size += block->size - before;
}

/* Any address at all but that of a block is refused. */
static void model_probe(struct model *m)
{
    size_t offset = (size_t)random_below(&m->random, m->buffer.size);
    uint8_t *address = m->buffer.start +
                       (random_below(&m->random, 2) ? offset : offset & ~(size_t)63);
    uint16_t number = *owners_of(m, address);

    if (number != 0 && number != OUTSIDE && m->blocks[number - 1].address == address)
        return;
    assert_status(m->kind->free(m, address), COFFER_MISUSE);
    assert_status(m->kind->resize(m, address, 100), COFFER_MISUSE);
    assert_int_equal(m->kind->usable(m, address), 0);
}

static bool count_seen(void *context, const void *block, size_t size, bool used)
{
    struct model *m = context;
    uint16_t number = *owners_of(m, block);

    assert_int_equal(used, number != 0);
    if (used) {
        assert_ptr_equal(m->blocks[number - 1].address, block);
        assert_int_equal(m->blocks[number - 1].size, size);
        return true;
    }
    /* Free blocks of two areas may touch. */
    assert_true(stretch(m, (size_t)(owners_of(m, block) - m->owners)) * UNIT >= size);
    return true;
}

static void model_check(struct model *m, bool walk)
{
    const char *problem = NULL;
    struct blocks_statistics s = m->kind->statistics(m);
    struct blocks_visitor visitor = {count_seen, m};

    if (!m->kind->is_valid(m, &problem))
        fail_msg("%s: %s", m->kind->name, problem);
    assert_int_equal(s.used_count, m->used_count);
    assert_int_equal(s.used_size, m->used_size);
    if (walk)
        assert_true(m->kind->walk(m, &visitor));
}

static void model_run(struct model *m, uint64_t steps)
{
    struct blocks_statistics before = m->kind->statistics(m);
    struct blocks_statistics after;
    size_t largest = m->kind->largest(m);
    uint64_t live = BLOCKS_MAX;

    for (uint64_t i = 0; i < steps; i++) {
        struct block *block;

        /* Fuller and emptier by turns. */
        if (i % 1000 == 0)
            live = 1 + random_below(&m->random, BLOCKS_MAX);
        block = &m->blocks[random_below(&m->random, live)];
        if (random_below(&m->random, 16) == 0)
            model_probe(m);
        else if (block->address == NULL)
            model_alloc(m, block);
        else if (random_below(&m->random, 4) == 0)
            model_resize(m, block);
        else
            model_free(m, block);
        model_check(m, i % 64 == 0);
    }

    for (size_t i = 0; i < BLOCKS_MAX; i++) {
        if (m->blocks[i].address != NULL)
            model_free(m, &m->blocks[i]);
    }
    model_check(m, true);
    after = m->kind->statistics(m);
    assert_memory_equal(&before, &after, sizeof(before));
    /* Of several in one class it may be another one. */
    if (after.free_count == 1)
        assert_int_equal(m->kind->largest(m), largest);
}

/* What isn't in a free block belongs to nobody. */
static bool mark_free(void *context, const void *block, size_t size, bool used)
{
    struct model *m = context;
    size_t offset = (size_t)((uintptr_t)block - (uintptr_t)m->buffer.start);

    assert_false(used);
    memset(owners_of(m, block), 0, size / UNIT * sizeof(m->owners[0]));
    memset(m->buffer.start + offset, FREE_BYTE, size);
    return true;
}

static struct model *model_make(const struct kind *kind, size_t frame_count, const char *test_name)
{
    struct model *m = must_alloc(sizeof(*m));

    memset(m, 0, sizeof(*m));
    m->kind = kind;
    random_init(&m->random, test_name);
    m->buffer = buffer_make(frame_count, 65536);
    m->unit_count = m->buffer.size / UNIT;
    m->owners = must_alloc((m->unit_count + 1) * sizeof(m->owners[0]));
    return m;
}

static void model_begin(struct model *m)
{
    struct blocks_visitor visitor = {mark_free, m};

    for (size_t i = 0; i <= m->unit_count; i++)
        m->owners[i] = OUTSIDE;
    assert_true(m->kind->walk(m, &visitor));
}

static void model_destroy(struct model *m)
{
    buffer_free(&m->buffer);
    free(m->owners);
    free(m);
}

static uint64_t step_count(uint64_t quick, uint64_t deep)
{
    return getenv("COFFER_DEEP") != NULL ? deep : quick;
}

static const struct kind extents_kind = {
    .name = "extents",
    .granule = EXTENTS_GRANULE,
    .size_min = EXTENTS_SIZE_MIN,
    .aligned_min = EXTENTS_SIZE_MIN,
    .size_max = 8192,
    .alloc = alloc_extent,
    .free = free_extent,
    .resize = resize_extent,
    .usable = usable_extent,
    .largest = largest_extent,
    .statistics = statistics_of_extents,
    .walk = walk_extents,
    .is_valid = extents_are_valid,
    .judge = judge_extent,
};

static const struct kind little_kind = {
    .name = "little",
    .granule = LITTLE_GRANULE,
    .size_min = LITTLE_GRANULE,
    .aligned_min = 4 * LITTLE_GRANULE,
    .size_max = 256,
    .alloc = alloc_little,
    .free = free_little,
    .resize = resize_little,
    .usable = usable_little,
    .largest = largest_little,
    .statistics = statistics_of_little,
    .walk = walk_little,
    .is_valid = little_holds_together,
    .judge = judge_little,
};

/* One area, then up to four with gaps between them, at odd places. */
static void test_extents_against_an_owner_a_unit(void **state)
{
    struct model *m = model_make(&extents_kind, 160, __func__);
    uint64_t steps = step_count(10000, 250000);

    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        unsigned count = 1 + round % AREAS_MAX;
        size_t share = m->buffer.size / count;

        m->share = share;
        memset(m->buffer.raw, GUARD_BYTE, m->buffer.raw_size);
        extents_init(&m->extents);
        for (unsigned i = 0; i < count; i++) {
            size_t skip = (size_t)random_below(&m->random, 5000);
            size_t size = share - skip - (size_t)random_below(&m->random, 20000);

            assert_ok(extents_add_area(&m->extents, m->buffer.start + i * share + skip, size,
                                       &m->areas[i]));
        }
        model_begin(m);
        model_run(m, steps);
        for (unsigned i = 0; i < count; i++) {
            assert_true(extents_area_is_free(m->areas[i]));
            assert_ok(extents_remove_area(&m->extents, m->areas[i]));
            m->areas[i] = NULL;
        }
        assert_int_equal(extents_statistics(&m->extents).free_count, 0);
        assert_true(buffer_is_untouched_outside(&m->buffer, m->buffer.start, m->buffer.size));
    }
    model_destroy(m);
}

static void test_little_against_an_owner_a_unit(void **state)
{
    struct model *m = model_make(&little_kind, 16, __func__);
    uint64_t steps = step_count(5000, 150000);

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        size_t skip = (size_t)random_below(&m->random, 200);
        size_t size = 100 + (size_t)random_below(&m->random, round % 4 == 0 ? 65000 : 8000);

        memset(m->buffer.raw, GUARD_BYTE, m->buffer.raw_size);
        assert_ok(little_init(m->buffer.start + skip, size, &m->little));
        model_begin(m);
        model_run(m, steps);
        assert_true(buffer_is_untouched_outside(&m->buffer, m->buffer.start + skip, size));
    }
    model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extents_against_an_owner_a_unit),
        cmocka_unit_test(test_little_against_an_owner_a_unit),
    };

    return cmocka_run_group_tests_name("property extents", tests, NULL, NULL);
}
