/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an MMU needs of the core (struct mmu_host), in the hands of a test: frames over a given
 * area, page-table frames that are counted and can be refused, and faults that the test answers.
 */
#ifndef TESTS_SUPPORT_MMU_HOST_H
#define TESTS_SUPPORT_MMU_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "memory/account/account.h"
#include "memory/frames/frames.h"
#include "memory/space/mmu.h"

#define MMU_HOST_NEVER SIZE_MAX

struct mmu_test_host {
    struct mmu_host host; /* `fault` is the test's to set; it finds us as `context` */
    struct account account;
    struct account_line lines[ACCOUNT_OWNERS_DEFAULT];
    struct frames *frames;
    struct owner tables; /* of page-table frames */
    struct owner data;   /* of frames that the test maps */
    size_t table_frames; /* that are out now */
    size_t takes;        /* of table frames, granted, ever */
    size_t grant;        /* so many more are granted, then all are refused */
};

void mmu_host_open(struct mmu_test_host *test, const struct memory_area *areas, size_t count);
/* Everything must be back. */
void mmu_host_close(struct mmu_test_host *test);

/* A run for the test to map; and its way back. */
void *mmu_host_take(struct mmu_test_host *test, size_t count);
void mmu_host_give(struct mmu_test_host *test, void *run);

#endif
