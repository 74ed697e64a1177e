/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secure memory as a file in memory, so that its pages can be mapped at other addresses, too: the
 * file, sealed, and a linear window on all of it.
 *
 * The window is zero at first, left out of core dumps and not inherited by forks: a child has
 * neither the mapping nor the file. Every page is there from the beginning: an access never fails
 * for want of memory.
 */
#ifndef COFFER_LINUX_WINDOW_H
#define COFFER_LINUX_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coffer/status.h"

struct window {
    struct list link; /* of all of the process; it stays where it was opened */
    int file;
    uint8_t *address;
    size_t size;         /* whole pages */
    bool secret;         /* memfd_secret */
    bool locked;         /* into RAM */
    size_t locked_spare; /* secret: pages that may be mapped elsewhere, too, as all of them count
                            against the limit of locked memory */
};

/* COFFER_NO_MEMORY; COFFER_UNSUPPORTED: no memfd, or no memfd_secret or too low a limit for it. */
COFFER_MUST_CHECK enum coffer_status window_open(size_t size, bool secret, struct window *out);
void window_close(struct window *window);

#endif
