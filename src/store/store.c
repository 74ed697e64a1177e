/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and closing, and the commit. */
#include "store/store.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/text.h"

void store_notice(struct store *store, enum coffer_notice notice, const char *text)
{
    const struct coffer_port *port = store->settings.port;

    counter_add(&store->counters.notices, 1);
    if (store->settings.notice == NULL)
        return;
    port->lock_take(port->context, &store->notice_lock);
    store->settings.notice(store->settings.notice_context, notice, text);
    port->lock_give(port->context, &store->notice_lock);
}

/* A file of a store that has lost its catalogue? */
static bool note_object_file(void *argument, const char *name, uint64_t size)
{
    bool *found = argument;
    uint32_t file;

    (void)size;
    *found = catalogue_file_number(name, &file);
    return !*found;
}

static enum coffer_status has_object_files(struct store *store, bool *has)
{
    *has = false;
    return device_list(store->environment->device, note_object_file, has);
}

/* There is no catalogue, or one whose creation was interrupted before its first head. */
static enum coffer_status open_nothing(struct store *store, bool interrupted)
{
    enum coffer_status status;
    bool has;

    status = has_object_files(store, &has);
    if (status != COFFER_OK)
        return status;
    if (has)
        return COFFER_CORRUPT; /* objects without a catalogue: not ours to begin anew */
    if (!store->settings.create)
        return COFFER_NOT_FOUND;
    if (store->settings.read_only)
        return COFFER_MISUSE;
    if (interrupted) {
        status = device_remove(store->environment->device, CATALOGUE_FILE);
        if (status != COFFER_OK)
            return status;
    }
    status = catalogue_create(store->environment, !store->settings.volatile_commits);
    if (status == COFFER_OK)
        status = catalogue_open(&store->catalogue, store->environment, store->owner);
    return status;
}

static void tell_about_opening(struct store *store)
{
    const struct catalogue *catalogue = &store->catalogue;
    struct text text = {{0}, 0};

    if (catalogue->fell_back) {
        text_add(&text, "the newest version of dirf.db is incomplete or damaged; using version ");
        text_add_number(&text, tree_counter(catalogue->tree), 10);
        store_notice(store, COFFER_NOTICE_CATALOGUE_FALLBACK, text.bytes);
    }
    if (catalogue->spare_damaged)
        store_notice(store, COFFER_NOTICE_CATALOGUE_SPARE,
                     "the older version of dirf.db is damaged; nothing is lost");
    if (catalogue->had_duplicates)
        store_notice(store, COFFER_NOTICE_DUPLICATE_FILE,
                     "several entries of dirf.db name the same file; only the first counts");
}

static enum coffer_status open_locks(struct store *store)
{
    const struct coffer_port *port = store->settings.port;
    enum coffer_status status = port->lock_init(port->context, &store->lock);

    if (status != COFFER_OK)
        return status;
    status = port->lock_init(port->context, &store->notice_lock);
    if (status != COFFER_OK)
        goto fini_lock;
    status = rwlock_lot_init(&store->lot, port);
    if (status != COFFER_OK)
        goto fini_notice_lock;
    return COFFER_OK;

fini_notice_lock:
    port->lock_fini(port->context, &store->notice_lock);
fini_lock:
    port->lock_fini(port->context, &store->lock);
    return status;
}

static void close_locks(struct store *store)
{
    const struct coffer_port *port = store->settings.port;

    rwlock_lot_fini(&store->lot);
    port->lock_fini(port->context, &store->notice_lock);
    port->lock_fini(port->context, &store->lock);
}

static enum coffer_status open_catalogue(struct store *store)
{
    enum coffer_status status = catalogue_open(&store->catalogue, store->environment, store->owner);

    if (status == COFFER_NOT_FOUND)
        status = open_nothing(store, false);
    else if (status == COFFER_CORRUPT && store->catalogue.heads.blank[0] &&
             store->catalogue.heads.blank[1])
        status = open_nothing(store, true);
    return status;
}

enum coffer_status store_open(struct store *store, struct tree_environment *environment,
                              struct owner owner, const struct store_settings *settings)
{
    enum coffer_status status;

    *store = (struct store){.environment = environment, .owner = owner, .settings = *settings};
    status = open_locks(store);
    if (status != COFFER_OK)
        return status;
    status = open_catalogue(store);
    if (status != COFFER_OK)
        goto close_locks;
    status = object_cache_open(&store->objects, settings->port, &store->catalogue,
                               environment->memory, owner, settings->cached_objects);
    if (status != COFFER_OK)
        goto close_catalogue;
    tell_about_opening(store);
    return COFFER_OK;

close_catalogue:
    catalogue_close(&store->catalogue);
close_locks:
    close_locks(store);
    return status;
}

void store_close(struct store *store)
{
    object_cache_close(&store->objects);
    books_close(store);
    catalogue_close(&store->catalogue);
    close_locks(store);
}

enum coffer_status store_may_change(struct store *store)
{
    enum coffer_status status;

    if (store->settings.read_only)
        return COFFER_MISUSE;
    if (store->failed)
        return COFFER_FAILED;
    if (!store->catalogue.fell_back)
        return catalogue_reserve(&store->catalogue);
    /* The next commit overwrites the damaged version, and files that only that one named would pass
     * for leftovers: keep both. */
    status = quarantine_copy(store, CATALOGUE_FILE);
    if (status == COFFER_OK)
        status = quarantine_orphans(store);
    if (status != COFFER_OK)
        return status;
    store->catalogue.fell_back = false;
    return catalogue_reserve(&store->catalogue);
}

static enum coffer_status barrier(struct store *store, const struct tree *tree)
{
    const char *names[2] = {CATALOGUE_FILE, NULL};
    size_t count = 1;

    if (store->settings.volatile_commits)
        return COFFER_OK;
    if (tree != NULL)
        names[count++] = tree_name(tree);
    return device_sync(store->environment->device, names, count);
}

/* Steps 1 to 3: everything but the switch. */
static enum coffer_status prepare(struct store *store, const struct change *change)
{
    struct catalogue *catalogue = &store->catalogue;
    enum coffer_status status = COFFER_OK;

    /* The counters tell which head is newer: after the last there is no next. */
    if (tree_counter(catalogue->tree) == UINT32_MAX)
        return COFFER_NO_SPACE;
    if (change->tree != NULL) {
        if (tree_is_tolerated(change->tree))
            status = tree_mend(change->tree);
        if (status == COFFER_OK)
            status = tree_prepare(change->tree, true);
        if (status == COFFER_OK)
            memcpy(change->after->hash, tree_root_hash(change->tree), CRYPTO_HASH_SIZE);
    }
    if (status == COFFER_OK && catalogue->had_duplicates)
        status = catalogue_stage_void(catalogue);
    if (status == COFFER_OK)
        status = catalogue_stage(catalogue, change->slot, change->after);
    if (status == COFFER_OK)
        status = tree_prepare(catalogue->tree, false);
    if (status == COFFER_OK)
        status = barrier(store, change->tree);
    return status;
}

enum coffer_status store_publish(struct store *store, const struct change *change)
{
    struct catalogue *catalogue = &store->catalogue;
    enum coffer_status status = prepare(store, change);

    if (status != COFFER_OK) {
        tree_retract(catalogue->tree);
        counter_add(&store->counters.aborts, 1);
        return status;
    }
    status = tree_write_head(catalogue->tree);
    if (status == COFFER_OK)
        status = barrier(store, NULL);
    if (status != COFFER_OK) {
        store->failed = true;
        tree_abort(catalogue->tree);
        return COFFER_FAILED;
    }
    if (change->tree != NULL)
        tree_adopt(change->tree);
    tree_adopt(catalogue->tree);
    catalogue_apply(catalogue, change->slot, change->before, change->after);
    (void)atomic_fetch_add_explicit(&store->changes, 1, memory_order_release);
    catalogue->had_duplicates = false;
    counter_add(&store->counters.commits, 1);
    return COFFER_OK;
}

void store_remove_file(struct store *store, uint32_t file)
{
    struct text text = {{0}, 0};
    char name[9];

    catalogue_file_name(file, name);
    numbers_remove(&store->catalogue.files, file);
    if (device_remove(store->environment->device, name) == COFFER_OK)
        return;
    text_add(&text, "could not remove the file ");
    text_add(&text, name);
    text_add(&text, ", which no object uses any more");
    store_notice(store, COFFER_NOTICE_CLEANUP, text.bytes);
}

struct coffer_entry store_public_entry(const struct entry *entry)
{
    struct coffer_entry out = {.id_size = entry->name.id_size, .file = entry->file};
    const uint8_t *uuid = entry->name.uuid;

    out.ta.time_low = load_le32(uuid);
    out.ta.time_mid = load_le16(uuid + 4);
    out.ta.time_hi_and_version = load_le16(uuid + 6);
    memcpy(out.ta.clock_seq_and_node, uuid + 8, sizeof(out.ta.clock_seq_and_node));
    memcpy(out.id, entry->name.id, sizeof(out.id));
    return out;
}
