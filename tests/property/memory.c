/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory against models: random operations, each checked against a byte a frame (whose run it is
 * in) or a list of blocks, with both validity predicates along the way.
 */
#include "../unit/memory/fixture.h"

#include "base/bytes.h"
#include "support/must.h"
#include "support/random.h"

#define RUNS_MAX 250 /* a byte names a run; 0 is free */

struct run {
    uint8_t *address; /* NULL: none */
    size_t count;
    unsigned references;
};

struct frames_model {
    uint8_t *start;
    size_t frame_count;
    uint8_t *frames; /* by frame: the number of its run, 0 free, 255 outside or metadata */
    struct run runs[RUNS_MAX];
    struct account account;
    struct account_line lines[ACCOUNT_OWNERS_DEFAULT];
    struct frames *frames_under_test;
    struct owner owner;
    struct random random;
};

static uint8_t *model_frame(struct frames_model *m, const void *address)
{
    return &m->frames[((uintptr_t)address - (uintptr_t)m->start) / FRAME_SIZE];
}

/* The longest stretch of free frames; segments of the model never touch each other. */
static size_t model_longest(const struct frames_model *m)
{
    size_t longest = 0;
    size_t here = 0;

    for (size_t i = 0; i < m->frame_count; i++) {
        here = m->frames[i] == 0 ? here + 1 : 0;
        longest = here > longest ? here : longest;
    }
    return longest;
}

static void model_take(struct frames_model *m)
{
    size_t count = 1 + (size_t)random_below(&m->random, (uint64_t)1 << random_below(&m->random, 9));
    size_t slot = 1 + (size_t)random_below(&m->random, RUNS_MAX - 1);
    struct run *run = &m->runs[slot];
    void *address = NULL;
    enum coffer_status status;

    if (run->address != NULL)
        return;
    status = frames_take(m->frames_under_test, m->owner, count, &address);
    assert_int_equal(status, count <= model_longest(m) ? COFFER_OK : COFFER_NO_MEMORY);
    if (status != COFFER_OK)
        return;

    for (size_t i = 0; i < count; i++) {
        uint8_t *frame = model_frame(m, (uint8_t *)address + i * FRAME_SIZE);

        assert_int_equal(*frame, 0);
        *frame = (uint8_t)slot;
    }
    assert_true(bytes_are_zero(address, count * FRAME_SIZE));
    memset(address, (int)slot, count * FRAME_SIZE);
    *run = (struct run){address, count, 1};
}

static void model_drop_frames(struct frames_model *m, const struct run *run, size_t from)
{
    for (size_t i = from; i < run->count; i++)
        *model_frame(m, run->address + i * FRAME_SIZE) = 0;
    if (from < run->count)
        assert_true(
            bytes_are_zero(run->address + from * FRAME_SIZE, (run->count - from) * FRAME_SIZE));
}

static void model_change(struct frames_model *m)
{
    struct run *run = &m->runs[random_below(&m->random, RUNS_MAX)];
    size_t count;

    if (run->address == NULL)
        return;
    switch (random_below(&m->random, 6)) {
    case 0:
        assert_ok(frames_hold(m->frames_under_test, run->address));
        run->references++;
        break;
    case 1:
        count = 1 + (size_t)random_below(&m->random, run->count);
        assert_status(frames_trim(m->frames_under_test, run->address, count),
                      run->references == 1 ? COFFER_OK : COFFER_MISUSE);
        if (run->references == 1) {
            model_drop_frames(m, run, count);
            run->count = count;
        }
        break;
    default:
        assert_ok(frames_give(m->frames_under_test, run->address));
        if (--run->references == 0) {
            model_drop_frames(m, run, 0);
            run->address = NULL;
        }
    }
}

/* Any address at all: what the frames say is what the model says, and only a head is a head. */
static void model_probe(struct frames_model *m)
{
    size_t offset = (size_t)random_below(&m->random, m->frame_count * FRAME_SIZE);
    uint8_t *address = m->start + (random_below(&m->random, 2) ? offset : offset & ~4095ul);
    struct frame_info info = frames_query(m->frames_under_test, address);
    uint8_t number = *model_frame(m, address);

    if (number == 255) {
        assert_true(!info.found || info.reserved);
    } else if (number == 0) {
        assert_true(info.free);
    } else {
        const struct run *run = &m->runs[number];

        assert_ptr_equal(info.head, run->address);
        assert_int_equal(info.run, run->count);
        assert_int_equal(info.offset, (size_t)(address - run->address) / FRAME_SIZE);
        assert_int_equal(info.references, run->references);
        assert_int_equal(*address, number);
        if (address == run->address)
            return;
    }
    assert_status(frames_give(m->frames_under_test, address), COFFER_MISUSE);
}

static void run_frames_model(struct frames_model *m, const struct memory_area *areas, size_t count)
{
    struct frames_statistics before;
    struct frames_statistics after;

    account_init(&m->account, m->lines, ACCOUNT_OWNERS_DEFAULT);
    assert_ok(frames_init(areas, count, &(struct frames_settings){.keep_contents = false},
                          &m->account, &m->frames_under_test));
    assert_ok(account_open_owner(&m->account, "model", &m->owner));
    before = frames_statistics(m->frames_under_test);
    for (size_t i = 0; i < m->frame_count; i++) {
        struct frame_info info = frames_query(m->frames_under_test, m->start + i * FRAME_SIZE);

        m->frames[i] = info.found && info.free ? 0 : 255;
    }

    for (unsigned i = 0; i < 6000; i++) {
        switch (random_below(&m->random, 8)) {
        case 0:
        case 1:
        case 2:
            model_take(m);
            break;
        case 3:
            model_probe(m);
            break;
        default:
            model_change(m);
        }
        if (i % 16 == 0)
            assert_true(frames_is_valid(m->frames_under_test));
        if (i % 64 == 0)
            assert_int_equal(frames_statistics(m->frames_under_test).largest_run, model_longest(m));
    }

    for (unsigned i = 0; i < RUNS_MAX; i++) {
        for (; m->runs[i].address != NULL && m->runs[i].references > 0; m->runs[i].references--)
            assert_ok(frames_give(m->frames_under_test, m->runs[i].address));
        m->runs[i].address = NULL;
    }
    after = frames_statistics(m->frames_under_test);
    assert_int_equal(before.free, after.free);
    assert_int_equal(before.largest_run, after.largest_run);
    assert_memory_equal(before.free_blocks, after.free_blocks, sizeof(before.free_blocks));
    assert_int_equal(m->lines[m->owner.index].frames, 0);
    assert_int_equal(m->lines[m->owner.index].run_takes, m->lines[m->owner.index].run_gives);
    frames_fini(m->frames_under_test);
}

static void test_frames_against_a_byte_per_frame(void **state)
{
    struct frames_model m = {.frame_count = 1500};
    struct buffer buffer = buffer_make(m.frame_count, (size_t)1 << 22);

    (void)state;
    random_init(&m.random, __func__);
    m.start = buffer.start;
    m.frames = calloc(m.frame_count, 1);
    for (unsigned round = 0; round < 6; round++) {
        /* One to three areas of any size and place, with a frame between them at least. */
        struct memory_area areas[3];
        size_t count = 1 + round % 3;
        size_t third = m.frame_count / count;

        for (size_t i = 0; i < count; i++) {
            size_t skip = (size_t)random_below(&m.random, 100 * FRAME_SIZE);
            size_t size = third * FRAME_SIZE - skip - FRAME_SIZE -
                          (size_t)random_below(&m.random, third / 2 * FRAME_SIZE);

            areas[count - 1 - i] = (struct memory_area){m.start + i * third * FRAME_SIZE + skip,
                                                        size};
        }
        run_frames_model(&m, areas, count);
    }
    assert_true(buffer_is_untouched_outside(&buffer, buffer.start, buffer.size));
    free(m.frames);
    buffer_free(&buffer);
}

#define BLOCKS_MAX 3000

struct block {
    uint8_t *address; /* NULL: none */
    size_t size;
    uint8_t pattern;
    struct owner owner;
};

struct heap_model {
    struct memory *memory;
    struct owner owners[3];
    struct block blocks[BLOCKS_MAX];
    uint64_t bytes[3];
    uint64_t count;
    struct random random;
};

static size_t random_size(struct random *random)
{
    switch (random_below(random, 10)) {
    case 0:
        return 2049 + (size_t)random_below(random, 40000);
    case 1:
    case 2:
    case 3:
        return 1 + (size_t)random_below(random, 2048);
    default:
        return 1 + (size_t)random_below(random, 200);
    }
}

static bool filled_with(const uint8_t *p, size_t size, uint8_t pattern)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= p[i] ^ pattern;
    return difference == 0;
}

static void heap_model_free(struct heap_model *m, struct block *block)
{
    unsigned who = block->owner.index - m->owners[0].index;

    /* Whoever wrote into this block meanwhile overlaps it. */
    assert_true(filled_with(block->address, block->size, block->pattern));
    m->bytes[who] -= heap_usable_size(m->memory->heap, block->address);
    m->count--;
    assert_ok(heap_free(m->memory->heap, block->address));
    assert_status(heap_free(m->memory->heap, block->address), COFFER_MISUSE);
    block->address = NULL;
}

static void heap_model_alloc(struct heap_model *m, struct block *block)
{
    unsigned who = (unsigned)random_below(&m->random, 3);
    size_t size = random_size(&m->random);
    size_t usable;
    void *address = NULL;
    enum coffer_status status = memory_alloc(m->memory, m->owners[who], size, &address);

    if (status != COFFER_OK) {
        /* Only a memory without such a run may refuse, and it has drained its empty spans. */
        assert_int_equal(status, COFFER_NO_MEMORY);
        assert_true(frames_statistics(m->memory->frames).largest_run <
                    (size <= HEAP_SMALL_MAX ? 2 : (size + FRAME_SIZE - 1) / FRAME_SIZE));
        return;
    }
    usable = heap_usable_size(m->memory->heap, address);
    assert_true(usable >= size);
    assert_true(bytes_are_zero(address, usable));
    *block = (struct block){address, usable, (uint8_t)(1 + random_below(&m->random, 255)),
                            m->owners[who]};
    memset(address, block->pattern, usable);
    m->bytes[who] += usable;
    m->count++;
}

static void heap_model_check(const struct heap_model *m)
{
    const struct account *account = &m->memory->account;
    uint64_t frames = 0;

    assert_true(heap_is_valid(m->memory->heap));
    assert_true(frames_is_valid(m->memory->frames));
    assert_int_equal(heap_statistics(m->memory->heap).blocks, m->count);
    assert_int_equal(heap_statistics(m->memory->heap).bytes,
                     m->bytes[0] + m->bytes[1] + m->bytes[2]);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(account->lines[m->owners[i].index].bytes, m->bytes[i]);
    for (unsigned i = 0; i < account->owner_count; i++)
        frames += account->lines[i].frames;
    assert_int_equal(frames, account->frames_used);
    assert_int_equal(account->frames_total - account->frames_used,
                     frames_statistics(m->memory->frames).free);
}

static void test_heap_against_a_list_of_blocks(void **state)
{
    static const size_t frame_counts[] = {64, 300, 2000};
    static const char *const names[] = {"a", "b", "c"};

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct heap_model *m = calloc(1, sizeof(*m));
        struct buffer buffer = buffer_make(frame_counts[round], 4096);
        struct memory_area areas[] = {{buffer.start + 3, buffer.size / 3},
                                      {buffer.start + buffer.size / 3 + 3, buffer.size / 2}};
        struct memory_settings settings = {.keep_contents = round == 1};
        uint64_t used;

        must(m != NULL);
        random_init(&m->random, __func__);
        m->random.state += round;
        assert_ok(memory_open(areas, 2, &settings, &m->memory));
        for (unsigned i = 0; i < 3; i++)
            assert_ok(account_open_owner(&m->memory->account, names[i], &m->owners[i]));
        used = m->memory->account.frames_used;

        for (unsigned i = 0; i < 30000; i++) {
            struct block *block = &m->blocks[random_below(&m->random, BLOCKS_MAX)];

            if (block->address != NULL)
                heap_model_free(m, block);
            else
                heap_model_alloc(m, block);
            if (i % 512 == 0)
                heap_model_check(m);
        }
        for (unsigned i = 0; i < BLOCKS_MAX; i++) {
            if (m->blocks[i].address != NULL)
                heap_model_free(m, &m->blocks[i]);
        }
        heap_model_check(m);
        heap_shrink(m->memory->heap);
        heap_model_check(m);
        assert_int_equal(m->memory->account.frames_used, used);
        memory_close(m->memory);
        assert_true(buffer_is_untouched_outside(&buffer, buffer.start, buffer.size));
        buffer_free(&buffer);
        free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_against_a_byte_per_frame),
        cmocka_unit_test(test_heap_against_a_list_of_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
