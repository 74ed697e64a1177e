/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A forger of hash-tree files, with the key of the test stores: properly sealed files around any
 * plaintext and any numbers, so that the code behind the authentication meets bytes that nobody
 * would write. Made from docs/FORMAT.md on libgcrypt; it shares no code with the library.
 *
 * A forged file holds one version only: there is nothing older that a reader could fall back to.
 */
#ifndef TESTS_FUZZ_FORGE_H
#define TESTS_FUZZ_FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORGE_UUID_SIZE   16u
#define FORGE_HASH_SIZE   32u
#define FORGE_BLOCK_SIZE  4096u
#define FORGE_BLOCKS_MAX  40u /* more than one group of nodes */
#define FORGE_ENTRY_SIZE  120u
#define FORGE_HEADER_SIZE 24u

struct forge_tree {
    const uint8_t *uuid; /* FORGE_UUID_SIZE bytes; NULL: the catalogue's key */
    const uint8_t *data; /* what the blocks hold, zeros behind it */
    size_t size;
    uint64_t length;   /* what the meta says */
    uint32_t max_node; /* what the meta says */
    uint32_t counter;
    /* One byte of one node's image is changed before its parents are hashed; node 0: none. */
    uint32_t bent_node;
    uint8_t bent_offset; /* below 66 */
    uint8_t bent_mask;
};

/* A sound file of `size` bytes; change what you like before forging it. */
struct forge_tree forge_sound(const uint8_t *uuid, const uint8_t *data, size_t size);

/* The file's bytes (the caller frees them), and the hash by which an entry names it. */
uint8_t *forge_file(const struct forge_tree *tree, size_t *size,
                    uint8_t root_hash[FORGE_HASH_SIZE]);

/* Blocks that the file really has. */
uint32_t forge_block_count(const struct forge_tree *tree);

/* An entry of the catalogue, and an object's header for plain data. */
void forge_entry(uint8_t out[FORGE_ENTRY_SIZE], const uint8_t *uuid, const char *id,
                 const uint8_t root_hash[FORGE_HASH_SIZE], uint32_t file);
void forge_header(uint8_t out[FORGE_HEADER_SIZE]);

#endif
