/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory between two pages that nobody can touch: a byte beyond either end is a fault there and
 * then. A size that isn't whole pages leaves bytes in the page at the end that doesn't lie at its
 * guard; they are looked at when the memory is given back.
 */
#ifndef TESTS_SUPPORT_GUARDED_H
#define TESTS_SUPPORT_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum guarded_end {
    GUARDED_BACK,  /* the last byte lies right before a guard, the first one may not */
    GUARDED_FRONT, /* the other way round */
};

struct guarded {
    uint8_t *bytes; /* NULL: none */
    size_t size;
    enum guarded_end end;
};

/* `size` (> 0) bytes of GUARDED_FILL: nobody was promised zeros. */
#define GUARDED_FILL 0xEE
void guarded_take(struct guarded *guarded, size_t size, enum guarded_end end);
/* NULL bytes: nothing. */
void guarded_give(struct guarded *guarded);

/* Its whole frames are zeros, and what belongs to none was never touched. */
bool guarded_is_wiped(const struct guarded *guarded);

#endif
