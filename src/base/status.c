/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of the status codes. */
#include "coffer/status.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} codes[] = {
    [COFFER_OK] = {"OK", "done"},
    [COFFER_NOT_FOUND] = {"NOT_FOUND", "not found"},
    [COFFER_EXISTS] = {"EXISTS", "exists already"},
    [COFFER_BUSY] = {"BUSY", "in use"},
    [COFFER_NO_MEMORY] = {"NO_MEMORY", "not enough secure memory"},
    [COFFER_NO_SPACE] = {"NO_SPACE", "no space left on the device"},
    [COFFER_IO] = {"IO", "input/output error"},
    [COFFER_CORRUPT] = {"CORRUPT", "damaged, or written with another key"},
    [COFFER_ROLLED_BACK] = {"ROLLED_BACK", "older than its anchor allows"},
    [COFFER_MISUSE] = {"MISUSE", "invalid argument"},
    [COFFER_FAILED] = {"FAILED", "the outcome of an earlier commit is unknown; reopen the store"},
    [COFFER_UNSUPPORTED] = {"UNSUPPORTED", "not supported"},
};

static size_t clamp(enum coffer_status status)
{
    size_t index = (size_t)status;

    return index < sizeof(codes) / sizeof(codes[0]) ? index : (size_t)COFFER_MISUSE;
}

const char *coffer_status_text(enum coffer_status status)
{
    return codes[clamp(status)].text;
}

const char *coffer_status_name(enum coffer_status status)
{
    return codes[clamp(status)].name;
}
