/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/must.h"

#define NEVER SIZE_MAX

struct recording *recording_begin(struct memory_device *device)
{
    struct recording *recording = must_alloc(sizeof(*recording));

    recording->base = memory_device_clone(device);
    memory_device_record(device, recording);
    return recording;
}

void recording_free(struct recording *recording)
{
    if (recording == NULL)
        return;
    for (size_t i = 0; i < recording->count; i++) {
        free(recording->operations[i].bytes);
        free(recording->operations[i].files);
    }
    free(recording->operations);
    memory_device_free(recording->base);
    free(recording);
}

/* --- Appending --------------------------------------------------------------------------- */

static struct recorded *append(struct recording *recording, enum recorded_kind kind, unsigned file)
{
    struct recorded *operation;

    if (recording->count == recording->room) {
        recording->room = recording->room == 0 ? 64 : recording->room * 2;
        recording->operations = must_realloc(recording->operations,
                                             recording->room * sizeof(*operation));
    }
    operation = &recording->operations[recording->count++];
    memset(operation, 0, sizeof(*operation));
    operation->kind = kind;
    operation->file = file;
    operation->settled_by = NEVER;
    return operation;
}

void recording_write(struct recording *recording, unsigned file, uint64_t offset,
                     const uint8_t *bytes, size_t size)
{
    struct recorded *operation = append(recording, RECORDED_WRITE, file);

    operation->offset = offset;
    operation->size = size;
    operation->bytes = must_copy(bytes, size);
}

void recording_resize(struct recording *recording, unsigned file, uint64_t size)
{
    append(recording, RECORDED_RESIZE, file)->size = size;
}

void recording_name(struct recording *recording, enum recorded_kind kind, unsigned file,
                    const char *name)
{
    struct recorded *operation = append(recording, kind, file);

    must(strlen(name) < sizeof(operation->name));
    memcpy(operation->name, name, strlen(name));
}

void recording_sync(struct recording *recording, const unsigned *files, size_t count)
{
    struct recorded *operation;

    if (recording->ignore_syncs)
        return;
    operation = append(recording, RECORDED_SYNC, 0);
    operation->files = must_copy(files, count * sizeof(*files));
    operation->file_count = count;
}

/* --- What a barrier covers --------------------------------------------------------------- */

static bool is_name_change(const struct recorded *operation)
{
    return operation->kind == RECORDED_CREATE || operation->kind == RECORDED_RENAME ||
           operation->kind == RECORDED_REMOVE;
}

static bool names_file(const struct recorded *sync, unsigned file)
{
    for (size_t i = 0; i < sync->file_count; i++) {
        if (sync->files[i] == file)
            return true;
    }
    return false;
}

static bool same_folder(const char *a, const char *b)
{
    const char *end_a = strchr(a, '/');
    const char *end_b = strchr(b, '/');
    size_t length_a = end_a == NULL ? 0 : (size_t)(end_a - a);
    size_t length_b = end_b == NULL ? 0 : (size_t)(end_b - b);

    return length_a == length_b && memcmp(a, b, length_a) == 0;
}

static bool is_open_at(const struct recorded *operation)
{
    return operation->settled_by == NEVER && operation->kind != RECORDED_SYNC;
}

/* A sync that names a new or renamed file flushes that file's folder, with all that happened to
 * the names in it. */
static void settle_folder(struct recording *recording, size_t at, const char *name)
{
    for (size_t i = 0; i < at; i++) {
        struct recorded *operation = &recording->operations[i];

        if (is_open_at(operation) && is_name_change(operation) &&
            same_folder(operation->name, name))
            operation->settled_by = at;
    }
}

static void settle(struct recording *recording, size_t at)
{
    const struct recorded *sync = &recording->operations[at];

    for (size_t i = 0; i < at; i++) {
        struct recorded *operation = &recording->operations[i];

        if (!is_open_at(operation) || !names_file(sync, operation->file))
            continue;
        if (is_name_change(operation))
            settle_folder(recording, at, operation->name);
        else
            operation->settled_by = at;
    }
}

void recording_end(struct recording *recording, struct memory_device *device)
{
    memory_device_record(device, NULL);
    for (size_t i = 0; i < recording->count; i++) {
        if (recording->operations[i].kind == RECORDED_SYNC)
            settle(recording, i);
    }
}

/* --- Crash states ------------------------------------------------------------------------ */

static bool is_unsettled(const struct recorded *operation, size_t n)
{
    return operation->kind != RECORDED_SYNC &&
           (operation->settled_by == NEVER || operation->settled_by >= n);
}

size_t recording_unsettled(const struct recording *recording, size_t n, size_t *out, size_t room)
{
    size_t count = 0;

    must(n <= recording->count);
    for (size_t i = 0; i < n; i++) {
        if (!is_unsettled(&recording->operations[i], n))
            continue;
        if (count < room)
            out[count] = i;
        count++;
    }
    return count;
}

static void apply(struct memory_device *device, const struct recorded *operation,
                  const struct keep *keep)
{
    switch (operation->kind) {
    case RECORDED_WRITE: {
        uint64_t size = operation->size;
        uint64_t skip = 0;

        if (keep != NULL && keep->kind != KEEP_ALL && keep->size < size) {
            skip = keep->kind == KEEP_LAST ? size - keep->size : 0;
            size = keep->size;
        }
        memory_device_replay_write(device, operation->file, operation->offset + skip,
                                   operation->bytes + skip, (size_t)size);
        break;
    }
    case RECORDED_RESIZE:
        memory_device_replay_resize(device, operation->file, operation->size);
        break;
    case RECORDED_CREATE:
        memory_device_replay_create(device, operation->file, operation->name);
        break;
    case RECORDED_RENAME:
        memory_device_replay_rename(device, operation->file, operation->name);
        break;
    case RECORDED_REMOVE:
        memory_device_replay_remove(device, operation->file);
        break;
    case RECORDED_SYNC:
        break;
    }
}

struct memory_device *recording_replay(const struct recording *recording, size_t n,
                                       const struct keep *keep)
{
    struct memory_device *device = memory_device_clone(recording->base);
    size_t unsettled = 0;

    must(n <= recording->count);
    for (size_t i = 0; i < n; i++) {
        const struct recorded *operation = &recording->operations[i];
        const struct keep *mine = NULL;

        if (is_unsettled(operation, n)) {
            mine = keep == NULL ? NULL : &keep[unsettled];
            unsettled++;
        }
        if (mine == NULL || mine->kind != KEEP_NOTHING)
            apply(device, operation, mine);
    }
    return device;
}

void recorded_describe(const struct recorded *operation, char *out, size_t size)
{
    static const char *const names[] = {"write", "resize", "create", "rename", "remove", "sync"};
    const char *name = names[operation->kind];

    switch (operation->kind) {
    case RECORDED_WRITE:
        snprintf(out, size, "%s file %u at %llu, %llu bytes", name, operation->file,
                 (unsigned long long)operation->offset, (unsigned long long)operation->size);
        break;
    case RECORDED_RESIZE:
        snprintf(out, size, "%s file %u to %llu", name, operation->file,
                 (unsigned long long)operation->size);
        break;
    case RECORDED_SYNC: {
        size_t used = (size_t)snprintf(out, size, "%s", name);

        for (size_t i = 0; i < operation->file_count && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, " %u", operation->files[i]);
        break;
    }
    default:
        snprintf(out, size, "%s file %u: %s", name, operation->file, operation->name);
        break;
    }
}
