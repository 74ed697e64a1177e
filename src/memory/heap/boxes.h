/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boxes as the rest of the memory system sees them: blocks of exactly one size. The calls on open
 * boxes are those of <coffer/memory.h>, implemented here.
 *
 * The boxes lie one after another. In front of them, or in front of the frames, stand this
 * structure and two bitmaps, with a bit in one of them for each box that is free; summary levels
 * above them (base/bitmap.h) find one in a fixed number of steps. Nothing is written into a free
 * box, and none is taken again before all others that are free.
 *
 * Invariants
 *   X1 A box is allocated exactly while its bits are clear; never are both set.
 *   X2 A free is accepted only for the first byte of an allocated box; every other is
 *      COFFER_MISUSE and counted.
 *
 * Locking: a spin lock where the port has threads.
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
