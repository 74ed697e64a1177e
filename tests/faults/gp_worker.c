/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp_worker.h"

#include <stdatomic.h>
#include <string.h>

#include "support/must.h"

#define STEP_MOST 14u /* calls that one step may need, with those at the end */

#define R TEE_DATA_FLAG_ACCESS_READ
#define W TEE_DATA_FLAG_ACCESS_WRITE
#define M TEE_DATA_FLAG_ACCESS_WRITE_META
#define S (TEE_DATA_FLAG_SHARE_READ | TEE_DATA_FLAG_SHARE_WRITE)

static atomic_uint_fast64_t clock;
static atomic_uint stamps;

/* --- Writing down ------------------------------------------------------------------------ */

/* Relaxed, lest the stamps put the threads in an order for the sanitizer, which would then see no
 * races. What a call does to others it does under locks, and so between its stamps. */
static uint64_t now(void)
{
    return atomic_fetch_add_explicit(&clock, 1, memory_order_relaxed);
}

static struct gp_model_call *begin(struct gp_worker *worker, enum gp_model_kind kind, uint8_t slot)
{
    struct gp_model_call *call = &worker->calls[worker->count++];

    must(worker->count <= GP_WORKER_CALLS);
    *call = (struct gp_model_call){.kind = kind, .thread = worker->index, .slot = slot};
    return call;
}

static bool end(struct gp_model_call *call, TEE_Result result)
{
    call->span.end = now();
    call->result = result;
    return result == TEE_SUCCESS;
}

/* Around the call itself. */
#define call_of(call, expression) ((call)->span.begin = now(), end((call), (expression)))

/* --- Names and data ---------------------------------------------------------------------- */

static const struct {
    uint32_t storage;
    const char *id;
} names[GP_MODEL_NAMES] = {{TEE_STORAGE_PRIVATE, "a"},
                           {TEE_STORAGE_PRIVATE, "b"},
                           {TEE_STORAGE_PRIVATE, "c"},
                           {TEE_STORAGE_PERSO, "a"}};

static uint8_t some_name(struct gp_worker *worker)
{
    return (uint8_t)random_below(&worker->random, GP_MODEL_NAMES);
}

/* By one of its names. */
static uint32_t storage_of(struct gp_worker *worker, uint8_t name)
{
    uint32_t storage = names[name].storage;

    return storage == TEE_STORAGE_PRIVATE && random_below(&worker->random, 4) == 0
               ? TEE_STORAGE_PRIVATE_REE
               : storage;
}

static uint32_t some_flags(struct gp_worker *worker)
{
    static const uint32_t usual[] = {
        R | S, R | S, R | W | S, R | W | S, R | W | S,
        W | S, M,     R | M,     R,         R | TEE_DATA_FLAG_SHARE_READ};
    uint32_t any = (uint32_t)random_below(&worker->random, 8) |
                   (uint32_t)random_below(&worker->random, 4) << 4;

    return random_below(&worker->random, 8) == 0
               ? any
               : usual[random_below(&worker->random, sizeof(usual) / sizeof(usual[0]))];
}

/* So many cells with a stamp that nobody else has. */
static uint32_t fill(struct gp_worker *worker, unsigned cells)
{
    uint32_t stamp = atomic_fetch_add_explicit(&stamps, 1, memory_order_relaxed) + 1;

    for (size_t at = 0; at < cells * (size_t)GP_WORKER_CELL; at += sizeof(stamp))
        memcpy(worker->data + at, &stamp, sizeof(stamp));
    return stamp;
}

static uint32_t stamp_in(const uint8_t *cell)
{
    uint32_t stamp;

    memcpy(&stamp, cell, sizeof(stamp));
    for (size_t at = sizeof(stamp); at < GP_WORKER_CELL; at++) {
        if (cell[at] != cell[at - sizeof(stamp)])
            return GP_MODEL_TORN;
    }
    return stamp;
}

/* --- Calls ------------------------------------------------------------------------------- */

static void create(struct gp_worker *worker, uint8_t slot)
{
    TEE_ObjectHandle *handle = &worker->slots[slot].handle;
    bool wants_handle = random_below(&worker->random, 4) != 0;
    bool is_key = wants_handle && random_below(&worker->random, 4) == 0;
    struct gp_model_call *call = begin(worker, GP_CREATE, wants_handle ? slot : GP_MODEL_NO_SLOT);
    uint32_t flags = some_flags(worker);
    uint32_t storage;

    call->name = some_name(worker);
    storage = storage_of(worker, call->name);
    call->flags = (uint8_t)flags;
    call->overwrites = random_below(&worker->random, 2) == 0;
    call->size = (uint8_t)random_below(&worker->random, GP_MODEL_CELLS + 1);
    call->stamp = fill(worker, call->size);
    if (call_of(call, TEE_CreatePersistentObject(
                          storage, names[call->name].id, 1,
                          flags | (call->overwrites ? TEE_DATA_FLAG_OVERWRITE : 0),
                          is_key ? worker->key : TEE_HANDLE_NULL, worker->data,
                          call->size * GP_WORKER_CELL, wants_handle ? handle : NULL)))
        worker->slots[slot] = (struct gp_slot){*handle, flags, names[call->name].storage, 0};
}

static bool open_as(struct gp_worker *worker, uint8_t slot, uint8_t name, uint32_t flags)
{
    struct gp_model_call *call = begin(worker, GP_OPEN, slot);
    uint32_t storage = storage_of(worker, name);

    call->name = name;
    call->flags = (uint8_t)flags;
    worker->slots[slot] = (struct gp_slot){TEE_HANDLE_NULL, flags, names[name].storage, 0};
    return call_of(call, TEE_OpenPersistentObject(storage, names[name].id, 1, flags,
                                                  &worker->slots[slot].handle));
}

static void close_slot(struct gp_worker *worker, uint8_t slot)
{
    struct gp_model_call *call = begin(worker, GP_CLOSE, slot);

    call->span.begin = now();
    TEE_CloseObject(worker->slots[slot].handle);
    (void)end(call, TEE_SUCCESS);
    worker->slots[slot].handle = TEE_HANDLE_NULL;
}

static void delete_slot(struct gp_worker *worker, uint8_t slot)
{
    struct gp_model_call *call = begin(worker, GP_DELETE, slot);

    (void)call_of(call, TEE_CloseAndDeletePersistentObject1(worker->slots[slot].handle));
    worker->slots[slot].handle = TEE_HANDLE_NULL;
}

/* In the storage with one name, to that one, which is taken. */
static void rename_slot(struct gp_worker *worker, uint8_t slot)
{
    bool is_alone = worker->slots[slot].storage == TEE_STORAGE_PERSO;
    struct gp_model_call *call = begin(worker, GP_RENAME, slot);

    call->name = (uint8_t)(is_alone ? GP_MODEL_NAMES - 1
                                    : random_below(&worker->random, GP_MODEL_NAMES - 1));
    (void)call_of(call,
                  TEE_RenamePersistentObject(worker->slots[slot].handle, names[call->name].id, 1));
}

/* What the handle alone knows isn't written down. */
static void seek(struct gp_slot *slot, uint64_t to)
{
    must(TEE_SeekObjectData(slot->handle, (intmax_t)(to * GP_WORKER_CELL), TEE_DATA_SEEK_SET) ==
         TEE_SUCCESS);
    slot->position = (uint8_t)to;
}

/* From where it stands. */
static void read_cells(struct gp_worker *worker, uint8_t slot, uint8_t size)
{
    struct gp_model_call *call = begin(worker, GP_READ, slot);
    size_t count = 0;

    call->position = worker->slots[slot].position;
    call->size = size;
    if (!call_of(call, TEE_ReadObjectData(worker->slots[slot].handle, worker->data,
                                          size * (size_t)GP_WORKER_CELL, &count)))
        return;
    must(count % GP_WORKER_CELL == 0 && count <= size * (size_t)GP_WORKER_CELL);
    call->seen.size = (uint32_t)(count / GP_WORKER_CELL);
    for (size_t i = 0; i < call->seen.size; i++)
        call->seen.cells[i] = stamp_in(worker->data + i * GP_WORKER_CELL);
    worker->slots[slot].position = (uint8_t)(call->position + call->seen.size);
}

/* Likewise, as many as fit. */
static void write_cells(struct gp_worker *worker, uint8_t slot)
{
    struct gp_model_call *call = begin(worker, GP_WRITE, slot);

    call->position = worker->slots[slot].position;
    call->size = (uint8_t)random_below(&worker->random, GP_MODEL_CELLS - call->position + 1);
    call->stamp = fill(worker, call->size);
    if (call_of(call, TEE_WriteObjectData(worker->slots[slot].handle, worker->data,
                                          call->size * (size_t)GP_WORKER_CELL)))
        worker->slots[slot].position = (uint8_t)(call->position + call->size);
}

static void truncate_slot(struct gp_worker *worker, uint8_t slot)
{
    struct gp_model_call *call = begin(worker, GP_TRUNCATE, slot);

    call->size = (uint8_t)random_below(&worker->random, GP_MODEL_CELLS + 1);
    (void)call_of(call, TEE_TruncateObjectData(worker->slots[slot].handle,
                                               call->size * (size_t)GP_WORKER_CELL));
}

/* Sizes that aren't whole cells are none that the model knows. */
static uint32_t cells_of(size_t size)
{
    return size % GP_WORKER_CELL == 0 ? (uint32_t)(size / GP_WORKER_CELL) : UINT32_MAX;
}

#define ALL_FLAGS (R | W | M | S)

/* Where it stands, too, if all is well. */
static bool look_at_info(struct gp_worker *worker, uint8_t slot, uint8_t *position)
{
    struct gp_model_call *call = begin(worker, GP_INFO, slot);
    TEE_ObjectInfo info = {.objectType = 0};

    if (!call_of(call, TEE_GetObjectInfo1(worker->slots[slot].handle, &info)))
        return false;
    must(info.objectType == TEE_TYPE_DATA || info.objectType == TEE_TYPE_AES);
    call->flags = (uint8_t)(info.handleFlags & ALL_FLAGS);
    call->seen.size = cells_of(info.dataSize);
    call->seen.usage = info.objectUsage;
    *position = (uint8_t)cells_of(info.dataPosition);
    return true;
}

static void expect_info(struct gp_worker *worker, uint8_t slot)
{
    uint8_t position;

    must(!look_at_info(worker, slot, &position) || position == worker->slots[slot].position);
}

/* Where that led to is told afterwards. */
static void seek_end(struct gp_worker *worker, uint8_t slot)
{
    struct gp_model_call *call = begin(worker, GP_SEEK_END, slot);

    if (call_of(call, TEE_SeekObjectData(worker->slots[slot].handle, 0, TEE_DATA_SEEK_END)) &&
        !look_at_info(worker, slot, &call->position))
        worker->count -= 2; /* it isn't known */
    seek(&worker->slots[slot], 0);
}

static void restrict_usage(struct gp_worker *worker, uint8_t slot)
{
    struct gp_model_call *call = begin(worker, GP_RESTRICT, slot);

    call->usage = ~(UINT32_C(1) << random_below(&worker->random, 8));
    (void)call_of(call, TEE_RestrictObjectUsage1(worker->slots[slot].handle, call->usage));
}

/* --- Enumerations ------------------------------------------------------------------------ */

/*
 * An enumeration isn't one moment. But what it tells of an object was so at some moment while that
 * was asked for (what it is like, and who has it open, at one each); and a name that it hadn't met
 * when it came to its end was nobody's at some moment since its start.
 */
static uint8_t name_of(uint32_t storage, const char *id, size_t id_size)
{
    uint8_t name = 0;

    must(id_size == 1);
    while (name < GP_MODEL_NAMES && (names[name].storage != storage || names[name].id[0] != id[0]))
        name++;
    must(name < GP_MODEL_NAMES);
    return name;
}

/* The next one, if there is one and no error. */
static TEE_Result list_next(struct gp_worker *worker, TEE_ObjectEnumHandle walk, uint32_t storage,
                            unsigned *met)
{
    struct gp_model_call *call = begin(worker, GP_LISTED, GP_MODEL_NO_SLOT);
    struct gp_model_call *flags;
    char id[TEE_OBJECT_ID_MAX_LEN];
    TEE_ObjectInfo info;
    size_t id_size;

    if (!call_of(call, TEE_GetNextPersistentObject(walk, &info, id, &id_size)))
        return call->result;
    call->name = name_of(storage, id, id_size);
    call->seen.size = cells_of(info.dataSize);
    call->seen.usage = info.objectUsage;
    *met |= 1u << call->name;
    flags = begin(worker, GP_FLAGS, GP_MODEL_NO_SLOT);
    flags->span = call->span;
    flags->name = call->name;
    flags->flags = (uint8_t)(info.handleFlags & ALL_FLAGS);
    return TEE_SUCCESS;
}

static void note_unlisted(struct gp_worker *worker, uint32_t storage, unsigned met, uint64_t since)
{
    uint64_t until = now();

    for (uint8_t name = 0; name < GP_MODEL_NAMES; name++) {
        struct gp_model_call *call;

        if (names[name].storage != storage || (met >> name & 1) != 0)
            continue;
        call = begin(worker, GP_UNLISTED, GP_MODEL_NO_SLOT);
        call->name = name;
        call->span = (struct linearize_span){since, until};
    }
}

static void list(struct gp_worker *worker)
{
    uint32_t storage = names[some_name(worker)].storage;
    struct gp_model_call *start;
    TEE_ObjectEnumHandle walk;
    unsigned met = 0;
    TEE_Result result;

    if (TEE_AllocatePersistentObjectEnumerator(&walk) != TEE_SUCCESS) {
        must(worker->may_be_short);
        return;
    }
    start = begin(worker, GP_START, GP_MODEL_NO_SLOT);
    (void)call_of(start, TEE_StartPersistentObjectEnumerator(walk, storage));
    result = start->result;
    /* What comes and goes may be met more than once: there is an end to that, too. */
    while (result == TEE_SUCCESS && worker->count + STEP_MOST / 2 < GP_WORKER_CALLS)
        result = list_next(worker, walk, storage, &met);
    TEE_FreePersistentObjectEnumerator(walk);
    if (result == TEE_ERROR_ITEM_NOT_FOUND)
        note_unlisted(worker, storage, met, start->span.begin);
}

/* --- Workers ----------------------------------------------------------------------------- */

static void use_slot(struct gp_worker *worker, uint8_t slot)
{
    uint32_t flags = worker->slots[slot].flags;
    uint64_t what = random_below(&worker->random, 16);

    if (what < 4 && (flags & R) != 0) {
        if (what < 3)
            seek(&worker->slots[slot], random_below(&worker->random, 2));
        read_cells(worker, slot, (uint8_t)(1 + random_below(&worker->random, GP_MODEL_CELLS)));
    } else if (what >= 4 && what < 8 && (flags & W) != 0) {
        seek(&worker->slots[slot], random_below(&worker->random, GP_MODEL_CELLS));
        write_cells(worker, slot);
    } else if (what == 8 && (flags & W) != 0) {
        truncate_slot(worker, slot);
    } else if (what == 9) {
        expect_info(worker, slot);
    } else if (what == 10) {
        seek_end(worker, slot);
    } else if (what == 11) {
        restrict_usage(worker, slot);
    } else if (what < 14 && (flags & M) != 0) {
        rename_slot(worker, slot);
    } else if (what == 14 && (flags & M) != 0) {
        delete_slot(worker, slot);
    } else {
        close_slot(worker, slot);
    }
}

static void step(struct gp_worker *worker)
{
    uint8_t slot = (uint8_t)random_below(&worker->random, GP_MODEL_SLOTS);
    uint64_t what = random_below(&worker->random, 8);

    if (worker->slots[slot].handle != TEE_HANDLE_NULL)
        use_slot(worker, slot);
    else if (what < 3)
        create(worker, slot);
    else if (what < 7)
        (void)open_as(worker, slot, some_name(worker), some_flags(worker));
    else
        list(worker);
}

static void use_objects(struct gp_worker *worker)
{
    while (worker->count < worker->wanted)
        step(worker);
    for (uint8_t slot = 0; slot < GP_MODEL_SLOTS; slot++) {
        if (worker->slots[slot].handle != TEE_HANDLE_NULL)
            close_slot(worker, slot);
    }
}

/* What is there when nobody else is at it. */
static void look_at_all(struct gp_worker *worker)
{
    for (uint8_t name = 0; name < GP_MODEL_NAMES; name++) {
        if (!open_as(worker, 0, name, R)) {
            must(worker->calls[worker->count - 1].result == TEE_ERROR_ITEM_NOT_FOUND);
            continue;
        }
        expect_info(worker, 0);
        read_cells(worker, 0, GP_MODEL_CELLS);
        close_slot(worker, 0);
    }
}

/* It may find no memory. */
static void make_key(struct gp_worker *worker)
{
    static const uint8_t bytes[16] = "a key of no use";
    TEE_Attribute value;

    worker->key = TEE_HANDLE_NULL;
    if (TEE_AllocateTransientObject(TEE_TYPE_AES, 128, &worker->key) != TEE_SUCCESS)
        return;
    TEE_InitRefAttribute(&value, TEE_ATTR_SECRET_VALUE, bytes, sizeof(bytes));
    must(TEE_PopulateTransientObject(worker->key, &value, 1) == TEE_SUCCESS);
}

static void run_body(void *argument)
{
    struct gp_worker *worker = argument;

    /* A heap that finds no memory ends its instance. */
    worker->data = !worker->may_be_short ? TEE_Malloc(GP_WORKER_DATA, 0) : worker->outside;
    must(worker->data != NULL);
    make_key(worker);
    worker->body(worker);
    TEE_FreeTransientObject(worker->key);
    if (!worker->may_be_short)
        TEE_Free(worker->data);
}

static void run_as(struct gp_worker *worker, void (*body)(struct gp_worker *worker))
{
    worker->body = body;
    gp_run(worker->instance, run_body, worker);
    must(!worker->instance->panicked);
}

void gp_worker_use_objects(struct gp_worker *worker)
{
    run_as(worker, use_objects);
}

void gp_worker_look_at_all(struct gp_worker *worker)
{
    run_as(worker, look_at_all);
}
