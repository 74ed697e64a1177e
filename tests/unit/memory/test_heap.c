/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap: blocks of every size, wrong frees of every kind, shortage, exact accounts. */
#include "fixture.h"

#include "base/bytes.h"
#include "support/must.h"

struct fixture {
    struct buffer buffer;
    struct memory *memory;
    struct owner owner;
    uint64_t used; /* frames, before the test */
};

static void start(struct fixture *f, size_t frame_count)
{
    struct memory_settings settings = {.keep_contents = false};
    struct memory_area area;

    f->buffer = buffer_make(frame_count, 4096);
    area = (struct memory_area){f->buffer.start, f->buffer.size};
    assert_ok(memory_open(&area, 1, &settings, &f->memory));
    assert_ok(account_open_owner(&f->memory->account, "test", &f->owner));
    f->used = f->memory->account.frames_used;
}

/* Nothing is left out once the empty spans have gone home. */
static void stop(struct fixture *f)
{
    const struct account_line *line = &f->memory->account.lines[f->owner.index];
    struct heap_statistics s = heap_statistics(f->memory->heap);

    assert_true(heap_is_valid(f->memory->heap));
    assert_true(frames_is_valid(f->memory->frames));
    assert_int_equal(s.blocks, 0);
    assert_int_equal(s.bytes, 0);
    assert_int_equal(s.large_runs, 0);
    assert_int_equal(line->bytes, 0);
    assert_int_equal(line->takes, line->gives);
    heap_shrink(f->memory->heap);
    assert_true(heap_is_valid(f->memory->heap));
    assert_int_equal(line->frames, 0);
    assert_int_equal(f->memory->account.frames_used, f->used);
    memory_close(f->memory);
    assert_true(bytes_are_zero(f->buffer.start, f->buffer.size));
    assert_true(buffer_is_untouched_outside(&f->buffer, f->buffer.start, f->buffer.size));
    buffer_free(&f->buffer);
}

static int setup(void **state)
{
    struct fixture *f = must_alloc(sizeof(*f));

    start(f, 256);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    stop(*state);
    free(*state);
    return 0;
}

static void *take(struct fixture *f, size_t size)
{
    void *block = NULL;

    assert_ok(memory_alloc(f->memory, f->owner, size, &block));
    assert_int_equal((uintptr_t)block % HEAP_ALIGNMENT, 0);
    assert_true(heap_usable_size(f->memory->heap, block) >= size);
    assert_true(bytes_are_zero(block, heap_usable_size(f->memory->heap, block)));
    memset(block, 0xdd, heap_usable_size(f->memory->heap, block));
    return block;
}

static void assert_free_refused(struct fixture *f, void *address)
{
    struct account *account = &f->memory->account;
    struct heap_statistics before = heap_statistics(f->memory->heap);
    struct heap_statistics after;
    uint64_t wrong = account->wrong_frees;

    assert_int_equal(heap_usable_size(f->memory->heap, address), 0);
    assert_status(heap_free(f->memory->heap, address), COFFER_MISUSE);
    after = heap_statistics(f->memory->heap);
    assert_int_equal(account->wrong_frees, wrong + 1);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_true(heap_is_valid(f->memory->heap));
}

static void test_every_size(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size <= 3 * FRAME_SIZE; size += size < 2100 ? 1 : 509) {
        uint8_t *block = take(f, size);
        size_t usable = heap_usable_size(f->memory->heap, block);

        assert_int_equal(f->memory->account.lines[f->owner.index].bytes, usable);
        if (size > HEAP_SMALL_MAX) {
            assert_int_equal(usable, (size + FRAME_SIZE - 1) / FRAME_SIZE * FRAME_SIZE);
            assert_status(frames_give(f->memory->frames, block), COFFER_MISUSE);
        } else {
            assert_true(usable <= 2 * size || size < HEAP_ALIGNMENT);
        }
        memory_free(f->memory, block);
        assert_true(bytes_are_zero(block, size)); /* wiped */
    }
    assert_true(heap_is_valid(f->memory->heap));
}

/* Fill several spans of each size; the blocks don't overlap, their frees may come in any order. */
static void test_full_spans(void **state)
{
    static const size_t sizes[] = {1, 16, 48, 64, 112, 320, 672, 1024, 1360, 2048};
    struct fixture *f = *state;
    uint32_t *blocks[600];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned count = sizes[i] < 400 ? 600 : 60;

        for (unsigned k = 0; k < count; k++) {
            blocks[k] = take(f, sizes[i]);
            *blocks[k] = k;
        }
        assert_true(heap_is_valid(f->memory->heap));
        for (unsigned step = 0; step < 7; step++) {
            for (unsigned k = step; k < count; k += 7) {
                assert_int_equal(*blocks[k], k);
                memory_free(f->memory, blocks[k]);
            }
            assert_true(heap_is_valid(f->memory->heap));
        }
    }
}

static void test_misuse_of_alloc(void **state)
{
    struct fixture *f = *state;
    struct account_line *line = &f->memory->account.lines[f->owner.index];
    struct owner none = {0};
    struct owner unopened = {(uint8_t)(f->owner.index + 1)};
    void *block = f;

    assert_status(memory_alloc(f->memory, f->owner, 0, &block), COFFER_MISUSE);
    assert_status(memory_alloc(f->memory, none, 1, &block), COFFER_MISUSE);
    assert_status(memory_alloc(f->memory, unopened, 1, &block), COFFER_MISUSE);
    assert_status(memory_alloc(f->memory, f->owner, SIZE_MAX, &block), COFFER_NO_MEMORY);
    assert_status(memory_alloc(f->memory, f->owner, SIZE_MAX - 4095, &block), COFFER_NO_MEMORY);
    assert_status(memory_alloc(f->memory, f->owner, f->buffer.size, &block), COFFER_NO_MEMORY);
    assert_ptr_equal(block, f);
    assert_int_equal(line->refusals, 3);
    assert_int_equal(line->takes, 0);
}

static void test_double_free_is_refused(void **state)
{
    static const size_t sizes[] = {1, 100, 2048, 2049, 10000};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *a = take(f, sizes[i]);
        void *b = take(f, sizes[i]);

        memory_free(f->memory, a);
        assert_free_refused(f, a); /* its span lives on with b */
        memory_free(f->memory, b);
        assert_free_refused(f, b); /* the span is empty, or gone */
        assert_free_refused(f, a);
        heap_shrink(f->memory->heap);
        assert_free_refused(f, a);
    }
}

static void test_stale_free_is_refused_while_the_block_is_free(void **state)
{
    struct fixture *f = *state;
    uint8_t *old = take(f, 16);
    void *now;

    memory_free(f->memory, old);
    heap_shrink(f->memory->heap);
    now = take(f, 2048); /* may lie in the same frame, with other blocks */
    if (old != now)
        assert_free_refused(f, old);
    assert_free_refused(f, (uint8_t *)now + 16);
    memory_free(f->memory, now);
}

static void test_wrong_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *small = take(f, 100); /* class 112: 36 blocks and 64 bytes that are none */
    uint8_t *large = take(f, 9000);
    void *run;
    int local = 0;

    assert_ok(frames_take(f->memory->frames, f->owner, 2, &run));
    assert_free_refused(f, NULL);
    assert_free_refused(f, &local);
    assert_free_refused(f, f->memory); /* metadata */
    assert_free_refused(f, f->memory->frames);
    assert_free_refused(f, f->memory->heap); /* the heap's own frame */
    assert_free_refused(f, (uint8_t *)f->memory->heap + 63 * 64);
    assert_free_refused(f, run); /* a run that isn't the heap's */
    for (unsigned i = 1; i < 112; i++)
        assert_free_refused(f, small + i);
    for (unsigned i = 1; i < 36; i++)
        assert_free_refused(f, small + i * 112u); /* blocks that are free */
    assert_free_refused(f, small + 36 * 112);     /* behind the last one */
    assert_free_refused(f, large + 1);
    assert_free_refused(f, large + 16);
    assert_free_refused(f, large + FRAME_SIZE);
    assert_free_refused(f, f->buffer.start + f->buffer.size);

    /* And what is the heap's can't be given back as frames. */
    assert_status(frames_give(f->memory->frames, large), COFFER_MISUSE);
    assert_status(frames_trim(f->memory->frames, large, 1), COFFER_MISUSE);
    assert_status(frames_hold(f->memory->frames, large), COFFER_MISUSE);
    assert_status(frames_give(f->memory->frames, f->memory->heap), COFFER_MISUSE);
    assert_status(frames_give(f->memory->frames, (void *)((uintptr_t)small & ~4095ul)),
                  COFFER_MISUSE);
    assert_ok(frames_give(f->memory->frames, run));
    memory_free(f->memory, small);
    memory_free(f->memory, large);
}

static void test_blocks_of_another_heap_are_foreign(void **state)
{
    struct fixture *f = *state;
    struct account *account = &f->memory->account;
    struct owner self;
    struct heap *second;
    void *small;
    void *large;

    assert_ok(account_open_owner(account, "second", &self));
    assert_ok(heap_init(f->memory->frames, account, self, &second));
    assert_ok(heap_alloc(second, f->owner, 48, &small));
    assert_ok(heap_alloc(second, f->owner, 5000, &large));
    assert_free_refused(f, small);
    assert_free_refused(f, large);
    assert_free_refused(f, second);
    assert_ok(heap_free(second, small));
    assert_ok(heap_free(second, large));

    /* Leave blocks of all kinds and more spans than one chunk names; fini gives all back. */
    for (unsigned i = 0; i < 100; i++) {
        assert_ok(heap_alloc(second, f->owner, 1100, &small));
        assert_ok(heap_alloc(f->memory->heap, f->owner, 16, &large));
        assert_ok(heap_free(f->memory->heap, large));
    }
    assert_ok(heap_alloc(second, f->owner, 5000, &large));
    assert_true(heap_is_valid(second));
    heap_fini(second);
    assert_int_equal(account->lines[self.index].frames, 0);
    assert_int_equal(account->lines[self.index].bytes, 0);
    assert_status(heap_init(f->memory->frames, account, (struct owner){0}, &second), COFFER_MISUSE);
}

static void test_owners_do_not_share_spans(void **state)
{
    struct fixture *f = *state;
    struct account *account = &f->memory->account;
    struct owner other;
    void *a;
    void *b;

    assert_ok(account_open_owner(account, "other", &other));
    a = take(f, 64);
    assert_ok(memory_alloc(f->memory, other, 64, &b));
    assert_true((uintptr_t)a / 4096 != (uintptr_t)b / 4096);
    assert_int_equal(frames_query(f->memory->frames, b).owner.index, other.index);
    assert_int_equal(account->lines[other.index].frames, 1);
    assert_int_equal(account->lines[other.index].bytes, 64);
    assert_int_equal(account->lines[f->owner.index].frames, 1);
    memory_free(f->memory, a);
    memory_free(f->memory, b);
    assert_int_equal(account->lines[other.index].bytes, 0);
}

static void test_empty_spans_are_few(void **state)
{
    struct fixture *f = *state;
    void *blocks[20];

    for (unsigned i = 0; i < 20; i++)
        blocks[i] = take(f, 16 + 16 * i);
    for (unsigned i = 0; i < 20; i++)
        memory_free(f->memory, blocks[i]);
    assert_in_range(heap_statistics(f->memory->heap).spans, 1, 256 / 64);
    assert_true(heap_shrink(f->memory->heap));
    assert_int_equal(heap_statistics(f->memory->heap).spans, 0);
    assert_false(heap_shrink(f->memory->heap));
}

/* With no frame left for a chunk, with one left (the chunk, but not the span), with two. */
static void test_shortage_changes_nothing(void **state)
{
    (void)state;
    for (unsigned spare = 0; spare < 4; spare++) {
        struct fixture f;
        struct heap_statistics before;
        struct heap_statistics after;
        void *spans[200];
        void *runs[256];
        unsigned span_count = 0;
        unsigned run_count = 0;
        uint64_t used;
        void *block = &f;

        start(&f, 256);
        /* Until the first chunk is full: the heap's line has a second frame. */
        while (f.memory->account.lines[2].frames == 1)
            spans[span_count++] = take(&f, 2048);
        must(span_count > 0);
        memory_free(f.memory, spans[--span_count]);
        heap_shrink(f.memory->heap);
        assert_int_equal(f.memory->account.lines[2].frames, 1);
        while (frames_take(f.memory->frames, f.owner, 1, &runs[run_count]) == COFFER_OK)
            run_count++;
        for (unsigned i = 0; i < spare; i++)
            assert_ok(frames_give(f.memory->frames, runs[--run_count]));

        before = heap_statistics(f.memory->heap);
        used = f.memory->account.frames_used;
        if (spare < 2) {
            assert_status(memory_alloc(f.memory, f.owner, 16, &block), COFFER_NO_MEMORY);
            after = heap_statistics(f.memory->heap);
            assert_ptr_equal(block, &f);
            assert_memory_equal(&before, &after, sizeof(before));
            assert_int_equal(f.memory->account.frames_used, used);
            assert_true(heap_is_valid(f.memory->heap) && frames_is_valid(f.memory->frames));
        } else {
            memory_free(f.memory, take(&f, 16));
        }
        while (run_count > 0)
            assert_ok(frames_give(f.memory->frames, runs[--run_count]));
        while (span_count > 0)
            memory_free(f.memory, spans[--span_count]);
        stop(&f);
    }
}

/* An empty span of another class must not stand in the way of an allocation. */
static void test_empty_spans_go_home_under_pressure(void **state)
{
    struct fixture *f = *state;
    void *runs[256];
    unsigned count = 0;
    void *block;

    memory_free(f->memory, take(f, 16));
    assert_int_equal(heap_statistics(f->memory->heap).spans, 1);
    while (frames_take(f->memory->frames, f->owner, 1, &runs[count]) == COFFER_OK)
        count++;
    block = take(f, 4096);
    assert_int_equal(heap_statistics(f->memory->heap).spans, 0);
    memory_free(f->memory, block);
    while (count > 0)
        assert_ok(frames_give(f->memory->frames, runs[--count]));
}

struct refusal {
    int countdown;
    bool fired;
};

static bool refuse_nth(void *argument, struct owner owner, size_t size)
{
    struct refusal *refusal = argument;

    (void)owner;
    (void)size;
    if (--refusal->countdown != 0)
        return false;
    refusal->fired = true;
    return true;
}

/* Refuse the n-th allocation for n = 1, 2, ... until a run ends without a refusal. */
static void test_the_nth_allocation_refused(void **state)
{
    static const size_t sizes[] = {1, 3000, 64, 2048, 100000, 64, 500};
    struct fixture *f = *state;
    struct account *account = &f->memory->account;
    struct refusal refusal = {.fired = true};
    int nth;

    account->refuse = refuse_nth;
    account->refuse_argument = &refusal;
    for (nth = 1; refusal.fired; nth++) {
        void *blocks[7] = {NULL};
        uint64_t used = account->frames_used;

        refusal = (struct refusal){.countdown = nth};
        for (unsigned i = 0; i < 7; i++) {
            struct heap_statistics before = heap_statistics(f->memory->heap);
            struct heap_statistics after;

            if (memory_alloc(f->memory, f->owner, sizes[i], &blocks[i]) == COFFER_OK)
                continue;
            after = heap_statistics(f->memory->heap);
            assert_null(blocks[i]);
            assert_memory_equal(&before, &after, sizeof(before));
        }
        for (unsigned i = 0; i < 7; i++) {
            if (blocks[i] != NULL)
                memory_free(f->memory, blocks[i]);
        }
        heap_shrink(f->memory->heap);
        assert_int_equal(account->frames_used, used);
        assert_true(heap_is_valid(f->memory->heap));
    }
    account->refuse = NULL;
    assert_int_equal(nth, 7 + 2);
    assert_int_equal(account->lines[f->owner.index].refusals, 7);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_every_size),
        test(test_full_spans),
        test(test_misuse_of_alloc),
        test(test_double_free_is_refused),
        test(test_stale_free_is_refused_while_the_block_is_free),
        test(test_wrong_addresses_are_refused),
        test(test_blocks_of_another_heap_are_foreign),
        test(test_owners_do_not_share_spans),
        test(test_empty_spans_are_few),
        cmocka_unit_test(test_shortage_changes_nothing),
        test(test_empty_spans_go_home_under_pressure),
        test(test_the_nth_allocation_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
