/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the test support itself, on in every build: a broken one says where and stops the
 * test program. (The checks of tests proper are cmocka's.)
 */
#ifndef TESTS_SUPPORT_MUST_H
#define TESTS_SUPPORT_MUST_H

#include <stddef.h>

#define must(fact) ((fact) ? (void)0 : must_fail(#fact, __FILE__, __LINE__))

__attribute__((noreturn)) void must_fail(const char *fact, const char *file, int line);

/* malloc, realloc and a copy that stop the test when the host is out of memory; never NULL. */
void *must_alloc(size_t size);
void *must_realloc(void *block, size_t size);
void *must_copy(const void *bytes, size_t size);

#endif
