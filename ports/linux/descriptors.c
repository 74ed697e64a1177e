/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, folders and the descriptor cache of the directory device. */
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#define FILE_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

enum coffer_status status_of_errno(int error)
{
    switch (error) {
    case ENOENT:
        return COFFER_NOT_FOUND;
    case EEXIST:
        return COFFER_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return COFFER_NO_SPACE;
    default:
        return COFFER_IO;
    }
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* No part begins with a dot: that keeps "." and ".." out, and the listing leaves such files to
 * others. */
bool place_name_is_valid(const char *name)
{
    size_t part = 0; /* bytes of the present part */
    unsigned slashes = 0;

    if (name == NULL)
        return false;
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (i == DEVICE_NAME_MAX)
            return false;
        if (name[i] == '/') {
            if (part == 0 || ++slashes > 1)
                return false;
            part = 0;
            continue;
        }
        if (!is_name_byte(name[i]) || (part == 0 && name[i] == '.'))
            return false;
        part++;
    }
    return part > 0;
}

enum coffer_status place_open(int top, const char *name, bool make, struct place *out)
{
    char folder[DEVICE_NAME_MAX + 1];
    const char *slash;
    size_t size;
    bool made = false;
    int fd;

    if (!place_name_is_valid(name))
        return COFFER_MISUSE;
    slash = strchr(name, '/');
    if (slash == NULL) {
        *out = (struct place){.folder = top, .leaf = name, .is_top = true};
        return COFFER_OK;
    }
    size = (size_t)(slash - name);
    memcpy(folder, name, size);
    folder[size] = '\0';
    if (make) {
        if (mkdirat(top, folder, 0700) == 0)
            made = true;
        else if (errno != EEXIST)
            return status_of_errno(errno);
    }
    fd = openat(top, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return status_of_errno(errno);
    *out = (struct place){.folder = fd, .leaf = slash + 1, .made = made};
    return COFFER_OK;
}

void place_close(const struct place *place)
{
    if (!place->is_top)
        (void)close(place->folder);
}

void descriptors_init(struct descriptors *descriptors, int top, bool read_only,
                      const bool *no_barriers)
{
    memset(descriptors, 0, sizeof(*descriptors));
    descriptors->top = top;
    descriptors->read_only = read_only;
    descriptors->no_barriers = no_barriers;
    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++)
        descriptors->entries[i].fd = -1;
}

void descriptors_fini(struct descriptors *descriptors)
{
    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        if (descriptors->entries[i].fd >= 0)
            (void)close(descriptors->entries[i].fd);
        descriptors->entries[i].fd = -1;
    }
}

static struct descriptor *find(struct descriptors *descriptors, const char *name)
{
    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        struct descriptor *entry = &descriptors->entries[i];

        if (entry->fd >= 0 && strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

enum coffer_status descriptors_flush(struct descriptors *descriptors, struct descriptor *descriptor)
{
    int error;

    do {
        error = descriptor->fresh ? fsync(descriptor->fd) : fdatasync(descriptor->fd);
    } while (error != 0 && errno == EINTR);
    if (error != 0) {
        error = errno;
        descriptors->failed = true;
        /* Later reads are to see what the disk has, not pages that never got there. */
        (void)posix_fadvise(descriptor->fd, 0, 0, POSIX_FADV_DONTNEED);
        return status_of_errno(error);
    }
    descriptor->state = DESCRIPTOR_CLEAN;
    descriptor->fresh = false;
    return COFFER_OK;
}

/* Close the one that costs least: unused for long, and a clean one sooner than a dirty one. False
 * when none is open. The flush of a dirty one may fail; then `failed` tells the next barrier, and
 * the call that needed the room goes on. */
static bool close_one(struct descriptors *descriptors)
{
    struct descriptor *victim = NULL;
    enum coffer_status status = COFFER_OK;

    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        struct descriptor *entry = &descriptors->entries[i];
        bool entry_dirty = entry->state == DESCRIPTOR_DIRTY;
        bool victim_dirty = victim != NULL && victim->state == DESCRIPTOR_DIRTY;

        if (entry->fd < 0)
            continue;
        if (victim == NULL || (victim_dirty && !entry_dirty) ||
            (victim_dirty == entry_dirty && entry->used < victim->used))
            victim = entry;
    }
    if (victim == NULL)
        return false;
    if (victim->state == DESCRIPTOR_DIRTY && !*descriptors->no_barriers)
        status = descriptors_flush(descriptors, victim);
    assert_debug(status == COFFER_OK || descriptors->failed);
    (void)status;
    (void)close(victim->fd);
    victim->fd = -1;
    return true;
}

/* An unused entry, made by closing another if need be. */
static struct descriptor *take_entry(struct descriptors *descriptors)
{
    for (;;) {
        for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
            if (descriptors->entries[i].fd < 0)
                return &descriptors->entries[i];
        }
        (void)close_one(descriptors);
    }
}

/* openat that gives up descriptors of ours when the process has no more. -1 and errno. */
static int open_file(struct descriptors *descriptors, const struct place *place, int flags)
{
    int fd;

    do {
        fd = openat(place->folder, place->leaf, flags | FILE_FLAGS, 0600);
    } while (fd < 0 &&
             (errno == EINTR || ((errno == EMFILE || errno == ENFILE) && close_one(descriptors))));
    return fd;
}

static struct descriptor *keep(struct descriptors *descriptors, const char *name, int fd)
{
    struct descriptor *entry = take_entry(descriptors);

    entry->fd = fd;
    entry->state = DESCRIPTOR_UNKNOWN;
    entry->fresh = false;
    entry->used = ++descriptors->clock;
    memcpy(entry->name, name, strlen(name) + 1);
    return entry;
}

enum coffer_status descriptors_get(struct descriptors *descriptors, const char *name,
                                   struct descriptor **out)
{
    struct descriptor *entry;
    struct place place;
    struct stat info;
    enum coffer_status status;
    int fd;

    if (!place_name_is_valid(name))
        return COFFER_MISUSE;
    entry = find(descriptors, name);
    if (entry != NULL) {
        entry->used = ++descriptors->clock;
        *out = entry;
        return COFFER_OK;
    }

    status = place_open(descriptors->top, name, false, &place);
    if (status != COFFER_OK)
        return status;
    fd = open_file(descriptors, &place, descriptors->read_only ? O_RDONLY : O_RDWR);
    if (fd < 0)
        status = status_of_errno(errno);
    place_close(&place);
    if (status != COFFER_OK)
        return status;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return COFFER_IO;
    }
    *out = keep(descriptors, name, fd);
    return COFFER_OK;
}

enum coffer_status descriptors_create(struct descriptors *descriptors, const char *name,
                                      const struct place *place)
{
    struct descriptor *entry;
    int fd = open_file(descriptors, place, O_RDWR | O_CREAT | O_EXCL);

    if (fd < 0)
        return status_of_errno(errno);
    descriptors_forget(descriptors, name);
    entry = keep(descriptors, name, fd);
    entry->state = DESCRIPTOR_DIRTY;
    entry->fresh = true;
    return COFFER_OK;
}

void descriptors_forget(struct descriptors *descriptors, const char *name)
{
    struct descriptor *entry = find(descriptors, name);

    if (entry == NULL)
        return;
    (void)close(entry->fd);
    entry->fd = -1;
}

void descriptors_rename(struct descriptors *descriptors, const char *from, const char *to)
{
    struct descriptor *entry;

    descriptors_forget(descriptors, to);
    entry = find(descriptors, from);
    if (entry == NULL)
        return;
    memcpy(entry->name, to, strlen(to) + 1);
    entry->fresh = true;
    if (entry->state == DESCRIPTOR_CLEAN)
        entry->state = DESCRIPTOR_UNKNOWN;
}
