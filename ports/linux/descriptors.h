/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptors that the directory keeps open, so that calls by name cost one system call.
 *
 * Invariants
 *   D1 A file has one descriptor at most, never reached through a symbolic link. Those that change
 *      their file are of regular ones; of other things a read fails, or brings bytes that are as
 *      good as any that somebody made up.
 *   D2 A dirty descriptor is flushed before it is closed, unless no barrier is ever to come (the
 *      device's no_barriers). Linux reports a write-back error to the descriptors that were open at
 *      the time, and once; a file closed dirty could lose its data with nobody told.
 *   D3 After a flush that failed, `failed` stays set: the kernel has dropped the pages, or marked
 *      them clean, and a second flush would succeed without them. No barrier of this device
 *      succeeds again until it is opened anew.
 *   D4 A descriptor that somebody uses stays open. It becomes clean only by a flush during which
 *      nobody was changing the file, and one thread at a time flushes it: of two at once Linux
 *      would tell only one about an error.
 *
 * Locking. One lock around the table, held for a search of it and never over a system call but
 * those of waiting. What takes longer is kept apart by two things that are marked under the lock:
 * who uses a descriptor is counted, so that it isn't closed meanwhile; and who opens, closes,
 * makes, renames or removes a file *holds* its name, and all other calls with that name wait. Who
 * holds a name never waits for another one (both of a rename are taken at once), only for a
 * descriptor to be free; who uses one waits for nothing but another's flush of it. So someone
 * always gets on.
 */
#ifndef COFFER_LINUX_DESCRIPTORS_H
#define COFFER_LINUX_DESCRIPTORS_H

#include <pthread.h>
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
    bool fresh;       /* a new name: the flush must cover all metadata */
    bool regular;     /* a regular file, as far as is known */
    bool flushing;    /* a thread is at it */
    unsigned users;   /* calls at work on it */
    unsigned writers; /* of them, those that change the file */
    uint64_t changes; /* that were begun */
    uint64_t used;
    uint32_t tag;                   /* of the name: others differ in it, nearly always */
    char name[DEVICE_NAME_MAX + 1]; /* empty: the file is gone, the last user closes it */
};

/* One or two names that a call has to itself; lies on its stack. */
struct hold {
    const char *names[2]; /* the second may be NULL */
    struct hold *next;
};

struct descriptors {
    int top; /* the store's folder; not ours to close */
    bool read_only;
    const bool *no_barriers; /* the device's */
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t changed;  /* a name, a descriptor or a flush is free */
    unsigned waiters;
    bool failed; /* D3 */
    uint64_t clock;
    struct hold *holds;
    struct descriptor folder; /* `top` itself: dirty when a name in it has changed */
    struct descriptor entries[DESCRIPTORS_COUNT];
};

/* Where a name is: its folder, and what it is called in there. */
struct place {
    int folder;
    const char *leaf;
    bool is_top; /* the folder is the store's own, not one below */
    bool made;   /* the folder was made by this call */
};

/* Of a valid name. `make` makes a missing folder. */
COFFER_MUST_CHECK enum coffer_status place_open(int top, const char *name, bool make,
                                                struct place *out);
void place_close(const struct place *place);

bool place_name_is_valid(const char *name);

/* What a failed system call means to a store. */
COFFER_MUST_CHECK enum coffer_status status_of_errno(int error);

COFFER_MUST_CHECK enum coffer_status descriptors_init(struct descriptors *descriptors, int top,
                                                      bool read_only, const bool *no_barriers);

/* Close all, flushing nothing: who wants data to last has called sync. Nobody uses any. */
void descriptors_fini(struct descriptors *descriptors);

/* Wait until nobody holds these names (`other` may be NULL), and hold them. */
void descriptors_hold(struct descriptors *descriptors, struct hold *hold, const char *name,
                      const char *other);
void descriptors_release(struct descriptors *descriptors, struct hold *hold);

/* The descriptor of an existing file, to be put back. `changes`: it is a regular one, and dirty
 * from now on. The caller doesn't hold the name. */
COFFER_MUST_CHECK enum coffer_status descriptors_get(struct descriptors *descriptors,
                                                     const char *name, bool changes,
                                                     struct descriptor **out);
void descriptors_put(struct descriptors *descriptors, struct descriptor *descriptor, bool changed);

/* A new file, dirty and fresh. The caller holds the name, here and below. */
COFFER_MUST_CHECK enum coffer_status
descriptors_create(struct descriptors *descriptors, const char *name, const struct place *place);

/* See that what was written to the file before this call lasts; the caller has got it. Nothing is
 * done if it is clean. `as_new`: all metadata with it. */
COFFER_MUST_CHECK enum coffer_status descriptors_flush(struct descriptors *descriptors,
                                                       struct descriptor *descriptor, bool as_new);

/* The same for the names in the store's folder: if one has changed, or if they are `unsure` and
 * were never flushed. */
COFFER_MUST_CHECK enum coffer_status descriptors_flush_folder(struct descriptors *descriptors,
                                                              bool unsure);

/* Flush a folder below. */
COFFER_MUST_CHECK enum coffer_status descriptors_flush_below(struct descriptors *descriptors,
                                                             int fd);

/* A name in the store's folder has changed. */
void descriptors_name_changed(struct descriptors *descriptors);

/* Has a flush failed (D3)? */
bool descriptors_failed(struct descriptors *descriptors);

/* The file is gone: its data need not last. */
void descriptors_forget(struct descriptors *descriptors, const char *name);

/* The file has another name now. */
void descriptors_rename(struct descriptors *descriptors, const char *from, const char *to);

#endif
