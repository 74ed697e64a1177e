/* SPDX-License-Identifier: BSD-2-Clause */
/* Where damaged files go: quarantine/NAME.N in the store's folder. Nothing ever leaves it. */
#include "store/store.h"

#include "base/text.h"

#define TRIES 10000u

static struct text place(const char *name, unsigned attempt)
{
    struct text text = {{0}, 0};

    text_add(&text, "quarantine/");
    text_add(&text, name);
    text_add(&text, ".");
    text_add_number(&text, attempt, 10);
    return text;
}

static enum coffer_status settle_in(struct store *store, const char *name, const struct text *to)
{
    const char *synced = to->bytes;
    struct text text = {{0}, 0};
    enum coffer_status status = COFFER_OK;

    if (!store->settings.volatile_commits)
        status = device_sync(store->environment->device, &synced, 1);
    if (status != COFFER_OK)
        return status;
    text_add(&text, name);
    text_add(&text, " was put into ");
    text_add(&text, to->bytes);
    store_notice(store, COFFER_NOTICE_QUARANTINED, text.bytes);
    return COFFER_OK;
}

enum coffer_status quarantine_move(struct store *store, const char *name, struct text *where)
{
    enum coffer_status status = COFFER_EXISTS;

    for (unsigned attempt = 0; attempt < TRIES && status == COFFER_EXISTS; attempt++) {
        struct text to = place(name, attempt);

        status = device_rename(store->environment->device, name, to.bytes);
        if (status == COFFER_OK && where != NULL)
            *where = to;
        if (status == COFFER_OK)
            return settle_in(store, name, &to);
    }
    return status == COFFER_EXISTS ? COFFER_NO_SPACE : status;
}

/* After a failure: the file that was moved goes back, unless nobody knows which version counts. */
static void move_back(struct store *store, const struct text *where, const char *name,
                      enum coffer_status status)
{
    if (where->size == 0 || status == COFFER_FAILED)
        return;
    if (device_rename(store->environment->device, where->bytes, name) != COFFER_OK)
        store_notice(store, COFFER_NOTICE_CLEANUP,
                     "a damaged file could not be moved back from quarantine");
}

enum coffer_status quarantine_object(struct store *store, uint32_t slot, const struct entry *entry)
{
    struct change change = {NULL, slot, entry, NULL};
    struct text where = {{0}, 0};
    enum coffer_status status;
    char name[9];

    catalogue_file_name(entry->file, name);
    status = object_retire(store, &entry->name);
    if (status == COFFER_OK)
        status = store_may_change(store);
    if (status == COFFER_OK) {
        status = quarantine_move(store, name, &where);
        if (status == COFFER_NOT_FOUND)
            status = COFFER_OK; /* there is none to keep */
    }
    if (status == COFFER_OK)
        status = store_publish(store, &change);
    if (status == COFFER_OK)
        numbers_remove(&store->catalogue.files, entry->file);
    else
        move_back(store, &where, name, status);
    return status;
}

static enum coffer_status copy_bytes(struct store *store, const char *from, const char *to)
{
    struct tree_environment *environment = store->environment;
    enum coffer_status status;
    struct staging staging;
    uint64_t offset = 0;
    size_t got = 1;

    work_begin(environment);
    staging_take(environment, STAGING_RESERVE, &staging);
    do {
        struct device_piece piece = {staging_block(&staging, 0),
                                     (size_t)STAGING_RESERVE * LAYOUT_BLOCK_SIZE};

        status = device_read(environment->device, from, offset, &piece, 1, &got);
        piece.size = got;
        if (status == COFFER_OK && got > 0)
            status = device_write(environment->device, to, offset, &piece, 1);
        offset += got;
    } while (status == COFFER_OK && got > 0);
    staging_give(&staging, true);
    work_end(environment);
    return status;
}

enum coffer_status quarantine_copy(struct store *store, const char *name)
{
    enum coffer_status status = COFFER_EXISTS;

    for (unsigned attempt = 0; attempt < TRIES && status == COFFER_EXISTS; attempt++) {
        struct text to = place(name, attempt);

        status = device_create(store->environment->device, to.bytes);
        if (status != COFFER_OK)
            continue;
        status = copy_bytes(store, name, to.bytes);
        if (status == COFFER_OK)
            return settle_in(store, name, &to);
        /* Half a copy is of no use to anybody; if it stays, it only takes room. */
        if (device_remove(store->environment->device, to.bytes) != COFFER_OK)
            store_notice(store, COFFER_NOTICE_CLEANUP, "half a copy was left in quarantine/");
        return status;
    }
    return status == COFFER_EXISTS ? COFFER_NO_SPACE : status;
}

struct orphan_search {
    struct store *store;
    struct orphans *orphans;
    uint64_t from;
};

/* Keep the smallest numbers from search->from on that may be orphans, in order. */
static bool note_candidate(void *argument, const char *name, uint64_t size)
{
    struct orphan_search *search = argument;
    struct orphans *orphans = search->orphans;
    uint32_t file;
    size_t at;

    (void)size;
    if (!catalogue_file_number(name, &file) || file < search->from ||
        numbers_has(&search->store->catalogue.files, file))
        return true;
    if (orphans->count == ORPHANS_MAX && file > orphans->files[ORPHANS_MAX - 1])
        return true;
    if (orphans->count < ORPHANS_MAX)
        orphans->count++;
    for (at = orphans->count - 1; at > 0 && orphans->files[at - 1] > file; at--)
        orphans->files[at] = orphans->files[at - 1];
    orphans->files[at] = file;
    return true;
}

enum coffer_status orphans_find(struct store *store, uint64_t from, struct orphans *out)
{
    struct orphan_search search = {store, out, from};
    enum coffer_status status;
    size_t candidates;

    *out = (struct orphans){.next = ORPHANS_END};
    status = device_list(store->environment->device, note_candidate, &search);
    if (out->count == ORPHANS_MAX)
        out->next = (uint64_t)out->files[ORPHANS_MAX - 1] + 1;
    /* The set of file numbers doesn't keep large ones. */
    candidates = out->count;
    out->count = 0;
    for (size_t i = 0; i < candidates && status == COFFER_OK; i++) {
        bool uses = true;

        status = catalogue_uses_file(&store->catalogue, out->files[i], &uses);
        if (!uses)
            out->files[out->count++] = out->files[i];
    }
    return status;
}

enum coffer_status quarantine_orphans(struct store *store)
{
    enum coffer_status status = COFFER_OK;
    struct orphans orphans;

    for (uint64_t from = 0; from != ORPHANS_END && status == COFFER_OK; from = orphans.next) {
        status = orphans_find(store, from, &orphans);
        for (size_t i = 0; i < orphans.count && status == COFFER_OK; i++) {
            char name[9];

            catalogue_file_name(orphans.files[i], name);
            status = quarantine_move(store, name, NULL);
        }
    }
    return status;
}
