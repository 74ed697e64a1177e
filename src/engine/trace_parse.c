/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a trace, read again. */
#include <string.h>

#include "coffer.h"
#include "coffer/trace.h"
#include "engine/trace.h"

const char *const trace_call_names[COFFER_TRACE_CALLS] = {
    [COFFER_TRACE_START] = "start",
    [COFFER_TRACE_END] = "end",
    [COFFER_TRACE_OPEN] = "open",
    [COFFER_TRACE_CLOSE] = "close",
    [COFFER_TRACE_READ] = "read",
    [COFFER_TRACE_ATTRIBUTES] = "attributes",
    [COFFER_TRACE_WRITE] = "write",
    [COFFER_TRACE_CUT] = "cut",
    [COFFER_TRACE_STAT] = "stat",
    [COFFER_TRACE_PUT] = "put",
    [COFFER_TRACE_MAKE] = "make",
    [COFFER_TRACE_APPEND] = "append",
    [COFFER_TRACE_COMMIT] = "commit",
    [COFFER_TRACE_ABORT] = "abort",
    [COFFER_TRACE_RENAME] = "rename",
    [COFFER_TRACE_AS] = "as",
    [COFFER_TRACE_DELETE] = "delete",
    [COFFER_TRACE_USAGE] = "usage",
    [COFFER_TRACE_QUARANTINE] = "quarantine",
    [COFFER_TRACE_LIST] = "list",
    [COFFER_TRACE_CHECK] = "check",
};

/* What is left of a line. */
struct rest {
    const char *at;
    size_t size;
};

/* The next word, and the one blank behind it if there is any. False: it is empty. */
static bool take_word(struct rest *rest, const char **word, size_t *length)
{
    size_t used = 0;

    while (used < rest->size && rest->at[used] != ' ')
        used++;
    *word = rest->at;
    *length = used;
    used += used < rest->size;
    rest->at += used;
    rest->size -= used;
    return *length > 0;
}

static bool take_number(struct rest *rest, unsigned base, uint64_t *out)
{
    const char *word;
    uint64_t number = 0;
    size_t length;

    if (!take_word(rest, &word, &length))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = base;

        if (word[i] >= '0' && word[i] <= '9')
            digit = (unsigned)(word[i] - '0');
        else if (word[i] >= 'a' && word[i] <= 'f')
            digit = (unsigned)(word[i] - 'a') + 10;
        if (digit >= base || number > (UINT64_MAX - digit) / base)
            return false;
        number = number * base + digit;
    }
    *out = number;
    return true;
}

static bool take_call(struct rest *rest, enum coffer_trace_call *out)
{
    const char *word;
    size_t length;

    if (!take_word(rest, &word, &length))
        return false;
    for (unsigned i = 0; i < COFFER_TRACE_CALLS; i++) {
        if (strlen(trace_call_names[i]) == length &&
            memcmp(trace_call_names[i], word, length) == 0) {
            *out = (enum coffer_trace_call)i;
            return true;
        }
    }
    return false;
}

bool trace_is_possible(const struct coffer_trace_record *record)
{
    switch (record->call) {
    case COFFER_TRACE_START:
    case COFFER_TRACE_READ:
    case COFFER_TRACE_ATTRIBUTES:
        return true;
    default:
        return record->status != COFFER_OK ||
               (record->offset <= COFFER_SIZE_MAX && record->size <= COFFER_SIZE_MAX);
    }
}

/* Without its end, of whichever system. */
static size_t line_size(const char *line, size_t size)
{
    if (size > 0 && line[size - 1] == '\n')
        size--;
    if (size > 0 && line[size - 1] == '\r')
        size--;
    return size;
}

enum coffer_status coffer_trace_parse(const char *line, size_t size,
                                      struct coffer_trace_record *out)
{
    struct coffer_trace_record record;
    struct rest rest;
    uint64_t status;

    if (line == NULL || out == NULL)
        return COFFER_MISUSE;
    rest = (struct rest){line, line_size(line, size)};
    if (!take_number(&rest, 10, &record.time_us) || !take_call(&rest, &record.call) ||
        !take_number(&rest, 16, &record.object) || !take_number(&rest, 10, &record.offset) ||
        !take_number(&rest, 10, &record.size) || !take_number(&rest, 10, &status))
        return COFFER_MISUSE;
    if (rest.size > 0 || status > COFFER_UNSUPPORTED)
        return COFFER_MISUSE;
    record.status = (enum coffer_status)status;
    if (!trace_is_possible(&record))
        return COFFER_MISUSE;
    if (record.call == COFFER_TRACE_START && record.offset != COFFER_TRACE_VERSION)
        return COFFER_UNSUPPORTED;
    *out = record;
    return COFFER_OK;
}
