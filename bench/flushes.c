/* SPDX-License-Identifier: BSD-2-Clause */
#include "flushes.h"

static uint64_t count;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fsync(int fd)
{
    count++;
    return __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    count++;
    return __real_fdatasync(fd);
}
/* NOLINTEND(bugprone-reserved-identifier) */

uint64_t flushes_count(void)
{
    return count;
}
