/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Old pieces: everything in them is authentic, only not of now. An object is overwritten again and
 * again; then single pieces of its file (heads, nodes, blocks, and a node with its block) are put
 * back as they were after an earlier commit. The untrusted side can do that without any key. What
 * is read is the newest version, or COFFER_CORRUPT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/random.h"
#include "support/steps.h"
#include "support/store_fixture.h"
#include "tree/layout.h"

#define COMMITS     6
#define BLOCKS      6u
#define OBJECT_FILE "0"

struct history {
    struct memory_device *versions[COMMITS];
    struct model newest;
};

struct piece {
    uint64_t offset;
    size_t size;
};

static void make_history(struct history *history)
{
    struct memory_device *device = memory_device_open();
    struct store_options options = {.create = true};
    struct store_fixture fixture;

    model_init(&history->newest);
    for (unsigned i = 0; i < COMMITS; i++) {
        struct step step = {.kind = i == 0 ? STEP_PUT : STEP_WRITE,
                            .id = "object",
                            .offset = i,
                            .size = BLOCKS * LAYOUT_BLOCK_SIZE - 100};

        assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
        assert_int_equal(step_run(&step, fixture.store), COFFER_OK);
        step_apply(&step, &history->newest);
        store_fixture_close(&fixture);
        history->versions[i] = memory_device_clone(device);
    }
    memory_device_free(device);
}

static void put_back(struct memory_device *now, struct memory_device *then, struct piece piece)
{
    size_t size_now;
    size_t size_then;
    uint8_t *bytes_now = memory_device_bytes(now, OBJECT_FILE, &size_now);
    const uint8_t *bytes_then = memory_device_bytes(then, OBJECT_FILE, &size_then);

    assert_non_null(bytes_now);
    assert_non_null(bytes_then);
    if (piece.offset + piece.size <= size_now && piece.offset + piece.size <= size_then)
        memcpy(bytes_now + piece.offset, bytes_then + piece.offset, piece.size);
}

/* Read the newest or refuse; true: refused. */
static bool is_refused(const struct history *history, struct memory_device *device)
{
    static const struct store_options options = {.read_only = true};
    struct store_fixture fixture;
    struct model found;
    char why[256] = "";
    enum coffer_status status;

    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    status = model_read_store(fixture.store, &found, why, sizeof(why));
    if (status == COFFER_OK && !model_equal(&history->newest, &found, why, sizeof(why)))
        fail_msg("an old piece was taken for new: %s", why);
    if (status != COFFER_OK && status != COFFER_CORRUPT)
        fail_msg("%s", why);
    model_fini(&found);
    store_fixture_close(&fixture);
    return status == COFFER_CORRUPT;
}

static struct piece node_piece(unsigned number)
{
    struct node node = {1 + number / 2};

    return (struct piece){layout_node_offset(node, number % 2), LAYOUT_NODE_SIZE};
}

static struct piece block_piece(unsigned number)
{
    struct block block = {number / 2};

    return (struct piece){layout_block_offset(block, number % 2), LAYOUT_BLOCK_SIZE};
}

static void free_history(struct history *history)
{
    for (unsigned i = 0; i < COMMITS; i++)
        memory_device_free(history->versions[i]);
    model_fini(&history->newest);
}

/* A node with its block, in every pair of slots, from every earlier version. */
static void test_an_old_node_with_its_old_block_is_refused(void **state)
{
    struct history history;
    unsigned refused = 0;

    (void)state;
    make_history(&history);
    for (unsigned i = 0; i + 1 < COMMITS; i++) {
        for (unsigned pair = 0; pair < 4 * BLOCKS; pair++) {
            struct memory_device *device = memory_device_clone(history.versions[COMMITS - 1]);
            unsigned index = pair / 4;

            put_back(device, history.versions[i], node_piece(2 * index + pair % 2));
            put_back(device, history.versions[i], block_piece(2 * index + pair / 2 % 2));
            refused += is_refused(&history, device);
            memory_device_free(device);
        }
    }
    /* Where the slots are those in use, it must have mattered. */
    fprintf(stderr, "%u of %u refused\n", refused, (COMMITS - 1) * 4 * BLOCKS);
    assert_int_not_equal(refused, 0);
    free_history(&history);
}

static void test_any_mixture_of_old_pieces_is_refused(void **state)
{
    struct history history;
    struct random random;

    (void)state;
    random_init(&random, "old pieces");
    make_history(&history);
    for (unsigned round = 0; round < 1500; round++) {
        struct memory_device *device = memory_device_clone(history.versions[COMMITS - 1]);
        unsigned count = 1 + (unsigned)random_below(&random, 8);

        for (unsigned i = 0; i < count; i++) {
            struct memory_device *then = history.versions[random_below(&random, COMMITS - 1)];
            unsigned number = (unsigned)random_below(&random, 4 * BLOCKS + 2);

            if (number < 2 * BLOCKS)
                put_back(device, then, node_piece(number));
            else if (number < 4 * BLOCKS)
                put_back(device, then, block_piece(number - 2 * BLOCKS));
            else
                put_back(device, then,
                         (struct piece){layout_head_offset(number - 4 * BLOCKS), LAYOUT_HEAD_SIZE});
        }
        (void)is_refused(&history, device);
        memory_device_free(device);
    }
    free_history(&history);
}

static void test_an_old_file_as_a_whole_is_refused(void **state)
{
    struct history history;

    (void)state;
    make_history(&history);
    for (unsigned i = 0; i + 2 < COMMITS; i++) {
        struct memory_device *device = memory_device_clone(history.versions[COMMITS - 1]);
        size_t size;
        const uint8_t *bytes = memory_device_bytes(history.versions[i], OBJECT_FILE, &size);

        memory_device_set(device, OBJECT_FILE, bytes, size);
        assert_true(is_refused(&history, device));
        memory_device_free(device);
    }
    free_history(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_old_node_with_its_old_block_is_refused),
        cmocka_unit_test(test_any_mixture_of_old_pieces_is_refused),
        cmocka_unit_test(test_an_old_file_as_a_whole_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
