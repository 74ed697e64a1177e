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

    assert_deep(place_name_is_valid(name));
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

static void lock(struct descriptors *descriptors)
{
    int error = pthread_mutex_lock(&descriptors->lock);

    assert_cheap(error == 0);
    (void)error;
}

static void unlock(struct descriptors *descriptors)
{
    int error = pthread_mutex_unlock(&descriptors->lock);

    assert_cheap(error == 0);
    (void)error;
}

/* Wait for something to be free; the caller looks anew. */
static void wait_locked(struct descriptors *descriptors)
{
    int error;

    descriptors->waiters++;
    error = pthread_cond_wait(&descriptors->changed, &descriptors->lock);
    descriptors->waiters--;
    assert_cheap(error == 0);
    (void)error;
}

static void wake_locked(struct descriptors *descriptors)
{
    if (descriptors->waiters > 0)
        (void)pthread_cond_broadcast(&descriptors->changed);
}

enum coffer_status descriptors_init(struct descriptors *descriptors, int top, bool read_only,
                                    const bool *no_barriers)
{
    memset(descriptors, 0, sizeof(*descriptors));
    if (pthread_mutex_init(&descriptors->lock, NULL) != 0)
        return COFFER_NO_MEMORY;
    if (pthread_cond_init(&descriptors->changed, NULL) != 0) {
        (void)pthread_mutex_destroy(&descriptors->lock);
        return COFFER_NO_MEMORY;
    }
    descriptors->top = top;
    descriptors->read_only = read_only;
    descriptors->no_barriers = no_barriers;
    descriptors->folder.fd = top;
    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++)
        descriptors->entries[i].fd = -1;
    return COFFER_OK;
}

void descriptors_fini(struct descriptors *descriptors)
{
    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        assert_cheap(descriptors->entries[i].users == 0);
        if (descriptors->entries[i].fd >= 0)
            (void)close(descriptors->entries[i].fd);
        descriptors->entries[i].fd = -1;
    }
    assert_cheap(descriptors->holds == NULL && descriptors->waiters == 0);
    (void)pthread_cond_destroy(&descriptors->changed);
    (void)pthread_mutex_destroy(&descriptors->lock);
}

/* --- Names ------------------------------------------------------------------------------- */

static bool is_held(const struct descriptors *descriptors, const char *name)
{
    for (const struct hold *hold = descriptors->holds; hold != NULL; hold = hold->next) {
        if (strcmp(hold->names[0], name) == 0 ||
            (hold->names[1] != NULL && strcmp(hold->names[1], name) == 0))
            return true;
    }
    return false;
}

static void hold_locked(struct descriptors *descriptors, struct hold *hold, const char *name,
                        const char *other)
{
    *hold = (struct hold){.names = {name, other}, .next = descriptors->holds};
    descriptors->holds = hold;
}

static void release_locked(struct descriptors *descriptors, const struct hold *hold)
{
    struct hold **at = &descriptors->holds;

    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    wake_locked(descriptors);
}

void descriptors_hold(struct descriptors *descriptors, struct hold *hold, const char *name,
                      const char *other)
{
    lock(descriptors);
    while (is_held(descriptors, name) || (other != NULL && is_held(descriptors, other)))
        wait_locked(descriptors);
    hold_locked(descriptors, hold, name, other);
    unlock(descriptors);
}

void descriptors_release(struct descriptors *descriptors, struct hold *hold)
{
    lock(descriptors);
    release_locked(descriptors, hold);
    unlock(descriptors);
}

/* --- Flushes ----------------------------------------------------------------------------- */

static int flush_fd(int fd, bool whole)
{
    int result;

    do {
        result = whole ? fsync(fd) : fdatasync(fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

static void change_locked(struct descriptor *descriptor)
{
    descriptor->state = DESCRIPTOR_DIRTY;
    descriptor->changes++;
}

/* Gives up the lock. Some file systems can't flush a folder and say so (EINVAL): they have no such
 * promise to give. */
static enum coffer_status flush_locked(struct descriptors *descriptors,
                                       struct descriptor *descriptor, bool as_new)
{
    bool whole = as_new || descriptor->fresh;
    bool still = descriptor->writers == 0;
    uint64_t changes = descriptor->changes;
    int error;

    descriptor->flushing = true;
    unlock(descriptors);
    error = flush_fd(descriptor->fd, whole);
    if (error == EINVAL && descriptor == &descriptors->folder)
        error = 0;
    /* Later reads are to see what the disk has, not pages that never got there. */
    if (error != 0)
        (void)posix_fadvise(descriptor->fd, 0, 0, POSIX_FADV_DONTNEED);
    lock(descriptors);
    descriptor->flushing = false;
    wake_locked(descriptors);
    if (error != 0) {
        descriptors->failed = true;
        return status_of_errno(error);
    }
    if (still && descriptor->changes == changes) {
        descriptor->state = DESCRIPTOR_CLEAN;
        descriptor->fresh = false;
    }
    return COFFER_OK;
}

/* `unknown`: of an unknown one, too. */
static enum coffer_status flush_if(struct descriptors *descriptors, struct descriptor *descriptor,
                                   bool unknown, bool as_new)
{
    enum coffer_status status = COFFER_OK;

    lock(descriptors);
    while (descriptor->flushing)
        wait_locked(descriptors);
    if (descriptors->failed)
        status = COFFER_IO;
    else if (descriptor->state == DESCRIPTOR_DIRTY ||
             (descriptor->state == DESCRIPTOR_UNKNOWN && unknown))
        status = flush_locked(descriptors, descriptor, as_new);
    unlock(descriptors);
    return status;
}

enum coffer_status descriptors_flush(struct descriptors *descriptors, struct descriptor *descriptor,
                                     bool as_new)
{
    return flush_if(descriptors, descriptor, true, as_new);
}

enum coffer_status descriptors_flush_folder(struct descriptors *descriptors, bool unsure)
{
    return flush_if(descriptors, &descriptors->folder, unsure, true);
}

enum coffer_status descriptors_flush_below(struct descriptors *descriptors, int fd)
{
    int error = flush_fd(fd, true);

    if (error == 0 || error == EINVAL)
        return COFFER_OK;
    lock(descriptors);
    descriptors->failed = true;
    unlock(descriptors);
    return status_of_errno(error);
}

void descriptors_name_changed(struct descriptors *descriptors)
{
    lock(descriptors);
    change_locked(&descriptors->folder);
    unlock(descriptors);
}

bool descriptors_failed(struct descriptors *descriptors)
{
    bool failed;

    lock(descriptors);
    failed = descriptors->failed;
    unlock(descriptors);
    return failed;
}

/* --- The table --------------------------------------------------------------------------- */

static uint32_t tag_of(const char *name)
{
    uint32_t tag = 0;

    for (; *name != '\0'; name++)
        tag = tag * 31 + (uint8_t)*name;
    return tag;
}

static void set_name(struct descriptor *entry, const char *name)
{
    memcpy(entry->name, name, strlen(name) + 1);
    entry->tag = tag_of(name);
}

static struct descriptor *find_locked(struct descriptors *descriptors, const char *name)
{
    const uint32_t tag = tag_of(name);

    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        struct descriptor *entry = &descriptors->entries[i];

        if (entry->tag == tag && entry->fd >= 0 && strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

/* Of those that nobody is at work on: unused for long, and a clean one sooner than a dirty one. */
static struct descriptor *victim_locked(struct descriptors *descriptors)
{
    const uint64_t dirty = UINT64_C(1) << 63;
    struct descriptor *victim = NULL;
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        struct descriptor *entry = &descriptors->entries[i];
        uint64_t cost = entry->used | (entry->state == DESCRIPTOR_DIRTY ? dirty : 0);

        if (cost < least && entry->fd >= 0 && entry->users == 0 &&
            !is_held(descriptors, entry->name)) {
            least = cost;
            victim = entry;
        }
    }
    return victim;
}

/* Close the one that costs least. The flush of a dirty one may fail; then `failed` tells the next
 * barrier, and the call that needed the room goes on. Gives up the lock. */
static void close_locked(struct descriptors *descriptors, struct descriptor *victim)
{
    enum coffer_status status = COFFER_OK;
    struct hold hold;
    int fd = victim->fd;

    hold_locked(descriptors, &hold, victim->name, NULL);
    victim->users++;
    if (victim->state == DESCRIPTOR_DIRTY && !*descriptors->no_barriers)
        status = flush_locked(descriptors, victim, false);
    assert_debug(status == COFFER_OK || descriptors->failed);
    (void)status;
    unlock(descriptors);
    (void)close(fd);
    lock(descriptors);
    release_locked(descriptors, &hold);
    victim->users--;
    victim->fd = -1;
}

/* Close one, or wait until one may be closed. False: none is open. Gives up the lock. */
static bool make_room_locked(struct descriptors *descriptors)
{
    struct descriptor *victim = victim_locked(descriptors);

    if (victim != NULL) {
        close_locked(descriptors, victim);
        return true;
    }
    for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
        if (descriptors->entries[i].fd >= 0) {
            wait_locked(descriptors);
            return true;
        }
    }
    return false;
}

static bool make_room(struct descriptors *descriptors)
{
    bool made;

    lock(descriptors);
    made = make_room_locked(descriptors);
    unlock(descriptors);
    return made;
}

/* openat that gives up descriptors of ours when the process has no more. -1 and errno. */
static int open_file(struct descriptors *descriptors, const struct place *place, int flags)
{
    int fd;

    do {
        fd = openat(place->folder, place->leaf, flags | FILE_FLAGS, 0600);
    } while (fd < 0 &&
             (errno == EINTR || ((errno == EMFILE || errno == ENFILE) && make_room(descriptors))));
    return fd;
}

/* An unused entry, made by closing another if need be, becomes the file's. Gives up the lock. */
static struct descriptor *keep_locked(struct descriptors *descriptors, const char *name, int fd)
{
    for (;;) {
        for (size_t i = 0; i < DESCRIPTORS_COUNT; i++) {
            struct descriptor *entry = &descriptors->entries[i];

            if (entry->fd >= 0)
                continue;
            *entry = (struct descriptor){.fd = fd, .used = ++descriptors->clock};
            set_name(entry, name);
            return entry;
        }
        (void)make_room_locked(descriptors);
    }
}

/* The file is in no entry, and the caller holds the name. */
static enum coffer_status open_existing(struct descriptors *descriptors, const char *name, int *out)
{
    struct place place;
    enum coffer_status status = place_open(descriptors->top, name, false, &place);
    int fd;

    if (status != COFFER_OK)
        return status;
    fd = open_file(descriptors, &place, descriptors->read_only ? O_RDONLY : O_RDWR);
    if (fd < 0)
        status = status_of_errno(errno);
    place_close(&place);
    if (status == COFFER_OK)
        *out = fd;
    return status;
}

/* Nothing but a regular file is changed; that takes a system call to know, which reads don't need.
 * Gives up the lock. */
static enum coffer_status check_regular_locked(struct descriptors *descriptors,
                                               struct descriptor *entry)
{
    struct stat info;
    bool regular;

    if (entry->regular)
        return COFFER_OK;
    unlock(descriptors);
    regular = fstat(entry->fd, &info) == 0 && S_ISREG(info.st_mode);
    lock(descriptors);
    entry->regular = regular;
    return regular ? COFFER_OK : COFFER_IO;
}

/* Nobody finds it any more. A file descriptor that nobody uses: to be closed; -1: there is none. */
static int drop_locked(struct descriptor *entry)
{
    int fd = entry->fd;

    entry->name[0] = '\0';
    if (entry->users > 0)
        return -1;
    entry->fd = -1;
    return fd;
}

void descriptors_put(struct descriptors *descriptors, struct descriptor *descriptor, bool changed)
{
    int fd = -1;

    lock(descriptors);
    assert_debug(descriptor->users > 0 && (!changed || descriptor->writers > 0));
    if (changed)
        descriptor->writers--;
    descriptor->users--;
    if (descriptor->name[0] == '\0')
        fd = drop_locked(descriptor);
    wake_locked(descriptors);
    unlock(descriptors);
    if (fd >= 0)
        (void)close(fd);
}

enum coffer_status descriptors_get(struct descriptors *descriptors, const char *name, bool changes,
                                   struct descriptor **out)
{
    enum coffer_status status = COFFER_OK;
    struct descriptor *entry;
    struct hold hold;
    int fd = -1;

    if (!place_name_is_valid(name))
        return COFFER_MISUSE;
    lock(descriptors);
    while (is_held(descriptors, name))
        wait_locked(descriptors);
    entry = find_locked(descriptors, name);
    if (entry == NULL) {
        hold_locked(descriptors, &hold, name, NULL);
        unlock(descriptors);
        status = open_existing(descriptors, name, &fd);
        lock(descriptors);
        if (status == COFFER_OK)
            entry = keep_locked(descriptors, name, fd);
        release_locked(descriptors, &hold);
    }
    if (entry != NULL) {
        entry->used = ++descriptors->clock;
        entry->users++;
        if (changes)
            status = check_regular_locked(descriptors, entry);
        if (changes && status == COFFER_OK) {
            entry->writers++;
            change_locked(entry);
        }
    }
    unlock(descriptors);
    if (status == COFFER_OK)
        *out = entry;
    else if (entry != NULL)
        descriptors_put(descriptors, entry, false);
    return status;
}

enum coffer_status descriptors_create(struct descriptors *descriptors, const char *name,
                                      const struct place *place)
{
    struct descriptor *entry;
    int fd = open_file(descriptors, place, O_RDWR | O_CREAT | O_EXCL);

    if (fd < 0)
        return status_of_errno(errno);
    descriptors_forget(descriptors, name);
    lock(descriptors);
    entry = keep_locked(descriptors, name, fd);
    change_locked(entry);
    entry->fresh = true;
    entry->regular = true;
    unlock(descriptors);
    return COFFER_OK;
}

void descriptors_forget(struct descriptors *descriptors, const char *name)
{
    struct descriptor *entry;
    int fd = -1;

    lock(descriptors);
    entry = find_locked(descriptors, name);
    if (entry != NULL)
        fd = drop_locked(entry);
    wake_locked(descriptors);
    unlock(descriptors);
    if (fd >= 0)
        (void)close(fd);
}

void descriptors_rename(struct descriptors *descriptors, const char *from, const char *to)
{
    struct descriptor *entry;

    descriptors_forget(descriptors, to);
    lock(descriptors);
    entry = find_locked(descriptors, from);
    if (entry != NULL) {
        set_name(entry, to);
        entry->fresh = true;
        entry->changes++;
        if (entry->state == DESCRIPTOR_CLEAN)
            entry->state = DESCRIPTOR_UNKNOWN;
    }
    unlock(descriptors);
}
