/* SPDX-License-Identifier: BSD-2-Clause */
#include "name.h"

#include <string.h>

#include "report.h"
#include "text.h"

static const char hex_prefix[] = "hex:";
#define HEX_PREFIX_SIZE (sizeof(hex_prefix) - 1)

void name_ta_default(struct coffer_uuid *out)
{
    static const struct coffer_uuid ta = {
        0x6f8a2c51, 0x93d7, 0x4e0b, {0xa1, 0xf4, 0x27, 0xc5, 0x8b, 0x90, 0xd6, 0x3e}};

    *out = ta;
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void hex_format(const void *bytes, size_t n, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++) {
        *text++ = digits[p[i] >> 4];
        *text++ = digits[p[i] & 15];
    }
    *text = '\0';
}

static enum exit_status parse_hex(struct options *options, const char *text, struct id *out)
{
    const char *digits = text + HEX_PREFIX_SIZE;
    size_t count = strlen(digits);

    if (count % 2 != 0 || strspn(digits, "0123456789abcdefABCDEF") != count)
        return fail_usage(options, "id %s: behind hex: come pairs of hex digits", text);
    if (count / 2 > COFFER_ID_MAX)
        return fail_usage(options, "id %s: %zu bytes; an id has at most %u", text, count / 2,
                          COFFER_ID_MAX);
    for (size_t i = 0; i < count / 2; i++)
        out->bytes[i] = (uint8_t)(hex_digit(digits[2 * i]) * 16 + hex_digit(digits[2 * i + 1]));
    out->size = count / 2;
    return EXIT_DONE;
}

static enum exit_status parse_text(struct options *options, const char *text, struct id *out)
{
    size_t size = strlen(text);

    /* An empty word is more likely a script's mistake than the empty id. */
    if (size == 0)
        return fail_usage(options, "an empty id: write `hex:` if it is meant");
    if (size > COFFER_ID_MAX)
        return fail_usage(options, "id \"%.20s...\": %zu bytes; an id has at most %u", text, size,
                          COFFER_ID_MAX);
    memcpy(out->bytes, text, size);
    out->size = size;
    return EXIT_DONE;
}

enum exit_status id_parse(struct options *options, const char *text, struct id *out)
{
    enum exit_status result;

    memset(out, 0, sizeof(*out));
    if (strncmp(text, hex_prefix, HEX_PREFIX_SIZE) == 0)
        result = parse_hex(options, text, out);
    else
        result = parse_text(options, text, out);
    if (result == EXIT_DONE)
        id_format(out->bytes, out->size, out->text);
    return result;
}

static bool is_printable(const uint8_t *p, size_t n)
{
    if (n == 0 || p[0] == ' ' || p[n - 1] == ' ')
        return false;
    if (n >= HEX_PREFIX_SIZE && memcmp(p, hex_prefix, HEX_PREFIX_SIZE) == 0)
        return false;
    while (n > 0) {
        size_t length = text_character(p, n);

        if (length == 0)
            return false;
        p += length;
        n -= length;
    }
    return true;
}

void id_format(const void *bytes, size_t size, char text[NAME_TEXT_SIZE])
{
    if (is_printable(bytes, size)) {
        memcpy(text, bytes, size);
        text[size] = '\0';
        return;
    }
    memcpy(text, hex_prefix, HEX_PREFIX_SIZE);
    hex_format(bytes, size, text + HEX_PREFIX_SIZE);
}

struct coffer_name name_of(const struct options *options, const struct id *id)
{
    return (struct coffer_name){.ta = options->ta, .id = id->bytes, .id_size = id->size};
}
