/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux_calls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "coffer/linux.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's --wrap makes these names */
int __real_fsync(int fd);
int __real_fdatasync(int fd);
ssize_t __real_preadv64(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __real_pwritev64(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __real_getrandom(void *out, size_t size, unsigned flags);
int __real_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
ssize_t __wrap_preadv64(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *vectors, int count, off_t offset);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
/* NOLINTEND(bugprone-reserved-identifier) */

char path[64];
char flushes[64][64];
unsigned flush_count;
int flush_error;
unsigned interruptions;
size_t transfer_limit;
_Atomic unsigned reads;
bool entropy_fails;
int rename_error;
_Atomic(happening) during_flush;
_Atomic(happening) during_transfer;
_Atomic(happening) after_rename;

/* What is to happen within the next call of a kind, once. */
static void happen(_Atomic(happening) *what)
{
    happening now = atomic_exchange(what, (happening)0);

    if (now != NULL)
        now();
}

static bool interrupted(void)
{
    if (interruptions == 0)
        return false;
    interruptions--;
    errno = EINTR;
    return true;
}

static int flush(const char *call, int (*real)(int), int fd)
{
    char link[64], target[256];
    const char *name;
    ssize_t size;

    if (interrupted())
        return -1;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, target, sizeof(target) - 1);
    assert_true(size > 0);
    target[size] = '\0';
    name = strncmp(target, path, strlen(path)) == 0 ? target + strlen(path) : "/elsewhere";
    assert_true(flush_count < 64);
    snprintf(flushes[flush_count++], sizeof(flushes[0]), "%s %.40s", call,
             name[0] == '\0' ? "." : name + 1);
    if (flush_error != 0) {
        int error = flush_error;

        flush_error = 0; /* Linux, too, tells it once */
        happen(&during_flush);
        errno = error;
        return -1;
    }
    happen(&during_flush);
    return real(fd);
}

int __wrap_fsync(int fd)
{
    return flush("fsync", __real_fsync, fd);
}

int __wrap_fdatasync(int fd)
{
    return flush("fdatasync", __real_fdatasync, fd);
}

/* The first vector alone, and not more of it than the limit. */
static int shorten(const struct iovec *vectors, int count, struct iovec *one)
{
    if (transfer_limit == 0 || count == 0)
        return count;
    *one = vectors[0];
    if (one->iov_len > transfer_limit)
        one->iov_len = transfer_limit;
    return 1;
}

ssize_t __wrap_preadv64(int fd, const struct iovec *vectors, int count, off_t offset)
{
    struct iovec one;

    atomic_fetch_add(&reads, 1);
    if (interrupted())
        return -1;
    happen(&during_transfer);
    count = shorten(vectors, count, &one);
    return __real_preadv64(fd, transfer_limit != 0 ? &one : vectors, count, offset);
}

ssize_t __wrap_pwritev64(int fd, const struct iovec *vectors, int count, off_t offset)
{
    struct iovec one;

    if (interrupted())
        return -1;
    happen(&during_transfer);
    count = shorten(vectors, count, &one);
    return __real_pwritev64(fd, transfer_limit != 0 ? &one : vectors, count, offset);
}

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
    if (interrupted())
        return -1;
    if (entropy_fails) {
        errno = ENOSYS;
        return -1;
    }
    if (transfer_limit != 0 && size > transfer_limit)
        size = transfer_limit;
    return __real_getrandom(out, size, flags);
}

int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    int result;

    if (rename_error != 0) {
        errno = rename_error;
        return -1;
    }
    result = __real_renameat2(from, old, to, new, flags);
    happen(&after_rename);
    return result;
}

struct coffer_device *device;

void reopen(void)
{
    coffer_linux_directory_close(device);
    device = NULL;
    assert_int_equal(coffer_linux_directory_open(path, false, false, &device), COFFER_OK);
}

int set_up(void **state)
{
    static const char *const name = "first";

    (void)state;
    flush_error = 0;
    interruptions = 0;
    transfer_limit = 0;
    entropy_fails = false;
    rename_error = 0;
    atomic_store(&during_flush, (happening)0);
    atomic_store(&during_transfer, (happening)0);
    atomic_store(&after_rename, (happening)0);
    strcpy(path, "/tmp/coffer-linux-XXXXXX");
    if (mkdtemp(path) == NULL ||
        coffer_linux_directory_open(path, false, false, &device) != COFFER_OK)
        return -1;
    if (device_create(device, name) != COFFER_OK || device_sync(device, &name, 1) != COFFER_OK)
        return -1;
    flush_count = 0;
    return 0;
}

int tear_down(void **state)
{
    char command[80];

    (void)state;
    coffer_linux_directory_close(device);
    device = NULL;
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    return system(command);
}

enum coffer_status write_text(const char *name, uint64_t offset, const char *text)
{
    char bytes[64];
    struct device_piece piece = {.data = bytes, .size = strlen(text)};

    memcpy(bytes, text, piece.size);
    return device_write(device, name, offset, &piece, 1);
}

void make(const char *name)
{
    assert_int_equal(device_create(device, name), COFFER_OK);
    assert_int_equal(write_text(name, 0, name), COFFER_OK);
}

enum coffer_status sync_one(const char *name)
{
    return device_sync(device, &name, 1);
}

unsigned flushed(const char *what)
{
    unsigned count = 0;

    for (unsigned i = 0; i < flush_count; i++)
        count += strcmp(flushes[i], what) == 0;
    return count;
}
