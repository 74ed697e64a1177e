/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where evicted pages go, as a contract: slots that hold a page each. Paging knows neither ciphers
 * nor files; `swap` (a higher floor) seals the pages and keeps them in an untrusted place.
 *
 * Locking: reserve and release are called with the paging lock held, and neither wait nor call out;
 * write and read are called without it, from several threads, one call for a slot at a time.
 */
#ifndef COFFER_MEMORY_PAGING_BACKING_H
#define COFFER_MEMORY_PAGING_BACKING_H

#include <stdint.h>

#include "coffer/status.h"

#define BACKING_NO_SLOT UINT32_MAX

struct backing {
    void *context;

    /* A slot for one page. COFFER_NO_SPACE: none left. */
    enum coffer_status (*reserve)(void *context, uint32_t *slot);
    void (*release)(void *context, uint32_t slot);

    /* Keep a frame's contents. `stamp` is what read has to be given to get them back: it stays in
     * secure memory with the page, and says which version of the slot is meant. COFFER_IO. */
    enum coffer_status (*write)(void *context, uint32_t slot, const void *frame, uint64_t *stamp);

    /* COFFER_CORRUPT when it isn't what was written under this stamp; the frame is then zeroed. */
    enum coffer_status (*read)(void *context, uint32_t slot, uint64_t stamp, void *frame);

    /* For statistics. */
    void (*count)(void *context, uint64_t *slots, uint64_t *used);

    /* Called once, when the memory system closes. */
    void (*close)(void *context);
};

#endif
