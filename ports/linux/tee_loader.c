/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAs from shared objects: UUID.so in one of the folders of a path, made of the TA's sources and
 * user_ta_header.c. Each instance has static variables of its own: a second one that lives beside
 * the first is loaded from a copy.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tee.h"

#define HEADER "coffer_ta"

/* One file at a time, whichever tee it is for: whether a library is loaded is the process's. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

struct image {
    void *library;
    int copy; /* the file that it was loaded from, where that is a copy; -1 */
    struct coffer_ta_code code;
};

/* --- Finding ----------------------------------------------------------------------------- */

static void format_name(const TEE_UUID *uuid, char *out, size_t size)
{
    const uint8_t *tail = uuid->clockSeqAndNode;

    (void)snprintf(out, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x.so",
                   (unsigned)uuid->timeLow, (unsigned)uuid->timeMid,
                   (unsigned)uuid->timeHiAndVersion, tail[0], tail[1], tail[2], tail[3], tail[4],
                   tail[5], tail[6], tail[7]);
}

static bool find_named(struct tee_loader *loader, const TEE_UUID *uuid, char out[PATH_MAX])
{
    bool found = false;

    (void)pthread_mutex_lock(&loader->lock);
    for (const struct tee_named *named = loader->named; named != NULL && !found;
         named = named->next) {
        found = memcmp(&named->uuid, uuid, sizeof(*uuid)) == 0;
        if (found)
            (void)snprintf(out, PATH_MAX, "%s", named->path);
    }
    (void)pthread_mutex_unlock(&loader->lock);
    return found;
}

/* The first file of that name along the path, as a path to it. */
static bool find_file(struct tee_loader *loader, const TEE_UUID *uuid, char out[PATH_MAX])
{
    const char *folders = loader->folders;
    char name[48];

    if (find_named(loader, uuid, out))
        return true;
    format_name(uuid, name, sizeof(name));
    while (folders != NULL && *folders != '\0') {
        size_t size = strcspn(folders, ":");
        int length = snprintf(out, PATH_MAX, "%.*s/%s", (int)size, folders, name);

        if (size > 0 && length < PATH_MAX && access(out, R_OK) == 0)
            return true;
        folders += size + (folders[size] == ':');
    }
    return false;
}

/* --- Loading ----------------------------------------------------------------------------- */

static bool is_loaded(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);

    if (library == NULL)
        return false;
    (void)dlclose(library);
    return true;
}

/* A file without a name that has the same bytes. */
static int copy_of(const char *path)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("coffer-ta", MFD_CLOEXEC);
    struct stat stat;
    bool good = from >= 0 && to >= 0 && fstat(from, &stat) == 0;

    for (off_t left = good ? stat.st_size : 0; left > 0;) {
        ssize_t moved = sendfile(to, from, NULL, (size_t)left);

        if (moved > 0)
            left -= moved;
        else if (moved == 0 || errno != EINTR)
            good = false;
        if (!good)
            break;
    }
    if (from >= 0)
        (void)close(from);
    if (good)
        return to;
    if (to >= 0)
        (void)close(to);
    return -1;
}

/* By a name under which a debugger finds it, too. */
static void *open_copy(int copy)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(), copy);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

typedef void entry_point(void);

/* The TA's own entry point, not that of the program or another library of the same name; `other`
 * where it has none. ISO C has no way from one kind of pointer to the other; POSIX has this one. */
static entry_point *find_own(void *library, const char *name, entry_point *other)
{
    const union {
        void *object;
        entry_point *code;
    } found = {.object = dlsym(library, name)};

    return found.object != NULL ? found.code : other;
}

#define TAKE_OWN(library, name, entry)                                                             \
    ((entry) = (__typeof__(entry))find_own((library), (name), (entry_point *)(entry)))

static bool find_code(void *library, struct coffer_ta_code *out)
{
    const struct coffer_ta_code *header = dlsym(library, HEADER);

    if (header == NULL)
        return false;
    *out = *header;
    TAKE_OWN(library, "TA_CreateEntryPoint", out->create);
    TAKE_OWN(library, "TA_DestroyEntryPoint", out->destroy);
    TAKE_OWN(library, "TA_OpenSessionEntryPoint", out->open_session);
    TAKE_OWN(library, "TA_CloseSessionEntryPoint", out->close_session);
    TAKE_OWN(library, "TA_InvokeCommandEntryPoint", out->invoke);
    return true;
}

static void tell(const char *path, const char *why)
{
    const struct coffer_port *port = coffer_linux_port();
    char text[PATH_MAX + 256];

    (void)snprintf(text, sizeof(text), "%s: %s", path, why);
    port->log(port->context, PORT_LOG_WARNING, text);
}

static void unload(void *context, void *handle)
{
    struct image *image = handle;

    (void)context;
    if (image->library != NULL)
        (void)dlclose(image->library);
    if (image->copy >= 0)
        (void)close(image->copy);
    free(image);
}

static enum coffer_status load_file_locked(const char *path, struct image **out)
{
    struct image *image = calloc(1, sizeof(*image));

    if (image == NULL)
        return COFFER_NO_MEMORY;
    image->copy = -1;
    if (is_loaded(path)) {
        image->copy = copy_of(path);
        if (image->copy < 0) { /* never the one that another instance has */
            free(image);
            return COFFER_NO_MEMORY;
        }
    }
    image->library = image->copy >= 0 ? open_copy(image->copy)
                                      : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (image->library == NULL || !find_code(image->library, &image->code)) {
        tell(path, image->library == NULL ? dlerror() : "user_ta_header.c isn't in it");
        unload(NULL, image);
        return COFFER_CORRUPT;
    }
    *out = image;
    return COFFER_OK;
}

static enum coffer_status load_file(const char *path, struct image **out)
{
    enum coffer_status status;

    (void)pthread_mutex_lock(&loading);
    status = load_file_locked(path, out);
    (void)pthread_mutex_unlock(&loading);
    return status;
}

static enum coffer_status load(void *context, const TEE_UUID *uuid, struct gp_image *out)
{
    enum coffer_status status;
    struct image *image;
    char path[PATH_MAX];

    if (!find_file(context, uuid, path))
        return COFFER_NOT_FOUND;
    status = load_file(path, &image);
    if (status != COFFER_OK)
        return status;
    if (memcmp(&image->code.uuid, uuid, sizeof(*uuid)) != 0) {
        tell(path, "a TA of another UUID");
        unload(context, image);
        return COFFER_CORRUPT;
    }
    *out = (struct gp_image){.code = &image->code, .handle = image};
    return COFFER_OK;
}

/* --- The loader -------------------------------------------------------------------------- */

enum coffer_status tee_loader_init(struct tee_loader *loader, const char *folders)
{
    *loader = (struct tee_loader){.folders = NULL};
    if (pthread_mutex_init(&loader->lock, NULL) != 0)
        return COFFER_NO_MEMORY;
    if (folders == NULL)
        return COFFER_OK;
    loader->folders = strdup(folders);
    if (loader->folders != NULL)
        return COFFER_OK;
    (void)pthread_mutex_destroy(&loader->lock);
    return COFFER_NO_MEMORY;
}

void tee_loader_fini(struct tee_loader *loader)
{
    while (loader->named != NULL) {
        struct tee_named *named = loader->named;

        loader->named = named->next;
        free(named);
    }
    free(loader->folders);
    (void)pthread_mutex_destroy(&loader->lock);
}

struct gp_loader tee_loader_table(struct tee_loader *loader)
{
    return (struct gp_loader){.context = loader, .load = load, .unload = unload};
}

enum coffer_status tee_loader_name(struct tee_loader *loader, const char *path, TEE_UUID *uuid)
{
    char *whole = realpath(path, NULL); /* a name without a slash would be looked for elsewhere */
    struct tee_named *named;
    enum coffer_status status;
    struct image *image;
    size_t size;

    if (whole == NULL)
        return errno == ENOMEM ? COFFER_NO_MEMORY : COFFER_NOT_FOUND;
    size = strlen(whole) + 1;
    named = malloc(sizeof(*named) + size);
    status = named == NULL ? COFFER_NO_MEMORY : load_file(whole, &image);
    if (status != COFFER_OK) {
        free(named);
        free(whole);
        return status;
    }
    named->uuid = image->code.uuid;
    unload(NULL, image);
    memcpy(named->path, whole, size);
    free(whole);
    *uuid = named->uuid;
    (void)pthread_mutex_lock(&loader->lock);
    named->next = loader->named;
    loader->named = named;
    (void)pthread_mutex_unlock(&loader->lock);
    return COFFER_OK;
}
