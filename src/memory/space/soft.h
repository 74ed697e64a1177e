/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMU without a machine: page tables in software (pagetable.h). Addresses are numbers, so that
 * any number of tables may have the same ones; nothing faults by itself, and the bits are those
 * that `mark` was told of. Exact and deterministic: what tests use, and systems that have no MMU.
 */
#ifndef COFFER_MEMORY_SPACE_SOFT_H
#define COFFER_MEMORY_SPACE_SOFT_H

#include "memory/space/mmu.h"

#define SOFT_MMU_BASE ((uintptr_t)64 * 1024) /* of a table whose base is the MMU's to choose */

/* It has no state: there is one for all. COFFER_MISUSE besides what mmu.h names, for addresses that
 * are no page's or not in the table, and for frames that aren't the host's. */
const struct coffer_mmu *soft_mmu(void);

#endif
