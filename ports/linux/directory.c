/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory as device.
 *
 * Whose it is. The directory itself is locked with flock: nothing is left behind by a crash, and it
 * works on read-only media. All access is relative to its descriptor, so that moving or replacing
 * the path underneath changes nothing.
 *
 * When a name is durable. POSIX wants an fsync of the folder after a file was created or renamed.
 * On ext4, XFS, Btrfs and F2FS the fsync of a new file makes its name durable as well (the first
 * two write the journal up to it, the others log the name with the file), and tmpfs has nothing to
 * lose; there the folder is left alone after create, which saves one flush for each new object. A
 * rename always takes the fsync of the folder: of a file that was there before, its own fsync need
 * not carry the new name on every one of them. A process before us may have died between making a
 * name and its barrier, so the first barrier after opening takes an fsync of its files as if they
 * were new and, on other file systems, of the folder. (ext2 has ext4's number; its own driver has
 * no journal and is not meant to keep what must last.)
 *
 * What is in a folder below ("quarantine") is rare; its folder is flushed within the call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "coffer/linux.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/list.h"
#include "descriptors.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

#define VECTORS_MAX  (DEVICE_PIECES_MAX + 64) /* of one system call */
#define DISCARD_SIZE 4096u
#define DISCARD_MAX  ((size_t)2 * DISCARD_SIZE) /* more is passed over by another system call */

struct directory {
    struct coffer_device device;
    int fd;
    bool read_only;
    bool names_follow_files;  /* fsync of a new file makes its name durable */
    atomic_bool names_unsure; /* no barrier yet: names may be left from a process before us */
    struct descriptors descriptors;
};

/* A place in a list of pieces. */
struct cursor {
    const struct device_piece *pieces;
    size_t count;
    size_t index;
    size_t within; /* bytes of pieces[index] that are done */
};

static struct directory *directory_of(struct coffer_device *device)
{
    return list_entry(device, struct directory, device);
}

/* The next vectors from the cursor on, which stays where it is, up to a gap. Of a gap that is short
 * enough the bytes go into `discard`, of DISCARD_SIZE; NULL: none is. */
static int gather(struct cursor cursor, struct iovec *vectors, uint8_t *discard)
{
    size_t discard_max = discard != NULL ? DISCARD_MAX : 0;
    int filled = 0;

    while (cursor.index < cursor.count && filled < VECTORS_MAX) {
        const struct device_piece *piece = &cursor.pieces[cursor.index];
        size_t size = piece->size - cursor.within;

        if (size == 0) {
            cursor.index++;
            cursor.within = 0;
            continue;
        }
        if (piece->data != NULL) {
            vectors[filled].iov_base = (uint8_t *)piece->data + cursor.within;
        } else if (size > discard_max) {
            break;
        } else {
            vectors[filled].iov_base = discard;
            if (size > DISCARD_SIZE)
                size = DISCARD_SIZE;
        }
        vectors[filled++].iov_len = size;
        cursor.within += size;
    }
    return filled;
}

static void advance(struct cursor *cursor, size_t done)
{
    while (done > 0) {
        size_t left = cursor->pieces[cursor->index].size - cursor->within;

        if (done < left) {
            cursor->within += done;
            return;
        }
        done -= left;
        cursor->index++;
        cursor->within = 0;
    }
}

/* Past the gap that the cursor is at, if it is at one. How many bytes it was. */
static size_t pass_over(struct cursor *cursor)
{
    size_t passed = 0;

    while (cursor->index < cursor->count && (cursor->pieces[cursor->index].data == NULL ||
                                             cursor->pieces[cursor->index].size == 0)) {
        passed += cursor->pieces[cursor->index].size - cursor->within;
        cursor->index++;
        cursor->within = 0;
    }
    return passed;
}

/* Does offset + all pieces fit a file offset? */
static bool range_fits(uint64_t offset, const struct device_piece *pieces, size_t count)
{
    uint64_t end = offset;

    for (size_t i = 0; i < count; i++) {
        if (!add_fits(end, pieces[i].size, &end))
            return false;
    }
    return end <= INT64_MAX;
}

/* No more than the file has from `offset` on. */
static enum coffer_status clip_to_file(int fd, uint64_t offset, size_t *total)
{
    struct stat file;
    uint64_t size;

    if (fstat(fd, &file) != 0)
        return status_of_errno(errno);
    size = (uint64_t)file.st_size > offset ? (uint64_t)file.st_size - offset : 0;
    if (*total > size)
        *total = (size_t)size;
    return COFFER_OK;
}

static enum coffer_status directory_read(struct coffer_device *device, const char *name,
                                         uint64_t offset, const struct device_piece *pieces,
                                         size_t count, size_t least, size_t *got)
{
    struct directory *directory = directory_of(device);
    struct cursor cursor = {.pieces = pieces, .count = count};
    struct iovec vectors[VECTORS_MAX];
    uint8_t discard[DISCARD_SIZE];
    struct descriptor *descriptor;
    enum coffer_status status;
    size_t passed = 0; /* since the last byte that was read */
    size_t total = 0;
    int vector_count;

    if (!range_fits(offset, pieces, count))
        return COFFER_MISUSE;
    status = descriptors_get(&directory->descriptors, name, false, &descriptor);
    if (status != COFFER_OK)
        return status;
    while (cursor.index < cursor.count) {
        ssize_t n;

        vector_count = gather(cursor, vectors, discard);
        if (vector_count == 0) {
            passed = pass_over(&cursor);
            total += passed;
            continue;
        }
        n = preadv(descriptor->fd, vectors, vector_count, (off_t)(offset + total));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = status_of_errno(errno);
        if (n <= 0)
            break;
        passed = 0;
        total += (size_t)n;
        advance(&cursor, (size_t)n);
        if (total >= least)
            break; /* where the file ends is nobody's question */
    }
    /* The end may lie anywhere in what was passed over last. */
    if (status == COFFER_OK && passed > 0)
        status = clip_to_file(descriptor->fd, offset, &total);
    descriptors_put(&directory->descriptors, descriptor, false);
    if (status == COFFER_OK)
        *got = total;
    return status;
}

static enum coffer_status directory_write(struct coffer_device *device, const char *name,
                                          uint64_t offset, const struct device_piece *pieces,
                                          size_t count)
{
    struct directory *directory = directory_of(device);
    struct cursor cursor = {.pieces = pieces, .count = count};
    struct iovec vectors[VECTORS_MAX];
    struct descriptor *descriptor;
    enum coffer_status status;
    uint64_t at = offset;
    int vector_count;

    if (directory->read_only)
        return COFFER_MISUSE;
    if (!range_fits(offset, pieces, count))
        return COFFER_NO_SPACE;
    status = descriptors_get(&directory->descriptors, name, true, &descriptor);
    if (status != COFFER_OK)
        return status;
    while (cursor.index < cursor.count) {
        ssize_t n;

        vector_count = gather(cursor, vectors, NULL);
        if (vector_count == 0) {
            at += pass_over(&cursor);
            continue;
        }
        n = pwritev(descriptor->fd, vectors, vector_count, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            status = n < 0 ? status_of_errno(errno) : COFFER_IO;
            break;
        }
        at += (uint64_t)n;
        advance(&cursor, (size_t)n);
    }
    descriptors_put(&directory->descriptors, descriptor, true);
    return status;
}

static enum coffer_status sync_file(struct directory *directory, const char *name, bool as_new)
{
    struct descriptor *descriptor;
    enum coffer_status status = descriptors_get(&directory->descriptors, name, false, &descriptor);

    if (status != COFFER_OK)
        return status;
    status = descriptors_flush(&directory->descriptors, descriptor, as_new);
    descriptors_put(&directory->descriptors, descriptor, false);
    return status;
}

static enum coffer_status directory_sync(struct coffer_device *device, const char *const *names,
                                         size_t count)
{
    struct directory *directory = directory_of(device);
    bool unsure = atomic_load(&directory->names_unsure);
    enum coffer_status status;

    if (directory->read_only)
        return COFFER_OK;
    if (descriptors_failed(&directory->descriptors))
        return COFFER_IO;
    for (size_t i = 0; i < count; i++) {
        status = sync_file(directory, names[i], unsure);
        if (status != COFFER_OK)
            return status;
    }
    status = descriptors_flush_folder(&directory->descriptors,
                                      unsure && !directory->names_follow_files);
    if (status != COFFER_OK)
        return status;
    atomic_store(&directory->names_unsure, false);
    /* Making room for one of the names may have failed to flush another. */
    return descriptors_failed(&directory->descriptors) ? COFFER_IO : COFFER_OK;
}

/* A name in `place` was made or went away. */
static enum coffer_status name_changed(struct directory *directory, const struct place *place)
{
    if (place->made || place->is_top)
        descriptors_name_changed(&directory->descriptors);
    return place->is_top ? COFFER_OK
                         : descriptors_flush_below(&directory->descriptors, place->folder);
}

static enum coffer_status directory_create(struct coffer_device *device, const char *name)
{
    struct directory *directory = directory_of(device);
    struct place place;
    struct hold hold;
    enum coffer_status status;

    if (directory->read_only || !place_name_is_valid(name))
        return COFFER_MISUSE;
    descriptors_hold(&directory->descriptors, &hold, name, NULL);
    status = place_open(directory->fd, name, true, &place);
    if (status != COFFER_OK)
        goto out;
    status = descriptors_create(&directory->descriptors, name, &place);
    if (status == COFFER_OK && (!place.is_top || !directory->names_follow_files))
        status = name_changed(directory, &place);
    place_close(&place);
out:
    descriptors_release(&directory->descriptors, &hold);
    return status;
}

static enum coffer_status directory_size(struct coffer_device *device, const char *name,
                                         uint64_t *size)
{
    struct directory *directory = directory_of(device);
    struct descriptor *descriptor;
    struct stat info;
    enum coffer_status status = descriptors_get(&directory->descriptors, name, false, &descriptor);

    if (status != COFFER_OK)
        return status;
    if (fstat(descriptor->fd, &info) != 0)
        status = status_of_errno(errno);
    else if (!S_ISREG(info.st_mode))
        status = COFFER_IO;
    descriptors_put(&directory->descriptors, descriptor, false);
    if (status == COFFER_OK)
        *size = (uint64_t)info.st_size;
    return status;
}

static enum coffer_status directory_resize(struct coffer_device *device, const char *name,
                                           uint64_t size)
{
    struct directory *directory = directory_of(device);
    struct descriptor *descriptor;
    enum coffer_status status;
    int error;

    if (directory->read_only)
        return COFFER_MISUSE;
    if (size > INT64_MAX)
        return COFFER_NO_SPACE;
    status = descriptors_get(&directory->descriptors, name, true, &descriptor);
    if (status != COFFER_OK)
        return status;
    do {
        error = ftruncate(descriptor->fd, (off_t)size);
    } while (error != 0 && errno == EINTR);
    if (error != 0)
        status = status_of_errno(errno);
    descriptors_put(&directory->descriptors, descriptor, true);
    return status;
}

/* Where the kernel or the file system has no rename that refuses a taken name, link does; a power
 * cut between the two steps leaves the file under both names, never under none. */
static enum coffer_status link_and_unlink(const struct place *from, const struct place *to)
{
    if (linkat(from->folder, from->leaf, to->folder, to->leaf, 0) != 0)
        return status_of_errno(errno);
    if (unlinkat(from->folder, from->leaf, 0) != 0) {
        enum coffer_status status = status_of_errno(errno);

        (void)unlinkat(to->folder, to->leaf, 0);
        return status;
    }
    return COFFER_OK;
}

static enum coffer_status rename_between(const struct place *from, const struct place *to)
{
    struct stat info;

    if (fstatat(from->folder, from->leaf, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return status_of_errno(errno);
    if (!S_ISREG(info.st_mode))
        return COFFER_IO;
    if (renameat2(from->folder, from->leaf, to->folder, to->leaf, RENAME_NOREPLACE) != 0) {
        enum coffer_status status;

        if (errno != EINVAL && errno != ENOSYS)
            return status_of_errno(errno);
        status = link_and_unlink(from, to);
        if (status != COFFER_OK)
            return status;
    }
    return COFFER_OK;
}

static enum coffer_status directory_rename(struct coffer_device *device, const char *from,
                                           const char *to)
{
    struct directory *directory = directory_of(device);
    struct place source;
    struct place target;
    struct hold hold;
    enum coffer_status status;
    enum coffer_status other;

    if (directory->read_only || !place_name_is_valid(from) || !place_name_is_valid(to))
        return COFFER_MISUSE;
    descriptors_hold(&directory->descriptors, &hold, from, to);
    status = place_open(directory->fd, from, false, &source);
    if (status != COFFER_OK)
        goto out_hold;
    status = place_open(directory->fd, to, true, &target);
    if (status != COFFER_OK)
        goto out_source;
    status = rename_between(&source, &target);
    if (status != COFFER_OK)
        goto out_target;
    descriptors_rename(&directory->descriptors, from, to);

    /* The rename is done. If a folder can't be flushed, the next barrier fails (D3): to fail here
     * would say that nothing happened. The new name goes first: better two than none. */
    status = name_changed(directory, &target);
    other = name_changed(directory, &source);
    assert_debug((status == COFFER_OK && other == COFFER_OK) ||
                 descriptors_failed(&directory->descriptors));
    (void)other;
    status = COFFER_OK;
out_target:
    place_close(&target);
out_source:
    place_close(&source);
out_hold:
    descriptors_release(&directory->descriptors, &hold);
    return status;
}

static enum coffer_status directory_remove(struct coffer_device *device, const char *name)
{
    struct directory *directory = directory_of(device);
    struct place place;
    struct hold hold;
    enum coffer_status status;

    if (directory->read_only || !place_name_is_valid(name))
        return COFFER_MISUSE;
    descriptors_hold(&directory->descriptors, &hold, name, NULL);
    status = place_open(directory->fd, name, false, &place);
    if (status != COFFER_OK)
        goto out;
    if (unlinkat(place.folder, place.leaf, 0) != 0)
        status = status_of_errno(errno);
    else
        descriptors_forget(&directory->descriptors, name);
    place_close(&place);
out:
    descriptors_release(&directory->descriptors, &hold);
    return status;
}

/* Files that this device couldn't name in another call are none of the store's. */
static enum coffer_status directory_list(struct coffer_device *device, device_list_function *each,
                                         void *argument)
{
    struct directory *directory = directory_of(device);
    enum coffer_status status = COFFER_OK;
    struct dirent *entry;
    struct stat info;
    DIR *stream;
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return status_of_errno(errno);
    stream = fdopendir(fd);
    if (stream == NULL) {
        status = status_of_errno(errno);
        (void)close(fd);
        return status;
    }
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (!place_name_is_valid(entry->d_name))
            continue;
        if (fstatat(directory->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT)
                continue;
            status = status_of_errno(errno);
            break;
        }
        if (S_ISREG(info.st_mode) && !each(argument, entry->d_name, (uint64_t)info.st_size))
            break;
    }
    if (entry == NULL && errno != 0)
        status = COFFER_IO;
    (void)closedir(stream);
    return status;
}

static void directory_close(struct coffer_device *device)
{
    struct directory *directory = directory_of(device);

    descriptors_fini(&directory->descriptors);
    (void)close(directory->fd); /* and with it the lock */
    free(directory);
}

static const struct device_operations directory_operations = {
    .read = directory_read,
    .write = directory_write,
    .sync = directory_sync,
    .create = directory_create,
    .size = directory_size,
    .resize = directory_resize,
    .rename = directory_rename,
    .remove = directory_remove,
    .list = directory_list,
    .close = directory_close,
};

static bool names_follow_files(int fd)
{
    struct statfs info;

    if (fstatfs(fd, &info) != 0)
        return false;
    switch ((unsigned long)info.f_type) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

/* The new directory's own name must last as well. Where its parent can't be opened for reading,
 * that is left to the file system. */
static enum coffer_status flush_parent(int fd)
{
    enum coffer_status status = COFFER_OK;
    int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (parent < 0)
        return COFFER_OK;
    if (fsync(parent) != 0 && errno != EINVAL && errno != EROFS)
        status = status_of_errno(errno);
    (void)close(parent);
    return status;
}

enum coffer_status coffer_linux_directory_open(const char *path, bool create, bool read_only,
                                               struct coffer_device **out)
{
    struct directory *directory;
    enum coffer_status status = COFFER_OK;
    bool made = false;
    int fd;

    if (path == NULL || out == NULL)
        return COFFER_MISUSE;
    if (create && !read_only) {
        made = mkdir(path, 0700) == 0;
        if (!made && errno != EEXIST)
            return status_of_errno(errno);
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR ? COFFER_NOT_FOUND : status_of_errno(errno);
    if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK ? COFFER_BUSY : COFFER_IO;
        goto out;
    }
    if (made) {
        status = flush_parent(fd);
        if (status != COFFER_OK)
            goto out;
    }
    directory = calloc(1, sizeof(*directory));
    if (directory == NULL) {
        status = COFFER_NO_MEMORY;
        goto out;
    }
    directory->device.operations = &directory_operations;
    directory->fd = fd;
    directory->read_only = read_only;
    directory->names_follow_files = names_follow_files(fd);
    atomic_init(&directory->names_unsure, !read_only);
    status = descriptors_init(&directory->descriptors, fd, read_only,
                              &directory->device.no_barriers);
    if (status != COFFER_OK) {
        free(directory);
        goto out;
    }
    *out = &directory->device;
    return COFFER_OK;
out:
    (void)close(fd);
    return status;
}

void coffer_linux_directory_close(struct coffer_device *device)
{
    if (device != NULL)
        device->operations->close(device);
}
