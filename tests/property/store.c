/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on a store against the model: puts, replacements, writes at any offset (past
 * the end too), truncation both ways, renames, deletions, streams, several handles on one object,
 * walks that objects come and go under, and reopening; in little memory and in more. Every answer
 * is foretold by the model, and after each reopening everything is compared.
 *
 * COFFER_SEED=n replays a run; COFFER_DEEP=1 makes it long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/random.h"
#include "support/store_fixture.h"

#define HANDLES    6
#define WRITERS    2
#define NAMES      24
#define LARGE_SIZE 300000u

struct handle {
    struct coffer_object *object; /* NULL: not open */
    uint8_t id[COFFER_ID_MAX];    /* the name that the object has now */
    size_t id_size;
    struct coffer_uuid ta;
};

struct pending {
    struct coffer_writer *writer; /* NULL: none */
    struct coffer_name name;
    uint8_t id[COFFER_ID_MAX];
    unsigned flags;
    uint8_t *bytes;
    size_t size;
};

struct world {
    struct random random;
    struct memory_device *device;
    struct store_options options;
    struct store_fixture fixture;
    struct model model;
    struct model touched; /* names made, replaced or deleted since the walk began */
    struct handle handles[HANDLES];
    struct pending pending[WRITERS];
    uint64_t operations, shortages, reopened;
    char last[128]; /* the last operation, for a failure's report */
};

#define expect_status(world, status, expected)                                                     \
    expect_status_at((world), (status), (expected), __LINE__)

static void expect_status_at(const struct world *world, enum coffer_status status,
                             enum coffer_status expected, int line)
{
    if (status != expected)
        fail_msg("line %d, operation %llu (%s): %s, not %s", line,
                 (unsigned long long)world->operations, world->last, coffer_status_name(status),
                 coffer_status_name(expected));
}

/* Little memory may be too little for all that is open: then nothing has happened. */
static bool was_shortage(struct world *world, enum coffer_status status)
{
    if (status != COFFER_NO_MEMORY || world->options.memory > COFFER_MEMORY_MIN)
        return false;
    world->shortages++;
    return true;
}

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

/* --- Choosing ---------------------------------------------------------------------------- */

/* One of a few names of three TAs: the empty one, text, binary, the longest. */
static struct coffer_name some_name(struct world *world, uint8_t id[COFFER_ID_MAX])
{
    unsigned number = (unsigned)below(world, NAMES);
    struct coffer_name name = {.ta = {.time_low = 0x8aaaf200 + number % 3, .time_mid = 0x2450},
                               .id = id};

    memset(id, 0, COFFER_ID_MAX);
    if (number == 0) {
        name.id_size = 0;
    } else if (number == 1) {
        memset(id, 0xFF, COFFER_ID_MAX);
        name.id_size = COFFER_ID_MAX;
    } else if (number == 2) {
        name.id_size = 3; /* zeros */
    } else {
        name.id_size = (size_t)snprintf((char *)id, COFFER_ID_MAX, "object %u", number);
    }
    return name;
}

/* Mostly small, sometimes at the edges of blocks, rarely over a group of nodes. */
static size_t some_size(struct world *world)
{
    switch (below(world, 8)) {
    case 0:
        return 0;
    case 1:
        return (size_t)(4096 * (1 + below(world, 4)) - 24 + below(world, 3) - 1);
    case 2:
        return (size_t)below(world, 60000);
    case 3:
        return below(world, 8) == 0 ? (size_t)below(world, LARGE_SIZE) : 100;
    default:
        return (size_t)below(world, 3000);
    }
}

static uint8_t *some_bytes(struct world *world, size_t size)
{
    uint8_t *bytes = must_alloc(size + 8);

    random_bytes(&world->random, bytes, size);
    return bytes;
}

static struct model_object *some_object(struct world *world)
{
    if (world->model.count == 0)
        return NULL;
    return &world->model.objects[below(world, world->model.count)];
}

static struct coffer_name handle_name(const struct handle *handle)
{
    struct coffer_name name = {.ta = handle->ta, .id = handle->id, .id_size = handle->id_size};

    return name;
}

static bool is_open(const struct world *world, const struct coffer_name *name)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        struct coffer_name other = handle_name(&world->handles[i]);

        if (world->handles[i].object != NULL && model_same_name(name, &other))
            return true;
    }
    return false;
}

/* --- Operations -------------------------------------------------------------------------- */

static void do_put(struct world *world)
{
    uint8_t id[COFFER_ID_MAX];
    struct coffer_name name = some_name(world, id);
    unsigned flags = below(world, 2) == 0 ? 0 : COFFER_REPLACE;
    size_t size = some_size(world);
    uint8_t *bytes = some_bytes(world, size);
    uint8_t secret[40];
    struct coffer_attributes attributes = {.type = 0xA0000010u,
                                           .usage = (uint32_t)below(world, 1000),
                                           .object_size = 128,
                                           .max_size = 256,
                                           .have = 1,
                                           .bytes = secret,
                                           .bytes_size = (size_t)below(world, sizeof(secret))};
    const struct coffer_attributes *given = below(world, 4) == 0 ? &attributes : NULL;
    bool exists = model_find(&world->model, &name) != NULL;
    enum coffer_status expected = COFFER_OK;
    enum coffer_status status;

    snprintf(world->last, sizeof(world->last), "put %zu bytes, flags %u", size, flags);
    random_bytes(&world->random, secret, sizeof(secret));
    if (exists && flags == 0)
        expected = COFFER_EXISTS;
    else if (exists && is_open(world, &name))
        expected = COFFER_BUSY;
    status = coffer_put(world->fixture.store, &name, flags, given, bytes, size);
    if (!was_shortage(world, status)) {
        expect_status(world, status, expected);
        if (status == COFFER_OK) {
            model_put(&world->model, &name, given, bytes, size);
            model_put(&world->touched, &name, NULL, "", 0);
        }
    }
    free(bytes);
}

static void do_open(struct world *world)
{
    struct handle *handle = &world->handles[below(world, HANDLES)];
    uint8_t id[COFFER_ID_MAX];
    struct coffer_name name = some_name(world, id);
    struct model_object *object = model_find(&world->model, &name);
    enum coffer_status status;

    snprintf(world->last, sizeof(world->last), "open");
    if (handle->object != NULL) {
        coffer_object_close(handle->object);
        handle->object = NULL;
        return;
    }
    status = coffer_object_open(world->fixture.store, &name, &handle->object);
    if (was_shortage(world, status))
        return;
    expect_status(world, status, object == NULL ? COFFER_NOT_FOUND : COFFER_OK);
    if (status != COFFER_OK)
        return;
    handle->ta = name.ta;
    memcpy(handle->id, id, sizeof(id));
    handle->id_size = name.id_size;
}

/* An open handle, its object in the model; NULL: none is open. */
static struct handle *some_handle(struct world *world, struct model_object **object)
{
    struct handle *handle = &world->handles[below(world, HANDLES)];
    struct coffer_name name = handle_name(handle);

    if (handle->object == NULL)
        return NULL;
    *object = model_find(&world->model, &name);
    must(*object != NULL);
    return handle;
}

/* Bytes in pieces of any size, and perhaps an error in the midst of them. */
struct pieces {
    struct world *world;
    const uint8_t *rest;
    size_t good; /* bytes before the error */
};

static enum coffer_status next_piece(void *context, uint64_t left, const void **data, size_t *piece)
{
    struct pieces *pieces = context;
    size_t size = 1 + (size_t)below(pieces->world, left < 9000 ? left : 9000);

    if (pieces->good < size)
        return COFFER_IO;
    pieces->good -= size;
    *data = pieces->rest;
    *piece = size;
    pieces->rest += size;
    return COFFER_OK;
}

/* In one piece or in several. */
static enum coffer_status write_bytes(struct world *world, struct coffer_object *object,
                                      uint64_t offset, const uint8_t *bytes, size_t size,
                                      enum coffer_status *expected)
{
    struct pieces pieces = {.world = world, .rest = bytes, .good = SIZE_MAX};

    *expected = COFFER_OK;
    if (below(world, 2) == 0)
        return coffer_object_write(object, offset, bytes, size);
    if (size > 0 && below(world, 8) == 0) {
        pieces.good = (size_t)below(world, size);
        *expected = COFFER_IO;
    }
    return coffer_object_write_from(object, offset, size, next_piece, &pieces);
}

static void do_write(struct world *world)
{
    struct model_object *object;
    struct handle *handle = some_handle(world, &object);
    uint64_t offset;
    uint8_t *bytes;
    size_t size;
    enum coffer_status expected;
    enum coffer_status status;

    if (handle == NULL)
        return;
    offset = below(world, object->size + 1 + (below(world, 5) == 0 ? 20000 : 0));
    size = (size_t)below(world, below(world, 4) == 0 ? 20000 : 600);
    bytes = some_bytes(world, size);
    snprintf(world->last, sizeof(world->last), "write %zu bytes at %llu of %zu", size,
             (unsigned long long)offset, object->size);
    status = write_bytes(world, handle->object, offset, bytes, size, &expected);
    if (!was_shortage(world, status)) {
        expect_status(world, status, expected);
        if (status == COFFER_OK)
            model_write(object, offset, bytes, size);
    }
    free(bytes);
}

static void do_truncate(struct world *world)
{
    struct model_object *object;
    struct handle *handle = some_handle(world, &object);
    uint64_t size;
    enum coffer_status status;

    if (handle == NULL)
        return;
    size = below(world, 3) == 0 ? some_size(world) : below(world, object->size + 1);
    snprintf(world->last, sizeof(world->last), "truncate %zu to %llu", object->size,
             (unsigned long long)size);
    status = coffer_object_truncate(handle->object, size);
    if (was_shortage(world, status))
        return;
    expect_status(world, status, COFFER_OK);
    model_truncate(object, size);
}

/* What was read, cut off and then written behind must come back as zeros, cached or not. */
static void do_cut_and_write_behind(struct world *world)
{
    struct model_object *object;
    struct handle *handle = some_handle(world, &object);
    size_t size;
    uint64_t cut;
    uint64_t offset;
    uint8_t *bytes;
    size_t got;
    enum coffer_status status;

    if (handle == NULL || object->size < 2)
        return;
    size = object->size;
    cut = below(world, size / 2 + 1);
    offset = cut + below(world, size - (size_t)cut);
    snprintf(world->last, sizeof(world->last), "read %zu, cut to %llu, write at %llu", size,
             (unsigned long long)cut, (unsigned long long)offset);
    bytes = must_alloc(size);
    expect_status(world, coffer_object_read(handle->object, 0, bytes, size, &got), COFFER_OK);
    status = coffer_object_truncate(handle->object, cut);
    if (!was_shortage(world, status)) {
        expect_status(world, status, COFFER_OK);
        model_truncate(object, cut);
        status = coffer_object_write(handle->object, offset, "behind", 6);
        if (!was_shortage(world, status)) {
            expect_status(world, status, COFFER_OK);
            model_write(object, offset, "behind", 6);
        }
    }
    free(bytes);
    bytes = must_alloc(object->size);
    expect_status(world, coffer_object_read(handle->object, 0, bytes, object->size, &got),
                  COFFER_OK);
    if (got != object->size || memcmp(bytes, object->bytes, got) != 0)
        fail_msg("operation %llu (%s): wrong data", (unsigned long long)world->operations,
                 world->last);
    free(bytes);
}

static void do_read(struct world *world)
{
    struct model_object *object;
    struct handle *handle = some_handle(world, &object);
    uint64_t offset;
    size_t size;
    size_t got = 0;
    size_t expected;
    uint8_t *bytes;

    if (handle == NULL)
        return;
    offset = below(world, object->size + 100);
    size = (size_t)below(world, 9000);
    bytes = must_alloc(size);
    snprintf(world->last, sizeof(world->last), "read %zu bytes at %llu of %zu", size,
             (unsigned long long)offset, object->size);
    expect_status(world, coffer_object_read(handle->object, offset, bytes, size, &got), COFFER_OK);
    expected = offset >= object->size ? 0 : object->size - (size_t)offset;
    if (expected > size)
        expected = size;
    if (got != expected || (got > 0 && memcmp(bytes, object->bytes + offset, got) != 0))
        fail_msg("operation %llu (%s): %zu bytes of %zu, or wrong ones",
                 (unsigned long long)world->operations, world->last, got, expected);
    free(bytes);
}

static void do_set_usage(struct world *world)
{
    struct model_object *object;
    struct handle *handle = some_handle(world, &object);
    uint32_t usage = (uint32_t)below(world, UINT64_C(1) << 32);
    enum coffer_status status;

    if (handle == NULL)
        return;
    snprintf(world->last, sizeof(world->last), "usage %08x", (unsigned)usage);
    status = coffer_object_set_usage(handle->object, usage);
    if (was_shortage(world, status))
        return;
    expect_status(world, status, COFFER_OK);
    object->attributes.usage = usage;
}

static void rename_handles(struct world *world, const struct coffer_name *from, const uint8_t *to,
                           size_t to_size)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        struct handle *handle = &world->handles[i];
        struct coffer_name name = handle_name(handle);

        if (handle->object == NULL || !model_same_name(&name, from))
            continue;
        memcpy(handle->id, to, COFFER_ID_MAX);
        handle->id_size = to_size;
    }
}

static void do_rename(struct world *world)
{
    struct model_object *object = some_object(world);
    uint8_t from_id[COFFER_ID_MAX];
    uint8_t to_id[COFFER_ID_MAX];
    struct coffer_name from;
    struct coffer_name to = some_name(world, to_id);
    enum coffer_status expected;
    enum coffer_status status;

    if (object == NULL)
        return;
    from = model_name(object);
    memcpy(from_id, object->id, sizeof(from_id));
    from.id = from_id;
    to.ta = from.ta;
    snprintf(world->last, sizeof(world->last), "rename");
    expected = model_find(&world->model, &to) != NULL ? COFFER_EXISTS : COFFER_OK;
    status = coffer_rename(world->fixture.store, &from, to.id, to.id_size);
    if (was_shortage(world, status) || (model_same_name(&from, &to) && status == COFFER_OK))
        return; /* to its own name: nothing happens */
    expect_status(world, status, expected);
    if (status != COFFER_OK)
        return;
    rename_handles(world, &from, to_id, to.id_size);
    model_rename(object, to.id, to.id_size);
}

static void do_delete(struct world *world)
{
    uint8_t id[COFFER_ID_MAX];
    struct coffer_name name = some_name(world, id);
    enum coffer_status expected = COFFER_OK;
    enum coffer_status status;

    snprintf(world->last, sizeof(world->last), "delete");
    if (model_find(&world->model, &name) == NULL)
        expected = COFFER_NOT_FOUND;
    else if (is_open(world, &name))
        expected = COFFER_BUSY;
    status = coffer_delete(world->fixture.store, &name);
    if (was_shortage(world, status))
        return;
    expect_status(world, status, expected);
    if (status != COFFER_OK)
        return;
    model_delete(&world->model, &name);
    model_put(&world->touched, &name, NULL, "", 0);
}

/* Whatever the object is like: it goes as if it was deleted, and its bytes are in quarantine. */
static void do_quarantine(struct world *world)
{
    uint8_t id[COFFER_ID_MAX];
    struct coffer_name name = some_name(world, id);
    enum coffer_status expected = COFFER_OK;
    enum coffer_status status;
    const char *place;

    snprintf(world->last, sizeof(world->last), "quarantine");
    if (model_find(&world->model, &name) == NULL)
        expected = COFFER_NOT_FOUND;
    else if (is_open(world, &name))
        expected = COFFER_BUSY;
    status = coffer_quarantine(world->fixture.store, &name);
    if (was_shortage(world, status))
        return;
    expect_status(world, status, expected);
    if (status != COFFER_OK)
        return;
    model_delete(&world->model, &name);
    model_put(&world->touched, &name, NULL, "", 0);
    world->fixture.notices[COFFER_NOTICE_QUARANTINED]--;
    place = strstr(world->fixture.last_notice, "quarantine/");
    must(place != NULL && memory_device_drop(world->device, place));
}

static void drop_pending(struct pending *pending)
{
    free(pending->bytes);
    memset(pending, 0, sizeof(*pending));
}

static void open_writer(struct world *world, struct pending *pending)
{
    enum coffer_status status;

    pending->name = some_name(world, pending->id);
    pending->name.id = pending->id;
    pending->flags = below(world, 2) == 0 ? 0 : COFFER_REPLACE;
    snprintf(world->last, sizeof(world->last), "open a writer, flags %u", pending->flags);
    status = coffer_writer_open(world->fixture.store, &pending->name, pending->flags, NULL,
                                &pending->writer);
    if (status != COFFER_OK) {
        /* A conflict that is there already may be told here or at the commit. */
        bool exists = model_find(&world->model, &pending->name) != NULL;

        if (!was_shortage(world, status) &&
            !(exists && (status == COFFER_EXISTS || status == COFFER_BUSY)))
            expect_status(world, status, COFFER_OK);
        pending->writer = NULL;
    }
}

static void commit_writer(struct world *world, struct pending *pending)
{
    enum coffer_status expected = COFFER_OK;
    enum coffer_status status;

    if (model_find(&world->model, &pending->name) != NULL) {
        if (pending->flags == 0)
            expected = COFFER_EXISTS;
        else if (is_open(world, &pending->name))
            expected = COFFER_BUSY;
    }
    snprintf(world->last, sizeof(world->last), "commit a writer of %zu bytes, flags %u",
             pending->size, pending->flags);
    status = coffer_writer_commit(pending->writer);
    if (!was_shortage(world, status)) {
        expect_status(world, status, expected);
        if (status == COFFER_OK)
            model_put(&world->model, &pending->name, NULL, pending->bytes, pending->size);
    }
    drop_pending(pending);
}

static void append_to_writer(struct world *world, struct pending *pending)
{
    size_t size = some_size(world);
    uint8_t *bytes = some_bytes(world, size);
    enum coffer_status status;

    snprintf(world->last, sizeof(world->last), "append %zu bytes to a writer of %zu", size,
             pending->size);
    status = coffer_writer_write(pending->writer, bytes, size);
    if (was_shortage(world, status)) {
        coffer_writer_abort(pending->writer);
        drop_pending(pending);
    } else {
        expect_status(world, status, COFFER_OK);
        pending->bytes = must_realloc(pending->bytes, pending->size + size);
        if (size > 0)
            memcpy(pending->bytes + pending->size, bytes, size);
        pending->size += size;
    }
    free(bytes);
}

static void do_stream(struct world *world)
{
    struct pending *pending = &world->pending[below(world, WRITERS)];

    if (pending->writer == NULL) {
        open_writer(world, pending);
        return;
    }
    switch (below(world, 6)) {
    case 0:
        coffer_writer_abort(pending->writer);
        drop_pending(pending);
        break;
    case 1:
        commit_writer(world, pending);
        break;
    default:
        append_to_writer(world, pending);
        break;
    }
}

/* Of the objects that nobody touched meanwhile, each is met exactly once; nobody else's name is
 * met at all. */
static void judge_walk(const struct model *before, const struct model *touched,
                       const struct model *met, const struct model *met_twice)
{
    for (size_t i = 0; i < before->count; i++) {
        struct coffer_name name = model_name(&before->objects[i]);

        if (model_find(touched, &name) == NULL) {
            assert_non_null(model_find(met, &name));
            assert_null(model_find(met_twice, &name));
        }
    }
    for (size_t i = 0; i < met->count; i++) {
        struct coffer_name name = model_name(&met->objects[i]);

        assert_true(model_find(before, &name) != NULL || model_find(touched, &name) != NULL);
    }
}

/* A walk that has objects come and go half-way. */
static void do_walk(struct world *world)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status;
    size_t half = world->model.count / 2;
    struct model before;
    struct model met;
    struct model met_twice;

    snprintf(world->last, sizeof(world->last), "walk");
    status = coffer_list_open(world->fixture.store, NULL, &list);
    if (was_shortage(world, status))
        return;
    expect_status(world, status, COFFER_OK);
    model_copy(&world->model, &before);
    model_fini(&world->touched);
    model_init(&met);
    model_init(&met_twice);
    while ((status = coffer_list_next(list, &entry)) == COFFER_OK) {
        struct coffer_name name = {.ta = entry.ta, .id = entry.id, .id_size = entry.id_size};
        bool again = model_find(&met, &name) != NULL;

        model_put(again ? &met_twice : &met, &name, NULL, "", 0);
        if (!again && met.count == half) {
            do_delete(world);
            do_put(world);
        }
    }
    expect_status(world, status, COFFER_NOT_FOUND);
    coffer_list_close(list);
    judge_walk(&before, &world->touched, &met, &met_twice);
    model_fini(&before);
    model_fini(&met);
    model_fini(&met_twice);
}

/* --- Reopening and comparing ------------------------------------------------------------- */

static void compare(struct world *world)
{
    char why[256];

    if (!model_matches(&world->model, world->fixture.store, why, sizeof(why)))
        fail_msg("operation %llu (%s): %s", (unsigned long long)world->operations, world->last,
                 why);
}

static void do_reopen(struct world *world)
{
    struct coffer_statistics statistics;
    bool leave_open = below(world, 2) == 0;

    snprintf(world->last, sizeof(world->last), "reopen");
    for (unsigned i = 0; i < HANDLES && !leave_open; i++) {
        if (world->handles[i].object != NULL)
            coffer_object_close(world->handles[i].object);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        if (world->pending[i].writer != NULL && !leave_open)
            coffer_writer_abort(world->pending[i].writer);
        drop_pending(&world->pending[i]);
    }
    memset(world->handles, 0, sizeof(world->handles));
    assert_int_equal(coffer_statistics_get(world->fixture.store, &statistics), COFFER_OK);
    assert_int_equal(statistics.objects, world->model.count);
    assert_int_equal(statistics.wrong_frees, 0);
    if (!leave_open)
        assert_int_equal(statistics.open_objects, 0);
    /* What is still open now is closed with the store. */
    store_fixture_close(&world->fixture);
    world->options.cached_objects = (unsigned)below(world, 5); /* 0: as many as there is room for */
    expect_status(world, store_fixture_open(&world->fixture, world->device, &world->options),
                  COFFER_OK);
    compare(world);
    world->reopened++;
}

static void do_one(struct world *world)
{
    uint64_t choice = below(world, 100);

    world->operations++;
    if (choice < 15)
        do_put(world);
    else if (choice < 30)
        do_open(world);
    else if (choice < 50)
        do_write(world);
    else if (choice < 58)
        do_truncate(world);
    else if (choice < 62)
        do_cut_and_write_behind(world);
    else if (choice < 72)
        do_read(world);
    else if (choice < 74)
        do_set_usage(world);
    else if (choice < 75)
        do_quarantine(world);
    else if (choice < 81)
        do_rename(world);
    else if (choice < 87)
        do_delete(world);
    else if (choice < 95)
        do_stream(world);
    else if (choice < 97)
        do_walk(world);
    else
        do_reopen(world);
}

static void run(const char *name, size_t memory, unsigned cache_frames, unsigned operations)
{
    const char *deep = getenv("COFFER_DEEP");
    struct world *world = must_alloc(sizeof(*world));

    if (deep != NULL && deep[0] == '1')
        operations *= 50;
    random_init(&world->random, name);
    world->device = memory_device_open();
    world->options.memory = memory;
    world->options.cache_frames = cache_frames;
    world->options.create = true;
    model_init(&world->model);
    model_init(&world->touched);
    assert_int_equal(store_fixture_open(&world->fixture, world->device, &world->options),
                     COFFER_OK);
    for (unsigned i = 0; i < operations; i++)
        do_one(world);
    do_reopen(world);
    for (unsigned i = 0; i < STORE_FIXTURE_NOTICE_KINDS; i++)
        assert_int_equal(world->fixture.notices[i], 0);
    fprintf(stderr, "%s: %llu operations, %llu times reopened, %llu shortages, %zu objects\n", name,
            (unsigned long long)world->operations, (unsigned long long)world->reopened,
            (unsigned long long)world->shortages, world->model.count);
    /* Shortages are for the exception, or little has been tried. */
    assert_true(world->shortages * 4 < world->operations);
    store_fixture_close(&world->fixture);
    memory_device_free(world->device);
    model_fini(&world->model);
    model_fini(&world->touched);
    free(world);
}

static void test_in_the_least_memory(void **state)
{
    (void)state;
    run("least memory", COFFER_MEMORY_MIN, 0, 3000);
}

static void test_with_the_smallest_cache(void **state)
{
    (void)state;
    run("smallest cache", 1024 * 1024, 40, 3000);
}

static void test_in_more_memory(void **state)
{
    (void)state;
    run("more memory", 4 * 1024 * 1024, 0, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_the_least_memory),
        cmocka_unit_test(test_with_the_smallest_cache),
        cmocka_unit_test(test_in_more_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
