/* SPDX-License-Identifier: BSD-2-Clause */
/* Where sealed pages can be kept: a file, ordinary memory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coffer/linux_memory.h"

#include "base/assert.h"
#include "base/bytes.h"

enum medium_kind { MEDIUM_FILE, MEDIUM_MEMORY };

/* What the context of a medium of ours points to. */
struct medium {
    enum medium_kind kind;
    int file;
    size_t size;     /* of memory */
    uint8_t bytes[]; /* of memory */
};

/* --- A file -------------------------------------------------------------------------------------
 */

static bool is_in_file(uint64_t offset, size_t size)
{
    uint64_t end;

    return add_fits(offset, size, &end) && end <= INT64_MAX;
}

static enum coffer_status read_all(const struct medium *medium, uint64_t offset, void *bytes,
                                   size_t size)
{
    uint8_t *at = bytes;

    while (size > 0) {
        ssize_t got = pread(medium->file, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return COFFER_IO; /* the end, too: a slot that was written is whole */
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return COFFER_OK;
}

static enum coffer_status write_all(const struct medium *medium, uint64_t offset, const void *bytes,
                                    size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t got = pwrite(medium->file, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? COFFER_NO_SPACE
                                                                        : COFFER_IO;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return COFFER_OK;
}

/* A thread that was cancelled in the middle would leave its page on the way for ever. */
static int forbid_cancel(void)
{
    int before;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static enum coffer_status file_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    enum coffer_status status;
    int cancel;

    if (!is_in_file(offset, size))
        return COFFER_IO;
    cancel = forbid_cancel();
    status = read_all(context, offset, bytes, size);
    (void)pthread_setcancelstate(cancel, NULL);
    return status;
}

static enum coffer_status file_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    enum coffer_status status;
    int cancel;

    if (!is_in_file(offset, size))
        return COFFER_NO_SPACE;
    cancel = forbid_cancel();
    status = write_all(context, offset, bytes, size);
    (void)pthread_setcancelstate(cancel, NULL);
    return status;
}

static enum coffer_status status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return COFFER_NOT_FOUND;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return COFFER_NO_MEMORY;
    case ENOSPC:
    case EDQUOT:
        return COFFER_NO_SPACE;
    case EWOULDBLOCK:
        return COFFER_BUSY;
    case EINVAL:
    case ENAMETOOLONG:
        return COFFER_MISUSE;
    default:
        return COFFER_IO;
    }
}

/* A file without a name; where the file system can't make one, one whose name goes at once. */
static int open_nameless(void)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    int length;
    int file;

    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return file;
    length = snprintf(path, sizeof(path), "%s/coffer-swap-XXXXXX", folder);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        (void)unlink(path);
    return file;
}

/* Nothing of a file that somebody else uses is touched. */
static enum coffer_status open_named(const char *path, int *out)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat about;
    enum coffer_status status = COFFER_OK;

    if (file < 0)
        return status_of(errno);
    if (fstat(file, &about) != 0)
        status = COFFER_IO;
    else if (!S_ISREG(about.st_mode))
        status = COFFER_MISUSE;
    else if (flock(file, LOCK_EX | LOCK_NB) != 0)
        status = status_of(errno);
    /* It may be another's from before, readable by all. */
    else if (fchmod(file, 0600) != 0 || ftruncate(file, 0) != 0)
        status = status_of(errno);
    if (status != COFFER_OK) {
        (void)close(file);
        return status;
    }
    *out = file;
    return COFFER_OK;
}

enum coffer_status coffer_linux_swap_file(const char *path, struct coffer_swap_medium *out)
{
    struct medium *medium;
    enum coffer_status status = COFFER_OK;

    if (out == NULL)
        return COFFER_MISUSE;
    medium = calloc(1, sizeof(*medium));
    if (medium == NULL)
        return COFFER_NO_MEMORY;
    medium->kind = MEDIUM_FILE;
    if (path != NULL) {
        status = open_named(path, &medium->file);
    } else {
        medium->file = open_nameless();
        if (medium->file < 0)
            status = status_of(errno);
    }
    if (status != COFFER_OK) {
        free(medium);
        return status;
    }
    *out = (struct coffer_swap_medium){.context = medium, .read = file_read, .write = file_write};
    return COFFER_OK;
}

/* --- Memory -------------------------------------------------------------------------------------
 */

static bool is_in_memory(const struct medium *medium, uint64_t offset, size_t size)
{
    return offset <= medium->size && size <= medium->size - offset;
}

static enum coffer_status memory_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    const struct medium *medium = context;

    if (!is_in_memory(medium, offset, size))
        return COFFER_IO;
    memcpy(bytes, medium->bytes + offset, size);
    return COFFER_OK;
}

static enum coffer_status memory_write(void *context, uint64_t offset, const void *bytes,
                                       size_t size)
{
    struct medium *medium = context;

    if (!is_in_memory(medium, offset, size))
        return COFFER_NO_SPACE;
    memcpy(medium->bytes + offset, bytes, size);
    return COFFER_OK;
}

enum coffer_status coffer_linux_swap_memory(size_t size, struct coffer_swap_medium *out)
{
    struct medium *medium;

    if (out == NULL || size == 0)
        return COFFER_MISUSE;
    if (size > SIZE_MAX - sizeof(*medium))
        return COFFER_NO_MEMORY;
    medium = calloc(1, sizeof(*medium) + size);
    if (medium == NULL)
        return COFFER_NO_MEMORY;
    medium->kind = MEDIUM_MEMORY;
    medium->size = size;
    *out = (struct coffer_swap_medium){
        .context = medium, .read = memory_read, .write = memory_write};
    return COFFER_OK;
}

void coffer_linux_swap_close(struct coffer_swap_medium *out)
{
    struct medium *medium;

    if (out == NULL || out->context == NULL)
        return;
    medium = out->context;
    /* What is in it is of no use to anybody: an error that comes up only now is none. */
    if (medium->kind == MEDIUM_FILE)
        (void)close(medium->file);
    free(medium);
    *out = (struct coffer_swap_medium){0};
}
