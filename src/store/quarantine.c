/* SPDX-License-Identifier: BSD-2-Clause */
/* Where damaged files go: quarantine/NAME.N in the store's folder. Nothing is ever removed there.
 */
#include "store/store.h"

#include <string.h>

#include "base/bytes.h"
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

enum coffer_status quarantine_move(struct store *store, const char *name)
{
    enum coffer_status status = COFFER_EXISTS;

    for (unsigned attempt = 0; attempt < TRIES && status == COFFER_EXISTS; attempt++) {
        struct text to = place(name, attempt);

        status = device_rename(store->environment->device, name, to.bytes);
        if (status == COFFER_OK)
            return settle_in(store, name, &to);
    }
    return status == COFFER_EXISTS ? COFFER_NO_SPACE : status;
}

static enum coffer_status copy_bytes(struct store *store, const char *from, const char *to)
{
    struct tree_environment *environment = store->environment;
    size_t size = environment->staging_blocks * LAYOUT_BLOCK_SIZE;
    uint64_t offset = 0;

    for (;;) {
        struct device_piece piece = {environment->staging, size};
        enum coffer_status status;
        size_t got = 0;

        status = device_read(environment->device, from, offset, &piece, 1, &got);
        if (status != COFFER_OK || got == 0)
            return status;
        piece.size = got;
        status = device_write(environment->device, to, offset, &piece, 1);
        if (status != COFFER_OK)
            return status;
        offset += got;
    }
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
        return status == COFFER_OK ? settle_in(store, name, &to) : status;
    }
    return status == COFFER_EXISTS ? COFFER_NO_SPACE : status;
}

struct orphan_search {
    struct store *store;
    struct orphans *orphans;
    enum coffer_status status;
};

/* Files that are surely taken are passed over at once; the rest is looked up after the listing. */
static bool note_candidate(void *argument, const char *name, uint64_t size)
{
    struct orphan_search *search = argument;
    uint32_t file;
    bool uses;

    (void)size;
    if (!catalogue_file_number(name, &file) || numbers_has(&search->store->catalogue.files, file))
        return true;
    search->status = catalogue_uses_file(&search->store->catalogue, file, &uses);
    if (search->status != COFFER_OK)
        return false;
    if (uses)
        return true;
    if (search->orphans->count == ORPHANS_MAX) {
        search->orphans->more = true;
        return false;
    }
    search->orphans->files[search->orphans->count++] = file;
    return true;
}

enum coffer_status orphans_find(struct store *store, struct orphans *out)
{
    struct orphan_search search = {store, out, COFFER_OK};
    enum coffer_status status;

    *out = (struct orphans){.count = 0};
    status = device_list(store->environment->device, note_candidate, &search);
    return status == COFFER_OK ? search.status : status;
}

enum coffer_status quarantine_orphans(struct store *store)
{
    struct orphans orphans;
    enum coffer_status status;

    do {
        status = orphans_find(store, &orphans);
        for (size_t i = 0; i < orphans.count && status == COFFER_OK; i++) {
            char name[9];

            catalogue_file_name(orphans.files[i], name);
            status = quarantine_move(store, name);
        }
    } while (status == COFFER_OK && orphans.more);
    return status;
}
