/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of the Linux port under a test's hand. The linker sends the port's calls of fsync,
 * fdatasync, preadv, pwritev, getrandom and renameat2 here (--wrap), where they are written down,
 * cut short, interrupted or made to fail; and a directory device to make them.
 */
#ifndef TESTS_CONFORMANCE_LINUX_CALLS_H
#define TESTS_CONFORMANCE_LINUX_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

extern char flushes[64][64]; /* "fdatasync 1f", "fsync .", in their order */
extern unsigned flush_count;
extern int flush_error;        /* errno of the next flush, 0: none */
extern unsigned interruptions; /* calls that end with EINTR before one works */
extern _Atomic unsigned reads; /* calls of preadv */
extern size_t transfer_limit;  /* bytes of one transfer, 0: no limit */
extern bool entropy_fails;
extern int rename_error; /* errno of every renameat2, 0: none */
/* Called within the next call of the kind, once; the call itself is made after it, or before. */
typedef void (*happening)(void);
extern _Atomic(happening) during_flush;
extern _Atomic(happening) during_transfer;
extern _Atomic(happening) after_rename;

extern char path[64]; /* of the directory under test */
extern struct coffer_device *device;

/* cmocka's set-up and tear-down: an open directory with one file, "first", and its first barrier
 * (which flushes the folder) behind it. */
int set_up(void **state);
int tear_down(void **state);
#define linux_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

void reopen(void);
enum coffer_status write_text(const char *name, uint64_t offset, const char *text);
/* A new file whose name is its content. */
void make(const char *name);
enum coffer_status sync_one(const char *name);
/* How often was this flushed? */
unsigned flushed(const char *what);

#endif
