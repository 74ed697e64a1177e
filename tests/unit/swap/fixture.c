/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <unistd.h>

#include "coffer/linux_memory.h"

#include "base/bytes.h"
#include "support/must.h"

static struct fixture *current;

/* --- The medium -------------------------------------------------------------------------- */

static bool strikes(uint64_t *calls, uint64_t at)
{
    bool now;

    must(pthread_mutex_lock(&current->lock) == 0);
    now = ++*calls == at;
    must(pthread_mutex_unlock(&current->lock) == 0);
    return now;
}

static enum coffer_status medium_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    struct fixture *fixture = context;

    must(size == SWAP_SLOT_SIZE && offset % size == 0 && offset + size <= sizeof(fixture->medium));
    memcpy(bytes, fixture->medium + offset, size);
    return strikes(&fixture->medium_calls, fixture->medium_fails_at) ? fixture->medium_status
                                                                     : COFFER_OK;
}

static enum coffer_status medium_write(void *context, uint64_t offset, const void *bytes,
                                       size_t size)
{
    struct fixture *fixture = context;

    must(size == SWAP_SLOT_SIZE && offset % size == 0 && offset + size <= sizeof(fixture->medium));
    if (fixture->medium_is_slow)
        (void)usleep(50);
    /* One that fails has written something all the same. */
    if (strikes(&fixture->medium_calls, fixture->medium_fails_at)) {
        memcpy(fixture->medium + offset, bytes, size / 3);
        return fixture->medium_status;
    }
    memcpy(fixture->medium + offset, bytes, size);
    return COFFER_OK;
}

/* --- The provider ------------------------------------------------------------------------ */

struct state {
    void *inner;
    uint8_t keys[LANE_SLOTS][CIPHER_GCM_KEY_SIZE];
};

static enum coffer_status start(unsigned slots, void **out, size_t *footprint)
{
    struct state *state;

    if (strikes(&current->cipher_calls, current->cipher_fails_at))
        return COFFER_NO_MEMORY;
    must(slots == LANE_SLOTS);
    state = calloc(1, sizeof(*state));
    must(state != NULL);
    must(coffer_linux_ciphers()->start(slots, &state->inner, footprint) == COFFER_OK);
    current->states++;
    *out = state;
    return COFFER_OK;
}

static void stop(void *context)
{
    struct state *state = context;

    for (unsigned i = 0; i < LANE_SLOTS; i++)
        must(bytes_are_zero(state->keys[i], CIPHER_GCM_KEY_SIZE));
    coffer_linux_ciphers()->stop(state->inner);
    free(state);
    current->states--;
}

static enum coffer_status set_key(void *context, unsigned slot,
                                  const uint8_t key[CIPHER_GCM_KEY_SIZE])
{
    struct state *state = context;

    if (strikes(&current->cipher_calls, current->cipher_fails_at))
        return COFFER_UNSUPPORTED;
    memcpy(state->keys[slot], key, CIPHER_GCM_KEY_SIZE);
    if (slot == LANE_MASTER)
        memcpy(current->master, key, CIPHER_GCM_KEY_SIZE);
    return coffer_linux_ciphers()->gcm_set_key(state->inner, slot, key);
}

static void clear_key(void *context, unsigned slot)
{
    struct state *state = context;

    memset(state->keys[slot], 0, CIPHER_GCM_KEY_SIZE);
    coffer_linux_ciphers()->gcm_clear_key(state->inner, slot);
}

static enum coffer_status encrypt(void *context, unsigned slot, const struct cipher_message *m,
                                  uint8_t tag[CIPHER_GCM_TAG_SIZE])
{
    struct state *state = context;

    if (strikes(&current->cipher_calls, current->cipher_fails_at))
        return COFFER_UNSUPPORTED;
    if (slot == LANE_MASTER)
        return coffer_linux_ciphers()->gcm_encrypt(state->inner, slot, m, tag);
    must(pthread_mutex_lock(&current->lock) == 0);
    must(current->seal_count < sizeof(current->seals) / sizeof(current->seals[0]));
    memcpy(current->seals[current->seal_count].key, state->keys[slot], CIPHER_GCM_KEY_SIZE);
    memcpy(current->seals[current->seal_count++].iv, m->iv, CIPHER_GCM_IV_SIZE);
    must(pthread_mutex_unlock(&current->lock) == 0);
    return coffer_linux_ciphers()->gcm_encrypt(state->inner, slot, m, tag);
}

static enum coffer_status decrypt(void *context, unsigned slot, const struct cipher_message *m,
                                  const uint8_t tag[CIPHER_GCM_TAG_SIZE])
{
    struct state *state = context;

    if (strikes(&current->cipher_calls, current->cipher_fails_at))
        return COFFER_UNSUPPORTED;
    return coffer_linux_ciphers()->gcm_decrypt(state->inner, slot, m, tag);
}

/* --- The port, and memory ---------------------------------------------------------------- */

static enum coffer_status entropy(void *context, void *out, size_t n)
{
    if (strikes(&current->port_calls, current->port_fails_at))
        return COFFER_IO;
    return coffer_linux_port()->entropy(context, out, n);
}

static enum coffer_status lock_init(void *context, struct port_lock *lock)
{
    if (strikes(&current->port_calls, current->port_fails_at))
        return COFFER_NO_MEMORY;
    return coffer_linux_port()->lock_init(context, lock);
}

static enum coffer_status condition_init(void *context, struct port_condition *condition)
{
    if (strikes(&current->port_calls, current->port_fails_at))
        return COFFER_NO_MEMORY;
    return coffer_linux_port()->condition_init(context, condition);
}

static enum coffer_status condition_wait(void *context, struct port_condition *condition,
                                         struct port_lock *lock, uint64_t timeout)
{
    atomic_fetch_add(&current->waits, 1);
    return coffer_linux_port()->condition_wait(context, condition, lock, timeout);
}

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct fixture *fixture = argument;

    (void)owner;
    (void)size;
    return ++fixture->allocations == fixture->refuse_at;
}

/* --- Fixture ----------------------------------------------------------------------------- */

enum coffer_status fixture_open(struct fixture *fixture)
{
    const struct coffer_swap_settings settings = {
        .ciphers = &fixture->ciphers,
        .medium = {.context = fixture, .read = medium_read, .write = medium_write},
        .pages = SLOTS,
    };
    enum coffer_status status = swap_open(fixture->memory, &fixture->port, &settings,
                                          &fixture->swap);

    fixture->backing = status == COFFER_OK ? swap_backing(fixture->swap) : NULL;
    return status;
}

void fixture_close(struct fixture *fixture)
{
    fixture->backing->close(fixture->backing->context);
    fixture->backing = NULL;
}

int fixture_prepare(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct memory_area area = {NULL, (size_t)MEMORY_FRAMES * PAGE};
    const struct memory_settings settings = {
        .port = coffer_linux_port(), .refuse = refuse, .refuse_argument = fixture};

    must(fixture != NULL);
    current = fixture;
    must(pthread_mutex_init(&fixture->lock, NULL) == 0);
    fixture->ciphers = *coffer_linux_ciphers();
    fixture->ciphers.start = start;
    fixture->ciphers.stop = stop;
    fixture->ciphers.gcm_set_key = set_key;
    fixture->ciphers.gcm_clear_key = clear_key;
    fixture->ciphers.gcm_encrypt = encrypt;
    fixture->ciphers.gcm_decrypt = decrypt;
    fixture->port = *coffer_linux_port();
    fixture->port.entropy = entropy;
    fixture->port.lock_init = lock_init;
    fixture->port.condition_init = condition_init;
    fixture->port.condition_wait = condition_wait;
    fixture->medium_status = COFFER_IO;

    fixture->area = aligned_alloc(PAGE, area.size);
    must(fixture->area != NULL);
    area.address = fixture->area;
    must(memory_open(&area, 1, &settings, &fixture->memory) == COFFER_OK);
    fixture->frames_used = fixture->memory->account.frames_used;
    *state = fixture;
    return 0;
}

int fixture_setup(void **state)
{
    struct fixture *fixture;

    fixture_prepare(state);
    fixture = *state;
    must(fixture_open(fixture) == COFFER_OK);
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->backing != NULL) {
        must(swap_is_valid(fixture->swap));
        fixture_close(fixture);
    }
    must(fixture->states == 0);
    must(fixture->memory->account.frames_used == fixture->frames_used);
    must(frames_is_valid(fixture->memory->frames));
    memory_close(fixture->memory);
    must(pthread_mutex_destroy(&fixture->lock) == 0);
    free(fixture->area);
    free(fixture);
    return 0;
}

void fill_page(void *page, uint64_t number)
{
    uint64_t *words = page;

    for (size_t i = 0; i < PAGE / sizeof(*words); i++)
        words[i] = number * 0x9e3779b97f4a7c15u + i;
}
