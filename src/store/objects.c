/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects: their heads, their data, and what is done to them by name. */
#include "store/store.h"

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

static enum coffer_status read_head(struct tree *tree, struct object_head *head)
{
    uint8_t bytes[OBJECT_HEAD_SIZE];
    enum coffer_status status;
    size_t got = 0;

    status = tree_read(tree, 0, bytes, sizeof(bytes), &got);
    if (status != COFFER_OK)
        return status;
    if (got != sizeof(bytes))
        return COFFER_CORRUPT;
    head->attributes_size = load_le32(bytes + OBJECT_ATTRIBUTES_SIZE);
    head->object_size = load_le32(bytes + OBJECT_OBJECT_SIZE);
    head->max_size = load_le32(bytes + OBJECT_MAX_SIZE);
    head->usage = load_le32(bytes + OBJECT_USAGE);
    head->type = load_le32(bytes + OBJECT_TYPE);
    head->have = load_le32(bytes + OBJECT_HAVE);
    return data_start(head) <= tree_length(tree) ? COFFER_OK : COFFER_CORRUPT;
}

enum coffer_status object_open_entry(struct store *store, const struct entry *entry,
                                     struct tree **tree, struct object_head *head)
{
    char file_name[9];
    struct tree_opening opening = {.name = file_name,
                                   .uuid = entry->name.uuid,
                                   .version = TREE_BY_HASH,
                                   .root_hash = entry->hash};
    enum coffer_status status;

    catalogue_file_name(entry->file, file_name);
    status = tree_open(store->environment, &opening, NULL, tree);
    if (status != COFFER_OK)
        return status;
    status = read_head(*tree, head);
    if (status != COFFER_OK)
        tree_close(*tree);
    return status;
}

static void tell_if_tolerated(struct object *object, bool before)
{
    struct text text = {{0}, 0};

    if (before || !tree_is_tolerated(object->tree))
        return;
    text_add(&text, "file ");
    text_add(&text, tree_name(object->tree));
    text_add(&text, " has OP-TEE's truncate defect; it is read all the same, and mended when "
                    "written");
    store_notice(object->store, COFFER_NOTICE_TREE_TOLERATED, text.bytes);
}

enum coffer_status object_open(struct store *store, const struct name *name, struct object **out)
{
    struct object *object = store_find_open(store, name);
    enum coffer_status status;
    struct entry entry;
    uint32_t slot;
    void *block;

    if (object != NULL) {
        object->references++;
        *out = object;
        return COFFER_OK;
    }
    status = catalogue_find(&store->catalogue, name, &slot, &entry);
    if (status != COFFER_OK)
        return status;
    status = memory_alloc(store->environment->memory, store->owner, sizeof(*object), &block);
    if (status != COFFER_OK)
        return status;
    object = block;
    *object = (struct object){.store = store, .slot = slot, .references = 1, .entry = entry};
    status = object_open_entry(store, &entry, &object->tree, &object->head);
    if (status != COFFER_OK) {
        memory_free(store->environment->memory, object);
        /* The catalogue says that it exists: without its file it is damaged, not absent. */
        return status == COFFER_NOT_FOUND ? COFFER_CORRUPT : status;
    }
    list_insert_after(&store->objects, &object->link);
    store->counters.open_objects++;
    tell_if_tolerated(object, false);
    *out = object;
    return COFFER_OK;
}

void object_close(struct object *object)
{
    struct store *store = object->store;

    object->references--;
    if (object->references > 0)
        return;
    list_remove(&object->link);
    store->counters.open_objects--;
    tree_close(object->tree);
    memory_free(store->environment->memory, object);
}

void object_info(const struct object *object, struct coffer_info *out)
{
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
}

/* Bytes of the object's file, with a word about what had to be tolerated. */
static enum coffer_status read_bytes(struct object *object, uint64_t offset, void *out, size_t size,
                                     size_t *got)
{
    bool tolerated = tree_is_tolerated(object->tree);
    enum coffer_status status = tree_read(object->tree, offset, out, size, got);

    tell_if_tolerated(object, tolerated);
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

/* The end of a change to an open object's tree. */
static enum coffer_status publish(struct object *object, enum coffer_status status)
{
    struct store *store = object->store;
    struct entry after = object->entry;
    struct change change = {object->tree, object->slot, &object->entry, &after};

    if (status == COFFER_OK)
        status = store_publish(store, &change);
    else
        store->counters.aborts++;
    if (status == COFFER_OK)
        object->entry = after;
    else if (store->failed)
        tree_abort(object->tree);
    else
        tree_retract(object->tree);
    return status;
}

enum coffer_status object_write(struct object *object, uint64_t offset, const void *data,
                                size_t size)
{
    struct tree_piece piece = {data, size};
    enum coffer_status status = store_may_change(object->store);
    uint64_t end;

    if (status != COFFER_OK)
        return status;
    if (!add_fits(offset, size, &end) || end > COFFER_SIZE_MAX)
        return COFFER_NO_SPACE;
    if (size == 0)
        return COFFER_OK;
    status = tree_write(object->tree, data_start(&object->head) + offset, &piece, 1);
    return publish(object, status);
}

enum coffer_status object_truncate(struct object *object, uint64_t size)
{
    uint64_t now = tree_length(object->tree) - data_start(&object->head);
    enum coffer_status status = store_may_change(object->store);

    if (status != COFFER_OK)
        return status;
    if (size > COFFER_SIZE_MAX)
        return COFFER_NO_SPACE;
    if (size == now)
        return COFFER_OK;
    status = tree_set_length(object->tree, data_start(&object->head) + size);
    status = publish(object, status);
    if (status == COFFER_OK && size < now && tree_cut_file(object->tree) != COFFER_OK)
        store_notice(object->store, COFFER_NOTICE_CLEANUP,
                     "the file of a cut object could not be made smaller");
    return status;
}

enum coffer_status object_mend(struct object *object)
{
    enum coffer_status status = store_may_change(object->store);

    if (status != COFFER_OK)
        return status;
    status = tree_touch(object->tree);
    if (status == COFFER_OK)
        status = tree_mend(object->tree);
    return publish(object, status);
}

enum coffer_status object_rename(struct store *store, const struct name *from,
                                 const struct name *to)
{
    struct object *object = store_find_open(store, from);
    struct entry before;
    struct entry after;
    struct change change = {NULL, 0, &before, &after};
    enum coffer_status status = store_may_change(store);
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
    if (status == COFFER_OK && object != NULL)
        object->entry = after;
    return status;
}

enum coffer_status object_delete(struct store *store, const struct name *name)
{
    struct entry before;
    struct change change = {NULL, 0, &before, NULL};
    enum coffer_status status = store_may_change(store);

    if (status == COFFER_OK)
        status = catalogue_find(&store->catalogue, name, &change.slot, &before);
    if (status == COFFER_OK && store_find_open(store, name) != NULL)
        status = COFFER_BUSY;
    if (status == COFFER_OK)
        status = store_publish(store, &change);
    if (status == COFFER_OK)
        store_remove_file(store, before.file);
    return status;
}
