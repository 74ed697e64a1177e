/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptors that the directory keeps open, so that calls by name cost one system call.
 *
 * Invariants
 *   D1 A file has one descriptor at most; every descriptor is of a regular file, never reached
 *      through a symbolic link.
 *   D2 A dirty descriptor is flushed before it is closed, unless no barrier is ever to come (the
 *      device's no_barriers). Linux reports a write-back error to the descriptors that were open at
 *      the time, and once; a file closed dirty could lose its data with nobody told.
 *   D3 After a flush that failed, `failed` stays set: the kernel has dropped the pages, or marked
 *      them clean, and a second flush would succeed without them. No barrier of this device
 *      succeeds again until it is opened anew.
 *
 * Locking: none; calls on a device are serialised.
 */
#ifndef COFFER_LINUX_DESCRIPTORS_H
#define COFFER_LINUX_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "coffer/status.h"

#include "device/device.h"

#define DESCRIPTORS_COUNT 16

enum descriptor_state {
    DESCRIPTOR_UNKNOWN, /* not written by us, but perhaps by a process before us */
    DESCRIPTOR_DIRTY,   /* written since its last flush */
    DESCRIPTOR_CLEAN,   /* flushed, and not written since */
};

struct descriptor {
    int fd; /* -1: this one is unused */
    enum descriptor_state state;
    bool fresh; /* a new name: the flush must cover all metadata */
    uint64_t used;
    char name[DEVICE_NAME_MAX + 1];
};

struct descriptors {
    int top; /* the store's folder; not ours to close */
    bool read_only;
    const bool *no_barriers; /* the device's */
    bool failed;             /* D3 */
    uint64_t clock;
    struct descriptor entries[DESCRIPTORS_COUNT];
};

/* Where a name is: its folder, and what it is called in there. */
struct place {
    int folder;
    const char *leaf;
    bool is_top; /* the folder is the store's own, not one below */
    bool made;   /* the folder was made by this call */
};

/* COFFER_MISUSE when the name isn't one (device.h). `make` makes a missing folder. */
COFFER_MUST_CHECK enum coffer_status place_open(int top, const char *name, bool make,
                                                struct place *out);
void place_close(const struct place *place);

bool place_name_is_valid(const char *name);

/* What a failed system call means to a store. */
COFFER_MUST_CHECK enum coffer_status status_of_errno(int error);

void descriptors_init(struct descriptors *descriptors, int top, bool read_only,
                      const bool *no_barriers);

/* Close all, flushing nothing: who wants data to last has called sync. */
void descriptors_fini(struct descriptors *descriptors);

/* The descriptor of an existing file. */
COFFER_MUST_CHECK enum coffer_status descriptors_get(struct descriptors *descriptors,
                                                     const char *name, struct descriptor **out);

/* A new file, dirty and fresh. */
COFFER_MUST_CHECK enum coffer_status
descriptors_create(struct descriptors *descriptors, const char *name, const struct place *place);

COFFER_MUST_CHECK enum coffer_status descriptors_flush(struct descriptors *descriptors,
                                                       struct descriptor *descriptor);

/* The file is gone: its data need not last. */
void descriptors_forget(struct descriptors *descriptors, const char *name);

/* The file has another name now. */
void descriptors_rename(struct descriptors *descriptors, const char *from, const char *to);

#endif
