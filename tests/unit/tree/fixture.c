/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include "base/bytes.h"
#include "coffer/linux.h"

#define PAGE 4096u

const uint8_t bench_uuid[CRYPTO_UUID_SIZE] = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
                                              0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55};

/* As the engine does (engine/engine.c). */
static void open_caches(struct bench *bench, struct owner owner, size_t total,
                        const struct coffer_port *port)
{
    const struct cache_bounds of_nodes = {.entries_min = TREE_NODES_MIN,
                                          .entries_max = total - TREE_BLOCKS_MIN};
    const struct cache_bounds of_blocks = {.entries_min = TREE_BLOCKS_MIN,
                                           .entries_max = total - TREE_NODES_MIN};

    cache_share_init(&bench->share, port, total * FRAME_ENTRY_BYTES);
    must(node_cache_open(&bench->nodes, &bench->share, bench->memory, owner, &of_nodes,
                         CACHE_LRU) == COFFER_OK);
    must(block_cache_open(&bench->blocks, &bench->share, bench->memory, owner, &of_blocks,
                          CACHE_LRU) == COFFER_OK);
}

static uint64_t line_bytes(const struct bench *bench)
{
    struct owner owner = bench->environment.owner;

    return account_line_bytes(&bench->memory->account.lines[owner.index], FRAME_SIZE);
}

size_t bench_pinned(struct bench *bench)
{
    struct cache_statistics nodes, blocks;

    cache_statistics(bench->nodes.frames.core, &nodes);
    cache_statistics(bench->blocks.frames.core, &blocks);
    return nodes.pinned + blocks.pinned;
}

uint64_t bench_evictions(struct bench *bench)
{
    struct cache_statistics nodes, blocks;

    cache_statistics(bench->nodes.frames.core, &nodes);
    cache_statistics(bench->blocks.frames.core, &blocks);
    return nodes.counters.evictions + blocks.counters.evictions;
}

bool bench_caches_are_valid(struct bench *bench)
{
    return cache_is_valid(bench->nodes.frames.core) && cache_is_valid(bench->blocks.frames.core);
}

uint64_t bench_bytes(struct bench *bench)
{
    (void)cache_shrink(bench->nodes.frames.core, UINT64_MAX, UINT32_MAX);
    (void)cache_shrink(bench->blocks.frames.core, UINT64_MAX, UINT32_MAX);
    return line_bytes(bench) - bench->bytes_at_open;
}

void bench_open(struct bench *bench, struct memory_device *disk, size_t cache_frames,
                size_t staging_blocks)
{
    bench_open_with(bench, disk, cache_frames, staging_blocks, coffer_linux_port());
}

void bench_open_with(struct bench *bench, struct memory_device *disk, size_t cache_frames,
                     size_t staging_blocks, const struct coffer_port *of_caches)
{
    static const uint8_t huk[16] = {1, 2, 3};
    const struct crypto_settings settings = {
        .root = CRYPTO_ROOT_HUK, .key = huk, .key_size = sizeof(huk), .slots = 4};
    const struct memory_settings none = {.keep_contents = false, .port = coffer_linux_port()};
    struct memory_area area;
    struct buffers_settings buffers = {.idle_max = {0}};
    struct owner owner;

    memset(bench, 0, sizeof(*bench));
    bench->disk = disk;
    bench->region = aligned_alloc(PAGE, BENCH_REGION_SIZE);
    must(bench->region != NULL);
    area = (struct memory_area){bench->region, BENCH_REGION_SIZE};
    must(memory_open(&area, 1, &none, &bench->memory) == COFFER_OK);
    must(account_open_owner(&bench->memory->account, "tree", &owner) == COFFER_OK);
    must(crypto_open(bench->memory, coffer_linux_port(), coffer_linux_ciphers(), &settings,
                     &bench->crypto) == COFFER_OK);
    open_caches(bench, owner, cache_frames, of_caches);
    buffers.frames = bench->memory->frames;
    buffers.port = coffer_linux_port();
    must(account_open_owner(&bench->memory->account, "buffers", &buffers.owner) == COFFER_OK);
    must(buffers_init(&bench->buffers, &buffers) == COFFER_OK);
    bench->environment = (struct tree_environment){
        .memory = bench->memory,
        .owner = owner,
        .device = memory_device_attach(disk),
        .crypto = bench->crypto,
        .nodes = &bench->nodes,
        .blocks = &bench->blocks,
        .port = coffer_linux_port(),
        .buffers = &bench->buffers,
        .staging_blocks = staging_blocks,
    };
    must(tree_environment_open(&bench->environment, owner) == COFFER_OK);
    bench->bytes_at_open = line_bytes(bench);
}

void bench_close(struct bench *bench)
{
    must(bench_pinned(bench) == 0);
    must(bench_caches_are_valid(bench));
    block_cache_close(&bench->blocks);
    node_cache_close(&bench->nodes);
    must(atomic_load(&bench->share.bytes) == 0);
    tree_environment_close(&bench->environment);
    must(bench->buffers.numbers.held == 0);
    buffers_fini(&bench->buffers);
    crypto_close(bench->crypto);
    must(line_bytes(bench) == 0);
    memory_close(bench->memory);
    must(bytes_are_zero(bench->region, BENCH_REGION_SIZE));
    free(bench->region);
    memory_device_detach(bench->disk);
}

struct tree *bench_create(struct bench *bench)
{
    struct tree *tree;

    assert_ok(tree_create(&bench->environment, FILE_NAME, bench_uuid, &tree));
    return tree;
}

enum coffer_status bench_try(struct bench *bench, const uint8_t *root_hash, struct tree **out)
{
    const struct tree_opening opening = {
        .name = FILE_NAME, .uuid = bench_uuid, .version = TREE_BY_HASH, .root_hash = root_hash};

    return tree_open(&bench->environment, &opening, NULL, out);
}

struct tree *bench_tree(struct bench *bench, const uint8_t *root_hash)
{
    struct tree *tree;

    assert_ok(bench_try(bench, root_hash, &tree));
    return tree;
}

void bench_commit(struct tree *tree)
{
    assert_ok(tree_prepare(tree, true));
    tree_adopt(tree);
}

/* --- The model --- */

void model_file_fini(struct model_file *file)
{
    free(file->bytes);
    memset(file, 0, sizeof(*file));
}

void model_file_copy(const struct model_file *from, struct model_file *to)
{
    *to = (struct model_file){must_alloc(from->size + 1), from->size, from->size + 1};
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, from->size);
}

void model_file_cut_or_grow(struct model_file *file, size_t size)
{
    if (size > file->room) {
        file->room = 2 * size;
        file->bytes = must_realloc(file->bytes, file->room);
    }
    if (size > file->size)
        memset(file->bytes + file->size, 0, size - file->size);
    file->size = size;
}

void model_file_write(struct model_file *file, size_t offset, const void *bytes, size_t size)
{
    if (offset + size > file->size)
        model_file_cut_or_grow(file, offset + size);
    memcpy(file->bytes + offset, bytes, size);
}

void write_random(struct tree *tree, struct model_file *file, struct random *random, size_t offset,
                  size_t size)
{
    uint8_t *bytes = must_alloc(size + 8);
    struct tree_piece piece = {bytes, size};

    random_bytes(random, bytes, size);
    assert_ok(tree_write(tree, offset, &piece, 1));
    model_file_write(file, offset, bytes, size);
    free(bytes);
}

void set_length(struct tree *tree, struct model_file *file, size_t size)
{
    assert_ok(tree_set_length(tree, size));
    model_file_cut_or_grow(file, size);
}

void assert_reads(struct tree *tree, const struct model_file *file, size_t step)
{
    uint8_t *bytes = must_alloc(file->size + step + 1);
    size_t got = 1;

    assert_int_equal(tree_length(tree), file->size);
    for (size_t done = 0; done < file->size; done += step) {
        size_t expected = file->size - done < step ? file->size - done : step;

        assert_ok(tree_read(tree, done, bytes, step, &got));
        assert_int_equal(got, expected);
        assert_memory_equal(bytes, file->bytes + done, expected);
    }
    memset(bytes, 0xcc, file->size + step);
    assert_ok(tree_read(tree, 0, bytes, file->size + step, &got));
    assert_int_equal(got, file->size);
    if (file->size > 0)
        assert_memory_equal(bytes, file->bytes, file->size);
    /* Nothing beyond the end (T5). */
    for (size_t i = 0; i < step; i++)
        assert_int_equal(bytes[file->size + i], 0xcc);
    assert_ok(tree_read(tree, file->size, bytes, 1, &got));
    assert_int_equal(got, 0);
    free(bytes);
}

void assert_version(const struct memory_device *disk, const uint8_t *root_hash,
                    const struct model_file *file)
{
    struct memory_device *copy = memory_device_clone(disk);
    struct bench other;
    struct tree *tree;

    bench_open(&other, copy, TREE_CACHE_MIN, STAGING_RESERVE);
    tree = bench_tree(&other, root_hash);
    assert_reads(tree, file, 50000);
    assert_false(tree_is_tolerated(tree));
    for (uint32_t id = 1; id <= tree_max_node(tree); id++)
        assert_ok(tree_verify_node(tree, (struct node){id}));
    tree_close(tree);
    bench_close(&other);
    memory_device_free(copy);
}

/* --- What a version rests on --- */

struct kept {
    uint64_t offset;
    size_t size;
    uint8_t *bytes;
};

struct keep {
    struct kept *ranges;
    size_t count, room;
};

/* The formulas of docs/FORMAT.md, "Placement", once more. */
static uint64_t node_place_in_file(uint32_t node, unsigned slot)
{
    uint64_t i = node - 1;

    return (1 + 62 * (i / 31)) * PAGE + i % 31 * 132 + slot * 66;
}

static uint64_t block_place_in_file(uint32_t block, unsigned slot)
{
    uint64_t k = 2 * (uint64_t)block + slot;

    return (2 + k + k / 61) * PAGE;
}

static void keep_range(struct keep *keep, struct memory_device *disk, uint64_t offset, size_t size)
{
    size_t file_size = 0;
    const uint8_t *file = memory_device_bytes(disk, FILE_NAME, &file_size);

    must(file != NULL && offset + size <= file_size);
    if (keep->count == keep->room) {
        keep->room = 2 * keep->room + 16;
        keep->ranges = must_realloc(keep->ranges, keep->room * sizeof(struct kept));
    }
    keep->ranges[keep->count++] = (struct kept){offset, size, must_copy(file + offset, size)};
}

/* As deep as the tree. NOLINTNEXTLINE(misc-no-recursion) */
static void keep_nodes(struct keep *keep, struct memory_device *disk, uint32_t node, unsigned slot,
                       uint32_t max_node, uint64_t length)
{
    uint64_t offset = node_place_in_file(node, slot);
    size_t file_size;
    uint16_t flags;

    keep_range(keep, disk, offset, 66);
    flags = load_le16(memory_device_bytes(disk, FILE_NAME, &file_size) + offset + 64);
    if ((uint64_t)(node - 1) * PAGE < length)
        keep_range(keep, disk, block_place_in_file(node - 1, flags & 1), PAGE);
    if (2 * node <= max_node)
        keep_nodes(keep, disk, 2 * node, flags >> 1 & 1, max_node, length);
    if (2 * node + 1 <= max_node)
        keep_nodes(keep, disk, 2 * node + 1, flags >> 2 & 1, max_node, length);
}

struct keep *keep_make(struct memory_device *disk, uint32_t counter, uint32_t max_node,
                       uint64_t length)
{
    struct keep *keep = must_alloc(sizeof(*keep));

    memset(keep, 0, sizeof(*keep));
    keep_range(keep, disk, (counter & 1) * 68, 68);
    keep_nodes(keep, disk, 1, counter & 1, max_node, length);
    return keep;
}

void keep_free(struct keep *keep)
{
    for (size_t i = 0; i < keep->count; i++)
        free(keep->ranges[i].bytes);
    free(keep->ranges);
    free(keep);
}

bool keep_is_untouched(const struct keep *keep, struct memory_device *disk)
{
    size_t size = 0;
    const uint8_t *file = memory_device_bytes(disk, FILE_NAME, &size);

    for (size_t i = 0; i < keep->count; i++) {
        const struct kept *range = &keep->ranges[i];

        if (range->offset + range->size > size ||
            memcmp(file + range->offset, range->bytes, range->size) != 0)
            return false;
    }
    return true;
}
