/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees without a store: memory, keys, a cache of a given size and a device in memory, and the
 * ranges of a file that its committed version rests on, found by a walk of its own.
 */
#ifndef TESTS_UNIT_TREE_FIXTURE_H
#define TESTS_UNIT_TREE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/memory_device.h"
#include "support/must.h"
#include "support/random.h"
#include "tree/tree.h"

#define assert_ok(call)               assert_int_equal((call), COFFER_OK)
#define assert_status(call, expected) assert_int_equal((call), (expected))

#define FILE_NAME         "f"
#define BENCH_REGION_SIZE (2560u * 1024)

struct bench {
    struct memory_device *disk;
    uint8_t *region;
    struct memory *memory;
    struct crypto *crypto;
    struct cache_share share;
    struct node_cache nodes;
    struct block_cache blocks;
    struct buffers buffers;
    struct tree_environment environment;
    uint64_t bytes_at_open; /* of the one owner */
};

extern const uint8_t bench_uuid[CRYPTO_UUID_SIZE];

/* On a device, which stays the caller's. */
void bench_open(struct bench *bench, struct memory_device *disk, size_t cache_frames,
                size_t staging_blocks);
/* With a port for the caches alone. */
void bench_open_with(struct bench *bench, struct memory_device *disk, size_t cache_frames,
                     size_t staging_blocks, const struct coffer_port *of_caches);
/* Every tree must be closed. */
void bench_close(struct bench *bench);

/* Entries of both caches that are pinned, and that were evicted; are both valid? */
size_t bench_pinned(struct bench *bench);
uint64_t bench_evictions(struct bench *bench);
bool bench_caches_are_valid(struct bench *bench);

/* Bytes of its owner beyond those at open, without what the caches can do without. */
uint64_t bench_bytes(struct bench *bench);

/* A file in the making, or opened by its hash. */
struct tree *bench_create(struct bench *bench);
struct tree *bench_tree(struct bench *bench, const uint8_t *root_hash);
enum coffer_status bench_try(struct bench *bench, const uint8_t *root_hash, struct tree **out);

/* Prepare with the head, and adopt. */
void bench_commit(struct tree *tree);

/* The contents that a tree should have: `bytes` of `size`. */
struct model_file {
    uint8_t *bytes;
    size_t size, room;
};

void model_file_fini(struct model_file *file);
void model_file_copy(const struct model_file *from, struct model_file *to);
void model_file_write(struct model_file *file, size_t offset, const void *bytes, size_t size);
void model_file_cut_or_grow(struct model_file *file, size_t size);

/* Write random bytes to both. */
void write_random(struct tree *tree, struct model_file *file, struct random *random, size_t offset,
                  size_t size);
void set_length(struct tree *tree, struct model_file *file, size_t size);

/* Does the tree read as the model has it? In pieces of `step` bytes, and all at once. */
void assert_reads(struct tree *tree, const struct model_file *file, size_t step);

/* Does a version open on a copy of the device, in a memory of its own, and read like this? */
void assert_version(const struct memory_device *disk, const uint8_t *root_hash,
                    const struct model_file *file);

/* What a committed version rests on, and the bytes that were there. */
struct keep;
struct keep *keep_make(struct memory_device *disk, uint32_t counter, uint32_t max_node,
                       uint64_t length);
void keep_free(struct keep *keep);
/* Are all of them still there? */
bool keep_is_untouched(const struct keep *keep, struct memory_device *disk);

#endif
