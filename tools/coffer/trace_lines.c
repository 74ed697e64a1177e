/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

/* While another process writes, the file's end is anywhere. Where there are no locks there is
 * nobody to share with. */
static bool ends_torn(int trace, const char *path)
{
    struct stat state;
    char last = '\n';
    int fd;

    if (fstat(trace, &state) != 0 || !S_ISREG(state.st_mode))
        return false;
    (void)flock(trace, LOCK_SH);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (fstat(fd, &state) == 0 && state.st_size > 0)
            (void)!pread(fd, &last, 1, state.st_size - 1);
        (void)close(fd);
    }
    (void)flock(trace, LOCK_UN);
    return last != '\n';
}

struct trace_lines *trace_lines_open(const char *path)
{
    struct trace_lines *lines;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (fd < 0)
        return NULL;
    lines = must_have(malloc(sizeof(*lines)));
    lines->fd = fd;
    lines->error = 0;
    lines->used = 0;
    if (ends_torn(fd, path))
        lines->bytes[lines->used++] = '\n';
    return lines;
}

/* In one call, where the system takes all of it at once. */
static void write_out(struct trace_lines *lines)
{
    (void)flock(lines->fd, LOCK_EX);
    if (lines->error == 0 && !file_write(lines->fd, lines->bytes, lines->used))
        lines->error = errno;
    (void)flock(lines->fd, LOCK_UN);
    lines->used = 0;
}

bool trace_lines_add(void *context, const char *line, size_t size)
{
    struct trace_lines *lines = context;

    if (size > sizeof(lines->bytes) - lines->used)
        write_out(lines);
    if (lines->error != 0)
        return false;
    memcpy(lines->bytes + lines->used, line, size);
    lines->used += size;
    return true;
}

int trace_lines_close(struct trace_lines *lines)
{
    int error;

    if (lines == NULL)
        return 0;
    write_out(lines);
    error = lines->error;
    if (close(lines->fd) != 0 && error == 0)
        error = errno;
    free(lines);
    return error;
}
