/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The physical limit that times are held against, measured in the same run: the payload's bytes
 * read or written raw (pread, pwrite, fdatasync) in a file of the same directory, and through
 * libgcrypt's AES-128-GCM in messages of up to 4 KiB. No catalogue, no tree, no heads: nobody who
 * keeps sealed bytes in a file can do with less.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw; /* the peer in one directory */

/* One unit of raw work: `count` transfers of `size` bytes each, at most RAW_SIZE_MAX together. */
struct raw_work {
    bool writes;     /* or reads */
    bool scattered;  /* each transfer, of a page at most, somewhere; or one after the other */
    bool flush_each; /* fdatasync after each write, or after the last one */
    size_t size;
    size_t count;
};

#define RAW_SIZE_MAX ((size_t)16 * 1024 * 1024)

struct raw *raw_open(const char *directory, bool durable);
void raw_close(struct raw *raw);

/* Do it; microseconds. Flushes are left out when not durable. */
double raw_time(struct raw *raw, const struct raw_work *work);

#endif
