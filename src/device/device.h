/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untrusted storage: named files with vectored reads and writes, and barriers.
 *
 * The interface is stateless: a file is named in every call, there is nothing to open or close,
 * so one call is one request to the untrusted side. (The Linux directory keeps descriptors of its
 * own for speed.) Names are at most DEVICE_NAME_MAX bytes of [A-Za-z0-9._-], with one optional
 * folder in front ("quarantine/1f"); names ending in ".tmp" are ours to throw away.
 *
 * What a device promises
 *   - A read returns bytes written before, or zeros for holes; short only at the end of the file,
 *     or of what its caller can't do without.
 *   - A write reaches the file whole, or fails; after a power cut, any part of what was written
 *     since the last barrier may be there or not, in any combination, and a write may be torn. Of
 *     one that passes bytes over, each stretch is a write of its own in this.
 *   - sync() is the barrier: when it returns COFFER_OK, everything written to those files, their
 *     sizes and their names survive a power cut.
 *   - rename() is atomic. create() and remove() survive a power cut only after a sync() that names
 *     a file of the same folder that was created or renamed, or may be lost (remove).
 *   - A failed call may have done any part of its work, except rename (all or nothing).
 *
 * Threads. All calls but close() may come from several threads at once.
 *   - A transfer waits for no other one's medium.
 *   - What a read gets of bytes that are being written, resized away or grown at that time, and
 *     what is there after two writes to the same bytes at one time, is any mixture: who cares sees
 *     to it that it doesn't happen.
 *   - sync() covers the calls that had returned when it began.
 *   - Of create(), rename() and remove() with a name in common each happens at one moment; of two
 *     that exclude one another, one succeeds. A call that began under a name which is renamed or
 *     removed meanwhile finds that file, or COFFER_NOT_FOUND, or the file that has the name then.
 *
 * Use the device_* functions below: they count.
 */
#ifndef COFFER_DEVICE_DEVICE_H
#define COFFER_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "coffer/status.h"

#define DEVICE_NAME_MAX 47 /* bytes, without the final NUL */

/* One piece of a vectored transfer; pieces follow one another in the file. */
struct device_piece {
    void *data; /* read: filled; write: only read from. NULL: these bytes are passed over. */
    size_t size;
};

#define DEVICE_PIECES_MAX 128 /* of one call */

/* Called once for each file; return false to stop the listing. It makes no calls on the device. */
typedef bool device_list_function(void *argument, const char *name, uint64_t size);

struct coffer_device;

struct device_operations {
    /* COFFER_NOT_FOUND when there is no such file. *got: bytes read and passed over, fewer than
     * `least` at the end of the file only. */
    enum coffer_status (*read)(struct coffer_device *device, const char *name, uint64_t offset,
                               const struct device_piece *pieces, size_t count, size_t least,
                               size_t *got);
    /* The file must exist. A write beyond the end leaves a hole. What is passed over stays as it
     * is; the first piece and the last have data. */
    enum coffer_status (*write)(struct coffer_device *device, const char *name, uint64_t offset,
                                const struct device_piece *pieces, size_t count);
    enum coffer_status (*sync)(struct coffer_device *device, const char *const *names,
                               size_t count);
    /* A new, empty file; COFFER_EXISTS when the name is taken. */
    enum coffer_status (*create)(struct coffer_device *device, const char *name);
    enum coffer_status (*size)(struct coffer_device *device, const char *name, uint64_t *size);
    enum coffer_status (*resize)(struct coffer_device *device, const char *name, uint64_t size);
    /* COFFER_EXISTS when `to` is taken. */
    enum coffer_status (*rename)(struct coffer_device *device, const char *from, const char *to);
    enum coffer_status (*remove)(struct coffer_device *device, const char *name);
    /* Every file of the store's top folder, in no order; what is made, renamed or removed meanwhile
     * may be missing or be listed under either name. */
    enum coffer_status (*list)(struct coffer_device *device, device_list_function *each,
                               void *argument);
    /* Give back everything that the device holds; the last call. */
    void (*close)(struct coffer_device *device);
};

struct device_counters {
    struct counter reads;
    struct counter writes;
    struct counter barriers; /* sync calls */
    struct counter syncs;    /* files named in them */
    struct counter others;   /* create, size, resize, rename, remove, list */
    struct counter read_bytes;
    struct counter written_bytes;
};

struct coffer_device {
    const struct device_operations *operations;
    struct device_counters counters;
    bool no_barriers; /* set by the user: no sync() will follow, nothing need be flushed for one */
};

COFFER_MUST_CHECK enum coffer_status device_read(struct coffer_device *device, const char *name,
                                                 uint64_t offset, const struct device_piece *pieces,
                                                 size_t count, size_t *got);
/* Bytes beyond the first `least` are brought if they come along: a device that has those need not
 * find out whether a read that ended early did so at the end of the file. */
COFFER_MUST_CHECK enum coffer_status device_read_least(struct coffer_device *device,
                                                       const char *name, uint64_t offset,
                                                       const struct device_piece *pieces,
                                                       size_t count, size_t least, size_t *got);
COFFER_MUST_CHECK enum coffer_status device_write(struct coffer_device *device, const char *name,
                                                  uint64_t offset,
                                                  const struct device_piece *pieces, size_t count);
COFFER_MUST_CHECK enum coffer_status device_sync(struct coffer_device *device,
                                                 const char *const *names, size_t count);
COFFER_MUST_CHECK enum coffer_status device_create(struct coffer_device *device, const char *name);
COFFER_MUST_CHECK enum coffer_status device_size(struct coffer_device *device, const char *name,
                                                 uint64_t *size);
COFFER_MUST_CHECK enum coffer_status device_resize(struct coffer_device *device, const char *name,
                                                   uint64_t size);
COFFER_MUST_CHECK enum coffer_status device_rename(struct coffer_device *device, const char *from,
                                                   const char *to);
COFFER_MUST_CHECK enum coffer_status device_remove(struct coffer_device *device, const char *name);
COFFER_MUST_CHECK enum coffer_status device_list(struct coffer_device *device,
                                                 device_list_function *each, void *argument);

#endif
