/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects in the making. A writer fills a file of its own that no entry names yet; its commit puts
 * the entry, new or in place of an old one, into the catalogue.
 */
#include "store/store.h"

#include <string.h>

#include "base/bytes.h"

/* Numbers to try before the device is taken to be at fault. */
#define FILE_TRIES 1000u

/*
 * A new file with the smallest free number. A file of that name that is there already is a
 * leftover of an interrupted commit, as no entry names it, and is thrown away; if one does name it
 * (its number was too large to be kept in memory), the next number is tried.
 */
static enum coffer_status create_file(struct store *store, const struct name *name,
                                      struct tree **tree, uint32_t *file)
{
    struct catalogue *catalogue = &store->catalogue;
    uint64_t removed = UINT64_MAX; /* the file that was thrown away last */

    for (unsigned attempt = 0; attempt < FILE_TRIES; attempt++) {
        uint32_t number = numbers_lowest_free(&catalogue->files);
        enum coffer_status status;
        char file_name[9];
        bool uses;

        catalogue_file_name(number, file_name);
        status = tree_create(store->environment, file_name, name->uuid, tree);
        if (status == COFFER_OK) {
            (void)numbers_add(&catalogue->files, number);
            *file = number;
            return COFFER_OK;
        }
        if (status != COFFER_EXISTS)
            return status;
        status = catalogue_uses_file(catalogue, number, &uses);
        if (status != COFFER_OK)
            return status;
        /* What can't be removed stays where it is; the next number will do. */
        if (uses || removed == number ||
            device_remove(store->environment->device, file_name) != COFFER_OK) {
            (void)numbers_add(&catalogue->files, number);
            status = catalogue_reserve(catalogue);
            if (status != COFFER_OK)
                return status;
        }
        removed = number;
    }
    return COFFER_IO;
}

/* The store's lock is held. */
static void free_writer(struct writer *writer)
{
    struct memory *memory = writer->store->environment->memory;

    books_give(writer->store, writer->name.uuid, &writer->taken);
    if (writer->tail != NULL)
        memory_free(memory, writer->tail);
    memory_free(memory, writer);
}

/* Whole blocks go to the tree; the rest waits in the tail, so that no block is sealed twice. */
static enum coffer_status append(struct writer *writer, const void *data, size_t size)
{
    size_t rest = (writer->tail_size + size) % LAYOUT_BLOCK_SIZE;
    size_t whole = writer->tail_size + size - rest;
    struct tree_piece pieces[2] = {{writer->tail, writer->tail_size},
                                   {data, whole - writer->tail_size}};
    const uint8_t *bytes = data;
    enum coffer_status status;

    if (whole == 0) {
        memcpy(writer->tail + writer->tail_size, bytes, size);
        writer->tail_size += size;
        return COFFER_OK;
    }
    status = tree_write(writer->tree, tree_length(writer->tree), pieces, 2);
    if (status != COFFER_OK)
        return status;
    memcpy(writer->tail, bytes + size - rest, rest);
    writer->tail_size = rest;
    return COFFER_OK;
}

static enum coffer_status append_tail(struct writer *writer)
{
    struct tree_piece piece = {writer->tail, writer->tail_size};

    return tree_write(writer->tree, tree_length(writer->tree), &piece, 1);
}

/* What every object's file begins with. */
static enum coffer_status append_head(struct writer *writer,
                                      const struct coffer_attributes *attributes)
{
    uint8_t bytes[OBJECT_HEAD_SIZE];
    struct object_head head = {.usage = COFFER_USAGE_ALL, .type = COFFER_TYPE_DATA};
    enum coffer_status status;

    if (attributes != NULL)
        head = (struct object_head){
            .attributes_size = (uint32_t)attributes->bytes_size,
            .object_size = attributes->object_size,
            .max_size = attributes->max_size,
            .usage = attributes->usage,
            .type = attributes->type,
            .have = attributes->have,
        };
    object_encode_head(&head, bytes);
    status = append(writer, bytes, sizeof(bytes));
    if (status == COFFER_OK && head.attributes_size > 0)
        status = append(writer, attributes->bytes, head.attributes_size);
    return status;
}

enum coffer_status writer_expect(struct store *store, const struct name *name, bool replace)
{
    enum coffer_status status;
    struct entry entry;
    uint32_t slot;

    store_lock(store);
    if (replace) {
        status = object_has_handles(store, name) ? COFFER_BUSY : COFFER_OK;
    } else {
        status = catalogue_find(&store->catalogue, name, &slot, &entry);
        if (status == COFFER_OK)
            status = COFFER_EXISTS;
        else if (status == COFFER_NOT_FOUND)
            status = COFFER_OK;
    }
    store_unlock(store);
    return status;
}

/* Bytes of the object that is to be replaced, as far as they are counted. */
static enum coffer_status find_replaced(const struct writer *writer, uint64_t *size)
{
    enum coffer_status status = object_size(writer->store, &writer->name, size);

    if (status == COFFER_NOT_FOUND || status == COFFER_CORRUPT) {
        *size = 0;
        return COFFER_OK;
    }
    return status;
}

/* What a watched TA has, and what the new object is to replace, becomes known. With the store's
 * lock and no other, as objects are looked at. */
static enum coffer_status weigh(struct writer *writer)
{
    enum coffer_status status = books_ready(writer->store, writer->name.uuid);

    if (status == COFFER_OK && !writer->weighed) {
        status = find_replaced(writer, &writer->replaced);
        writer->weighed = status == COFFER_OK;
    }
    return status;
}

/* Room for data of so many bytes. */
static enum coffer_status take_room(struct writer *writer, uint64_t size)
{
    return books_take(writer->store, writer->name.uuid, &writer->taken,
                      size > writer->replaced ? size - writer->replaced : 0);
}

/* A writer with a file of its own, and nothing in it; with room for `size` bytes of data. */
static enum coffer_status make_writer(struct store *store, const struct name *name, bool replace,
                                      uint64_t size, struct writer **out)
{
    struct memory *memory = store->environment->memory;
    enum coffer_status status = store_may_change(store);
    struct writer *writer;
    void *block;

    if (status == COFFER_OK)
        status = memory_alloc(memory, store->owner, sizeof(*writer), &block);
    if (status != COFFER_OK)
        return status;
    writer = block;
    writer->store = store;
    writer->name = *name;
    writer->replace = replace;
    rwlock_init(&writer->lock);
    status = memory_alloc(memory, store->owner, LAYOUT_BLOCK_SIZE, &block);
    if (status == COFFER_OK)
        writer->tail = block;
    if (status == COFFER_OK && size > 0 && books_find(&store->books, name->uuid) != NULL) {
        status = weigh(writer);
        if (status == COFFER_OK)
            status = take_room(writer, size);
    }
    if (status == COFFER_OK)
        status = create_file(store, name, &writer->tree, &writer->file);
    if (status != COFFER_OK) {
        free_writer(writer);
        return status;
    }
    *out = writer;
    return COFFER_OK;
}

enum coffer_status writer_open(struct store *store, const struct name *name, bool replace,
                               const struct coffer_attributes *attributes, uint64_t size,
                               struct writer **out)
{
    enum coffer_status status;
    struct writer *writer;

    if (attributes != NULL && attributes->bytes_size > OBJECT_ATTRIBUTES_MAX)
        return COFFER_MISUSE;
    store_lock(store);
    status = make_writer(store, name, replace, size, &writer);
    store_unlock(store);
    if (status != COFFER_OK)
        return status;
    /* Nobody else knows of it yet. */
    status = append_head(writer, attributes);
    if (status == COFFER_OK)
        status = tree_settle_if_crowded(writer->tree);
    if (status != COFFER_OK) {
        writer_abort(writer);
        return status;
    }
    *out = writer;
    return COFFER_OK;
}

/* Is there room for `size` bytes more, which end at *end? With the store's lock if the TA is
 * watched. */
static enum coffer_status find_room(struct writer *writer, size_t size, bool watched, uint64_t *end)
{
    if (writer->broken)
        return COFFER_MISUSE;
    if (writer->store->failed)
        return COFFER_FAILED;
    if (!add_fits(writer->size, size, end) || *end > COFFER_SIZE_MAX)
        return COFFER_NO_SPACE;
    return watched && size > 0 ? take_room(writer, *end) : COFFER_OK;
}

enum coffer_status writer_write(struct writer *writer, const void *data, size_t size,
                                uint64_t *place)
{
    struct store *store = writer->store;
    bool watched = books_find(&store->books, writer->name.uuid) != NULL;
    enum coffer_status status = COFFER_OK;
    uint64_t end;

    if (watched) {
        store_lock(store);
        status = weigh(writer);
    }
    rwlock_take_write(&store->lot, &writer->lock);
    *place = writer->size;
    if (status == COFFER_OK)
        status = find_room(writer, size, watched, &end);
    if (watched)
        store_unlock(store);
    if (status == COFFER_OK && size > 0) {
        status = append(writer, data, size);
        if (status == COFFER_OK)
            status = tree_settle_if_crowded(writer->tree);
        if (status == COFFER_OK)
            writer->size = end;
    }
    writer->broken |= status != COFFER_OK;
    rwlock_give_write(&store->lot, &writer->lock);
    return status;
}

/* Which slot the object goes to; `before` is what is there, and nobody can open that any more. */
static enum coffer_status find_slot(struct writer *writer, uint32_t *slot, struct entry *before,
                                    bool *replaces)
{
    struct store *store = writer->store;
    enum coffer_status status = catalogue_find(&store->catalogue, &writer->name, slot, before);

    *replaces = status == COFFER_OK;
    if (status == COFFER_OK && !writer->replace)
        return COFFER_EXISTS;
    if (status == COFFER_OK)
        return object_retire(store, &writer->name);
    if (status != COFFER_NOT_FOUND)
        return status;
    return catalogue_free_slot(&store->catalogue, slot);
}

/* A file that was replaced is removed, unless it is damaged and so not ours to destroy. */
static void retire(struct store *store, const struct entry *entry, bool damaged)
{
    char name[9];

    if (!damaged) {
        store_remove_file(store, entry->file);
        return;
    }
    catalogue_file_name(entry->file, name);
    if (quarantine_move(store, name, NULL) == COFFER_OK)
        numbers_remove(&store->catalogue.files, entry->file);
}

/* Can the object that is to be replaced be opened at all? */
static enum coffer_status find_damage(struct store *store, const struct entry *entry, bool *damaged)
{
    struct object_head head;
    struct tree *tree;
    enum coffer_status status = object_open_entry(store, entry, &tree, &head);

    *damaged = status == COFFER_CORRUPT;
    if (status == COFFER_OK)
        tree_close(tree);
    return status == COFFER_CORRUPT || status == COFFER_NOT_FOUND ? COFFER_OK : status;
}

/* The store's lock, and nobody is appending any more. */
static void end_lock(struct writer *writer)
{
    store_lock(writer->store);
    rwlock_take_write(&writer->store->lot, &writer->lock);
    rwlock_give_write(&writer->store->lot, &writer->lock);
}

/* The writer's end, whose file becomes nobody's. */
static void abort_locked(struct writer *writer)
{
    struct store *store = writer->store;

    tree_close(writer->tree);
    /* When a commit's outcome is unknown, the catalogue may name the file. */
    if (!store->failed)
        store_remove_file(store, writer->file);
    free_writer(writer);
}

/* May the TA have the object? *before: the size of what it replaces, as far as that is counted:
 * now, whatever it was when room was taken. */
static enum coffer_status allow(struct writer *writer, uint64_t *before)
{
    struct store *store = writer->store;
    enum coffer_status status;

    if (books_find(&store->books, writer->name.uuid) == NULL)
        return COFFER_OK;
    status = books_ready(store, writer->name.uuid);
    if (status == COFFER_OK)
        status = find_replaced(writer, before);
    if (status != COFFER_OK)
        return status;
    books_give(store, writer->name.uuid, &writer->taken);
    return books_allow(store, writer->name.uuid, *before, writer->size);
}

static enum coffer_status commit_locked(struct writer *writer)
{
    struct store *store = writer->store;
    struct entry before;
    struct entry after = {.name = writer->name, .file = writer->file};
    struct change change = {.tree = writer->tree, .after = &after};
    enum coffer_status status = writer->broken ? COFFER_MISUSE : store_may_change(store);
    bool replaces = false;
    bool damaged = false;
    uint64_t size = 0;

    if (status == COFFER_OK)
        status = allow(writer, &size);
    if (status == COFFER_OK)
        status = find_slot(writer, &change.slot, &before, &replaces);
    if (status == COFFER_OK && replaces) {
        change.before = &before;
        status = find_damage(store, &before, &damaged);
    }
    if (status == COFFER_OK)
        status = append_tail(writer);
    if (status == COFFER_OK)
        status = store_publish(store, &change);
    if (status != COFFER_OK) {
        abort_locked(writer);
        return status;
    }
    tree_close(writer->tree);
    if (replaces)
        retire(store, &before, damaged);
    books_changed(store, writer->name.uuid, size, writer->size, replaces ? 0 : 1);
    if (damaged)
        books_doubt(store, writer->name.uuid);
    free_writer(writer);
    return COFFER_OK;
}

enum coffer_status writer_commit(struct writer *writer)
{
    struct store *store = writer->store;
    enum coffer_status status;

    end_lock(writer);
    status = commit_locked(writer);
    store_unlock(store);
    return status;
}

void writer_abort(struct writer *writer)
{
    struct store *store = writer->store;

    end_lock(writer);
    abort_locked(writer);
    store_unlock(store);
}
