/* SPDX-License-Identifier: BSD-2-Clause */
#include "forge.h"

#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/must.h"
#include "support/store_fixture.h"

#define HEAD_SIZE 68u
#define NODE_SIZE 66u
#define GROUP     31u
#define FLAGS_AT  64u

struct keys {
    uint8_t fek[16];
    uint8_t wrapped[16];
};

/* Nodes 1 .. count, each in its slot 0 but the root, which is in the head's. */
struct forging {
    const struct forge_tree *tree;
    struct keys keys;
    uint32_t count;
    uint8_t nodes[FORGE_BLOCKS_MAX + 1][NODE_SIZE];
    uint8_t *bytes;
    size_t size;
};

/* --- Keys -------------------------------------------------------------------------------- */

static void hmac(const void *key, size_t key_size, const void *data, size_t size, uint8_t out[32])
{
    gcry_md_hd_t md;

    must(gcry_md_open(&md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) == 0);
    must(gcry_md_setkey(md, key, key_size) == 0);
    gcry_md_write(md, data, size);
    memcpy(out, gcry_md_read(md, GCRY_MD_SHA256), 32);
    gcry_md_close(md);
}

/* The key ladder of docs/FORMAT.md, "Keys", in OP-TEE's default setting. */
static void make_keys(const uint8_t *uuid, struct keys *keys)
{
    static const char usage[] = "BEEFBEEFBEEFBEEFBEEFBEEFBEEFBEEFONLY_FOR_tee_fs_ssk";
    static const uint8_t catalogue[1] = {0};
    uint8_t ssk[32];
    uint8_t tsk[32];
    gcry_cipher_hd_t ecb;

    hmac(store_fixture_huk, STORE_FIXTURE_HUK_SIZE, usage, sizeof(usage), ssk);
    if (uuid != NULL)
        hmac(ssk, sizeof(ssk), uuid, FORGE_UUID_SIZE, tsk);
    else
        hmac(ssk, sizeof(ssk), catalogue, sizeof(catalogue), tsk);
    memset(keys->fek, uuid == NULL ? 0xDB : 0x0B, sizeof(keys->fek));
    must(gcry_cipher_open(&ecb, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_ECB, 0) == 0);
    must(gcry_cipher_setkey(ecb, tsk, sizeof(tsk)) == 0);
    must(gcry_cipher_encrypt(ecb, keys->wrapped, sizeof(keys->wrapped), keys->fek,
                             sizeof(keys->fek)) == 0);
    gcry_cipher_close(ecb);
}

static void seal(const struct keys *keys, const uint8_t *iv, const void *aad, size_t aad_size,
                 const uint8_t *in, uint8_t *out, size_t size, uint8_t *tag)
{
    gcry_cipher_hd_t gcm;

    must(gcry_cipher_open(&gcm, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0) == 0);
    must(gcry_cipher_setkey(gcm, keys->fek, sizeof(keys->fek)) == 0);
    must(gcry_cipher_setiv(gcm, iv, 16) == 0);
    must(gcry_cipher_authenticate(gcm, aad, aad_size) == 0);
    must(gcry_cipher_encrypt(gcm, out, size, in, size) == 0);
    must(gcry_cipher_gettag(gcm, tag, 16) == 0);
    gcry_cipher_close(gcm);
}

/* --- Places ------------------------------------------------------------------------------ */

static size_t node_offset(uint32_t id, unsigned slot)
{
    size_t i = id - 1;

    return (1 + 2 * GROUP * (i / GROUP)) * FORGE_BLOCK_SIZE + i % GROUP * 2 * NODE_SIZE +
           slot * NODE_SIZE;
}

static size_t block_offset(uint32_t index)
{
    size_t b = 2 * (size_t)index;

    return (2 + b + b / (2 * GROUP - 1)) * FORGE_BLOCK_SIZE;
}

/* --- The parts --------------------------------------------------------------------------- */

static void forge_block(struct forging *forging, uint32_t index)
{
    const struct forge_tree *tree = forging->tree;
    uint8_t plain[FORGE_BLOCK_SIZE] = {0};
    uint8_t *node = forging->nodes[index + 1];
    size_t from = (size_t)index * FORGE_BLOCK_SIZE;
    size_t part = tree->size > from ? tree->size - from : 0;
    uint8_t aad[32];

    if (part > FORGE_BLOCK_SIZE)
        part = FORGE_BLOCK_SIZE;
    if (part > 0)
        memcpy(plain, tree->data + from, part);
    memset(node + 32, (int)(0x40 + index), 16); /* the IV: one for each block of a FEK */
    memcpy(aad, forging->keys.wrapped, 16);
    memcpy(aad + 16, node + 32, 16);
    seal(&forging->keys, node + 32, aad, sizeof(aad), plain, forging->bytes + block_offset(index),
         sizeof(plain), node + 48);
}

static void hash_node(struct forging *forging, uint32_t id)
{
    const struct forge_tree *tree = forging->tree;
    static const uint8_t nobody[FORGE_HASH_SIZE];
    uint8_t length[8];
    uint8_t *node = forging->nodes[id];
    gcry_md_hd_t md;

    must(gcry_md_open(&md, GCRY_MD_SHA256, 0) == 0);
    gcry_md_write(md, node + 32, NODE_SIZE - 32);
    if (id == 1) {
        store_le64(length, tree->length);
        gcry_md_write(md, length, sizeof(length));
    }
    for (uint64_t child = 2 * (uint64_t)id; child <= 2 * (uint64_t)id + 1; child++) {
        if (child <= tree->max_node)
            gcry_md_write(md, child <= forging->count ? forging->nodes[child] : nobody,
                          FORGE_HASH_SIZE);
    }
    memcpy(node, gcry_md_read(md, GCRY_MD_SHA256), FORGE_HASH_SIZE);
    gcry_md_close(md);
    if (tree->bent_node == id)
        node[tree->bent_offset % NODE_SIZE] ^= tree->bent_mask;
}

static void forge_head(struct forging *forging)
{
    const struct forge_tree *tree = forging->tree;
    uint8_t *head = forging->bytes + (tree->counter & 1) * HEAD_SIZE;
    uint8_t meta[16] = {0};
    uint8_t aad[16 + 4 + 16 + 16];

    memset(head, 0x17, 16);
    memcpy(head + 32, forging->keys.wrapped, 16);
    store_le32(head + 64, tree->counter);
    store_le64(meta, tree->length);
    store_le32(meta + 8, tree->max_node);
    memcpy(aad, forging->nodes[1], 16);
    memcpy(aad + 16, head + 64, 4);
    memcpy(aad + 20, head + 32, 16);
    memcpy(aad + 36, head, 16);
    seal(&forging->keys, head, aad, sizeof(aad), meta, head + 48, sizeof(meta), head + 16);
}

/* --- Whole files ------------------------------------------------------------------------- */

struct forge_tree forge_sound(const uint8_t *uuid, const uint8_t *data, size_t size)
{
    struct forge_tree tree = {
        .uuid = uuid, .data = data, .size = size, .length = size, .counter = 1};
    uint32_t blocks = forge_block_count(&tree);

    tree.max_node = blocks > 1 ? blocks : 0;
    return tree;
}

uint32_t forge_block_count(const struct forge_tree *tree)
{
    size_t blocks = (tree->size + FORGE_BLOCK_SIZE - 1) / FORGE_BLOCK_SIZE;

    must(blocks <= FORGE_BLOCKS_MAX);
    return blocks == 0 ? 1 : (uint32_t)blocks;
}

uint8_t *forge_file(const struct forge_tree *tree, size_t *size, uint8_t root_hash[FORGE_HASH_SIZE])
{
    struct forging forging = {.tree = tree, .count = forge_block_count(tree)};

    gcry_check_version(NULL);
    make_keys(tree->uuid, &forging.keys);
    forging.size = block_offset(forging.count) + FORGE_BLOCK_SIZE;
    forging.bytes = must_alloc(forging.size);
    for (uint32_t i = 0; i < forging.count; i++)
        forge_block(&forging, i);
    if (tree->bent_node != 0 && tree->bent_node <= forging.count && tree->bent_offset >= 32 &&
        tree->bent_offset < NODE_SIZE) {
        /* What the hash covers is bent before it is taken. */
        struct forge_tree unbent = *tree;

        forging.nodes[tree->bent_node][tree->bent_offset] ^= tree->bent_mask;
        unbent.bent_node = 0;
        forging.tree = &unbent;
        for (uint32_t id = forging.count; id > 0; id--)
            hash_node(&forging, id);
        forging.tree = tree;
    } else {
        for (uint32_t id = forging.count; id > 0; id--)
            hash_node(&forging, id);
    }
    for (uint32_t id = 1; id <= forging.count; id++)
        memcpy(forging.bytes + node_offset(id, id == 1 ? tree->counter & 1 : 0), forging.nodes[id],
               NODE_SIZE);
    forge_head(&forging);
    memcpy(root_hash, forging.nodes[1], FORGE_HASH_SIZE);
    *size = forging.size;
    return forging.bytes;
}

void forge_entry(uint8_t out[FORGE_ENTRY_SIZE], const uint8_t *uuid, const char *id,
                 const uint8_t root_hash[FORGE_HASH_SIZE], uint32_t file)
{
    size_t id_size = strlen(id);

    must(id_size <= 64);
    memset(out, 0, FORGE_ENTRY_SIZE);
    memcpy(out, uuid, FORGE_UUID_SIZE);
    memcpy(out + 16, id, id_size);
    if (id_size == 0)
        out[16] = 1;
    store_le32(out + 80, (uint32_t)id_size);
    memcpy(out + 84, root_hash, FORGE_HASH_SIZE);
    store_le32(out + 116, file);
}

void forge_header(uint8_t out[FORGE_HEADER_SIZE])
{
    memset(out, 0, FORGE_HEADER_SIZE);
    store_le32(out + 12, 0xFFFFFFFFu);
    store_le32(out + 16, 0xA00000BFu);
}
