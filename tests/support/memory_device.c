/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, names and the ten calls of a device. Loading and saving are in memory_device_host.c. */
#include "support/memory_device.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/fault_plan.h"
#include "support/must.h"
#include "support/recording.h"

#define NO_FILE UINT32_MAX

struct memory_file {
    char name[DEVICE_NAME_MAX + 1]; /* empty: it has none any more, or not yet */
    uint8_t *bytes;
    size_t size, room; /* bytes beyond `size` are zero */
};

struct memory_device {
    struct coffer_device face; /* first: a coffer_device of ours is a memory_device */
    pthread_mutex_t lock;      /* of all the rest, while a call is made */
    struct memory_file *files; /* by id */
    unsigned count, room;
    bool attached;
    bool sparing; /* reads bring no more than they must */
    uint64_t capacity;
    uint64_t changes;
    struct recording *recording;
    struct fault_plan *plan;
};

/* --- Files and names --------------------------------------------------------------------- */

static bool is_name_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    unsigned folders = 0;

    if (length == 0 || length > DEVICE_NAME_MAX || name[0] == '/' || name[length - 1] == '/')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '/')
            folders++;
        else if (!is_name_character(name[i]))
            return false;
    }
    return folders <= 1;
}

static unsigned find(const struct memory_device *device, const char *name)
{
    must(is_name(name));
    for (unsigned i = 0; i < device->count; i++) {
        if (strcmp(device->files[i].name, name) == 0)
            return i;
    }
    return NO_FILE;
}

static void set_name(struct memory_file *file, const char *name)
{
    memset(file->name, 0, sizeof(file->name));
    memcpy(file->name, name, strlen(name));
}

static void forget(struct memory_file *file)
{
    free(file->bytes);
    memset(file, 0, sizeof(*file));
}

/* Ids only grow: a recording may still speak of a file that is gone. */
static unsigned add(struct memory_device *device, const char *name)
{
    if (device->count == device->room) {
        device->room = device->room == 0 ? 16 : device->room * 2;
        device->files = must_realloc(device->files, (size_t)device->room * sizeof(*device->files));
    }
    memset(&device->files[device->count], 0, sizeof(*device->files));
    set_name(&device->files[device->count], name);
    return device->count++;
}

static void set_size(struct memory_file *file, size_t size)
{
    if (size > file->room) {
        size_t room = file->room * 2 > size ? file->room * 2 : size;

        file->bytes = must_realloc(file->bytes, room);
        memset(file->bytes + file->room, 0, room - file->room);
        file->room = room;
    }
    if (size < file->size)
        memset(file->bytes + size, 0, file->size - size);
    file->size = size;
}

static void put_bytes(struct memory_file *file, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return;
    if (offset + size > file->size)
        set_size(file, (size_t)(offset + size));
    memcpy(file->bytes + offset, bytes, size);
}

static bool has_room_for(const struct memory_device *device, unsigned file, uint64_t size)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < device->count; i++) {
        if (i != file)
            total += device->files[i].size;
    }
    return size <= device->capacity && total <= device->capacity - size;
}

/* --- The calls --------------------------------------------------------------------------- */

/* Each call is made whole before another begins: what faults strike, what is recorded and in what
 * order is as the callers' threads are, and with one thread always the same. */
static struct memory_device *lent(struct coffer_device *face)
{
    struct memory_device *device = (struct memory_device *)face;

    must(pthread_mutex_lock(&device->lock) == 0);
    must(device->attached);
    return device;
}

static void give_back(struct memory_device *const *device)
{
    must(pthread_mutex_unlock(&(*device)->lock) == 0);
}

/* `device` in a call, locked until the call returns. */
#define LENT __attribute__((cleanup(give_back))) struct memory_device *

/* The answer of a call that is over: an error although all was done, or none. */
static enum coffer_status answer(const struct memory_device *device, bool struck)
{
    return struck && device->plan->kind != FAULT_NO_SPACE ? COFFER_IO : COFFER_OK;
}

/* Whether the plan ends the call before anything is done, and how. */
static bool stops(const struct memory_device *device, bool struck, enum coffer_status *status)
{
    if (!struck || device->plan->kind == FAULT_IO_AFTER || device->plan->kind == FAULT_TORN)
        return false;
    *status = device->plan->kind == FAULT_NO_SPACE ? COFFER_NO_SPACE : COFFER_IO;
    return true;
}

static enum coffer_status memory_read(struct coffer_device *face, const char *name, uint64_t offset,
                                      const struct device_piece *pieces, size_t count, size_t least,
                                      size_t *got)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_OTHER);
    unsigned id = find(device, name);
    const struct memory_file *file;
    enum coffer_status status;
    uint64_t at = offset;
    size_t total = 0;
    uint64_t end;

    must(count > 0 && count <= DEVICE_PIECES_MAX);
    if (stops(device, struck, &status))
        return status;
    if (id == NO_FILE)
        return struck ? COFFER_IO : COFFER_NOT_FOUND;

    file = &device->files[id];
    end = file->size;
    if (device->sparing && offset < end && least < end - offset)
        end = offset + least;
    for (size_t i = 0; i < count; i++) {
        uint64_t left = at < end ? end - at : 0;
        size_t part = pieces[i].size < left ? pieces[i].size : (size_t)left;

        if (pieces[i].data != NULL && part > 0)
            memcpy(pieces[i].data, file->bytes + at, part);
        /* Nobody may rely on what a read left alone, nor on what a failed one brought. */
        if (pieces[i].data != NULL && pieces[i].size > part)
            memset((uint8_t *)pieces[i].data + part, 0xA5, pieces[i].size - part);
        if (pieces[i].data != NULL && struck)
            memset(pieces[i].data, 0x5A, pieces[i].size);
        at += pieces[i].size;
        total += part;
    }
    if (struck)
        return COFFER_IO;
    *got = total;
    return COFFER_OK;
}

static size_t end_of(const struct device_piece *pieces, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += pieces[i].size;
    return total;
}

/* Pieces that follow one another without a gap, from *index on: one write for the recording. The
 * gap before them, if any, has been passed over. */
static uint8_t *join(const struct device_piece *pieces, size_t count, size_t *index, size_t *size)
{
    size_t first = *index;
    uint8_t *all;

    while (*index < count && pieces[*index].data != NULL)
        (*index)++;
    all = must_alloc(end_of(pieces + first, *index - first) + 1);
    *size = 0;
    for (size_t i = first; i < *index; i++) {
        if (pieces[i].size > 0)
            memcpy(all + *size, pieces[i].data, pieces[i].size);
        *size += pieces[i].size;
    }
    return all;
}

/* Up to `end` in the file, where a torn write ends. */
static void write_stretches(struct memory_device *device, unsigned id, uint64_t offset,
                            const struct device_piece *pieces, size_t count, uint64_t end)
{
    for (size_t i = 0; i < count && offset < end;) {
        uint8_t *bytes;
        size_t size;

        if (pieces[i].data == NULL) {
            offset += pieces[i++].size;
            continue;
        }
        bytes = join(pieces, count, &i, &size);
        if (size > end - offset)
            size = (size_t)(end - offset);
        put_bytes(&device->files[id], offset, bytes, size);
        if (device->recording != NULL)
            recording_write(device->recording, id, offset, bytes, size);
        offset += size;
        free(bytes);
    }
}

static enum coffer_status memory_write(struct coffer_device *face, const char *name,
                                       uint64_t offset, const struct device_piece *pieces,
                                       size_t count)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_WRITE);
    unsigned id = find(device, name);
    enum coffer_status status;
    size_t size;

    must(count > 0 && count <= DEVICE_PIECES_MAX);
    must(pieces[0].data != NULL && pieces[count - 1].data != NULL);
    device->changes++;
    if (stops(device, struck, &status))
        return status;
    if (id == NO_FILE)
        return struck ? COFFER_IO : COFFER_NOT_FOUND;
    size = end_of(pieces, count);
    if (offset + size > device->files[id].size && !has_room_for(device, id, offset + size))
        return struck ? COFFER_IO : COFFER_NO_SPACE;
    if (struck && device->plan->kind == FAULT_TORN)
        size /= 2;
    write_stretches(device, id, offset, pieces, count, offset + size);
    return answer(device, struck);
}

static enum coffer_status memory_sync(struct coffer_device *face, const char *const *names,
                                      size_t count)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_OTHER);
    enum coffer_status status;
    unsigned *ids;

    device->changes++;
    if (stops(device, struck, &status))
        return status;
    ids = must_alloc(count * sizeof(*ids));
    for (size_t i = 0; i < count; i++) {
        ids[i] = find(device, names[i]);
        if (ids[i] == NO_FILE) {
            free(ids);
            return struck ? COFFER_IO : COFFER_NOT_FOUND;
        }
    }
    if (device->recording != NULL)
        recording_sync(device->recording, ids, count);
    free(ids);
    return answer(device, struck);
}

static enum coffer_status memory_create(struct coffer_device *face, const char *name)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_GROW);
    enum coffer_status status;
    unsigned id;

    device->changes++;
    if (stops(device, struck, &status))
        return status;
    if (find(device, name) != NO_FILE)
        return struck ? COFFER_IO : COFFER_EXISTS;
    id = add(device, name);
    if (device->recording != NULL)
        recording_name(device->recording, RECORDED_CREATE, id, name);
    return answer(device, struck);
}

static enum coffer_status memory_size(struct coffer_device *face, const char *name, uint64_t *size)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_OTHER);
    unsigned id = find(device, name);

    if (struck)
        return COFFER_IO;
    if (id == NO_FILE)
        return COFFER_NOT_FOUND;
    *size = device->files[id].size;
    return COFFER_OK;
}

static enum coffer_status memory_resize(struct coffer_device *face, const char *name, uint64_t size)
{
    LENT device = lent(face);
    unsigned id = find(device, name);
    bool grows = id != NO_FILE && size > device->files[id].size;
    bool struck = fault_plan_strikes(device->plan, grows ? FAULT_CALL_GROW : FAULT_CALL_OTHER);
    enum coffer_status status;

    device->changes++;
    if (stops(device, struck, &status))
        return status;
    if (id == NO_FILE)
        return struck ? COFFER_IO : COFFER_NOT_FOUND;
    if (grows && !has_room_for(device, id, size))
        return struck ? COFFER_IO : COFFER_NO_SPACE;
    set_size(&device->files[id], (size_t)size);
    if (device->recording != NULL)
        recording_resize(device->recording, id, size);
    return answer(device, struck);
}

static enum coffer_status memory_rename(struct coffer_device *face, const char *from,
                                        const char *to)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_OTHER);
    unsigned id = find(device, from);
    enum coffer_status status;

    device->changes++;
    if (stops(device, struck, &status))
        return status;
    if (id == NO_FILE)
        return struck ? COFFER_IO : COFFER_NOT_FOUND;
    if (find(device, to) != NO_FILE)
        return struck ? COFFER_IO : COFFER_EXISTS;
    set_name(&device->files[id], to);
    if (device->recording != NULL)
        recording_name(device->recording, RECORDED_RENAME, id, to);
    return answer(device, struck);
}

static enum coffer_status memory_remove(struct coffer_device *face, const char *name)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_OTHER);
    unsigned id = find(device, name);
    enum coffer_status status;

    device->changes++;
    if (stops(device, struck, &status))
        return status;
    if (id == NO_FILE)
        return struck ? COFFER_IO : COFFER_NOT_FOUND;
    if (device->recording != NULL)
        recording_name(device->recording, RECORDED_REMOVE, id, name);
    forget(&device->files[id]);
    return answer(device, struck);
}

static enum coffer_status memory_list(struct coffer_device *face, device_list_function *each,
                                      void *argument)
{
    LENT device = lent(face);
    bool struck = fault_plan_strikes(device->plan, FAULT_CALL_OTHER);
    enum coffer_status status;

    if (stops(device, struck, &status))
        return status;
    for (unsigned i = 0; i < device->count; i++) {
        const struct memory_file *file = &device->files[i];

        if (file->name[0] == '\0' || strchr(file->name, '/') != NULL)
            continue;
        if (!each(argument, file->name, file->size))
            break;
    }
    return answer(device, struck);
}

static void memory_close(struct coffer_device *face)
{
    LENT device = lent(face);

    device->attached = false;
}

static const struct device_operations operations = {
    .read = memory_read,
    .write = memory_write,
    .sync = memory_sync,
    .create = memory_create,
    .size = memory_size,
    .resize = memory_resize,
    .rename = memory_rename,
    .remove = memory_remove,
    .list = memory_list,
    .close = memory_close,
};

/* --- The test's side --------------------------------------------------------------------- */

struct memory_device *memory_device_open(void)
{
    struct memory_device *device = must_alloc(sizeof(*device));

    must(pthread_mutex_init(&device->lock, NULL) == 0);
    device->face.operations = &operations;
    device->capacity = MEMORY_DEVICE_CAPACITY;
    return device;
}

struct memory_device *memory_device_clone(const struct memory_device *device)
{
    struct memory_device *clone = memory_device_open();

    clone->capacity = device->capacity;
    for (unsigned i = 0; i < device->count; i++) {
        const struct memory_file *file = &device->files[i];
        unsigned id = add(clone, file->name);

        set_size(&clone->files[id], file->size);
        if (file->size > 0)
            memcpy(clone->files[id].bytes, file->bytes, file->size);
    }
    return clone;
}

void memory_device_free(struct memory_device *device)
{
    if (device == NULL)
        return;
    must(!device->attached);
    for (unsigned i = 0; i < device->count; i++)
        free(device->files[i].bytes);
    must(pthread_mutex_destroy(&device->lock) == 0);
    free(device->files);
    free(device);
}

struct coffer_device *memory_device_attach(struct memory_device *device)
{
    must(!device->attached);
    device->attached = true;
    memset(&device->face.counters, 0, sizeof(device->face.counters));
    return &device->face;
}

void memory_device_detach(struct memory_device *device)
{
    must(device->attached);
    device->attached = false;
}

bool memory_device_is_attached(const struct memory_device *device)
{
    return device->attached;
}

void memory_device_record(struct memory_device *device, struct recording *recording)
{
    device->recording = recording;
}

void memory_device_inject(struct memory_device *device, struct fault_plan *plan)
{
    device->plan = plan;
}

void memory_device_set_sparing(struct memory_device *device, bool sparing)
{
    device->sparing = sparing;
}

void memory_device_set_capacity(struct memory_device *device, uint64_t capacity)
{
    device->capacity = capacity;
}

size_t memory_device_file_count(const struct memory_device *device)
{
    size_t count = 0;

    for (unsigned i = 0; i < device->count; i++)
        count += device->files[i].name[0] != '\0';
    return count;
}

const char *memory_device_file_name(const struct memory_device *device, size_t index)
{
    for (unsigned i = 0; i < device->count; i++) {
        if (device->files[i].name[0] != '\0' && index-- == 0)
            return device->files[i].name;
    }
    return NULL;
}

bool memory_device_has(const struct memory_device *device, const char *name)
{
    return find(device, name) != NO_FILE;
}

uint8_t *memory_device_bytes(struct memory_device *device, const char *name, size_t *size)
{
    unsigned id = find(device, name);

    if (id == NO_FILE)
        return NULL;
    /* An empty file has bytes too: none, but not NULL. */
    if (device->files[id].bytes == NULL) {
        device->files[id].bytes = must_alloc(1);
        device->files[id].room = 1;
    }
    *size = device->files[id].size;
    return device->files[id].bytes;
}

void memory_device_flip(struct memory_device *device, const char *name, uint64_t offset,
                        uint8_t mask)
{
    size_t size;
    uint8_t *bytes = memory_device_bytes(device, name, &size);

    must(bytes != NULL && offset < size);
    bytes[offset] ^= mask;
}

void memory_device_set(struct memory_device *device, const char *name, const void *bytes,
                       size_t size)
{
    unsigned id = find(device, name);

    if (id == NO_FILE)
        id = add(device, name);
    set_size(&device->files[id], 0);
    put_bytes(&device->files[id], 0, bytes, size);
}

bool memory_device_drop(struct memory_device *device, const char *name)
{
    unsigned id = find(device, name);

    if (id == NO_FILE)
        return false;
    forget(&device->files[id]);
    return true;
}

static const char *first_difference(const struct memory_device *a, const struct memory_device *b)
{
    for (unsigned i = 0; i < a->count; i++) {
        const struct memory_file *file = &a->files[i];
        unsigned id;

        if (file->name[0] == '\0')
            continue;
        id = find(b, file->name);
        if (id == NO_FILE || b->files[id].size != file->size ||
            (file->size > 0 && memcmp(b->files[id].bytes, file->bytes, file->size) != 0))
            return file->name;
    }
    return NULL;
}

bool memory_device_equal(const struct memory_device *a, const struct memory_device *b,
                         const char **where)
{
    const char *name = first_difference(a, b);

    if (name == NULL)
        name = first_difference(b, a);
    if (where != NULL)
        *where = name;
    return name == NULL;
}

uint64_t memory_device_change_count(const struct memory_device *device)
{
    return device->changes;
}

/* --- Replay ------------------------------------------------------------------------------ */

static struct memory_file *named(struct memory_device *device, unsigned file)
{
    if (file >= device->count || device->files[file].name[0] == '\0')
        return NULL;
    return &device->files[file];
}

void memory_device_replay_write(struct memory_device *device, unsigned file, uint64_t offset,
                                const uint8_t *bytes, size_t size)
{
    struct memory_file *target = named(device, file);

    if (target != NULL)
        put_bytes(target, offset, bytes, size);
}

void memory_device_replay_resize(struct memory_device *device, unsigned file, uint64_t size)
{
    struct memory_file *target = named(device, file);

    if (target != NULL)
        set_size(target, (size_t)size);
}

void memory_device_replay_create(struct memory_device *device, unsigned file, const char *name)
{
    memory_device_drop(device, name);
    /* Ids of files whose creation was lost stay empty. */
    while (device->count < file)
        (void)add(device, "");
    must(add(device, name) == file);
}

void memory_device_replay_rename(struct memory_device *device, unsigned file, const char *to)
{
    struct memory_file *target = named(device, file);

    if (target == NULL || strcmp(target->name, to) == 0)
        return;
    memory_device_drop(device, to);
    set_name(target, to);
}

void memory_device_replay_remove(struct memory_device *device, unsigned file)
{
    struct memory_file *target = named(device, file);

    if (target != NULL)
        forget(target);
}
