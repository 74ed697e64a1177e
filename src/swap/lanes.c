/* SPDX-License-Identifier: BSD-2-Clause */
/* Lanes: who may seal, and with which key. */
#include "swap/inside.h"

#include "base/assert.h"
#include "base/bytes.h"

unsigned lanes_count_for(const struct coffer_port *port)
{
    return port->thread_start != NULL ? SWAP_LANES_MAX : 1;
}

static void stop_states(struct lanes *lanes)
{
    for (unsigned i = 0; i < lanes->count; i++) {
        struct lane *lane = &lanes->lane[i];

        if (lane->state == NULL)
            continue;
        for (unsigned slot = 0; slot < LANE_SLOTS; slot++)
            lanes->ciphers->gcm_clear_key(lane->state, slot);
        lanes->ciphers->stop(lane->state);
        lane->state = NULL;
    }
}

static enum coffer_status start_states(struct lanes *lanes,
                                       const uint8_t master[CIPHER_GCM_KEY_SIZE])
{
    for (unsigned i = 0; i < lanes->count; i++) {
        struct lane *lane = &lanes->lane[i];
        size_t footprint;
        enum coffer_status status = lanes->ciphers->start(LANE_SLOTS, &lane->state, &footprint);

        if (status == COFFER_OK)
            status = lanes->ciphers->gcm_set_key(lane->state, LANE_MASTER, master);
        if (status != COFFER_OK)
            return status;
        (void)atomic_fetch_or(&lanes->free, (uint64_t)1 << i);
    }
    return COFFER_OK;
}

enum coffer_status lanes_init(struct lanes *lanes, const struct coffer_port *port,
                              const struct coffer_ciphers *ciphers, unsigned count)
{
    uint8_t master[CIPHER_GCM_KEY_SIZE];
    enum coffer_status status;

    assert_debug(count > 0 && count <= SWAP_LANES_MAX);
    lanes->port = port;
    lanes->ciphers = ciphers;
    lanes->count = count;
    lanes->waits = count > 1;
    atomic_init(&lanes->version, 0);
    atomic_init(&lanes->free, 0);
    atomic_init(&lanes->waiters, 0);
    status = port->entropy(port->context, master, sizeof(master));
    if (status != COFFER_OK)
        return status;
    status = start_states(lanes, master);
    wipe(master, sizeof(master));
    if (status == COFFER_OK)
        status = port->lock_init(port->context, &lanes->lock);
    if (status != COFFER_OK)
        goto stop;
    if (lanes->waits)
        status = port->condition_init(port->context, &lanes->freed);
    if (status == COFFER_OK)
        return COFFER_OK;

    port->lock_fini(port->context, &lanes->lock);
stop:
    stop_states(lanes);
    return status;
}

void lanes_fini(struct lanes *lanes)
{
    const struct coffer_port *port = lanes->port;

    assert_cheap(bits_count(lanes->free) == lanes->count);
    if (lanes->waits)
        port->condition_fini(port->context, &lanes->freed);
    port->lock_fini(port->context, &lanes->lock);
    stop_states(lanes);
}

/* NULL: all are in use. */
static struct lane *try_take(struct lanes *lanes)
{
    uint_fast64_t free = atomic_load(&lanes->free);

    while (free != 0) {
        if (atomic_compare_exchange_weak(&lanes->free, &free, free & (free - 1)))
            return &lanes->lane[bits_first(free)];
    }
    return NULL;
}

struct lane *lanes_take(struct lanes *lanes)
{
    const struct coffer_port *port = lanes->port;
    struct lane *lane = try_take(lanes);

    if (lane != NULL)
        return lane;
    assert_cheap(lanes->waits);
    port->lock_take(port->context, &lanes->lock);
    /* Who gives one back either sees a waiter, or was seen by it: all of this is in one order. */
    (void)atomic_fetch_add(&lanes->waiters, 1);
    while ((lane = try_take(lanes)) == NULL) {
        enum coffer_status status = port->condition_wait(port->context, &lanes->freed, &lanes->lock,
                                                         UINT64_MAX);

        assert_cheap(status == COFFER_OK);
        (void)status;
    }
    (void)atomic_fetch_sub(&lanes->waiters, 1);
    port->lock_give(port->context, &lanes->lock);
    return lane;
}

void lanes_give(struct lanes *lanes, struct lane *lane)
{
    const struct coffer_port *port = lanes->port;

    (void)atomic_fetch_or(&lanes->free, (uint64_t)1 << (lane - lanes->lane));
    if (atomic_load(&lanes->waiters) == 0)
        return;
    /* With the lock: a waiter that is about to wait does so before it is signalled. */
    port->lock_take(port->context, &lanes->lock);
    port->condition_signal(port->context, &lanes->freed);
    port->lock_give(port->context, &lanes->lock);
}

enum coffer_status lanes_next_version(struct lanes *lanes, uint64_t *version)
{
    uint_fast64_t last = atomic_load_explicit(&lanes->version, memory_order_relaxed);

    do {
        if (last == UINT64_MAX)
            return COFFER_NO_SPACE;
    } while (!atomic_compare_exchange_weak_explicit(&lanes->version, &last, last + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    *version = last + 1;
    return COFFER_OK;
}

/* Have the key of an epoch in one of the lane's slots. */
static enum coffer_status use_epoch(const struct lanes *lanes, struct lane *lane,
                                    enum lane_slot slot, uint32_t epoch)
{
    uint8_t iv[CIPHER_GCM_IV_SIZE] = {0};
    uint8_t key[CIPHER_GCM_KEY_SIZE] = {0};
    uint8_t tag[CIPHER_GCM_TAG_SIZE];
    const struct cipher_message message = {.iv = iv, .in = key, .out = key, .size = sizeof(key)};
    enum coffer_status status;

    if (lane->has_key[slot] && lane->epoch[slot] == epoch)
        return COFFER_OK;
    store_le32(iv, epoch);
    status = lanes->ciphers->gcm_encrypt(lane->state, LANE_MASTER, &message, tag);
    if (status == COFFER_OK) {
        lane->has_key[slot] = false;
        status = lanes->ciphers->gcm_set_key(lane->state, slot, key);
    }
    wipe(key, sizeof(key));
    if (status != COFFER_OK)
        return status;
    lane->has_key[slot] = true;
    lane->epoch[slot] = epoch;
    return COFFER_OK;
}

static void make_iv(uint32_t slot, uint64_t version, uint8_t iv[CIPHER_GCM_IV_SIZE])
{
    store_le32(iv, slot);
    store_le64(iv + 4, version);
    store_le32(iv + 12, 0);
}

enum coffer_status lane_seal(const struct lanes *lanes, struct lane *lane, uint32_t slot,
                             uint64_t version, const void *page, uint8_t tag[CIPHER_GCM_TAG_SIZE])
{
    uint8_t iv[CIPHER_GCM_IV_SIZE];
    const struct cipher_message message = {
        .iv = iv, .in = page, .out = lane->buffer, .size = COFFER_PAGE_SIZE};
    enum coffer_status status = use_epoch(lanes, lane, LANE_SEAL, (uint32_t)(version >> 32));

    if (status != COFFER_OK)
        return status;
    make_iv(slot, version, iv);
    return lanes->ciphers->gcm_encrypt(lane->state, LANE_SEAL, &message, tag);
}

enum coffer_status lane_unseal(const struct lanes *lanes, struct lane *lane, uint32_t slot,
                               uint64_t version, void *page, const uint8_t tag[CIPHER_GCM_TAG_SIZE])
{
    uint8_t iv[CIPHER_GCM_IV_SIZE];
    const struct cipher_message message = {
        .iv = iv, .in = lane->buffer, .out = page, .size = COFFER_PAGE_SIZE};
    enum coffer_status status = use_epoch(lanes, lane, LANE_UNSEAL, (uint32_t)(version >> 32));

    if (status != COFFER_OK)
        return status;
    make_iv(slot, version, iv);
    return lanes->ciphers->gcm_decrypt(lane->state, LANE_UNSEAL, &message, tag);
}
