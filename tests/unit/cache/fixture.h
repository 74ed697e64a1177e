/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches of toys: entries that hold one number. The port is one of our own: its lock knows if it is
 * held, so that each function of the type can insist that it isn't, its clock is set by hand, and
 * it has no conditions.
 */
#ifndef TESTS_UNIT_CACHE_FIXTURE_H
#define TESTS_UNIT_CACHE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cache/cache.h"
#include "support/must.h"

#define assert_ok(call)               assert_int_equal((call), COFFER_OK)
#define assert_status(call, expected) assert_int_equal((call), (expected))

#define TOY_BYTES 100u

struct toy {
    struct cache_entry core;
    uint64_t number; /* the contents; 0: none */
    char more;       /* the third part of the key, for types that have one */
};

/* The world of one test. */
struct toys {
    struct memory *memory;
    struct owner owner;
    struct coffer_port port;
    struct cache_share share;
    struct cache *cache;
    struct cache_type type;
    struct cache_group groups[3];
    bool held;    /* the lock */
    uint64_t now; /* the clock */
    /* Refusals: of the n-th make and of the n-th allocation, from 1; 0: none. */
    unsigned refuse_make, makes;
    unsigned refuse_alloc, allocs;
    void (*in_make)(void); /* what others do meanwhile; once */
    /* What the type was asked for. */
    unsigned made, let_go, renewed, written;
    bool fail_writes;
    uint64_t last_written; /* index */
};

/* A memory and a share, and no cache yet; the type has a policy and no write_back. */
void toys_begin(struct toys *toys, enum cache_policy policy);
/* And a cache. */
void toys_open(struct toys *toys, enum cache_policy policy, size_t min, size_t max);
/* Everything must be back. */
void toys_end(struct toys *toys);

/* For types that renew. */
void toys_renew(void *context, struct cache_entry *entry);

/* For types that write back. */
enum coffer_status toys_write_back(void *context, struct cache_entry *entry);

/* Get, with contents: number = 1000 * group + index + 1. Pinned. NULL: no memory. */
struct toy *toys_get(struct toys *toys, unsigned group, uint64_t index, unsigned flags);
/* The same, and unpinned at once. */
void toys_use(struct toys *toys, unsigned group, uint64_t index);
/* Is it here? Neither a pin nor a use, and not counted. */
bool toys_has(struct toys *toys, unsigned group, uint64_t index);
void toys_unpin(struct toys *toys, struct toy *toy);

struct cache_statistics toys_statistics(struct toys *toys);

#define assert_valid(toys) assert_true(cache_is_valid((toys)->cache))

#endif
