/* SPDX-License-Identifier: BSD-2-Clause */
/* Which key is in which slot. */
#include "crypto/slots.h"

#define SLOT_IN_USE UINT64_MAX

static void slot_lock(const struct key_slots *slots, unsigned slot)
{
    slots->port->lock_take(slots->port->context, &slots->slots[slot].lock);
}

static void slot_unlock(const struct key_slots *slots, unsigned slot)
{
    slots->port->lock_give(slots->port->context, &slots->slots[slot].lock);
}

enum coffer_status slots_init(struct key_slots *slots, const struct coffer_port *port,
                              const struct coffer_ciphers *ciphers, void *state,
                              struct key_slot *array, unsigned slot_count)
{
    slots->port = port;
    slots->ciphers = ciphers;
    slots->state = state;
    slots->slots = array;
    slots->count = 0;
    spin_init(&slots->table, port);
    atomic_init(&slots->clock, 0);
    while (slots->count < slot_count) {
        enum coffer_status status = port->lock_init(port->context, &array[slots->count].lock);

        if (status != COFFER_OK) {
            slots_fini(slots);
            return status;
        }
        slots->count++;
    }
    return COFFER_OK;
}

void slots_fini(struct key_slots *slots)
{
    while (slots->count > 0)
        slots->port->lock_fini(slots->port->context, &slots->slots[--slots->count].lock);
}

static bool has_key(const struct key_slot *slot, const struct crypto_key *key)
{
    return atomic_load_explicit(&slot->generation, memory_order_relaxed) == key->generation;
}

static void set_generation(struct key_slot *slot, uint64_t generation)
{
    atomic_store_explicit(&slot->generation, generation, memory_order_relaxed);
}

static unsigned slot_of(const struct crypto_key *key)
{
    return atomic_load_explicit(&key->slot, memory_order_relaxed);
}

/* An unused slot, or the one that was used least recently, spoken for from now on, so that threads
 * that look at once find different ones. Where all are in use a key waits for whatever one. */
static unsigned claim_victim(struct key_slots *slots, const struct crypto_key *key)
{
    for (;;) {
        unsigned victim = (unsigned)(key->generation % slots->count);
        uint64_t oldest = SLOT_IN_USE;

        for (unsigned i = 0; i < slots->count; i++) {
            uint64_t used = atomic_load_explicit(&slots->slots[i].used, memory_order_relaxed);

            if (used < oldest) {
                oldest = used;
                victim = i;
            }
        }
        if (oldest == SLOT_IN_USE || atomic_compare_exchange_strong_explicit(
                                         &slots->slots[victim].used, &oldest, SLOT_IN_USE,
                                         memory_order_relaxed, memory_order_relaxed))
            return victim;
    }
}

/* The slot, whose lock the caller has, is the key's from now on, unless another thread has just
 * given it one: then false. */
static bool assign(struct key_slots *slots, struct crypto_key *key, unsigned slot)
{
    bool is_new;

    spin_take(&slots->table);
    is_new = !has_key(&slots->slots[slot_of(key)], key);
    if (is_new) {
        set_generation(&slots->slots[slot], key->generation);
        atomic_store_explicit(&key->slot, slot, memory_order_relaxed);
    }
    spin_give(&slots->table);
    return is_new;
}

/* No key is in the slot, whose lock the caller has. */
static void vacate(struct key_slots *slots, unsigned slot)
{
    spin_take(&slots->table);
    set_generation(&slots->slots[slot], 0);
    spin_give(&slots->table);
    atomic_store_explicit(&slots->slots[slot].used, 0, memory_order_relaxed);
}

/* Take the slot that the key is in. */
static bool enter_present(struct key_slots *slots, const struct crypto_key *key, unsigned *out)
{
    unsigned slot = slot_of(key);

    if (!has_key(&slots->slots[slot], key))
        return false;
    slot_lock(slots, slot);
    if (!has_key(&slots->slots[slot], key)) {
        slot_unlock(slots, slot);
        return false;
    }
    *out = slot;
    return true;
}

/* Put the key into a slot and take that. *found: another thread has just put it into one. */
static enum coffer_status enter_loading(struct key_slots *slots, struct crypto_key *key,
                                        unsigned *out, bool *found)
{
    unsigned slot = claim_victim(slots, key);
    enum coffer_status status;

    slot_lock(slots, slot);
    *found = !assign(slots, key, slot);
    if (*found) {
        slots_leave(slots, slot);
        return COFFER_OK;
    }
    status = slots->ciphers->gcm_set_key(slots->state, slot, key->fek);
    if (status != COFFER_OK) {
        /* Whatever the provider has left there is nobody's. */
        slots->ciphers->gcm_clear_key(slots->state, slot);
        vacate(slots, slot);
        slot_unlock(slots, slot);
        return status;
    }
    counter_add(&slots->slots[slot].counters.key_loads, 1);
    *out = slot;
    return COFFER_OK;
}

enum coffer_status slots_enter(struct key_slots *slots, struct crypto_key *key, unsigned *out)
{
    bool again = true;

    while (again && !enter_present(slots, key, out)) {
        enum coffer_status status = enter_loading(slots, key, out, &again);

        if (status != COFFER_OK)
            return status;
    }
    atomic_store_explicit(&slots->slots[*out].used, SLOT_IN_USE, memory_order_relaxed);
    return COFFER_OK;
}

void slots_leave(struct key_slots *slots, unsigned slot)
{
    uint64_t now = atomic_fetch_add_explicit(&slots->clock, 1, memory_order_relaxed) + 1;

    atomic_store_explicit(&slots->slots[slot].used, now, memory_order_relaxed);
    slot_unlock(slots, slot);
}

void slots_drop(struct key_slots *slots, const struct crypto_key *key)
{
    unsigned slot;

    if (!enter_present(slots, key, &slot))
        return;
    slots->ciphers->gcm_clear_key(slots->state, slot);
    vacate(slots, slot);
    slot_unlock(slots, slot);
}

struct slot_counters *slots_mine(const struct key_slots *slots)
{
    const struct coffer_port *port = slots->port;
    unsigned thread = port->thread_slot != NULL ? port->thread_slot(port->context) : 0;

    return &slots->slots[thread % slots->count].counters;
}

bool slots_are_valid(struct key_slots *slots)
{
    bool valid = true;

    spin_take(&slots->table);
    for (unsigned i = 0; i < slots->count; i++) {
        uint64_t generation = atomic_load(&slots->slots[i].generation);

        for (unsigned k = i + 1; generation != 0 && k < slots->count; k++)
            valid = valid && atomic_load(&slots->slots[k].generation) != generation;
    }
    spin_give(&slots->table);
    return valid;
}
