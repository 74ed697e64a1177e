/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What opening an object takes of its catalogue slot, in 32 bytes of memory instead of a slot's 120
 * on the device: so an open needs no block of the catalogue. By number of slot, in frames of 128,
 * which are taken as slots come to be used and stay until the end.
 *
 * There is room for as many frames as were half of what was free at opening, and none in very
 * little memory; a frame that can't be had is gone without. So a slot may have no abstract, and
 * then the catalogue is read.
 *
 * Names are told apart by a keyed hash of 128 bits: 32 of them, the index's tag, led to the slot,
 * and 96 are here. Nobody who doesn't know the key can look for two names that have the same, and
 * by chance two of 2^32 names do once in 2^64 stores. Of the root hash the first half is here: 128
 * bits, as many as the tags of AES-GCM have, and as OP-TEE puts into a head's.
 *
 * Invariants
 *   J4 An abstract says what its slot holds in the committed catalogue. It changes when that does,
 *      together with the index, and only slots that count have one.
 *
 * Locking: the catalogue's.
 */
#ifndef COFFER_STORE_ABSTRACTS_H
#define COFFER_STORE_ABSTRACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/memory.h"

#define ABSTRACT_NAME_WORDS 3u
#define ABSTRACT_HASH_SIZE  16u

struct abstract {
    uint32_t name[ABSTRACT_NAME_WORDS]; /* of the name's hash; all 0: nothing is known */
    uint32_t file;
    uint8_t root_hash[ABSTRACT_HASH_SIZE]; /* its beginning */
};

struct abstracts {
    struct memory *memory;
    struct owner owner;
    struct abstract **frames; /* NULL: that one couldn't be had, or wasn't needed yet */
    size_t frame_max;
};

/* Bytes of the table with so many free frames. */
size_t abstracts_table_bytes(uint64_t free);

void abstracts_init(struct abstracts *abstracts, struct memory *memory, struct owner owner);
/* Now the bound is set, and the frames of the slots that there are are taken. Never fails: there
 * may be room for none. */
void abstracts_open(struct abstracts *abstracts, uint32_t slot_count);
void abstracts_fini(struct abstracts *abstracts);

/* Have the frame of a slot, if that is possible. */
void abstracts_reserve(struct abstracts *abstracts, uint32_t slot);

/* NULL: nothing may be known of the slot. */
void abstracts_set(struct abstracts *abstracts, uint32_t slot, const struct abstract *abstract);

/* NULL: nothing is known. */
const struct abstract *abstracts_get(const struct abstracts *abstracts, uint32_t slot);

#endif
