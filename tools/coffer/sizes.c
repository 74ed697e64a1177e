/* SPDX-License-Identifier: BSD-2-Clause */
#include "sizes.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char units[] = "KMGT";

bool size_parse(const char *text, uint64_t *out)
{
    unsigned long long value;
    unsigned shift = 0;
    char *end;

    /* strtoull would take a sign and leading blanks. */
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    if (*end != '\0' && strchr(units, toupper((unsigned char)*end)) != NULL) {
        const char *unit = strchr(units, toupper((unsigned char)*end));

        shift = 10u * (unsigned)(unit - units + 1);
        end++;
        if (strcasecmp(end, "iB") == 0)
            end += 2;
        else if (strcasecmp(end, "B") == 0)
            end += 1;
    }
    if (*end != '\0' || (value << shift) >> shift != value)
        return false;
    *out = value << shift;
    return true;
}

void size_format(uint64_t size, char text[SIZE_TEXT_SIZE])
{
    double value = (double)size;
    size_t unit = 0;

    if (size < 1000) {
        (void)snprintf(text, SIZE_TEXT_SIZE, "%" PRIu64, size);
        return;
    }
    value /= 1024.0;
    while (value >= 999.5 && unit + 1 < strlen(units)) {
        value /= 1024.0;
        unit++;
    }
    (void)snprintf(text, SIZE_TEXT_SIZE, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}
