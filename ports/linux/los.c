/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system behind the LOS_ names on Linux: the one that there is, and files for LOS_MMap.
 * LiteOS's calls have no handle, so this is the place that keeps one for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "los_start.h"

#include "los/los.h"

#define DEFAULT_MEMORY     ((size_t)16 << 20)
#define DEFAULT_SWAP_PAGES ((size_t)16 << 10)
#define PROCESS_SIZE       ((size_t)1 << 30)

/* Of the process, where its addresses are only numbers: no pointer of a program on any machine of
 * 64 bits has this bit alone. On others there are no such addresses, and the lowest must do. */
#if UINTPTR_MAX > UINT32_MAX
#define SOFTWARE_BASE ((uintptr_t)1 << 55)
#else
#define SOFTWARE_BASE ((uintptr_t)0)
#endif

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static struct los the_system;
static _Atomic(struct los *) current;

/* --- Files ------------------------------------------------------------------------------- */

struct file {
    int fd; /* our own duplicate */
};

static enum coffer_status read_page(void *context, uint64_t index, void *page)
{
    const struct file *file = context;
    off_t at = (off_t)(index * COFFER_PAGE_SIZE);
    size_t done = 0;

    while (done < COFFER_PAGE_SIZE) {
        ssize_t got = pread(file->fd, (char *)page + done, COFFER_PAGE_SIZE - done,
                            at + (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return COFFER_IO;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    memset((char *)page + done, 0, COFFER_PAGE_SIZE - done);
    return COFFER_OK;
}

/* What lies behind the file's end stays behind: a mapping doesn't make a file longer. */
static enum coffer_status write_page(void *context, uint64_t index, const void *page)
{
    const struct file *file = context;
    off_t at = (off_t)(index * COFFER_PAGE_SIZE);
    struct stat status;
    size_t size = COFFER_PAGE_SIZE;
    size_t done = 0;

    if (fstat(file->fd, &status) != 0)
        return COFFER_IO;
    if (at >= status.st_size)
        return COFFER_OK;
    if (status.st_size - at < (off_t)size)
        size = (size_t)(status.st_size - at);
    while (done < size) {
        ssize_t put = pwrite(file->fd, (const char *)page + done, size - done, at + (off_t)done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 && errno == ENOSPC ? COFFER_NO_SPACE : COFFER_IO;
        done += (size_t)put;
    }
    return COFFER_OK;
}

static void close_file(void *context)
{
    struct file *file = context;

    (void)close(file->fd);
    free(file);
}

static int open_file(int fd, struct los_file_info *info)
{
    int mode = fcntl(fd, F_GETFL);
    struct stat status;
    struct file *file;

    if (mode < 0 || fstat(fd, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -ENODEV;
    mode &= O_ACCMODE;
    if (mode == O_WRONLY)
        return -EACCES;

    file = malloc(sizeof(*file));
    if (file == NULL)
        return -ENOMEM;
    file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (file->fd < 0) {
        int error_number = errno;

        free(file);
        return -error_number;
    }
    *info = (struct los_file_info){
        .pager = {.context = file,
                  .read = read_page,
                  .write = mode == O_RDWR ? write_page : NULL,
                  .close = close_file},
        .size = (uint64_t)status.st_size,
        .id = {(uint64_t)status.st_dev, (uint64_t)status.st_ino},
    };
    return 0;
}

/* --- The system -------------------------------------------------------------------------- */

/* What is left of the parent's system is not to be had here: neither its memory nor its threads. So
 * it is forgotten, with its lock, and there may be another. */
static void forget_in_child(void)
{
    (void)pthread_mutex_init(&start_lock, NULL);
    atomic_store_explicit(&current, NULL, memory_order_relaxed);
}

/* The process ends. Its memory goes with it, and nothing of it is touched: threads may be running,
 * and the callers' regions may be gone. What programs wrote to files through their memory is
 * written, as it would be by Linux. */
static void sync_at_exit(void)
{
    struct los *los;

    (void)pthread_mutex_lock(&start_lock);
    los = atomic_load_explicit(&current, memory_order_relaxed);
    if (los != NULL)
        los_sync_files(los);
    (void)pthread_mutex_unlock(&start_lock);
}

static void watch_process(void)
{
    (void)pthread_atfork(NULL, NULL, forget_in_child);
    (void)atexit(sync_at_exit);
}

/* With the lock held. */
static struct los *start(const struct coffer_linux_memory_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct coffer_linux_memory_options defaults = {.memory = DEFAULT_MEMORY,
                                                         .swap_pages = DEFAULT_SWAP_PAGES};
    struct los *los = &the_system;

    if (options == NULL)
        options = &defaults;
    (void)pthread_once(&once, watch_process);
    los->port = coffer_linux_port();
    los->file_open = open_file;
    if (coffer_linux_memory_open(options, &los->memory) != COFFER_OK)
        return NULL;
    if (los_open(los, options->software ? SOFTWARE_BASE : 0, PROCESS_SIZE) != COFFER_OK) {
        coffer_memory_close(los->memory);
        return NULL;
    }
    atomic_store_explicit(&current, los, memory_order_release);
    return los;
}

struct los *los_current(void)
{
    struct los *los = atomic_load_explicit(&current, memory_order_acquire);

    if (los != NULL)
        return los;
    (void)pthread_mutex_lock(&start_lock);
    los = atomic_load_explicit(&current, memory_order_relaxed);
    if (los == NULL)
        los = start(NULL);
    (void)pthread_mutex_unlock(&start_lock);
    return los;
}

UINT32 LOS_Start(const struct coffer_linux_memory_options *options)
{
    struct los *los = NULL;

    (void)pthread_mutex_lock(&start_lock);
    if (atomic_load_explicit(&current, memory_order_relaxed) == NULL)
        los = start(options);
    (void)pthread_mutex_unlock(&start_lock);
    return los != NULL ? LOS_OK : LOS_NOK;
}

VOID LOS_Stop(VOID)
{
    struct los *los;

    (void)pthread_mutex_lock(&start_lock);
    los = atomic_load_explicit(&current, memory_order_relaxed);
    if (los != NULL) {
        los_close(los);
        coffer_memory_close(los->memory);
        atomic_store_explicit(&current, NULL, memory_order_release);
    }
    (void)pthread_mutex_unlock(&start_lock);
}
