/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/must.h"

/* Not a divisor of a block, so that reads cross blocks everywhere. */
#define READ_SIZE 5000u

void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
}

void model_object_fini(struct model_object *object)
{
    free(object->bytes);
    /* The model made these bytes itself: see copy_attributes. */
    free((void *)(uintptr_t)object->attributes.bytes);
    memset(object, 0, sizeof(*object));
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->count; i++)
        model_object_fini(&model->objects[i]);
    free(model->objects);
    model_init(model);
}

static struct coffer_attributes copy_attributes(const struct coffer_attributes *from)
{
    struct coffer_attributes copy = {.type = COFFER_TYPE_DATA, .usage = COFFER_USAGE_ALL};

    if (from != NULL) {
        copy = *from;
        copy.bytes = from->bytes_size == 0 ? NULL : must_copy(from->bytes, from->bytes_size);
    }
    return copy;
}

static struct model_object *add(struct model *model)
{
    if (model->count == model->room) {
        model->room = model->room == 0 ? 16 : model->room * 2;
        model->objects = must_realloc(model->objects, model->room * sizeof(*model->objects));
    }
    memset(&model->objects[model->count], 0, sizeof(*model->objects));
    return &model->objects[model->count++];
}

void model_copy(const struct model *from, struct model *to)
{
    model_init(to);
    for (size_t i = 0; i < from->count; i++) {
        struct coffer_name name = model_name(&from->objects[i]);

        model_put(to, &name, &from->objects[i].attributes, from->objects[i].bytes,
                  from->objects[i].size);
    }
}

/* --- Names ------------------------------------------------------------------------------- */

static bool same_uuid(const struct coffer_uuid *a, const struct coffer_uuid *b)
{
    return a->time_low == b->time_low && a->time_mid == b->time_mid &&
           a->time_hi_and_version == b->time_hi_and_version &&
           memcmp(a->clock_seq_and_node, b->clock_seq_and_node, sizeof(a->clock_seq_and_node)) == 0;
}

bool model_same_name(const struct coffer_name *a, const struct coffer_name *b)
{
    return same_uuid(&a->ta, &b->ta) && a->id_size == b->id_size &&
           (a->id_size == 0 || memcmp(a->id, b->id, a->id_size) == 0);
}

struct coffer_name model_name(const struct model_object *object)
{
    struct coffer_name name = {.ta = object->ta, .id = object->id, .id_size = object->id_size};

    return name;
}

struct model_object *model_find(const struct model *model, const struct coffer_name *name)
{
    for (size_t i = 0; i < model->count; i++) {
        struct coffer_name other = model_name(&model->objects[i]);

        if (model_same_name(name, &other))
            return &model->objects[i];
    }
    return NULL;
}

static void describe(const struct coffer_name *name, char *out, size_t size)
{
    const uint8_t *id = name->id;
    size_t used = 0;

    must(size >= 2 * COFFER_ID_MAX + 4);
    out[used++] = '\'';
    for (size_t i = 0; i < name->id_size; i++) {
        if (id[i] > ' ' && id[i] < 0x7F)
            out[used++] = (char)id[i];
        else
            used += (size_t)snprintf(out + used, size - used, "%02x", id[i]);
    }
    out[used++] = '\'';
    out[used] = '\0';
}

/* --- Operations -------------------------------------------------------------------------- */

void model_put(struct model *model, const struct coffer_name *name,
               const struct coffer_attributes *attributes, const void *data, size_t size)
{
    struct model_object object = {.ta = name->ta, .id_size = name->id_size, .size = size};
    struct model_object *old = model_find(model, name);

    must(name->id_size <= COFFER_ID_MAX);
    if (name->id_size > 0)
        memcpy(object.id, name->id, name->id_size);
    object.bytes = must_copy(data, size);
    object.attributes = copy_attributes(attributes);
    if (old != NULL)
        model_object_fini(old);
    else
        old = add(model);
    *old = object;
}

void model_truncate(struct model_object *object, uint64_t size)
{
    object->bytes = must_realloc(object->bytes, (size_t)size);
    if (size > object->size)
        memset(object->bytes + object->size, 0, (size_t)size - object->size);
    object->size = (size_t)size;
}

void model_write(struct model_object *object, uint64_t offset, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (offset + size > object->size)
        model_truncate(object, offset + size);
    memcpy(object->bytes + offset, data, size);
}

void model_rename(struct model_object *object, const void *to, size_t to_size)
{
    must(to_size <= COFFER_ID_MAX);
    memset(object->id, 0, sizeof(object->id));
    if (to_size > 0)
        memcpy(object->id, to, to_size);
    object->id_size = to_size;
}

void model_delete(struct model *model, const struct coffer_name *name)
{
    struct model_object *object = model_find(model, name);

    must(object != NULL);
    model_object_fini(object);
    *object = model->objects[--model->count];
}

/* --- Comparison -------------------------------------------------------------------------- */

static const char *difference(const struct model_object *a, const struct model_object *b)
{
    const struct coffer_attributes *x = &a->attributes;
    const struct coffer_attributes *y = &b->attributes;

    if (a->size != b->size)
        return "size";
    if (a->size > 0 && memcmp(a->bytes, b->bytes, a->size) != 0)
        return "data";
    if (x->type != y->type || x->usage != y->usage || x->object_size != y->object_size ||
        x->max_size != y->max_size || x->have != y->have)
        return "description";
    if (x->bytes_size != y->bytes_size ||
        (x->bytes_size > 0 && memcmp(x->bytes, y->bytes, x->bytes_size) != 0))
        return "attributes";
    return NULL;
}

static void say(char *why, size_t why_size, const char *text, const struct coffer_name *name)
{
    char shown[2 * COFFER_ID_MAX + 8] = "";

    if (why == NULL)
        return;
    if (name != NULL)
        describe(name, shown, sizeof(shown));
    snprintf(why, why_size, "%s %s", text, shown);
}

bool model_equal(const struct model *a, const struct model *b, char *why, size_t why_size)
{
    for (size_t i = 0; i < a->count; i++) {
        struct coffer_name name = model_name(&a->objects[i]);
        const struct model_object *other = model_find(b, &name);
        const char *what = other == NULL ? "missing" : difference(&a->objects[i], other);

        if (what != NULL) {
            say(why, why_size, what, &name);
            return false;
        }
    }
    for (size_t i = 0; i < b->count; i++) {
        struct coffer_name name = model_name(&b->objects[i]);

        if (model_find(a, &name) == NULL) {
            say(why, why_size, "too many:", &name);
            return false;
        }
    }
    return true;
}

/* --- Reading a store --------------------------------------------------------------------- */

static void say_status(char *why, size_t why_size, const char *call, const struct coffer_name *name,
                       enum coffer_status status)
{
    char text[64];

    snprintf(text, sizeof(text), "%s: %s", call, coffer_status_name(status));
    say(why, why_size, text, name);
}

static enum coffer_status read_data(struct coffer_object *object, uint64_t size, uint8_t **out)
{
    uint8_t *bytes = must_alloc((size_t)size + READ_SIZE);
    uint64_t done = 0;

    for (;;) {
        size_t got = 0;
        enum coffer_status status = coffer_object_read(object, done, bytes + done, READ_SIZE, &got);

        if (status != COFFER_OK) {
            must(status != COFFER_CORRUPT || bytes[done] == 0);
            free(bytes);
            return status;
        }
        must(got <= READ_SIZE && got == (size - done < READ_SIZE ? size - done : READ_SIZE));
        if (got == 0)
            break;
        done += got;
    }
    must(done == size);
    *out = bytes;
    return COFFER_OK;
}

static enum coffer_status read_attributes(struct coffer_object *object,
                                          const struct coffer_info *info,
                                          struct coffer_attributes *out)
{
    uint8_t *bytes = must_alloc(info->attributes_size);
    enum coffer_status status = coffer_object_attributes(object, bytes, info->attributes_size);

    if (status != COFFER_OK || info->attributes_size == 0) {
        free(bytes);
        bytes = NULL;
    }
    if (status != COFFER_OK)
        return status;
    out->type = info->type;
    out->usage = info->usage;
    out->object_size = info->object_size;
    out->max_size = info->max_size;
    out->have = info->have;
    out->bytes = bytes;
    out->bytes_size = info->attributes_size;
    return COFFER_OK;
}

enum coffer_status model_read_object(struct coffer *store, const struct coffer_name *name,
                                     struct model_object *out, char *why, size_t why_size)
{
    struct model_object object = {.ta = name->ta, .id_size = name->id_size};
    struct coffer_object *handle = NULL;
    struct coffer_info info;
    struct coffer_info stat;
    const char *call = "open";
    enum coffer_status status;

    if (name->id_size > 0)
        memcpy(object.id, name->id, name->id_size);
    status = coffer_object_open(store, name, &handle);
    if (status != COFFER_OK)
        goto out;
    call = "info";
    status = coffer_object_info(handle, &info);
    if (status != COFFER_OK)
        goto out;
    call = "stat";
    status = coffer_stat(store, name, &stat);
    if (status != COFFER_OK)
        goto out;
    must(stat.size == info.size && stat.type == info.type && stat.file == info.file);
    call = "attributes";
    status = read_attributes(handle, &info, &object.attributes);
    if (status != COFFER_OK)
        goto out;
    call = "read";
    object.size = (size_t)info.size;
    status = read_data(handle, info.size, &object.bytes);

out:
    if (handle != NULL)
        coffer_object_close(handle);
    if (status != COFFER_OK) {
        model_object_fini(&object);
        memset(out, 0, sizeof(*out));
        say_status(why, why_size, call, name, status);
        return status;
    }
    *out = object;
    return COFFER_OK;
}

enum coffer_status model_read_store(struct coffer *store, struct model *out, char *why,
                                    size_t why_size)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status;

    model_init(out);
    status = coffer_list_open(store, NULL, &list);
    if (status != COFFER_OK) {
        say_status(why, why_size, "list", NULL, status);
        return status;
    }
    while ((status = coffer_list_next(list, &entry)) == COFFER_OK) {
        struct coffer_name name = {.ta = entry.ta, .id = entry.id, .id_size = entry.id_size};
        struct model_object object;

        must(model_find(out, &name) == NULL); /* each exactly once */
        status = model_read_object(store, &name, &object, why, why_size);
        if (status != COFFER_OK)
            break;
        *add(out) = object;
    }
    coffer_list_close(list);
    if (status == COFFER_NOT_FOUND)
        return COFFER_OK;
    if (why != NULL && status != COFFER_OK && out->count == 0 && why[0] == '\0')
        say_status(why, why_size, "list", NULL, status);
    model_fini(out);
    return status;
}

bool model_matches(const struct model *model, struct coffer *store, char *why, size_t why_size)
{
    struct model found;
    bool equal = false;

    if (why_size > 0)
        why[0] = '\0';
    if (model_read_store(store, &found, why, why_size) == COFFER_OK)
        equal = model_equal(model, &found, why, why_size);
    model_fini(&found);
    return equal;
}
