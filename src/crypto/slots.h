/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File keys, and the slots in which the provider keeps a few of them expanded.
 *
 * A key that is used is looked for in the slot it was put in last. If it isn't there any more it
 * takes an unused slot, or that of the key that was used least recently and isn't in use. Who uses
 * a slot has its lock, from looking for the key until the cipher's work is done: so no other thread
 * puts another key in meanwhile, and none sees a key schedule that is half made.
 *
 * Generations count up from 1 and are never used twice, so a slot needs no pointer back to a key
 * that may be gone.
 *
 * Invariants
 *   K1 A key is in slot k if, and only if, slots[k].generation is its own; then `slot` of the key
 *      is k. So it is in one slot at most.
 *   K2 A slot with a generation has that key's schedule whenever its lock is free; one without has
 *      none.
 *
 * Locking. A slot's lock guards its schedule, and is held over the cipher's work; no other slot's
 * is taken meanwhile. `table` guards which key is where: it is taken last and held for a few
 * instructions. A `generation` is written with both locks and stays while one has either; without,
 * it says where it is worth looking. Nor does the search for a slot take a lock.
 */
#ifndef COFFER_CRYPTO_SLOTS_H
#define COFFER_CRYPTO_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/spin.h"
#include "coffer/status.h"
#include "port/cipher.h"
#include "port/port.h"

struct crypto_key {
    uint8_t fek[CIPHER_GCM_KEY_SIZE];
    uint64_t generation;
    _Atomic unsigned slot; /* where it was put last */
};

struct slot_counters {
    struct counter seals;
    struct counter unseals;
    struct counter sealed_bytes;
    struct counter unsealed_bytes;
    struct counter key_loads;
    struct counter hashes; /* of the threads that count here, see slots_mine */
    struct counter hashed_bytes;
};

struct key_slot {
    struct port_lock lock;
    _Atomic uint64_t generation; /* of the key in it; 0: none */
    _Atomic uint64_t used; /* until when, on the clock; 0: no key is in it; UINT64_MAX: in use */
    struct slot_counters counters;
};

struct key_slots {
    const struct coffer_port *port;
    const struct coffer_ciphers *ciphers;
    void *state; /* of the ciphers */
    struct spin table;
    _Atomic uint64_t clock;
    unsigned count;
    struct key_slot *slots; /* zeroed at first; not ours to free */
};

/* Errors of the port's locks; nothing is left then. */
COFFER_MUST_CHECK enum coffer_status slots_init(struct key_slots *slots,
                                                const struct coffer_port *port,
                                                const struct coffer_ciphers *ciphers, void *state,
                                                struct key_slot *array, unsigned slot_count);

/* The slots' locks are no more. The schedules go with the state of the ciphers. */
void slots_fini(struct key_slots *slots);

/* Take the slot with this key, which is loaded if need be. Waits for who uses the same key, or, to
 * load it, if all slots are in use. slots_leave must follow. On an error of the ciphers nothing is
 * taken. */
COFFER_MUST_CHECK enum coffer_status slots_enter(struct key_slots *slots, struct crypto_key *key,
                                                 unsigned *slot);
void slots_leave(struct key_slots *slots, unsigned slot);

/* The key goes, and nobody else is using it: its schedule goes too. */
void slots_drop(struct key_slots *slots, const struct crypto_key *key);

/* Where the calling thread counts what it does without a slot: threads don't share such counters
 * as long as there are no more of them than slots. */
struct slot_counters *slots_mine(const struct key_slots *slots);

/* Is no key in two slots? Locks the table. */
bool slots_are_valid(struct key_slots *slots);

#endif
