/* SPDX-License-Identifier: BSD-2-Clause */
#include "scene.h"

struct memory_device *disk;
struct bench bench;
struct model_file model;
struct random dice;

int scene_open(size_t cache_frames, size_t staging_blocks)
{
    disk = memory_device_open();
    bench_open(&bench, disk, cache_frames, staging_blocks);
    memset(&model, 0, sizeof(model));
    return 0;
}

int scene_close(void **state)
{
    (void)state;
    bench_close(&bench);
    memory_device_free(disk);
    model_file_fini(&model);
    return 0;
}

struct tree *make_file(const char *test, size_t size)
{
    struct tree *tree = bench_create(&bench);

    random_init(&dice, test);
    if (size > 0)
        write_random(tree, &model, &dice, 0, size);
    bench_commit(tree);
    return tree;
}

struct tree *reopen(struct tree *tree)
{
    uint8_t hash[CRYPTO_HASH_SIZE];

    memcpy(hash, tree_root_hash(tree), sizeof(hash));
    tree_close(tree);
    return bench_tree(&bench, hash);
}
