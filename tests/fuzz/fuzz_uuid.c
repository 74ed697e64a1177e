/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that may be a UUID: what is taken is printed the same, but for case; nothing is overrun. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "coffer.h"
#include "support/must.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = must_alloc(size + 1);
    char again[COFFER_UUID_TEXT_SIZE];
    struct coffer_uuid uuid;
    enum coffer_status status;

    memcpy(text, data, size);
    status = coffer_uuid_parse(text, &uuid);
    must(status == COFFER_OK || status == COFFER_MISUSE);
    if (status == COFFER_OK) {
        coffer_uuid_format(&uuid, again);
        must(strlen(text) == strlen(again));
        for (size_t i = 0; again[i] != '\0'; i++)
            must(tolower((unsigned char)text[i]) == again[i]);
    }
    free(text);
    return 0;
}
