/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_file.h"

#include <stddef.h>

#include "files.h"

/* A line, or as much of it as a record may have and one byte more; the rest is read and dropped, as
 * long as nobody wants to stop. False: there is none. */
static bool read_line(struct trace_file *file, char line[COFFER_TRACE_LINE_MAX + 1], size_t *size)
{
    size_t length = 0;
    int byte = 0;

    while (byte != '\n' && !interrupted() && (byte = getc(file->file)) != EOF) {
        if (length <= COFFER_TRACE_LINE_MAX)
            line[length++] = (char)byte;
    }
    if (length == 0 || interrupted())
        return false;
    file->line++;
    *size = length;
    return true;
}

bool trace_file_next(struct trace_file *file, struct coffer_trace_record *out)
{
    char line[COFFER_TRACE_LINE_MAX + 1];
    size_t size;

    while (read_line(file, line, &size)) {
        enum coffer_status status = size <= COFFER_TRACE_LINE_MAX
                                        ? coffer_trace_parse(line, size, out)
                                        : COFFER_MISUSE;

        file->is_newer = status == COFFER_UNSUPPORTED;
        if (file->is_newer)
            return false;
        if (status == COFFER_OK)
            file->runs += out->call == COFFER_TRACE_START;
        if (status == COFFER_OK && file->runs > 0)
            return true;
        if (file->passed_over++ == 0)
            file->first_bad = file->line;
    }
    return false;
}
