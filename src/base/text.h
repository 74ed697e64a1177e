/* SPDX-License-Identifier: BSD-2-Clause */
/* Short lines of text put together without the C library: file names, notices. */
#ifndef COFFER_BASE_TEXT_H
#define COFFER_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_SIZE 160u

/* Always NUL-terminated; what doesn't fit is cut off. */
struct text {
    char bytes[TEXT_SIZE];
    size_t size;
};

static inline void text_add(struct text *text, const char *more)
{
    while (*more != '\0' && text->size + 1 < TEXT_SIZE)
        text->bytes[text->size++] = *more++;
    text->bytes[text->size] = '\0';
}

/* In base 10 or 16, lower case, no leading zeros. */
static inline void text_add_number(struct text *text, uint64_t number, unsigned base)
{
    char digits[21];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    text_add(text, digits + at);
}

#endif
