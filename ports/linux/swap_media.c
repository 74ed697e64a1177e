/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where sealed pages can be kept: a file, ordinary memory.
 *
 * The file is mapped, and slots are copied: a call of the kernel for each would cost more than the
 * sealing. It is mapped in parts, each as long as all before it, and beyond its end, which costs
 * nothing. Before a slot is written for the first time the file is made longer and its blocks are
 * allocated, so that a full device is an error then; a lot at a time, as long as there is room.
 * Somebody may still cut the file short, or its device may fail: the access is a SIGBUS then, and
 * the copy ends with COFFER_IO (faults.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coffer/linux_memory.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "faults.h"

enum medium_kind { MEDIUM_FILE, MEDIUM_MEMORY };

#define FIRST_PART ((uint64_t)64 << 20) /* bytes */
#define PARTS_MAX  16u                  /* 2 TiB together */
#define LOT        ((uint64_t)64 * COFFER_SWAP_SLOT_SIZE)

/* What the context of a medium of ours points to. */
struct medium {
    enum medium_kind kind;
    int file;
    pid_t process;             /* that opened it: the child of a fork has the file, but no parts */
    struct range_owner owner;  /* of the parts */
    pthread_mutex_t lock;      /* of those who make the file longer */
    uint64_t allocated;        /* bytes, with the lock */
    _Atomic(uint64_t) end;     /* of what may be accessed: it is allocated and mapped */
    uint8_t *parts[PARTS_MAX]; /* set before `end` lies in them */
    size_t size;               /* of memory */
    uint8_t bytes[];           /* of memory */
};

/* --- A file ----------------------------------------------------------------------------------- */

/* A part of the file by its number: its first byte, and how many there are. */
static uint64_t part_start(unsigned part)
{
    return part == 0 ? 0 : FIRST_PART << (part - 1);
}

static uint64_t part_size(unsigned part)
{
    return part == 0 ? FIRST_PART : part_start(part);
}

static unsigned part_of(uint64_t offset)
{
    unsigned part = 0;

    while (part < PARTS_MAX && offset - part_start(part) >= part_size(part))
        part++;
    return part;
}

/* With the lock. The parts stay until the file is closed. */
static enum coffer_status map_part(struct medium *medium, unsigned part)
{
    size_t size = (size_t)part_size(part);
    void *got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, medium->file,
                     (off_t)part_start(part));
    enum coffer_status status;

    if (got == MAP_FAILED)
        return errno == ENOMEM ? COFFER_NO_MEMORY : COFFER_IO;
    status = ranges_add((uintptr_t)got, size, &medium->owner);
    if (status != COFFER_OK) {
        (void)munmap(got, size);
        return status;
    }
    /* Sealed bytes are no use in a dump, nor to the child of a fork, but could be many. */
    (void)madvise(got, size, MADV_DONTDUMP);
    (void)madvise(got, size, MADV_DONTFORK);
    medium->parts[part] = got;
    return COFFER_OK;
}

static int allocate_bytes(const struct medium *medium, uint64_t start, uint64_t end)
{
    int error;

    do
        error = posix_fallocate(medium->file, (off_t)start, (off_t)(end - start));
    while (error == EINTR);
    return error;
}

/* With the lock: up to the end of a lot, or to `end` if there is no room for that. */
static enum coffer_status allocate(struct medium *medium, uint64_t end)
{
    uint64_t whole = (end + LOT - 1) / LOT * LOT;
    int error;

    if (end <= medium->allocated)
        return COFFER_OK;
    error = allocate_bytes(medium, medium->allocated, whole);
    if (error == 0)
        end = whole;
    else
        error = allocate_bytes(medium, medium->allocated, end);
    switch (error) {
    case 0:
        medium->allocated = end;
        return COFFER_OK;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return COFFER_NO_SPACE;
    default:
        return COFFER_IO;
    }
}

/* Have the file reach up to `end`. */
static enum coffer_status extend(struct medium *medium, uint64_t end)
{
    enum coffer_status status = COFFER_OK;

    (void)pthread_mutex_lock(&medium->lock);
    if (atomic_load_explicit(&medium->end, memory_order_relaxed) < end) {
        for (unsigned part = 0; part <= part_of(end - 1) && status == COFFER_OK; part++) {
            if (medium->parts[part] == NULL)
                status = map_part(medium, part);
        }
        if (status == COFFER_OK)
            status = allocate(medium, end);
        if (status == COFFER_OK)
            atomic_store_explicit(&medium->end, end, memory_order_release);
    }
    (void)pthread_mutex_unlock(&medium->lock);
    return status == COFFER_NO_MEMORY ? COFFER_NO_SPACE : status;
}

struct copy {
    struct medium *medium;
    uint64_t offset;
    size_t size;
    uint8_t *out;      /* either out of the file */
    const uint8_t *in; /* or into it */
};

/* May be left at any byte. */
static void run_copy(void *argument)
{
    const struct copy *copy = argument;
    size_t done = 0;

    while (done < copy->size) {
        uint64_t offset = copy->offset + done;
        unsigned part = part_of(offset);
        uint64_t within = offset - part_start(part);
        uint8_t *bytes = copy->medium->parts[part] + within;
        size_t count = copy->size - done;

        if (count > part_size(part) - within)
            count = (size_t)(part_size(part) - within);
        if (copy->out != NULL)
            memcpy(copy->out + done, bytes, count);
        else
            memcpy(bytes, copy->in + done, count);
        done += count;
    }
}

/* SIGBUS is answered by COFFER_IO before this is asked; what else could be refused is the same. */
static enum coffer_status refuse(struct range_owner *owner, uintptr_t address, unsigned access)
{
    (void)owner;
    (void)address;
    (void)access;
    return COFFER_IO;
}

static bool is_allocated(struct medium *medium, uint64_t end)
{
    return end <= atomic_load_explicit(&medium->end, memory_order_acquire);
}

static enum coffer_status file_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    struct medium *medium = context;
    struct copy copy = {.medium = medium, .offset = offset, .size = size, .out = bytes};
    uint64_t end;

    /* A slot that was written is whole. */
    if (!add_fits(offset, size, &end) || !is_allocated(medium, end))
        return COFFER_IO;
    return faults_enter(&medium->owner, run_copy, &copy);
}

static enum coffer_status file_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    struct medium *medium = context;
    struct copy copy = {.medium = medium, .offset = offset, .size = size, .in = bytes};
    enum coffer_status status;
    uint64_t end;
    int cancel;

    if (!add_fits(offset, size, &end) || end > part_start(PARTS_MAX))
        return COFFER_NO_SPACE;
    if (!is_allocated(medium, end)) {
        /* A thread that was cancelled in the middle would leave its page on the way for ever. */
        (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        status = extend(medium, end);
        (void)pthread_setcancelstate(cancel, NULL);
        if (status != COFFER_OK)
            return status;
    }
    return faults_enter(&medium->owner, run_copy, &copy);
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
    /* It may be another's from before, readable by all. */
    else if (flock(file, LOCK_EX | LOCK_NB) != 0 || fchmod(file, 0600) != 0 ||
             ftruncate(file, 0) != 0)
        status = status_of(errno);
    if (status != COFFER_OK) {
        (void)close(file);
        return status;
    }
    *out = file;
    return COFFER_OK;
}

/* A child that closes what it has from its parent takes nothing from that. */
static void close_file(struct medium *medium)
{
    if (medium->process == getpid()) {
        for (unsigned part = 0; part < PARTS_MAX; part++) {
            if (medium->parts[part] != NULL)
                (void)munmap(medium->parts[part], (size_t)part_size(part));
        }
        ranges_remove(&medium->owner);
        /* What is in it is of no use to anybody: an error that comes up only now is none. */
        (void)!ftruncate(medium->file, 0);
    }
    (void)close(medium->file);
    (void)pthread_mutex_destroy(&medium->lock);
    faults_release();
}

enum coffer_status coffer_linux_swap_file(const char *path, struct coffer_swap_medium *out)
{
    struct medium *medium;
    enum coffer_status status;

    if (out == NULL)
        return COFFER_MISUSE;
    medium = calloc(1, sizeof(*medium));
    if (medium == NULL)
        return COFFER_NO_MEMORY;
    medium->kind = MEDIUM_FILE;
    medium->process = getpid();
    medium->owner.answer = refuse;
    status = faults_hold();
    if (status != COFFER_OK)
        goto free_medium;
    if (pthread_mutex_init(&medium->lock, NULL) != 0) {
        status = COFFER_NO_MEMORY;
        goto release_faults;
    }
    if (path != NULL) {
        status = open_named(path, &medium->file);
    } else {
        medium->file = open_nameless();
        if (medium->file < 0)
            status = status_of(errno);
    }
    if (status != COFFER_OK)
        goto free_lock;
    status = map_part(medium, 0); /* a file system that can't is known now */
    if (status != COFFER_OK) {
        close_file(medium);
        goto free_medium;
    }
    *out = (struct coffer_swap_medium){.context = medium, .read = file_read, .write = file_write};
    return COFFER_OK;

free_lock:
    (void)pthread_mutex_destroy(&medium->lock);
release_faults:
    faults_release();
free_medium:
    free(medium);
    return status;
}

/* --- Memory ----------------------------------------------------------------------------------- */

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

void coffer_linux_swap_close(struct coffer_swap_medium *medium)
{
    struct medium *ours;

    if (medium == NULL || medium->context == NULL)
        return;
    ours = medium->context;
    if (ours->kind == MEDIUM_FILE)
        close_file(ours);
    free(ours);
    *medium = (struct coffer_swap_medium){0};
}
