/* SPDX-License-Identifier: BSD-2-Clause */
/* UUIDs as text, and keys as files have them. */
#include <string.h>

#include "base/bytes.h"
#include "coffer.h"

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum coffer_status coffer_uuid_parse(const char *text, struct coffer_uuid *out)
{
    uint8_t bytes[16];
    size_t used = 0;

    if (text == NULL || out == NULL || strlen(text) != COFFER_UUID_TEXT_SIZE - 1)
        return COFFER_MISUSE;
    for (size_t i = 0; i < COFFER_UUID_TEXT_SIZE - 1;) {
        int high = digit_value(text[i]);
        int low = digit_value(text[i + 1]);

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return COFFER_MISUSE;
            i++;
            continue;
        }
        if (high < 0 || low < 0)
            return COFFER_MISUSE;
        bytes[used++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    out->time_low = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                    (uint32_t)bytes[3];
    out->time_mid = (uint16_t)(bytes[4] << 8 | bytes[5]);
    out->time_hi_and_version = (uint16_t)(bytes[6] << 8 | bytes[7]);
    memcpy(out->clock_seq_and_node, bytes + 8, sizeof(out->clock_seq_and_node));
    return COFFER_OK;
}

static char *put_hex(char *at, uint32_t value, unsigned digits)
{
    while (digits > 0)
        *at++ = "0123456789abcdef"[value >> 4 * --digits & 15];
    return at;
}

void coffer_uuid_format(const struct coffer_uuid *uuid, char text[COFFER_UUID_TEXT_SIZE])
{
    char *at = put_hex(text, uuid->time_low, 8);

    *at++ = '-';
    at = put_hex(at, uuid->time_mid, 4);
    *at++ = '-';
    at = put_hex(at, uuid->time_hi_and_version, 4);
    for (unsigned i = 0; i < sizeof(uuid->clock_seq_and_node); i++) {
        if (i == 0 || i == 2)
            *at++ = '-';
        at = put_hex(at, uuid->clock_seq_and_node[i], 2);
    }
    *at = '\0';
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Hex digits and blanks; how many bytes they make, 0: they are something else. */
static size_t read_digits(const uint8_t *text, size_t size, uint8_t bytes[COFFER_KEY_SIZE_MAX])
{
    size_t digits = 0;

    for (size_t i = 0; i < size; i++) {
        int digit = digit_value((char)text[i]);

        if (is_blank(text[i]))
            continue;
        if (digit < 0 || digits == 2 * (size_t)COFFER_KEY_SIZE_MAX)
            return 0;
        bytes[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4
                                                      : bytes[digits / 2] | (uint8_t)digit);
        digits++;
    }
    return digits == 32 || digits == 64 ? digits / 2 : 0;
}

/* Raw bytes that happen to look like digits are not to be feared: 32 random ones do with a chance
 * of one in 2^114. */
enum coffer_status coffer_key_parse(const void *file, size_t size,
                                    uint8_t bytes[COFFER_KEY_SIZE_MAX], size_t *bytes_size)
{
    uint8_t key[COFFER_KEY_SIZE_MAX] = {0};
    size_t key_size;

    if (file == NULL || bytes == NULL || bytes_size == NULL)
        return COFFER_MISUSE;
    key_size = read_digits(file, size, key);
    if (key_size == 0 && (size == 16 || size == 32)) {
        memcpy(key, file, size);
        key_size = size;
    }
    if (key_size > 0) {
        memcpy(bytes, key, key_size);
        *bytes_size = key_size;
    }
    wipe(key, sizeof(key));
    return key_size > 0 ? COFFER_OK : COFFER_MISUSE;
}
