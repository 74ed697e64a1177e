/* SPDX-License-Identifier: BSD-2-Clause */
/* Secure memory from the Linux kernel. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coffer/linux.h"

#include "base/assert.h"

enum coffer_status coffer_linux_memory_make(size_t size, bool *locked, struct coffer_area *out)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *address;
    bool is_locked;

    if (out == NULL || size == 0)
        return COFFER_MISUSE;
    if (size > SIZE_MAX - (page - 1))
        return COFFER_NO_MEMORY;
    size = (size + page - 1) / page * page;
    address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        return COFFER_NO_MEMORY;

    /* Keys must reach neither a core file nor a child; a kernel that can't promise that is none
     * that we can work on. */
    if (madvise(address, size, MADV_DONTDUMP) != 0 || madvise(address, size, MADV_DONTFORK) != 0) {
        (void)munmap(address, size);
        return COFFER_UNSUPPORTED;
    }
    /* Without the right to lock (RLIMIT_MEMLOCK) the memory may be swapped out; the caller is told
     * and decides. */
    is_locked = mlock(address, size) == 0;

    if (locked != NULL)
        *locked = is_locked;
    out->address = address;
    out->size = size;
    return COFFER_OK;
}

void coffer_linux_memory_unmake(const struct coffer_area *area)
{
    int error;

    if (area == NULL || area->address == NULL)
        return;
    error = munmap(area->address, area->size);
    assert_cheap(error == 0);
    (void)error;
}
