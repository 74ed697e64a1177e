/* SPDX-License-Identifier: BSD-2-Clause */
/* Published test vectors as they are printed. */
#ifndef TESTS_GP_HEX_H
#define TESTS_GP_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bytes of a text of hex digits, in lower case; how many. */
static inline size_t unhex(const char *text, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t size = strlen(text) / 2;

    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
                           (strchr(digits, text[2 * i + 1]) - digits));
    return size;
}

#endif
