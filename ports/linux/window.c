/* SPDX-License-Identifier: BSD-2-Clause */
/* The file, its window, and what a child of a fork gets to see of them. */
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "coffer/space.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define CAPABILITY_LOCK 14 /* CAP_IPC_LOCK: no limit of locked memory */

/* All windows, for the children of forks. */
static struct list windows = {&windows, &windows};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void take_lock(void)
{
    int error = pthread_mutex_lock(&lock);

    assert_cheap(error == 0);
    (void)error;
}

static void give_lock(void)
{
    int error = pthread_mutex_unlock(&lock);

    assert_cheap(error == 0);
    (void)error;
}

/* The kernel takes the mapping from a child, but whoever has the file can make another. */
static void close_in_child(void)
{
    list_each (link, &windows)
        (void)close(list_entry(link, struct window, link)->file);
    list_init(&windows);
    give_lock();
}

static void watch_forks(void)
{
    int error = pthread_atfork(take_lock, give_lock, close_in_child);

    assert_cheap(error == 0);
    (void)error;
}

static enum coffer_status status_of(int error)
{
    switch (error) {
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
        return COFFER_NO_MEMORY;
    default:
        return COFFER_UNSUPPORTED;
    }
}

/* Frames of spaces may be executable; kernels before 6.3 know no flag for it and allow it. */
static int open_plain(void)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int file = memfd_create("coffer", flags | MFD_EXEC);

    return file >= 0 || errno != EINVAL ? file : memfd_create("coffer", flags);
}

/* Neither shorter (an access would fail) nor longer, and no change of that. Writing can't be
 * sealed: that would be for new mappings, too, and those are what it is for. */
static bool seal(int file)
{
    return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

/* A number behind a name in /proc/self/status; 0: not found. */
static unsigned long long status_number(const char *name, int base)
{
    FILE *file = fopen("/proc/self/status", "re");
    unsigned long long number = 0;
    char line[128];

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            number = strtoull(line + strlen(name), NULL, base);
            break;
        }
    }
    (void)fclose(file);
    return number;
}

/* Bytes that this process may lock. */
static size_t lockable(void)
{
    unsigned long long locked = status_number("VmLck:", 10) * 1024;
    struct rlimit limit;

    if ((status_number("CapEff:", 16) >> CAPABILITY_LOCK & 1) != 0)
        return SIZE_MAX;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return 0;
    if (limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur > locked ? (size_t)(limit.rlim_cur - locked) : 0;
}

/* Each page must be mappable once beside the window. */
static enum coffer_status open_secret(struct window *window)
{
    size_t room = lockable();

    if (room / 2 < window->size)
        return COFFER_UNSUPPORTED;
    window->locked_spare = (room - window->size) / COFFER_PAGE_SIZE;
    window->file = (int)syscall(SYS_memfd_secret, FD_CLOEXEC);
    if (window->file < 0)
        return status_of(errno);
    if (ftruncate(window->file, (off_t)window->size) != 0)
        return status_of(errno);
    return COFFER_OK; /* its size is fixed from here on, without seals */
}

static enum coffer_status open_file(struct window *window)
{
    window->file = open_plain();
    if (window->file < 0)
        return status_of(errno);
    if (ftruncate(window->file, (off_t)window->size) != 0 ||
        fallocate(window->file, 0, 0, (off_t)window->size) != 0)
        return status_of(errno);
    return seal(window->file) ? COFFER_OK : COFFER_UNSUPPORTED;
}

static enum coffer_status map_window(struct window *window)
{
    void *address = mmap(NULL, window->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                         window->file, 0);

    if (address == MAP_FAILED)
        return errno == EAGAIN ? COFFER_UNSUPPORTED : COFFER_NO_MEMORY;
    window->address = address;
    if (madvise(address, window->size, MADV_DONTDUMP) != 0 ||
        madvise(address, window->size, MADV_DONTFORK) != 0)
        return COFFER_UNSUPPORTED;
    /* Secret memory is locked by its nature; other memory without the right to lock may be swapped
     * out: the caller is told and decides. (By syscall: a sanitizer's mlock says that it did.) */
    window->locked = window->secret || syscall(SYS_mlock, address, window->size) == 0;
    return COFFER_OK;
}

enum coffer_status window_open(size_t size, bool secret, struct window *out)
{
    struct window window = {.file = -1, .secret = secret};
    enum coffer_status status;

    list_init(&window.link);
    if (size == 0)
        return COFFER_MISUSE;
    /* Nothing else bounds a memfd: the kernel would look for pages until it must kill somebody. */
    if (size / COFFER_PAGE_SIZE >= (size_t)sysconf(_SC_PHYS_PAGES))
        return COFFER_NO_MEMORY;
    window.size = (size + COFFER_PAGE_SIZE - 1) / COFFER_PAGE_SIZE * COFFER_PAGE_SIZE;
    status = secret ? open_secret(&window) : open_file(&window);
    if (status == COFFER_OK)
        status = map_window(&window);
    if (status != COFFER_OK) {
        window_close(&window);
        return status;
    }
    *out = window;
    (void)pthread_once(&once, watch_forks);
    take_lock();
    list_insert_before(&windows, &out->link);
    give_lock();
    return COFFER_OK;
}

void window_close(struct window *window)
{
    int error = 0;

    take_lock();
    list_remove(&window->link);
    give_lock();
    if (window->address != NULL)
        error = munmap(window->address, window->size);
    if (error == 0 && window->file >= 0)
        error = close(window->file);
    assert_cheap(error == 0);
    (void)error;
}
