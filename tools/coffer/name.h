/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of objects on the command line. An id is text, or `hex:` and hex digits. It is printed as
 * text where that text, given back, means the same id and shows on a terminal as it is (see
 * text.h): not empty, not beginning with `hex:`, no blank at either end. All others are printed
 * as `hex:…`.
 */
#ifndef COFFER_COMMAND_NAME_H
#define COFFER_COMMAND_NAME_H

#include "options.h"

/* The TA whose objects the command means when none is named. */
#define NAME_TA_DEFAULT "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63e"

/* Room for any id as text: `hex:`, two digits a byte, the final NUL. */
#define NAME_TEXT_SIZE (4u + 2u * COFFER_ID_MAX + 1u)

struct id {
    uint8_t bytes[COFFER_ID_MAX];
    size_t size;
    char text[NAME_TEXT_SIZE]; /* as it is printed */
};

void name_ta_default(struct coffer_uuid *out);

/* EXIT_USAGE after telling what is wrong. */
enum exit_status id_parse(struct options *options, const char *text, struct id *out);

void id_format(const void *bytes, size_t size, char text[NAME_TEXT_SIZE]);

/* Hex digits of n bytes; room for 2 n + 1 characters. */
void hex_format(const void *bytes, size_t n, char *text);

/* One hex digit's value, -1 for any other character. */
int hex_digit(char c);

/* The object `id` of the options' TA. */
struct coffer_name name_of(const struct options *options, const struct id *id);

#endif
