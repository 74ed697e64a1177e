/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference: what a store should hold, as a plain list of objects. A test applies the same
 * operations to a store and to a model, reads the store back into another model through the
 * public interface, and compares the two.
 */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer.h"

struct model_object {
    struct coffer_uuid ta;
    uint8_t id[COFFER_ID_MAX];
    size_t id_size;
    uint8_t *bytes;
    size_t size;
    struct coffer_attributes attributes; /* its bytes are the model's own */
};

struct model {
    struct model_object *objects;
    size_t count, room;
};

void model_init(struct model *model);
void model_fini(struct model *model);
void model_copy(const struct model *from, struct model *to);
/* The same objects, in any order; `why` (may be NULL) receives the first difference. */
bool model_equal(const struct model *a, const struct model *b, char *why, size_t why_size);

struct model_object *model_find(const struct model *model, const struct coffer_name *name);
struct coffer_name model_name(const struct model_object *object);
bool model_same_name(const struct coffer_name *a, const struct coffer_name *b);

/* New, or in the place of the one that has the name. `attributes` NULL: plain data. */
void model_put(struct model *model, const struct coffer_name *name,
               const struct coffer_attributes *attributes, const void *data, size_t size);
void model_write(struct model_object *object, uint64_t offset, const void *data, size_t size);
void model_truncate(struct model_object *object, uint64_t size);
void model_rename(struct model_object *object, const void *to, size_t to_size);
void model_delete(struct model *model, const struct coffer_name *name);

/* Read one object with all that it is. On an error *out holds nothing. `why` (may be NULL)
 * says which call it was. A wrong answer that no status tells of (a short read in the middle, a
 * size that does not fit) stops the test. */
enum coffer_status model_read_object(struct coffer *store, const struct coffer_name *name,
                                     struct model_object *out, char *why, size_t why_size);
void model_object_fini(struct model_object *object);

/* List the store, and read every object of it. An error leaves an empty model. */
enum coffer_status model_read_store(struct coffer *store, struct model *out, char *why,
                                    size_t why_size);

/* Does the store hold exactly the model's objects? Otherwise `why` tells. */
bool model_matches(const struct model *model, struct coffer *store, char *why, size_t why_size);

#endif
