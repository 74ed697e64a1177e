/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace lines of TAs, on stderr. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "trace.h"

#define LINE_SIZE    512
#define BYTES_A_LINE 16u

/* One call of the C library writes it, so that lines of threads don't mix. */
static void write_line(const char *function, int line, int level, const char *text)
{
    static const char letters[] = "?EIDF";
    char letter = letters[level >= TRACE_MIN && level <= TRACE_MAX ? level : 0];

    if (function == NULL)
        (void)fprintf(stderr, "%c/TA: %s\n", letter, text);
    else
        (void)fprintf(stderr, "%c/TA: %s:%d %s\n", letter, function, line, text);
}

void coffer_tee_trace(const char *function, int line, int level, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    /* It has just begun. NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    write_line(function, line, level, text);
}

void coffer_tee_trace_bytes(const char *function, int line, int level, const void *bytes,
                            size_t size)
{
    const uint8_t *byte = bytes;

    for (size_t at = 0; at < size; at += BYTES_A_LINE) {
        char text[4 * BYTES_A_LINE + 20];
        size_t done = (size_t)snprintf(text, sizeof(text), "%04zx:", at);

        for (size_t i = at; i < size && i < at + BYTES_A_LINE; i++)
            done += (size_t)snprintf(text + done, sizeof(text) - done, " %02x", byte[i]);
        write_line(function, line, level, text);
    }
}
