/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leak records: for each block of memory_alloc where in the source it was asked for, for whom and
 * when, and at close a report of what is left. Only in a build with the option `leak_records`.
 *
 * They lie outside secure memory, in what the port gives for it (they hold nothing that is secret),
 * so that such a build has the same budget as any other. A port that gives none, or no more, has
 * blocks without records; the report says how many.
 *
 * Locking: a lock of the port's, below all others but those of the port itself.
 */
#ifndef COFFER_MEMORY_LEAKS_H
#define COFFER_MEMORY_LEAKS_H

#include "memory/account/account.h"
#include "port/port.h"

struct leak {
    void *block; /* NULL: none; LEAK_GONE: there was one */
    size_t size; /* as asked for */
    const char *file;
    unsigned line;
    struct owner owner;
    uint64_t time_ns;
};

struct leaks {
    const struct coffer_port *port;
    struct port_lock lock;
    struct leak *table; /* by address; open addressing */
    size_t capacity;    /* a power of two */
    size_t filled;      /* places that aren't free, those of gone ones included */
    size_t count;
    uint64_t lost; /* blocks without a record */
};

/* The record itself lies with the others. A port without memory for it, or NULL: NULL, with which
 * the calls below do nothing. */
struct leaks *leaks_open(const struct coffer_port *port);

void leaks_add(struct leaks *leaks, void *block, size_t size, struct owner owner, const char *file,
               unsigned line);
void leaks_remove(struct leaks *leaks, const void *block);

/* Tell the port's log what is left, and for whom; all records go. */
void leaks_close(struct leaks *leaks, const struct account *account);

#endif
