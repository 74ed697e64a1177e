/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What opening an object takes of its catalogue slot, in 32 bytes of memory instead of a slot's 120
 * on the device: so an open needs no block of the catalogue. By number of slot, in frames of 128,
 * which are taken as slots come to be known and given back when memory is short, after all that
 * the caches have beyond their least.
 *
 * There is room for as many frames as were half of what was free at opening, and none in very
 * little memory; and none is taken of the free frames that caches leave to others either. So a slot
 * may have no abstract, and then the catalogue is read.
 *
 * Names are told apart by a keyed hash of 128 bits: 32 of them, the index's tag, led to the slot,
 * and 96 are here. Nobody who doesn't know the key can look for two names that have the same, and
 * by chance two of 2^32 names do once in 2^64 stores. Of the root hash the first half is here: 128
 * bits, as many as the tags of AES-GCM have, and as OP-TEE puts into a head's. All of the hash is
 * computed anew from the root node that it led to.
 *
 * Invariants
 *   J4 An abstract says what its slot holds in the committed catalogue. It changes when that does,
 *      together with the index, and only slots that count have one.
 *
 * Locking: the catalogue's around what it does; a lock of its own, for a few instructions, lets
 * anybody ask for frames back.
 */
#ifndef COFFER_STORE_ABSTRACTS_H
#define COFFER_STORE_ABSTRACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/spin.h"
#include "memory/memory.h"
#include "port/port.h"

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
    uint64_t free_min;        /* free frames that it leaves to others */
    struct spin lock;         /* of what follows, but for frame_max */
    struct abstract **frames; /* NULL: that one couldn't be had, or isn't needed yet */
    size_t frame_max;
    size_t frames_end; /* there are none from here on */
};

/* Bytes of the table with so many free frames. */
size_t abstracts_table_bytes(uint64_t free);

void abstracts_init(struct abstracts *abstracts, struct memory *memory, struct owner owner,
                    const struct coffer_port *port, uint64_t free_min);
/* Now the bound is set. Never fails: there may be room for none. */
void abstracts_open(struct abstracts *abstracts);
void abstracts_fini(struct abstracts *abstracts);

/* NULL: nothing may be known of the slot. Something is known afterwards if there is memory. */
void abstracts_set(struct abstracts *abstracts, uint32_t slot, const struct abstract *abstract);

/* False: nothing is known. */
bool abstracts_get(struct abstracts *abstracts, uint32_t slot, struct abstract *out);

/* Give back up to `bytes`, rounded up to frames, and so many frames at most. How many bytes. */
uint64_t abstracts_shrink(struct abstracts *abstracts, uint64_t bytes, unsigned steps);
/* Is there anything to give? */
bool abstracts_can_shrink(struct abstracts *abstracts);

#endif
