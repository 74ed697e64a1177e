/* SPDX-License-Identifier: BSD-2-Clause */
/* The public calls: arguments checked, the store asked. */
#include <string.h>

#include "base/bytes.h"
#include "engine/engine.h"

/* --- Names --- */

void engine_uuid(const struct coffer_uuid *uuid, uint8_t out[CRYPTO_UUID_SIZE])
{
    store_le32(out, uuid->time_low);
    store_le16(out + 4, uuid->time_mid);
    store_le16(out + 6, uuid->time_hi_and_version);
    memcpy(out + 8, uuid->clock_seq_and_node, sizeof(uuid->clock_seq_and_node));
}

static enum coffer_status make_name(const struct coffer_uuid *ta, const void *id, size_t id_size,
                                    struct name *out)
{
    if (id_size > COFFER_ID_MAX || (id == NULL && id_size > 0))
        return COFFER_MISUSE;
    memset(out, 0, sizeof(*out));
    engine_uuid(ta, out->uuid);
    if (id_size > 0)
        memcpy(out->id, id, id_size);
    out->id_size = (uint32_t)id_size;
    return COFFER_OK;
}

enum coffer_status engine_name(const struct coffer_name *name, struct name *out)
{
    return name == NULL ? COFFER_MISUSE : make_name(&name->ta, name->id, name->id_size, out);
}

/* Bytes in front of an object's data, as traces tell them. */
static uint64_t front_of(size_t attributes_size)
{
    return OBJECT_HEAD_SIZE + attributes_size;
}

/* --- Objects --- */

static enum coffer_status try_open(struct coffer *store, const struct name *name, uint64_t traced,
                                   struct coffer_object **out)
{
    struct coffer_object *object;
    enum coffer_status status;
    void *handle;

    status = engine_make_handle(store, sizeof(struct coffer_object), HANDLE_OBJECT, name->uuid,
                                &handle);
    if (status != COFFER_OK)
        return status;
    object = handle;
    object->handle.traced = traced;
    status = object_open(&store->store, name, &object->object);
    if (status == COFFER_OK)
        *out = object;
    else
        engine_free_handle(&object->handle);
    return status;
}

enum coffer_status coffer_object_open(struct coffer *store, const struct coffer_name *name,
                                      struct coffer_object **out)
{
    struct coffer_info info = {0};
    enum coffer_status status;
    struct name inside;
    struct turn turn;
    uint64_t traced;

    if (store == NULL || out == NULL)
        return COFFER_MISUSE;
    status = engine_name(name, &inside);
    if (status != COFFER_OK)
        return status;
    traced = trace_name(&store->trace, &inside);
    turn = engine_turn(store, false);
    do {
        engine_enter(store);
        status = try_open(store, &inside, traced, out);
        if (status == COFFER_OK && trace_is_on(&store->trace))
            object_info((*out)->object, &info);
        engine_leave(store);
    } while (engine_again(store, &turn, status));
    trace_call(&store->trace, COFFER_TRACE_OPEN, traced, front_of(info.attributes_size), info.size,
               status);
    return status;
}

void coffer_object_close(struct coffer_object *object)
{
    struct coffer *engine;
    uint64_t traced;

    if (object == NULL || object->handle.engine == NULL)
        return;
    engine = object->handle.engine;
    traced = object->handle.traced;
    engine_enter(engine);
    object_close(object->object);
    engine_free_handle(&object->handle);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_CLOSE, traced, 0, 0, COFFER_OK);
}

static bool is_open(const struct coffer_object *object)
{
    return object != NULL && object->handle.engine != NULL;
}

enum coffer_status coffer_object_info(struct coffer_object *object, struct coffer_info *out)
{
    struct coffer *engine;

    if (!is_open(object) || out == NULL)
        return COFFER_MISUSE;
    engine = object->handle.engine;
    engine_enter(engine);
    object_info(object->object, out);
    engine_leave(engine);
    return COFFER_OK;
}

enum coffer_status coffer_object_attributes(struct coffer_object *object, void *out, size_t size)
{
    enum coffer_status status;
    struct coffer *engine;

    if (!is_open(object) || (out == NULL && size > 0))
        return COFFER_MISUSE;
    engine = object->handle.engine;
    engine_enter(engine);
    status = object_attributes(object->object, out, size);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_ATTRIBUTES, object->handle.traced, 0, size, status);
    return status;
}

enum coffer_status coffer_object_read(struct coffer_object *object, uint64_t offset, void *out,
                                      size_t size, size_t *got)
{
    enum coffer_status status;
    struct coffer *engine;

    if (!is_open(object) || (out == NULL && size > 0) || got == NULL)
        return COFFER_MISUSE;
    engine = object->handle.engine;
    engine_enter(engine);
    status = object_read(object->object, offset, out, size, got);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_READ, object->handle.traced, offset, size, status);
    return status;
}

static enum coffer_status write_object(struct coffer_object *object, uint64_t offset, uint64_t size,
                                       const struct object_source *source)
{
    struct coffer *engine = object->handle.engine;
    enum coffer_status status;

    engine_enter(engine);
    status = object_write(object->object, offset, size, source);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_WRITE, object->handle.traced, offset, size, status);
    return status;
}

/* All of it in one piece. */
static enum coffer_status give_all(void *context, uint64_t left, const void **data, size_t *piece)
{
    *data = context;
    *piece = (size_t)left;
    return COFFER_OK;
}

enum coffer_status coffer_object_write(struct coffer_object *object, uint64_t offset,
                                       const void *data, size_t size)
{
    const struct object_source source = {give_all, (void *)(uintptr_t)data};

    if (!is_open(object) || (data == NULL && size > 0))
        return COFFER_MISUSE;
    return write_object(object, offset, size, &source);
}

enum coffer_status coffer_object_write_from(
    struct coffer_object *object, uint64_t offset, uint64_t size,
    enum coffer_status (*next)(void *context, uint64_t left, const void **data, size_t *piece),
    void *context)
{
    const struct object_source source = {next, context};

    if (!is_open(object) || next == NULL)
        return COFFER_MISUSE;
    return write_object(object, offset, size, &source);
}

enum coffer_status coffer_object_truncate(struct coffer_object *object, uint64_t size)
{
    enum coffer_status status;
    struct coffer *engine;

    if (!is_open(object))
        return COFFER_MISUSE;
    engine = object->handle.engine;
    engine_enter(engine);
    status = object_truncate(object->object, size);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_CUT, object->handle.traced, 0, size, status);
    return status;
}

enum coffer_status coffer_object_set_usage(struct coffer_object *object, uint32_t usage)
{
    enum coffer_status status;
    struct coffer *engine;

    if (!is_open(object))
        return COFFER_MISUSE;
    engine = object->handle.engine;
    engine_enter(engine);
    status = object_set_usage(object->object, usage);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_USAGE, object->handle.traced, 0, 0, status);
    return status;
}

enum coffer_status coffer_stat(struct coffer *store, const struct coffer_name *name,
                               struct coffer_info *out)
{
    struct coffer_info info = {0};
    enum coffer_status status;
    struct name inside;

    if (store == NULL || out == NULL)
        return COFFER_MISUSE;
    status = engine_name(name, &inside);
    if (status != COFFER_OK)
        return status;
    engine_enter(store);
    status = object_stat(&store->store, &inside, &info);
    engine_leave(store);
    if (status == COFFER_OK)
        *out = info;
    trace_call(&store->trace, COFFER_TRACE_STAT, trace_name(&store->trace, &inside),
               front_of(info.attributes_size), info.size, status);
    return status;
}

enum coffer_status coffer_rename(struct coffer *store, const struct coffer_name *from,
                                 const void *to, size_t to_size)
{
    enum coffer_status status;
    struct name before;
    struct name after;

    if (store == NULL)
        return COFFER_MISUSE;
    status = engine_name(from, &before);
    if (status == COFFER_OK)
        status = make_name(&from->ta, to, to_size, &after);
    if (status != COFFER_OK)
        return status;
    engine_enter(store);
    status = object_rename(&store->store, &before, &after);
    engine_leave(store);
    trace_rename(&store->trace, trace_name(&store->trace, &before),
                 trace_name(&store->trace, &after), status);
    return status;
}

static enum coffer_status change_named(struct coffer *store, const struct coffer_name *name,
                                       enum coffer_status (*change)(struct store *store,
                                                                    const struct name *name),
                                       enum coffer_trace_call call)
{
    enum coffer_status status;
    struct name inside;

    if (store == NULL)
        return COFFER_MISUSE;
    status = engine_name(name, &inside);
    if (status != COFFER_OK)
        return status;
    engine_enter(store);
    status = change(&store->store, &inside);
    engine_leave(store);
    trace_call(&store->trace, call, trace_name(&store->trace, &inside), 0, 0, status);
    return status;
}

enum coffer_status coffer_delete(struct coffer *store, const struct coffer_name *name)
{
    return change_named(store, name, object_delete, COFFER_TRACE_DELETE);
}

enum coffer_status coffer_quarantine(struct coffer *store, const struct coffer_name *name)
{
    return change_named(store, name, object_quarantine, COFFER_TRACE_QUARANTINE);
}

/* --- Streams --- */

static enum coffer_status check_making(const struct coffer *store, unsigned flags,
                                       const struct coffer_attributes *attributes)
{
    if (store == NULL || (flags & ~COFFER_REPLACE) != 0)
        return COFFER_MISUSE;
    if (attributes != NULL && attributes->bytes == NULL && attributes->bytes_size > 0)
        return COFFER_MISUSE;
    return COFFER_OK;
}

static enum coffer_status try_put(struct coffer *store, const struct name *name, bool replace,
                                  const struct coffer_attributes *attributes, const void *data,
                                  size_t size)
{
    enum coffer_status status = writer_expect(&store->store, name, replace);
    struct writer *writer;
    uint64_t begin;

    if (status == COFFER_OK)
        status = writer_open(&store->store, name, replace, attributes, size, &writer);
    if (status != COFFER_OK)
        return status;
    status = writer_write(writer, data, size, &begin);
    if (status == COFFER_OK)
        return writer_commit(writer);
    writer_abort(writer);
    return status;
}

enum coffer_status coffer_put(struct coffer *store, const struct coffer_name *name, unsigned flags,
                              const struct coffer_attributes *attributes, const void *data,
                              size_t size)
{
    enum coffer_status status = check_making(store, flags, attributes);
    struct name inside;
    struct turn turn;

    if (status == COFFER_OK)
        status = data == NULL && size > 0 ? COFFER_MISUSE : engine_name(name, &inside);
    if (status != COFFER_OK)
        return status;
    turn = engine_turn(store, true);
    do {
        engine_enter(store);
        engine_work_begin(store);
        status = try_put(store, &inside, (flags & COFFER_REPLACE) != 0, attributes, data, size);
        engine_work_end(store);
        engine_leave(store);
    } while (engine_again(store, &turn, status));
    trace_call(&store->trace, COFFER_TRACE_PUT, trace_name(&store->trace, &inside),
               front_of(attributes != NULL ? attributes->bytes_size : 0), size, status);
    return status;
}

static enum coffer_status try_writer(struct coffer *store, const struct name *name, bool replace,
                                     const struct coffer_attributes *attributes, uint64_t traced,
                                     struct coffer_writer **out)
{
    enum coffer_status status = writer_expect(&store->store, name, replace);
    struct coffer_writer *writer;
    void *handle;

    if (status == COFFER_OK)
        status = engine_make_handle(store, sizeof(struct coffer_writer), HANDLE_WRITER, name->uuid,
                                    &handle);
    if (status != COFFER_OK)
        return status;
    writer = handle;
    writer->handle.traced = traced;
    status = writer_open(&store->store, name, replace, attributes, 0, &writer->writer);
    if (status == COFFER_OK)
        *out = writer;
    else
        engine_free_handle(&writer->handle);
    return status;
}

enum coffer_status coffer_writer_open(struct coffer *store, const struct coffer_name *name,
                                      unsigned flags, const struct coffer_attributes *attributes,
                                      struct coffer_writer **out)
{
    enum coffer_status status = check_making(store, flags, attributes);
    struct name inside;
    struct turn turn;
    uint64_t traced;

    if (status == COFFER_OK)
        status = out == NULL ? COFFER_MISUSE : engine_name(name, &inside);
    if (status != COFFER_OK)
        return status;
    traced = trace_name(&store->trace, &inside);
    turn = engine_turn(store, false);
    do {
        engine_enter(store);
        status = try_writer(store, &inside, (flags & COFFER_REPLACE) != 0, attributes, traced, out);
        engine_leave(store);
    } while (engine_again(store, &turn, status));
    trace_call(&store->trace, COFFER_TRACE_MAKE, traced,
               front_of(attributes != NULL ? attributes->bytes_size : 0), 0, status);
    return status;
}

enum coffer_status coffer_writer_write(struct coffer_writer *writer, const void *data, size_t size)
{
    enum coffer_status status;
    struct coffer *engine;
    uint64_t before;

    if (writer == NULL || writer->handle.engine == NULL || (data == NULL && size > 0))
        return COFFER_MISUSE;
    engine = writer->handle.engine;
    engine_enter(engine);
    status = writer_write(writer->writer, data, size, &before);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_APPEND, writer->handle.traced, before, size, status);
    return status;
}

enum coffer_status coffer_writer_commit(struct coffer_writer *writer)
{
    enum coffer_status status;
    struct coffer *engine;
    uint64_t traced;
    uint64_t size;

    if (writer == NULL || writer->handle.engine == NULL)
        return COFFER_MISUSE;
    engine = writer->handle.engine;
    traced = writer->handle.traced;
    engine_enter(engine);
    engine_work_begin(engine);
    size = writer->writer->size;
    status = writer_commit(writer->writer);
    engine_free_handle(&writer->handle);
    engine_work_end(engine);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_COMMIT, traced, 0, size, status);
    return status;
}

void coffer_writer_abort(struct coffer_writer *writer)
{
    struct coffer *engine;
    uint64_t traced;

    if (writer == NULL || writer->handle.engine == NULL)
        return;
    engine = writer->handle.engine;
    traced = writer->handle.traced;
    engine_enter(engine);
    writer_abort(writer->writer);
    engine_free_handle(&writer->handle);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_ABORT, traced, 0, 0, COFFER_OK);
}

/* --- Enumeration --- */

enum coffer_status coffer_list_open(struct coffer *store, const struct coffer_uuid *ta,
                                    struct coffer_list **out)
{
    enum coffer_status status;
    struct coffer_list *list;
    uint8_t uuid[CRYPTO_UUID_SIZE];
    struct turn turn;
    void *handle;

    if (store == NULL || out == NULL)
        return COFFER_MISUSE;
    turn = engine_turn(store, false);
    do {
        engine_enter(store);
        status = engine_make_handle(store, sizeof(struct coffer_list), HANDLE_LIST, NULL, &handle);
        engine_leave(store);
    } while (engine_again(store, &turn, status));
    if (status != COFFER_OK)
        return status;
    list = handle;
    if (ta != NULL)
        engine_uuid(ta, uuid);
    listing_begin(&list->listing, ta != NULL ? uuid : NULL);
    *out = list;
    return COFFER_OK;
}

enum coffer_status coffer_list_next(struct coffer_list *list, struct coffer_entry *out)
{
    enum coffer_status status;
    struct coffer *engine;

    if (list == NULL || list->handle.engine == NULL || out == NULL)
        return COFFER_MISUSE;
    engine = list->handle.engine;
    engine_enter(engine);
    status = listing_next(&engine->store, &list->listing, out);
    engine_leave(engine);
    return status;
}

void coffer_list_close(struct coffer_list *list)
{
    struct coffer *engine;
    uint32_t met;

    if (list == NULL || list->handle.engine == NULL)
        return;
    engine = list->handle.engine;
    engine_enter(engine);
    met = list->listing.given;
    engine_free_handle(&list->handle);
    engine_leave(engine);
    trace_call(&engine->trace, COFFER_TRACE_LIST, 0, 0, met, COFFER_OK);
}

/* --- Checking, and the memory below --- */

enum coffer_status coffer_check(struct coffer *store, unsigned flags,
                                void (*each)(void *context, const struct coffer_finding *finding),
                                bool (*progress)(void *context, uint64_t done, uint64_t total),
                                void *context, struct coffer_check_summary *out)
{
    struct check check = {.flags = flags, .each = each, .progress = progress, .context = context};
    enum coffer_status status;

    if (store == NULL || each == NULL || out == NULL ||
        (flags & ~(COFFER_CHECK_REPAIR | COFFER_CHECK_DEEP)) != 0)
        return COFFER_MISUSE;
    check.store = &store->store;
    engine_enter(store);
    status = store_check(&check);
    engine_leave(store);
    trace_call(&store->trace, COFFER_TRACE_CHECK, 0, 0, 0, status);
    if (status == COFFER_OK)
        *out = check.summary;
    return status;
}

struct coffer_memory *coffer_memory_of(struct coffer *store)
{
    return store == NULL ? NULL : &store->view;
}
