/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes as people write and read them: 4096, 256K, 8M, 1.5G (units of 1024). */
#ifndef COFFER_COMMAND_SIZES_H
#define COFFER_COMMAND_SIZES_H

#include <stdbool.h>
#include <stdint.h>

#define SIZE_TEXT_SIZE 24u

/* Decimal digits and an optional K, M, G or T (also KiB, kB and so on, all meaning 1024). False:
 * something else, or too large for 64 bits. */
bool size_parse(const char *text, uint64_t *out);

/* "0", "999", "1.5K", "12M": at most three digits that count. */
void size_format(uint64_t size, char text[SIZE_TEXT_SIZE]);

#endif
