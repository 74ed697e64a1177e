/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One file of the small store is replaced by the input (first byte odd), or changed in the places
 * that the input names (first byte even). Nothing can be forged that way: every read is as stored
 * or refused.
 */
#ifndef TESTS_FUZZ_FUZZ_RAW_H
#define TESTS_FUZZ_FUZZ_RAW_H

#include <stddef.h>
#include <stdint.h>

void fuzz_raw(const char *file, const uint8_t *data, size_t size);

#endif
