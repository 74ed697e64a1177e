/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a workload of rates asks of a store, ours or a peer's: each of the store_*.c is one, in a
 * program of its own, because some of them have symbols of the same name. Objects have a number,
 * and a name that is made of it. Whatever fails ends the program (rate_fail).
 */
#ifndef BENCH_RATES_STORE_H
#define BENCH_RATES_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_SIZE 4096u /* of what a store keeps a large object in, where it has to choose */

/* End the program with a line that says why. */
__attribute__((noreturn)) void rate_fail(const char *why);

static inline void rate_must(bool good, const char *why)
{
    if (!good)
        rate_fail(why);
}

struct rated_settings {
    const char *directory; /* there, empty */
    size_t memory;         /* bytes that it may cache in, where it has such a bound */
    unsigned objects;      /* how many there will be at most */
    bool durable;          /* a put is on the device when it returns */
};

struct store;

struct store *rated_open(const struct rated_settings *settings);
void rated_close(struct store *store);

/* A new object, in a transaction of its own; rated_fill says that many come, and durability can
 * wait. */
void rated_put(struct store *store, unsigned number, const void *data, size_t size);
void rated_fill(struct store *store, unsigned count, const void *data, size_t size);

/* Find an object, read all of its `size` bytes, let go of it. */
void rated_get(struct store *store, unsigned number, void *out, size_t size);

/* A large object: made or made anew in one transaction, in pieces of `chunk` bytes; found and kept
 * open; read anywhere. One at a time. */
void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk);
void rated_open_large(struct store *store);
void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size);
void rated_close_large(struct store *store);

/* Every name is looked at: the sum of its bytes, and how many there are. */
struct names {
    unsigned count;
    uint64_t sum;
};
struct names rated_list(struct store *store);

/* The name of an object: "object 17". */
struct rated_name {
    char bytes[24];
    size_t size;
};
struct rated_name rated_name(unsigned number);

static inline void names_add(struct names *names, const void *name, size_t size)
{
    const uint8_t *bytes = name;

    names->count++;
    for (size_t i = 0; i < size; i++)
        names->sum += bytes[i];
}

#endif
