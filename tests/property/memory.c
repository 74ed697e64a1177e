/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap against a model: random operations, each checked against a list of blocks, with both
 * validity predicates along the way.
 */
#include "../unit/memory/fixture.h"

#include "base/bytes.h"
#include "support/must.h"
#include "support/random.h"

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
        cmocka_unit_test(test_heap_against_a_list_of_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
