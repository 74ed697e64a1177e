/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording of every change a memory device was asked for, from which the state after a power
 * cut at any point can be built.
 *
 * The model is the contract at the top of device/device.h. At a cut after operation n:
 *   - a write or resize is settled when a later sync (before the cut) named its file;
 *   - a create, rename or remove is settled when a later sync named its file, or a file of the
 *     same folder that was created or renamed since that folder was last settled;
 *   - settled operations are all there, in order; of the others any subset is, and any of those
 *     writes may be torn: only its first or only its last bytes are there;
 *   - a rename is there or not, never half; a file whose creation is lost takes its bytes along.
 */
#ifndef TESTS_SUPPORT_RECORDING_H
#define TESTS_SUPPORT_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

struct memory_device;

enum recorded_kind {
    RECORDED_WRITE,
    RECORDED_RESIZE,
    RECORDED_CREATE,
    RECORDED_RENAME,
    RECORDED_REMOVE,
    RECORDED_SYNC,
};

struct recorded {
    enum recorded_kind kind;
    unsigned file;                  /* id; not for RECORDED_SYNC */
    uint64_t offset;                /* RECORDED_WRITE */
    uint64_t size;                  /* RECORDED_WRITE: bytes; RECORDED_RESIZE: the new size */
    uint8_t *bytes;                 /* RECORDED_WRITE */
    unsigned *files;                /* RECORDED_SYNC: ids */
    size_t file_count;              /* RECORDED_SYNC */
    char name[DEVICE_NAME_MAX + 1]; /* create, rename (the new name), remove */
    size_t settled_by;              /* index of the sync that covers it; SIZE_MAX: none */
};

struct recording {
    struct memory_device *base; /* the device when the recording began */
    struct recorded *operations;
    size_t count, room;
    bool ignore_syncs; /* the harness's self-test: as if no barrier had been asked for */
};

/* What is left of an operation that no barrier covers. */
enum keep_kind {
    KEEP_ALL,
    KEEP_NOTHING,
    KEEP_FIRST, /* of a write: its first `size` bytes */
    KEEP_LAST,  /* of a write: its last `size` bytes */
};

struct keep {
    enum keep_kind kind;
    uint64_t size;
};

/* Begin: from now on the device's changes are kept, on top of what it holds now. */
struct recording *recording_begin(struct memory_device *device);
/* Stop recording, and find out which sync covers what. */
void recording_end(struct recording *recording, struct memory_device *device);
void recording_free(struct recording *recording);

/* The operations (by index) that are not settled at a cut after the first `n`; at most `room` are
 * stored, the count of all is returned. */
size_t recording_unsettled(const struct recording *recording, size_t n, size_t *out, size_t room);

/* The device after a cut behind the first `n` operations. `keep` tells about the unsettled ones, in
 * the order of recording_unsettled; NULL keeps them all. */
struct memory_device *recording_replay(const struct recording *recording, size_t n,
                                       const struct keep *keep);

/* One line about an operation, for a failure's report. */
void recorded_describe(const struct recorded *operation, char *out, size_t size);

/* For the device: append. */
void recording_write(struct recording *recording, unsigned file, uint64_t offset,
                     const uint8_t *bytes, size_t size);
void recording_resize(struct recording *recording, unsigned file, uint64_t size);
void recording_name(struct recording *recording, enum recorded_kind kind, unsigned file,
                    const char *name);
void recording_sync(struct recording *recording, const unsigned *files, size_t count);

#endif
