/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share: a small forged store (two objects, one version of everything), and
 * the question that is put to it once a target has replaced one of its files: is everything that
 * reads as it was put in?
 */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "forge.h"
#include "support/memory_device.h"
#include "support/model.h"

/* libFuzzer's entry; replay.c calls it too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const uint8_t target_uuid[FORGE_UUID_SIZE]; /* of the objects' TA, as stored */

struct target_store {
    struct memory_device *device;
    struct model model;
    uint8_t root_hashes[2][FORGE_HASH_SIZE];
};

/* Made once, kept for the life of the program: copy the device before changing it. */
const struct target_store *target_store(void);

/*
 * Open the device, list it, read everything, check it, write to it, read it again. Stops the
 * program on data that is neither as in the model nor refused; an object that isn't in the model
 * may not read at all, unless `known` (may be NULL) knows what it should be.
 */
void target_question(struct memory_device *device, const struct model *model,
                     bool (*known)(const struct model_object *object, uint32_t file));

/*
 * What a sealed file is to be, from an input:
 *   0      1: take the length, 2: the largest node, 4: bend a node, 8: pad with blocks of zeros;
 *          otherwise all is sound
 *   1..8   length; 9..12 largest node; 13 node to bend, 14 where, 15 mask, also the padding
 *   16..   the plaintext
 * The plaintext's copy, which the tree refers to; the caller frees it. NULL: no such input.
 */
uint8_t *target_forge(const uint8_t *input, size_t size, const uint8_t *uuid,
                      struct forge_tree *tree);

/* Change bytes as the input says: pieces of (offset u16, size u8, bytes), each XORed in. */
void target_patch(uint8_t *bytes, size_t size, const uint8_t *input, size_t input_size);

#endif
