/* SPDX-License-Identifier: BSD-2-Clause */
/* What a source of version 1.1 does by its calls; see source_1_1.c. */
#ifndef TESTS_UNIT_GP_SOURCE_1_1_H
#define TESTS_UNIT_GP_SOURCE_1_1_H

#include <stdint.h>

/* The size of a property's text; 0: it can't be had. */
uint32_t source_1_1_text_size(char *text, uint32_t size);

/* How much of an object of `size` bytes was read; 0: something failed. */
uint32_t source_1_1_read(const char *id, uint32_t id_size, void *bytes, uint32_t size);

/* A block of twice the size; NULL: something failed. */
void *source_1_1_allocate(uint32_t size);

#endif
