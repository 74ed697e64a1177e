/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/steps.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

#define PIECE_SIZE 7000u

const struct coffer_uuid step_ta = {
    0x11111111, 0x2222, 0x3333, {0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55}};

/* A 256-bit AES key, in the form of docs/FORMAT.md: length, big endian, and the bytes. */
static const uint8_t key_bytes[] = {0,  0,  0,  32, 1,  2,  3,  4,  5,  6,  7,  8,
                                    9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
static const struct coffer_attributes key_attributes = {
    .type = 0xA0000010u,
    .usage = 0x0Fu,
    .object_size = 256,
    .max_size = 256,
    .have = 1,
    .bytes = key_bytes,
    .bytes_size = sizeof(key_bytes),
};

const char *step_kind_name(enum step_kind kind)
{
    static const char *const names[] = {"put",      "replace", "put key", "write",  "write from",
                                        "truncate", "usage",   "rename",  "delete", "stream",
                                        "read",     "stat",    "list",    "check"};

    return names[kind];
}

uint8_t *step_bytes(const struct step *step)
{
    uint8_t *bytes = must_alloc(step->size);
    uint32_t state = (uint32_t)step->kind * 2654435761u + (uint32_t)step->offset + 1;

    for (const char *c = step->id; c != NULL && *c != '\0'; c++)
        state = state * 31 + (unsigned char)*c;
    for (size_t i = 0; i < step->size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return bytes;
}

struct coffer_name step_name(const char *id)
{
    struct coffer_name name = {.ta = step_ta, .id = id, .id_size = strlen(id)};

    return name;
}

/* Is `size` that of data? */
static bool step_has_bytes(const struct step *step)
{
    return step->kind != STEP_TRUNCATE && step->kind != STEP_USAGE;
}

struct pieces {
    const uint8_t *rest;
};

static enum coffer_status next_piece(void *context, uint64_t left, const void **data, size_t *piece)
{
    struct pieces *pieces = context;

    *data = pieces->rest;
    *piece = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
    pieces->rest += *piece;
    return COFFER_OK;
}

static enum coffer_status run_on_object(const struct step *step, struct coffer *store,
                                        const struct coffer_name *name, const uint8_t *bytes)
{
    struct coffer_object *object;
    struct pieces pieces = {bytes};
    enum coffer_status status = coffer_object_open(store, name, &object);

    if (status != COFFER_OK)
        return status;
    if (step->kind == STEP_WRITE)
        status = coffer_object_write(object, step->offset, bytes, step->size);
    else if (step->kind == STEP_WRITE_FROM)
        status = coffer_object_write_from(object, step->offset, step->size, next_piece, &pieces);
    else if (step->kind == STEP_TRUNCATE)
        status = coffer_object_truncate(object, step->size);
    else
        status = coffer_object_set_usage(object, (uint32_t)step->size);
    coffer_object_close(object);
    return status;
}

static enum coffer_status run_stream(const struct step *step, struct coffer *store,
                                     const struct coffer_name *name, const uint8_t *bytes)
{
    struct coffer_writer *writer;
    enum coffer_status status = coffer_writer_open(store, name, 0, NULL, &writer);

    if (status != COFFER_OK)
        return status;
    for (size_t done = 0; done < step->size; done += PIECE_SIZE) {
        size_t part = step->size - done < PIECE_SIZE ? step->size - done : PIECE_SIZE;

        status = coffer_writer_write(writer, bytes + done, part);
        if (status != COFFER_OK) {
            coffer_writer_abort(writer);
            return status;
        }
    }
    return coffer_writer_commit(writer);
}

static enum coffer_status run_list(struct coffer *store)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status = coffer_list_open(store, NULL, &list);

    if (status != COFFER_OK)
        return status;
    do {
        status = coffer_list_next(list, &entry);
    } while (status == COFFER_OK);
    coffer_list_close(list);
    return status == COFFER_NOT_FOUND ? COFFER_OK : status;
}

static void look_at_finding(void *context, const struct coffer_finding *finding)
{
    (void)context;
    /* A fault of the device or of memory is not damage of the store. */
    must(!finding->damage);
}

static enum coffer_status run_check(struct coffer *store)
{
    struct coffer_check_summary summary;

    return coffer_check(store, COFFER_CHECK_DEEP, look_at_finding, NULL, NULL, &summary);
}

static enum coffer_status run_read(struct coffer *store, const struct coffer_name *name)
{
    struct model_object object;
    enum coffer_status status = model_read_object(store, name, &object, NULL, 0);

    model_object_fini(&object);
    return status;
}

enum coffer_status step_run(const struct step *step, struct coffer *store)
{
    struct coffer_name name = step_name(step->id == NULL ? "" : step->id);
    uint8_t *bytes = step_has_bytes(step) ? step_bytes(step) : NULL;
    struct coffer_info info;
    enum coffer_status status = COFFER_MISUSE;

    switch (step->kind) {
    case STEP_PUT:
        status = coffer_put(store, &name, 0, NULL, bytes, step->size);
        break;
    case STEP_REPLACE:
        status = coffer_put(store, &name, COFFER_REPLACE, NULL, bytes, step->size);
        break;
    case STEP_PUT_KEY:
        status = coffer_put(store, &name, 0, &key_attributes, bytes, step->size);
        break;
    case STEP_WRITE:
    case STEP_WRITE_FROM:
    case STEP_TRUNCATE:
    case STEP_USAGE:
        status = run_on_object(step, store, &name, bytes);
        break;
    case STEP_RENAME:
        status = coffer_rename(store, &name, step->to, strlen(step->to));
        break;
    case STEP_DELETE:
        status = coffer_delete(store, &name);
        break;
    case STEP_STREAM:
        status = run_stream(step, store, &name, bytes);
        break;
    case STEP_READ:
        status = run_read(store, &name);
        break;
    case STEP_STAT:
        status = coffer_stat(store, &name, &info);
        break;
    case STEP_LIST:
        status = run_list(store);
        break;
    case STEP_CHECK:
        status = run_check(store);
        break;
    }
    free(bytes);
    return status;
}

void step_apply(const struct step *step, struct model *model)
{
    struct coffer_name name = step_name(step->id == NULL ? "" : step->id);
    uint8_t *bytes = step_has_bytes(step) ? step_bytes(step) : NULL;
    struct model_object *object = model_find(model, &name);

    switch (step->kind) {
    case STEP_PUT:
    case STEP_STREAM:
    case STEP_REPLACE:
        must((object != NULL) == (step->kind == STEP_REPLACE));
        model_put(model, &name, NULL, bytes, step->size);
        break;
    case STEP_PUT_KEY:
        model_put(model, &name, &key_attributes, bytes, step->size);
        break;
    case STEP_WRITE:
    case STEP_WRITE_FROM:
        must(object != NULL);
        model_write(object, step->offset, bytes, step->size);
        break;
    case STEP_TRUNCATE:
        must(object != NULL);
        model_truncate(object, step->size);
        break;
    case STEP_USAGE:
        must(object != NULL);
        object->attributes.usage = (uint32_t)step->size;
        break;
    case STEP_RENAME:
        must(object != NULL);
        model_rename(object, step->to, strlen(step->to));
        break;
    case STEP_DELETE:
        model_delete(model, &name);
        break;
    case STEP_READ:
    case STEP_STAT:
    case STEP_LIST:
    case STEP_CHECK:
        break;
    }
    free(bytes);
}
