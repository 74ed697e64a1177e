/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects: their heads, their data, and what is done to them by name. */
#include "store/store.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/text.h"

/* The head's bytes. */
#define OBJECT_ATTRIBUTES_SIZE 0u
#define OBJECT_OBJECT_SIZE     4u
#define OBJECT_MAX_SIZE        8u
#define OBJECT_USAGE           12u
#define OBJECT_TYPE            16u
#define OBJECT_HAVE            20u

static uint64_t data_start(const struct object_head *head)
{
    return (uint64_t)OBJECT_HEAD_SIZE + head->attributes_size;
}

void object_encode_head(const struct object_head *head, uint8_t bytes[OBJECT_HEAD_SIZE])
{
    store_le32(bytes + OBJECT_ATTRIBUTES_SIZE, head->attributes_size);
    store_le32(bytes + OBJECT_OBJECT_SIZE, head->object_size);
    store_le32(bytes + OBJECT_MAX_SIZE, head->max_size);
    store_le32(bytes + OBJECT_USAGE, head->usage);
    store_le32(bytes + OBJECT_TYPE, head->type);
    store_le32(bytes + OBJECT_HAVE, head->have);
}

static enum coffer_status decode_head(const struct tree *tree,
                                      const uint8_t bytes[OBJECT_HEAD_SIZE],
                                      struct object_head *head)
{
    head->attributes_size = load_le32(bytes + OBJECT_ATTRIBUTES_SIZE);
    head->object_size = load_le32(bytes + OBJECT_OBJECT_SIZE);
    head->max_size = load_le32(bytes + OBJECT_MAX_SIZE);
    head->usage = load_le32(bytes + OBJECT_USAGE);
    head->type = load_le32(bytes + OBJECT_TYPE);
    head->have = load_le32(bytes + OBJECT_HAVE);
    return data_start(head) <= tree_length(tree) ? COFFER_OK : COFFER_CORRUPT;
}

static enum coffer_status open_file(struct store *store, const struct entry *entry,
                                    size_t hash_size, struct tree **tree, struct object_head *head)
{
    char file_name[9];
    uint8_t front[OBJECT_HEAD_SIZE];
    size_t got = 0;
    struct tree_opening opening = {.name = file_name,
                                   .uuid = entry->name.uuid,
                                   .version = TREE_BY_HASH,
                                   .root_hash = entry->hash,
                                   .hash_size = hash_size,
                                   .front = front,
                                   .front_size = sizeof(front),
                                   .front_got = &got};
    enum coffer_status status;

    catalogue_file_name(entry->file, file_name);
    status = tree_open(store->environment, &opening, NULL, tree);
    if (status != COFFER_OK)
        return status;
    if (got < sizeof(front)) {
        status = tree_read(*tree, 0, front, sizeof(front), &got);
        tree_begin_anew(*tree); /* so that whoever begins with the data doesn't pass for going on */
    }
    if (status == COFFER_OK)
        status = got == sizeof(front) ? decode_head(*tree, front, head) : COFFER_CORRUPT;
    if (status != COFFER_OK)
        tree_close(*tree);
    return status;
}

enum coffer_status object_open_entry(struct store *store, const struct entry *entry,
                                     struct tree **tree, struct object_head *head)
{
    return open_file(store, entry, sizeof(entry->hash), tree, head);
}

/* --- Open objects --- */

/* The caller's pin goes. What was used once is rarely used again, and mustn't drive out what is
 * (the catalogue above all): until an object is reused, its blocks are the first to go. */
static void leave(struct object *object)
{
    struct store *store = object->store;
    uint32_t none = 0;

    if (!atomic_load_explicit(&object->reused, memory_order_relaxed))
        tree_cool(object->tree);

    if (atomic_load_explicit(&object->doubtful, memory_order_relaxed) &&
        atomic_compare_exchange_strong(&object->handles, &none, OBJECT_GONE))
        object_cache_discard(&store->objects, object);
    else
        object_cache_unpin(&store->objects, object);
}

/* Read what has just been claimed. Of the entry's hash the first bytes are known. */
static enum coffer_status load(struct store *store, struct object *object, uint32_t slot,
                               const struct entry *entry, size_t hash_size)
{
    enum coffer_status status;

    object->store = store;
    object->slot = slot;
    object->entry.file = entry->file;
    rwlock_init(&object->lock);
    status = open_file(store, entry, hash_size, &object->tree, &object->head);
    if (status == COFFER_OK)
        memcpy(object->entry.hash, tree_root_hash(object->tree), sizeof(object->entry.hash));
    else
        object->tree = NULL;
    /* The catalogue says that it exists: without its file it is damaged, not absent. */
    return status == COFFER_NOT_FOUND ? COFFER_CORRUPT : status;
}

static void tell_if_tolerated(struct object *object)
{
    struct text text = {{0}, 0};

    if (!tree_is_tolerated(object->tree) || atomic_exchange(&object->told, true))
        return;
    text_add(&text, "file ");
    text_add(&text, tree_name(object->tree));
    text_add(&text, " has OP-TEE's truncate defect; it is read all the same, and mended when "
                    "written");
    store_notice(object->store, COFFER_NOTICE_TREE_TOLERATED, text.bytes);
}

/* The pinned object of a name that wasn't here before the store's lock was taken. `hash`: the
 * name's. */
static enum coffer_status open_locked(struct store *store, const struct name *name, uint64_t hash,
                                      struct object **out)
{
    struct object *object;
    enum coffer_status status;
    struct entry entry;
    size_t hash_size;
    uint32_t slot;
    bool claimed;

    status = catalogue_find_to_open(&store->catalogue, name, hash, &slot, &entry, &hash_size);
    if (status == COFFER_OK)
        status = object_cache_get(&store->objects, name, hash, &object, &claimed);
    if (status != COFFER_OK)
        return status;
    if (claimed) {
        status = load(store, object, slot, &entry, hash_size);
        if (status == COFFER_OK)
            tell_if_tolerated(object);
        object_cache_loaded(&store->objects, object, status);
    }
    if (status == COFFER_OK)
        *out = object;
    return status;
}

/* The pinned object of a name, with the store's lock held. */
static enum coffer_status get_locked(struct store *store, const struct name *name,
                                     struct object **out)
{
    uint64_t hash = catalogue_hash(&store->catalogue, name);

    *out = object_cache_find(&store->objects, name, hash);
    return *out != NULL ? COFFER_OK : open_locked(store, name, hash, out);
}

/* The pinned object of a name. */
static enum coffer_status get(struct store *store, const struct name *name, struct object **out)
{
    uint64_t hash = catalogue_hash(&store->catalogue, name);
    enum coffer_status status = COFFER_OK;

    *out = object_cache_find(&store->objects, name, hash);
    if (*out != NULL) {
        if (!atomic_load_explicit(&(*out)->reused, memory_order_relaxed))
            atomic_store_explicit(&(*out)->reused, true, memory_order_relaxed);
    } else {
        store_lock(store);
        status = open_locked(store, name, hash, out);
        store_unlock(store);
    }
    return status;
}

static void let_others_run(const struct store *store)
{
    const struct coffer_port *port = store->settings.port;

    if (port->thread_yield != NULL)
        port->thread_yield(port->context);
}

/* One handle more, unless it is too late for that. */
static bool add_handle(struct object *object)
{
    uint32_t handles = atomic_load_explicit(&object->handles, memory_order_relaxed);

    do {
        if (handles == OBJECT_GONE)
            return false;
    } while (!atomic_compare_exchange_weak(&object->handles, &handles, handles + 1));
    return true;
}

enum coffer_status object_open(struct store *store, const struct name *name, struct object **out)
{
    enum coffer_status status;
    struct object *object;

    status = get(store, name, &object);
    while (status == COFFER_OK && !add_handle(object)) {
        /* Another thread is about to put it out of reach: then see what comes of it. */
        leave(object);
        let_others_run(store);
        status = get(store, name, &object);
    }
    if (status == COFFER_OK)
        *out = object;
    return status;
}

void object_close(struct object *object)
{
    uint32_t before = atomic_fetch_sub(&object->handles, 1);

    assert_cheap(before > 0 && before < OBJECT_GONE);
    leave(object);
}

/* The pinned object of a name, if it is in memory. */
static struct object *find_here(struct store *store, const struct name *name)
{
    return object_cache_find(&store->objects, name, catalogue_hash(&store->catalogue, name));
}

bool object_has_handles(struct store *store, const struct name *name)
{
    struct object *object = find_here(store, name);
    uint32_t handles;

    if (object == NULL)
        return false;
    handles = atomic_load(&object->handles);
    leave(object);
    return handles > 0 && handles != OBJECT_GONE;
}

void object_doubt(struct store *store, const struct name *name)
{
    struct object *object = find_here(store, name);

    if (object == NULL)
        return;
    atomic_store(&object->doubtful, true);
    leave(object);
}

enum coffer_status object_retire(struct store *store, const struct name *name)
{
    struct object *object;

    while ((object = find_here(store, name)) != NULL) {
        uint32_t handles = 0;

        if (atomic_compare_exchange_strong(&object->handles, &handles, OBJECT_GONE)) {
            object_cache_discard(&store->objects, object);
            break;
        }
        leave(object);
        if (handles != OBJECT_GONE)
            return COFFER_BUSY;
        let_others_run(store); /* who met damage in it puts it out of reach right now */
    }
    return COFFER_OK;
}

/* --- Reading --- */

static void read_lock(struct object *object)
{
    rwlock_take_read(&object->store->lot, &object->lock);
}

static void read_unlock(struct object *object)
{
    rwlock_give_read(&object->store->lot, &object->lock);
}

void object_info(struct object *object, struct coffer_info *out)
{
    read_lock(object);
    *out = (struct coffer_info){
        .size = tree_length(object->tree) - data_start(&object->head),
        .type = object->head.type,
        .usage = object->head.usage,
        .object_size = object->head.object_size,
        .max_size = object->head.max_size,
        .have = object->head.have,
        .attributes_size = object->head.attributes_size,
        .file = object->entry.file,
        .tolerated = tree_is_tolerated(object->tree),
    };
    read_unlock(object);
}

enum coffer_status object_stat(struct store *store, const struct name *name,
                               struct coffer_info *out)
{
    enum coffer_status status;
    struct object *object;

    status = get(store, name, &object);
    if (status != COFFER_OK)
        return status;
    object_info(object, out);
    leave(object);
    return COFFER_OK;
}

/* Bytes of the object's file, with a word about what had to be tolerated. */
static enum coffer_status read_bytes(struct object *object, uint64_t offset, void *out, size_t size,
                                     size_t *got)
{
    enum coffer_status status;

    read_lock(object);
    status = tree_read(object->tree, offset, out, size, got);
    if (status == COFFER_CORRUPT)
        atomic_store_explicit(&object->doubtful, true, memory_order_relaxed);
    tell_if_tolerated(object);
    read_unlock(object);
    return status;
}

enum coffer_status object_attributes(struct object *object, void *out, size_t size)
{
    size_t got = 0;
    enum coffer_status status;

    if (size < object->head.attributes_size)
        return COFFER_MISUSE;
    if (object->head.attributes_size == 0)
        return COFFER_OK;
    status = read_bytes(object, OBJECT_HEAD_SIZE, out, object->head.attributes_size, &got);
    assert_cheap(status != COFFER_OK || got == object->head.attributes_size);
    return status;
}

enum coffer_status object_read(struct object *object, uint64_t offset, void *out, size_t size,
                               size_t *got)
{
    uint64_t place;

    if (!add_fits(data_start(&object->head), offset, &place)) {
        *got = 0;
        return COFFER_OK;
    }
    return read_bytes(object, place, out, size, got);
}

/* --- Changing --- */

/* Alone with the object, and nobody else changes the store. */
static enum coffer_status change_lock(struct object *object)
{
    enum coffer_status status;

    store_lock(object->store);
    status = books_ready(object->store, object->entry.name.uuid);
    if (status != COFFER_OK) {
        store_unlock(object->store);
        return status;
    }
    rwlock_take_write(&object->store->lot, &object->lock);
    return COFFER_OK;
}

static void change_unlock(struct object *object)
{
    rwlock_give_write(&object->store->lot, &object->lock);
    store_unlock(object->store);
}

/* The end of a change to an object's tree. */
static enum coffer_status publish(struct object *object, enum coffer_status status)
{
    struct store *store = object->store;
    struct entry after = object->entry;
    struct change change = {object->tree, object->slot, &object->entry, &after};

    if (status == COFFER_OK)
        status = store_publish(store, &change);
    else
        counter_add(&store->counters.aborts, 1);
    if (status == COFFER_OK) {
        memcpy(object->entry.hash, after.hash, sizeof(after.hash));
        if (!tree_is_tolerated(object->tree))
            atomic_store(&object->told, false);
        return COFFER_OK;
    }
    if (status == COFFER_CORRUPT)
        atomic_store_explicit(&object->doubtful, true, memory_order_relaxed);
    if (store->failed)
        tree_abort(object->tree);
    else
        tree_retract(object->tree);
    return status;
}

/* The pieces in their places, as one change that isn't published yet. */
static enum coffer_status write_pieces(struct object *object, uint64_t offset, uint64_t size,
                                       const struct object_source *source)
{
    enum coffer_status status = COFFER_OK;

    while (size > 0 && status == COFFER_OK) {
        const void *data = NULL;
        size_t count = 0;

        status = source->next(source->context, size, &data, &count);
        if (status == COFFER_OK && (data == NULL || count == 0 || count > size))
            status = COFFER_MISUSE;
        if (status == COFFER_OK)
            status = tree_write(object->tree, data_start(&object->head) + offset,
                                &(struct tree_piece){data, count}, 1);
        offset += count;
        size -= count;
    }
    return status;
}

static enum coffer_status write_locked(struct object *object, uint64_t offset, uint64_t size,
                                       const struct object_source *source)
{
    const uint64_t now = tree_length(object->tree) - data_start(&object->head);
    const uint8_t *uuid = object->entry.name.uuid;
    enum coffer_status status = store_may_change(object->store);
    uint64_t end;

    if (status != COFFER_OK)
        return status;
    if (!add_fits(offset, size, &end) || end > COFFER_SIZE_MAX)
        return COFFER_NO_SPACE;
    if (size == 0)
        return COFFER_OK;
    status = books_allow(object->store, uuid, now, end);
    if (status != COFFER_OK)
        return status;
    status = write_pieces(object, offset, size, source);
    status = publish(object, status);
    if (status == COFFER_OK && end > now)
        books_changed(object->store, uuid, now, end, 0);
    return status;
}

enum coffer_status object_write(struct object *object, uint64_t offset, uint64_t size,
                                const struct object_source *source)
{
    enum coffer_status status = change_lock(object);

    if (status != COFFER_OK)
        return status;
    status = write_locked(object, offset, size, source);
    change_unlock(object);
    return status;
}

static enum coffer_status truncate_locked(struct object *object, uint64_t size)
{
    uint64_t now = tree_length(object->tree) - data_start(&object->head);
    enum coffer_status status = store_may_change(object->store);

    if (status != COFFER_OK)
        return status;
    if (size > COFFER_SIZE_MAX)
        return COFFER_NO_SPACE;
    if (size == now)
        return COFFER_OK;
    status = books_allow(object->store, object->entry.name.uuid, now, size);
    if (status != COFFER_OK)
        return status;
    status = tree_set_length(object->tree, data_start(&object->head) + size);
    status = publish(object, status);
    if (status == COFFER_OK)
        books_changed(object->store, object->entry.name.uuid, now, size, 0);
    if (status == COFFER_OK && size < now && tree_cut_file(object->tree) != COFFER_OK)
        store_notice(object->store, COFFER_NOTICE_CLEANUP,
                     "the file of a cut object could not be made smaller");
    return status;
}

enum coffer_status object_truncate(struct object *object, uint64_t size)
{
    enum coffer_status status = change_lock(object);

    if (status != COFFER_OK)
        return status;
    status = truncate_locked(object, size);
    change_unlock(object);
    return status;
}

static enum coffer_status set_usage_locked(struct object *object, uint32_t usage)
{
    struct object_head head = object->head;
    uint8_t bytes[OBJECT_HEAD_SIZE];
    const struct tree_piece piece = {bytes + OBJECT_USAGE, sizeof(usage)};
    enum coffer_status status = store_may_change(object->store);

    if (status != COFFER_OK || usage == head.usage)
        return status;
    head.usage = usage;
    object_encode_head(&head, bytes);
    status = tree_write(object->tree, OBJECT_USAGE, &piece, 1);
    status = publish(object, status);
    if (status == COFFER_OK)
        object->head.usage = usage;
    return status;
}

enum coffer_status object_set_usage(struct object *object, uint32_t usage)
{
    enum coffer_status status = change_lock(object);

    if (status != COFFER_OK)
        return status;
    status = set_usage_locked(object, usage);
    change_unlock(object);
    return status;
}

enum coffer_status object_size(struct store *store, const struct name *name, uint64_t *out)
{
    struct object *object;
    struct coffer_info info;
    enum coffer_status status = get_locked(store, name, &object);

    if (status != COFFER_OK)
        return status;
    object_info(object, &info);
    leave(object);
    *out = info.size;
    return COFFER_OK;
}

enum coffer_status object_mend(struct store *store, const struct name *name)
{
    struct object *object;
    enum coffer_status status = get_locked(store, name, &object);

    if (status != COFFER_OK)
        return status;
    rwlock_take_write(&store->lot, &object->lock);
    status = store_may_change(store);
    if (status == COFFER_OK) {
        status = tree_touch(object->tree);
        if (status == COFFER_OK)
            status = tree_mend(object->tree);
        status = publish(object, status);
    }
    rwlock_give_write(&store->lot, &object->lock);
    leave(object);
    return status;
}

/* --- By name --- */

static enum coffer_status rename_locked(struct store *store, const struct name *from,
                                        const struct name *to)
{
    struct entry before;
    struct entry after;
    struct change change = {NULL, 0, &before, &after};
    enum coffer_status status = store_may_change(store);
    struct object *object;
    struct entry unused;
    uint32_t taken;

    if (status == COFFER_OK)
        status = catalogue_find(&store->catalogue, from, &change.slot, &before);
    if (status != COFFER_OK)
        return status;
    if (name_equal(from, to))
        return COFFER_OK;
    status = catalogue_find(&store->catalogue, to, &taken, &unused);
    if (status != COFFER_NOT_FOUND)
        return status == COFFER_OK ? COFFER_EXISTS : status;
    after = before;
    after.name = *to;
    status = store_publish(store, &change);
    if (status != COFFER_OK)
        return status;
    object = find_here(store, from);
    if (object != NULL) {
        object_cache_rename(&store->objects, object, to);
        leave(object);
    }
    return COFFER_OK;
}

enum coffer_status object_rename(struct store *store, const struct name *from,
                                 const struct name *to)
{
    enum coffer_status status;

    store_lock(store);
    status = rename_locked(store, from, to);
    store_unlock(store);
    return status;
}

static enum coffer_status delete_locked(struct store *store, const struct name *name)
{
    struct entry before;
    struct change change = {NULL, 0, &before, NULL};
    enum coffer_status status = store_may_change(store);
    bool is_known = true;
    uint64_t size = 0;

    if (status == COFFER_OK)
        status = catalogue_find(&store->catalogue, name, &change.slot, &before);
    if (status == COFFER_OK && books_find(&store->books, name->uuid) != NULL)
        is_known = object_size(store, name, &size) == COFFER_OK;
    if (status == COFFER_OK)
        status = object_retire(store, name);
    if (status == COFFER_OK)
        status = store_publish(store, &change);
    if (status != COFFER_OK)
        return status;
    store_remove_file(store, before.file);
    books_changed(store, name->uuid, size, 0, -1);
    if (!is_known)
        books_doubt(store, name->uuid);
    return COFFER_OK;
}

enum coffer_status object_delete(struct store *store, const struct name *name)
{
    enum coffer_status status;

    store_lock(store);
    status = delete_locked(store, name);
    store_unlock(store);
    return status;
}

enum coffer_status object_quarantine(struct store *store, const struct name *name)
{
    enum coffer_status status;
    struct entry entry;
    uint32_t slot;

    store_lock(store);
    status = catalogue_find(&store->catalogue, name, &slot, &entry);
    if (status == COFFER_OK)
        status = quarantine_object(store, slot, &entry);
    if (status == COFFER_OK)
        books_doubt(store, name->uuid);
    store_unlock(store);
    return status;
}
