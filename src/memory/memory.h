/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory system in one piece: account, frames and a pool over the caller's areas. Everything,
 * this structure included, lives inside the areas.
 *
 * Owners are opened by the component that will allocate, before it does. Locking: every call but
 * open and close may come from any thread; what memory does under its own locks is bounded, and it
 * calls nobody under them (whoever is told of frames running short may allocate and free).
 */
#ifndef COFFER_MEMORY_MEMORY_H
#define COFFER_MEMORY_MEMORY_H

#include "memory/account/account.h"
#include "memory/frames/frames.h"
#include "memory/heap/pool.h"
#ifdef COFFER_LEAK_RECORDS
#include "memory/leaks.h"
#endif

struct memory {
    struct account account;
    struct frames *frames;
    struct coffer_pool *pool; /* spare: a magazine for each owner */
#ifdef COFFER_LEAK_RECORDS
    struct leaks *leaks;
#endif
};

struct memory_settings {
    bool keep_contents;             /* of frames, see struct frames_settings */
    const struct coffer_port *port; /* NULL: one thread, here and in the frames */
    unsigned cache_frames;          /* likewise */
    unsigned owner_max;             /* lines of the account; 0: ACCOUNT_OWNERS_DEFAULT */
    bool tell_leaks;                /* at close, in a build with leak records (leaks.h) */
    /* A test's hook, see struct account. */
    bool (*refuse)(void *argument, struct owner owner, size_t size);
    void *refuse_argument;
};

/* Errors of boot_init, frames_start and pool_open; the areas are then as unused as before. */
COFFER_MUST_CHECK enum coffer_status memory_open(const struct memory_area *areas, size_t count,
                                                 const struct memory_settings *settings,
                                                 struct memory **out);

/* How many frames memory_open would find, and how many of them it would take for tables and books.
 * The areas aren't touched; they needn't even be there. The same errors, but for the pool's. */
COFFER_MUST_CHECK enum coffer_status memory_measure(const struct memory_area *areas, size_t count,
                                                    const struct memory_settings *settings,
                                                    uint64_t *total, uint64_t *reserved);

/* Nobody has a block or a run; for asserts and tests, when no other thread is in a call. */
bool memory_is_unused(const struct memory *memory);

/* Wipe all of it and let go. */
void memory_close(struct memory *memory);

/* A zeroed block of at least `size` (> 0) bytes, counted and charged to an owner that is open
 * (COFFER_MISUSE). */
COFFER_MUST_CHECK enum coffer_status memory_alloc(struct memory *memory, struct owner owner,
                                                  size_t size, void **out);

#ifdef COFFER_LEAK_RECORDS
/* The same, with where it is asked for. */
COFFER_MUST_CHECK enum coffer_status memory_alloc_at(struct memory *memory, struct owner owner,
                                                     size_t size, void **out, const char *file,
                                                     unsigned line);
#define memory_alloc(memory, owner, size, out)                                                     \
    memory_alloc_at(memory, owner, size, out, __FILE__, __LINE__)
#endif

/* Frames that are free now. */
uint64_t memory_free_frames(struct memory *memory);

/* Wipe a block and free it. A wrong free by our own code is a bug: it trips an assert. */
void memory_free(struct memory *memory, void *block);

#endif
