/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the conformance suite of MMUs runs on. The tests know the contract (memory/space/mmu.h) and
 * nothing else. An MMU adds itself with one line in candidates.c: its name, and three functions
 * that make the machine with `size` bytes of memory for frames, tell its table of operations, and
 * take it down. Tests of accesses through pointers are run where `has_pointers` is true.
 */
#ifndef TESTS_CONFORMANCE_MMU_CANDIDATES_H
#define TESTS_CONFORMANCE_MMU_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "memory/frames/frames.h"
#include "memory/space/mmu.h"

struct candidate {
    const char *name;
    void *(*make)(size_t size, struct memory_area *area); /* stops the test when it can't */
    const struct coffer_mmu *(*operations)(void *machine);
    void (*unmake)(void *machine);
    bool (*is_valid)(struct mmu_table *table); /* may be NULL */
};

extern const struct candidate candidates[];
extern const size_t candidate_count;

#endif
