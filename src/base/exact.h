/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Division of which only an exact result counts: a multiplication by the inverse of the divisor's
 * odd part, and a rotation that brings the bits below its power of two, which must be zero, to the
 * top.
 *
 * Both steps are bijections of the 64-bit numbers. A divisor is odd * 2^shift; as long as
 * i * divisor is below 2^64, the multiplication makes i * 2^shift of it and the rotation i. So when
 * all multiples up to the n-th are below 2^64, no other number can become one below n: a single
 * comparison of the result with n tells whether the number was a multiple, and one of those.
 */
#ifndef COFFER_BASE_EXACT_H
#define COFFER_BASE_EXACT_H

#include <stdint.h>

struct exact {
    uint64_t inverse; /* of the divisor's odd part */
    uint32_t shift;   /* the divisor's zero bits at the bottom */
};

static inline struct exact exact_by(uint64_t divisor) /* > 0 */
{
    struct exact exact = {.shift = (uint32_t)__builtin_ctzll(divisor)};
    uint64_t odd = divisor >> exact.shift;

    /* The lowest five bits of the inverse; each step doubles them. */
    exact.inverse = odd * 3 ^ 2;
    for (unsigned bits = 5; bits < 64; bits *= 2)
        exact.inverse *= 2 - odd * exact.inverse;
    return exact;
}

static inline uint64_t exact_quotient(const struct exact *exact, uint64_t number)
{
    uint64_t product = number * exact->inverse;

    return product >> (exact->shift & 63) | product << (-exact->shift & 63);
}

#endif
