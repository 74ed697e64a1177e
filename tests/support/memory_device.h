/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device in the memory of a test: all of device/device.h, strict about its contract, and open to
 * the test that owns it.
 *
 * The contents outlive the store: attach() lends the device to a store, the store's close gives it
 * back, and the test may then look, change a byte, clone, and attach it again. The contract's own
 * rules are asserted: a call on a device that is not lent out, a malformed name, an empty or too
 * long list of pieces stop the test at once.
 *
 * Every file has an id that stays when it is renamed and is never used again; clones keep the ids.
 * That is what a recording refers to.
 *
 * A store's calls may come from several threads; each is made whole before the next, in the order
 * in which they come, so that with one thread faults and recordings are always the same. The test's
 * own calls below are for when no store is at work.
 */
#ifndef TESTS_SUPPORT_MEMORY_DEVICE_H
#define TESTS_SUPPORT_MEMORY_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

#define MEMORY_DEVICE_CAPACITY                                                                     \
    (UINT64_C(256) * 1024 * 1024) /* bytes of all files, unless set otherwise */

struct memory_device;
struct recording;
struct fault_plan;

/* An empty device. Running out of the test's own memory stops the test. */
struct memory_device *memory_device_open(void);
/* The same files under the same ids; not lent out, nothing recorded, no faults. */
struct memory_device *memory_device_clone(const struct memory_device *device);
/* The files of a host directory and of its folder quarantine/; NULL: it can't be read. */
struct memory_device *memory_device_load(const char *path);
/* Write all files into an existing, empty host directory. */
bool memory_device_save(const struct memory_device *device, const char *path);
/* Free it; it must not be lent out. NULL is nothing. */
void memory_device_free(struct memory_device *device);

/* Lend the device to a store (counters at zero). A store that opened gives it back itself; after
 * a failed open, detach. */
struct coffer_device *memory_device_attach(struct memory_device *device);
void memory_device_detach(struct memory_device *device);
bool memory_device_is_attached(const struct memory_device *device);

/* Until the next call with NULL. The recording or plan stays the caller's. */
void memory_device_record(struct memory_device *device, struct recording *recording);
void memory_device_inject(struct memory_device *device, struct fault_plan *plan);

/* Reads bring no more from now on than their callers can't do without. */
void memory_device_set_sparing(struct memory_device *device, bool sparing);

/* COFFER_NO_SPACE once the files together would be larger than this many bytes. */
void memory_device_set_capacity(struct memory_device *device, uint64_t capacity);

/* --- Looking and meddling ---------------------------------------------------------------- */

size_t memory_device_file_count(const struct memory_device *device);
/* The name of the index-th file, in the order of creation. */
const char *memory_device_file_name(const struct memory_device *device, size_t index);
bool memory_device_has(const struct memory_device *device, const char *name);
/* The file's bytes, writable; valid until the file changes. NULL: no such file. */
uint8_t *memory_device_bytes(struct memory_device *device, const char *name, size_t *size);
void memory_device_flip(struct memory_device *device, const char *name, uint64_t offset,
                        uint8_t mask);
/* Make or overwrite a file; remove one (false: there is none). Neither recorded nor faulted. */
void memory_device_set(struct memory_device *device, const char *name, const void *bytes,
                       size_t size);
bool memory_device_drop(struct memory_device *device, const char *name);
/* Same names with the same bytes; *where (may be NULL) receives the first name that differs. */
bool memory_device_equal(const struct memory_device *a, const struct memory_device *b,
                         const char **where);
/* Calls that changed something, or tried to, since it was made. */
uint64_t memory_device_change_count(const struct memory_device *device);

/* --- By id, for recordings --------------------------------------------------------------- */

/* What has no name (any more) is passed over in silence: that is what a crash does to it. */
void memory_device_replay_write(struct memory_device *device, unsigned file, uint64_t offset,
                                const uint8_t *bytes, size_t size);
void memory_device_replay_resize(struct memory_device *device, unsigned file, uint64_t size);
/* A name that is taken passes to the new file. */
void memory_device_replay_create(struct memory_device *device, unsigned file, const char *name);
void memory_device_replay_rename(struct memory_device *device, unsigned file, const char *to);
void memory_device_replay_remove(struct memory_device *device, unsigned file);

#endif
