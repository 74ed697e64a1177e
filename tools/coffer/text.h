/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may go to a terminal. A character shows when it is whole UTF-8 and neither a control
 * character, a line separator, a change of direction, nor without any width or meaning of its own.
 * Names from outside (ids, paths, words of the command line) are shown through here, so that none
 * of them can break a message into two lines or drive the terminal.
 */
#ifndef COFFER_COMMAND_TEXT_H
#define COFFER_COMMAND_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the character at p, of n > 0 bytes, if it shows; else 0. */
size_t text_character(const uint8_t *p, size_t n);

/* A copy to free, with every byte that doesn't show written as \xNN. */
char *text_clean(const char *text);

#endif
