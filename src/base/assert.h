/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asserts state our own facts; they are never used on stored bytes, on input or on the result of
 * a device. Three levels:
 *   assert_cheap   always on: a comparison or two on a path that does real work anyway;
 *   assert_debug   on in debug builds (COFFER_ASSERT_LEVEL >= 1);
 *   assert_deep    walks whole structures; on in test builds (COFFER_ASSERT_LEVEL >= 2).
 * A broken assert traps: the core knows no operating system to report to.
 */
#ifndef COFFER_BASE_ASSERT_H
#define COFFER_BASE_ASSERT_H

#ifndef COFFER_ASSERT_LEVEL
#define COFFER_ASSERT_LEVEL 0
#endif

#define assert_cheap(fact) ((fact) ? (void)0 : __builtin_trap())

#if COFFER_ASSERT_LEVEL >= 1
#define assert_debug(fact) assert_cheap(fact)
#else
#define assert_debug(fact) ((void)sizeof(!(fact)))
#endif

#if COFFER_ASSERT_LEVEL >= 2
#define assert_deep(fact) assert_cheap(fact)
#else
#define assert_deep(fact) ((void)sizeof(!(fact)))
#endif

#endif
