/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boxes as the rest of the memory system sees them: blocks of exactly one size. The calls on open
 * boxes are those of <coffer/memory.h>, implemented here.
 *
 * The boxes lie one after another. In front of them stand this structure and four bytes for each
 * box, its link: they tell that it is allocated, or which box is free next. Nothing is written into
 * a free box, so no program's bytes are ever followed. There are two lists: boxes are taken from
 * one and freed into the other, and when the first and the boxes that were never taken are used up
 * they change places. So a box that was freed stays free while there are others that were free
 * before, and a stale free of it is refused for long.
 *
 * Invariants
 *   X1 A box is allocated exactly while its link says so; the free ones that were taken before
 * stand in one of the two lists, each once. X2 A free is accepted only for the first byte of an
 * allocated box; every other is COFFER_MISUSE and counted.
 *
 * Complexity: alloc and free are a fixed number of steps, about 17 instructions each. Locking: a
 * spin lock where the port has threads; otherwise one test.
 */
#ifndef COFFER_MEMORY_HEAP_BOXES_H
#define COFFER_MEMORY_HEAP_BOXES_H

#include "coffer/memory.h"
#include "memory/heap/pool.h"

#define BOXES_SIZE_MAX ((size_t)1 << 20)

/* As coffer_boxes_open on the host's frames, which may be NULL with a region. COFFER_MISUSE: no
 * size or one beyond BOXES_SIZE_MAX, no boxes; COFFER_NO_MEMORY: not one fits. */
COFFER_MUST_CHECK enum coffer_status boxes_open(const struct pool_host *host,
                                                const struct coffer_boxes_settings *settings,
                                                struct coffer_boxes **out);

/* As for pools. */
void boxes_close(struct coffer_boxes *boxes);
void boxes_set_keeper(struct coffer_boxes *boxes, void *keeper);
void *boxes_keeper(const struct coffer_boxes *boxes);

/* Do X1 and the counts hold? */
bool boxes_is_valid(const struct coffer_boxes *boxes);

#endif
