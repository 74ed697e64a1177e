/* SPDX-License-Identifier: BSD-2-Clause */
/* A TEE on Linux: its stores, the memory of its TAs, and which one a client's context is of. */
#include "tee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "tee_device.h"
#include "tee_gcrypt.h"
#include "tee_reach.h"

#define HEAP_MAX_DEFAULT ((size_t)64 * 1024 * 1024)
#define SWAP_TIMES       16u /* the memory, when nobody says how much swap */
#define STORES           3u

struct linux_tee {
    struct coffer_tee tee;
    struct tee_loader loader;
    struct coffer_memory *memory;
    struct coffer *stores[STORES];
    unsigned store_count;
    struct gp_storage storages[STORES];
    bool is_of_environment; /* the clients', who close it */
};

/* --- Opening ----------------------------------------------------------------------------- */

static void close_stores(struct linux_tee *all)
{
    while (all->store_count > 0)
        coffer_close(all->stores[--all->store_count]);
}

static void forget_clients_tee(const struct coffer_tee *tee);

static void release(void *context)
{
    struct linux_tee *all = context;

    if (!all->is_of_environment)
        forget_clients_tee(&all->tee);
    close_stores(all);
    coffer_memory_close(all->memory);
    tee_loader_fini(&all->loader);
    free(all);
}

static enum coffer_status open_store(struct linux_tee *all,
                                     const struct coffer_linux_tee_options *options,
                                     const char *directory, uint32_t id)
{
    const struct coffer_linux_options store = {.directory = directory,
                                               .key = options->key,
                                               .memory = options->store_memory,
                                               .create = true,
                                               .huk_plain = options->huk_plain,
                                               .head_full_hash = options->head_full_hash};
    enum coffer_status status;
    struct coffer *opened;

    if (directory == NULL)
        return COFFER_OK;
    status = coffer_linux_open(&store, &opened);
    if (status != COFFER_OK)
        return status;
    all->storages[all->store_count] = (struct gp_storage){id, opened};
    all->stores[all->store_count++] = opened;
    return COFFER_OK;
}

static enum coffer_status open_stores(struct linux_tee *all,
                                      const struct coffer_linux_tee_options *options)
{
    enum coffer_status status = open_store(all, options, options->directory, TEE_STORAGE_PRIVATE);

    if (status == COFFER_OK)
        status = open_store(all, options, options->perso, TEE_STORAGE_PERSO);
    if (status == COFFER_OK)
        status = open_store(all, options, options->protected_store, TEE_STORAGE_PROTECTED);
    if (status != COFFER_OK)
        close_stores(all);
    return status;
}

static enum coffer_status open_memory(struct linux_tee *all,
                                      const struct coffer_linux_tee_options *options)
{
    size_t size = options->memory != 0 ? options->memory : COFFER_LINUX_TEE_MEMORY_DEFAULT;
    size_t swap = options->swap_pages != 0 ? options->swap_pages
                                           : size / COFFER_PAGE_SIZE * SWAP_TIMES;

    return coffer_linux_memory_open(
        &(struct coffer_linux_memory_options){.memory = size, .swap_pages = swap}, &all->memory);
}

static enum coffer_status open_tee(struct linux_tee *all,
                                   const struct coffer_linux_tee_options *options)
{
    struct gp_tee_parts parts = {
        .settings = {.port = coffer_linux_port(),
                     .memory = all->memory,
                     .profile = options->profile == COFFER_TEE_OPTEE_4 ? GP_OPTEE_4 : GP_1_3_1,
                     .provider = linux_tee_provider(),
                     .crypto_max = options->operations_memory,
                     .reaches = tee_reaches,
                     .storages = all->storages,
                     .storage_count = all->store_count},
        .limits = {.heap = options->heap_max != 0 ? options->heap_max : HEAP_MAX_DEFAULT,
                   .frames = options->instance_memory != 0
                                 ? options->instance_memory / COFFER_PAGE_SIZE
                                 : UINT64_MAX},
        .loader = tee_loader_table(&all->loader),
        .release = release,
        .release_context = all};
    enum coffer_status status = tee_device_id(options->key, &parts.settings.device);

    if (status != COFFER_OK)
        return status;
    return gp_sessions_open(&all->tee, &parts);
}

enum coffer_status coffer_linux_tee_open(const struct coffer_linux_tee_options *options,
                                         struct coffer_tee **out)
{
    enum coffer_status status;
    struct linux_tee *all;

    if (options == NULL || out == NULL || options->directory == NULL || options->key == NULL)
        return COFFER_MISUSE;
    all = calloc(1, sizeof(*all));
    if (all == NULL)
        return COFFER_NO_MEMORY;
    status = tee_loader_init(&all->loader, options->ta_path);
    if (status != COFFER_OK)
        goto no_loader;
    status = open_memory(all, options);
    if (status != COFFER_OK)
        goto no_memory;
    status = open_stores(all, options);
    if (status != COFFER_OK)
        goto no_stores;
    status = open_tee(all, options);
    if (status == COFFER_OK) {
        *out = &all->tee;
        return COFFER_OK;
    }

    close_stores(all);
no_stores:
    coffer_memory_close(all->memory);
no_memory:
    tee_loader_fini(&all->loader);
no_loader:
    free(all);
    return status;
}

enum coffer_status coffer_linux_tee_load(struct coffer_tee *tee, const char *path, TEE_UUID *uuid)
{
    if (tee == NULL || path == NULL || uuid == NULL)
        return COFFER_MISUSE;
    return tee_loader_name(tee->loader.context, path, uuid);
}

/* --- The one of the clients -------------------------------------------------------------- */

static pthread_mutex_t clients_lock = PTHREAD_MUTEX_INITIALIZER;
static struct coffer_tee *clients_tee; /* NULL: none yet */
static bool is_named;                  /* by coffer_linux_tee_use */
static unsigned contexts;

#define KEY_FILE_MOST 256 /* bytes that are looked at */

/* COFFER_NOT_FOUND: errno tells why. */
static enum coffer_status read_key(const char *path, uint8_t bytes[COFFER_KEY_SIZE_MAX],
                                   size_t *size)
{
    uint8_t file[KEY_FILE_MOST];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, file, sizeof(file));
    enum coffer_status status = COFFER_NOT_FOUND;

    if (got >= 0)
        status = coffer_key_parse(file, (size_t)got, bytes, size);
    explicit_bzero(file, sizeof(file));
    if (fd >= 0)
        (void)close(fd);
    return status;
}

/* It is closed by who named it: there is none any more. */
static void forget_clients_tee(const struct coffer_tee *tee)
{
    (void)pthread_mutex_lock(&clients_lock);
    if (clients_tee == tee) {
        clients_tee = NULL;
        is_named = false;
    }
    (void)pthread_mutex_unlock(&clients_lock);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Why there is no tee: its client learns no more than a code. */
static void tell(const char *variable, const char *value, const char *why)
{
    const struct coffer_port *port = coffer_linux_port();
    char text[512];

    (void)snprintf(text, sizeof(text), "no TEE: %s=%.300s: %s", variable, value, why);
    port->log(port->context, PORT_LOG_WARNING, text);
}

static enum coffer_status open_from_environment(struct coffer_tee **out)
{
    const char *store = environment("COFFER_STORE");
    const char *key_file = environment("COFFER_KEY");
    struct coffer_key key = {.kind = COFFER_KEY_HUK};
    enum coffer_status status;
    uint8_t bytes[COFFER_KEY_SIZE_MAX];

    if (store == NULL || key_file == NULL) {
        tell(store == NULL ? "COFFER_STORE" : "COFFER_KEY", "", "not set");
        return COFFER_NOT_FOUND;
    }
    key.bytes = bytes;
    status = read_key(key_file, bytes, &key.size);
    if (status != COFFER_OK) {
        tell("COFFER_KEY", key_file,
             status == COFFER_MISUSE
                 ? "no key: that is 16 or 32 bytes, as they are or as hex digits"
                 : strerrordesc_np(errno));
        return status;
    }
    status = coffer_linux_tee_open(
        &(struct coffer_linux_tee_options){
            .directory = store, .key = &key, .ta_path = environment("COFFER_TA_PATH")},
        out);
    explicit_bzero(bytes, sizeof(bytes));
    if (status == COFFER_OK)
        ((struct linux_tee *)(void *)*out)->is_of_environment = true; /* its first member */
    else
        tell("COFFER_STORE", store,
             status == COFFER_CORRUPT ? "another key than COFFER_KEY's, or a damaged catalogue"
                                      : coffer_status_text(status));
    return status;
}

TEE_Result tee_take(struct coffer_tee **out)
{
    enum coffer_status status = COFFER_OK;

    (void)pthread_mutex_lock(&clients_lock);
    if (clients_tee == NULL)
        status = open_from_environment(&clients_tee);
    if (status == COFFER_OK) {
        contexts++;
        *out = clients_tee;
    }
    (void)pthread_mutex_unlock(&clients_lock);
    return gp_result(status);
}

void tee_give(void)
{
    struct coffer_tee *gone = NULL;

    (void)pthread_mutex_lock(&clients_lock);
    assert_cheap(contexts > 0);
    if (--contexts == 0 && !is_named) {
        gone = clients_tee;
        clients_tee = NULL;
        coffer_tee_close(gone); /* with the lock: the next one opens the same store */
    }
    (void)pthread_mutex_unlock(&clients_lock);
}

enum coffer_status coffer_linux_tee_use(struct coffer_tee *tee)
{
    enum coffer_status status = COFFER_BUSY;

    (void)pthread_mutex_lock(&clients_lock);
    if (contexts == 0) {
        clients_tee = tee;
        is_named = tee != NULL;
        status = COFFER_OK;
    }
    (void)pthread_mutex_unlock(&clients_lock);
    return status;
}
