/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: everything of one store, built from its configuration, and the public calls on it.
 *
 * It is made in this order, and unmade in the reverse: memory over the caller's areas, the engine
 * itself in that memory, keys and ciphers, buffers and caches, store, collector.
 *
 * Locking. The calls take the store's locks (store/store.h); of the engine's own there are two. One
 * is held for the whole of a call: in a port without conditions, where nobody can wait for anything
 * else, of each; in other ports of a call that has found no memory and is made again in its turn.
 * The other, a spin lock, guards the list of handles.
 *
 * Turns. A call that makes an object has memory for as long as it lasts, however long it waits for
 * the store's lock. Who finds none meanwhile has changed nothing: his call is made again when the
 * others are done, one such call at a time, and fails when it does so though nobody else was at
 * work. He holds nothing while he waits, and those he waits for never wait for him.
 */
#ifndef COFFER_ENGINE_ENGINE_H
#define COFFER_ENGINE_ENGINE_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/spin.h"
#include "coffer.h"
#include "engine/plan.h"
#include "engine/trace.h"
#include "memory/memory.h"
#include "memory/system/system.h"
#include "port/port.h"
#include "reclaim/reclaim.h"
#include "store/store.h"

struct coffer {
    const struct coffer_port *port;
    struct port_lock lock;  /* of a call if `alone`, of a turn otherwise */
    bool alone;             /* one call at a time */
    _Atomic uint64_t works; /* calls that give memory back when they end: how many are under way,
                               and from bit 32 on how many have begun */
    struct memory *memory;
    struct coffer_memory view; /* of it, for coffer_memory_of */
    struct owner owner;        /* of the engine itself */
    struct plan plan;
    struct crypto *crypto;
    struct cache_share share; /* of the two caches */
    struct node_cache nodes;
    struct block_cache blocks;
    struct buffers buffers; /* for what is on its way */
    struct tree_environment environment;
    struct store store;
    struct trace trace;
    struct spin handles_lock;
    struct reclaim reclaim;
    struct list handles; /* of all kinds, to be closed with the store */
    void (*release)(void *context);
    void *release_context;
};

enum handle_kind {
    HANDLE_OBJECT,
    HANDLE_WRITER,
    HANDLE_LIST,
};

/* What every public handle begins with. `engine` is NULL once it is closed. */
struct handle {
    struct coffer *engine;
    struct list link;
    enum handle_kind kind;
    struct book *book; /* of its TA; NULL: it has none */
    uint64_t charged;  /* bytes, there */
    uint64_t traced;   /* the object's number in the trace */
};

struct coffer_object {
    struct handle handle;
    struct object *object;
};

struct coffer_writer {
    struct handle handle;
    struct writer *writer;
};

struct coffer_list {
    struct handle handle;
    struct listing listing;
};

/* coffer_open with a say in the memory's settings: for tests that refuse allocations. */
COFFER_MUST_CHECK enum coffer_status engine_open(const struct coffer_config *config,
                                                 const struct memory_settings *settings,
                                                 struct coffer **out);

/* The inside of a public name; COFFER_MISUSE when it isn't one. */
COFFER_MUST_CHECK enum coffer_status engine_name(const struct coffer_name *name, struct name *out);
void engine_uuid(const struct coffer_uuid *uuid, uint8_t out[CRYPTO_UUID_SIZE]);

/* Of secure memory, that a handle takes with what it keeps open. */
uint64_t engine_handle_bytes(size_t size, enum handle_kind kind);

/* What is in the books; with the store's lock held. */
void engine_ta_statistics(struct coffer *engine, struct coffer_statistics *out);

/* Memory is given back by itself from here on, until reclaim_stop. */
COFFER_MUST_CHECK enum coffer_status engine_start_collector(struct coffer *engine, bool thread);
void engine_collector_statistics(const struct coffer *engine, struct coffer_statistics *out);

/* Around every call on an open store. */
static inline void engine_enter(struct coffer *engine)
{
    if (engine->alone)
        engine->port->lock_take(engine->port->context, &engine->lock);
}

static inline void engine_leave(struct coffer *engine)
{
    if (engine->alone)
        engine->port->lock_give(engine->port->context, &engine->lock);
}

#define ENGINE_WORK_BEGUN (UINT64_C(1) << 32)

/* Around what has memory that others may wait for. */
static inline void engine_work_begin(struct coffer *engine)
{
    atomic_fetch_add_explicit(&engine->works, ENGINE_WORK_BEGUN + 1, memory_order_acq_rel);
}

static inline void engine_work_end(struct coffer *engine)
{
    atomic_fetch_sub_explicit(&engine->works, 1, memory_order_acq_rel);
}

/* The tries of one call; begin before the first, and go on as long as engine_again says so. In no
 * lock. */
struct turn {
    unsigned tries; /* that were made in its turn */
    uint64_t own;   /* each try is such a work itself, or none */
    uint64_t seen;  /* of `works`, before the try */
};

struct turn engine_turn(struct coffer *engine, bool is_work);
COFFER_MUST_CHECK bool engine_again(struct coffer *engine, struct turn *turn,
                                    enum coffer_status status);

/* A handle of `size` bytes that begins with struct handle, for a TA (NULL: for nobody), in whose
 * book it stands with what it keeps open; its end. */
COFFER_MUST_CHECK enum coffer_status engine_make_handle(struct coffer *engine, size_t size,
                                                        enum handle_kind kind, const uint8_t *uuid,
                                                        void **out);
void engine_free_handle(struct handle *handle);

#endif
