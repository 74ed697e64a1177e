/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* Written for one byte: \xNN. */
#define ESCAPE_SIZE 4u

/* The length of the UTF-8 character at p, its code in *code; 0 when there is none. */
static size_t read_character(const uint8_t *p, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length;

    if (p[0] < 0x80)
        length = 1;
    else if ((p[0] & 0xe0) == 0xc0)
        length = 2;
    else if ((p[0] & 0xf0) == 0xe0)
        length = 3;
    else if ((p[0] & 0xf8) == 0xf0)
        length = 4;
    else
        return 0;
    if (length > n)
        return 0;
    *code = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3fu);
    }
    return *code >= least[length] && *code <= 0x10ffff ? length : 0;
}

static bool shows(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad)
        return false;
    if (code == 0x61c || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
        (code >= 0x2060 && code <= 0x206f))
        return false;
    if ((code >= 0xd800 && code <= 0xf8ff) || code == 0xfeff || (code >= 0xfff0 && code <= 0xfffb))
        return false;
    return (code & 0xfffe) != 0xfffe && code < 0xe0000;
}

size_t text_character(const uint8_t *p, size_t n)
{
    uint32_t code = 0;
    size_t length = read_character(p, n, &code);

    return length > 0 && shows(code) ? length : 0;
}

char *text_clean(const char *text)
{
    size_t left = strlen(text);
    char *clean = must_have(malloc(ESCAPE_SIZE * left + 1));
    char *out = clean;

    while (left > 0) {
        size_t length = text_character((const uint8_t *)text, left);

        if (length > 0) {
            memcpy(out, text, length);
            out += length;
        } else {
            length = 1;
            (void)snprintf(out, ESCAPE_SIZE + 1, "\\x%02x", (unsigned)(unsigned char)*text);
            out += ESCAPE_SIZE;
        }
        text += length;
        left -= length;
    }
    *out = '\0';
    return clean;
}
