/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles: a number has 32 bits,
 *
 *   31    25 24  22 21      14 13       0
 *   origin   kind+1 generation  place
 *
 * so that none is 0. A place counts its handles in the generation; the origin is the same in all
 * numbers of an instance and another one in the next 127 instances.
 */
#include "gp/gp.h"

#include "base/assert.h"

#define PLACE_BITS      14u
#define GENERATION_BITS 8u
#define KIND_BITS       3u
#define ORIGIN_BITS     7u

#define PLACES_MAX       ((uint32_t)1 << PLACE_BITS)
#define GENERATION_SHIFT PLACE_BITS
#define KIND_SHIFT       (GENERATION_SHIFT + GENERATION_BITS)
#define ORIGIN_SHIFT     (KIND_SHIFT + KIND_BITS)
#define PLACES_FIRST     16u

_Static_assert(ORIGIN_SHIFT + ORIGIN_BITS == 32, "a handle has 32 bits");
_Static_assert(GP_KINDS < 1 << KIND_BITS, "a kind plus one fits into its bits");

struct gp_handle {
    void *thing; /* NULL: free */
    void (*close)(struct gp_instance *instance, void *thing);
    uint32_t next; /* free: the next one plus one; 0: none */
    uint8_t generation;
    uint8_t kind;
};

static uint32_t number_of(const struct gp_handles *handles, uint32_t place)
{
    const struct gp_handle *handle = &handles->places[place];

    return place | (uint32_t)handle->generation << GENERATION_SHIFT |
           (handle->kind + 1u) << KIND_SHIFT |
           handles->origin % (1u << ORIGIN_BITS) << ORIGIN_SHIFT;
}

/* The place that a number stands for; NULL: none. */
static struct gp_handle *place_of(const struct gp_handles *handles, const void *handle)
{
    uintptr_t number = (uintptr_t)handle;
    uint32_t place = (uint32_t)number % PLACES_MAX;

    if (place >= handles->count || handles->places[place].thing == NULL ||
        number_of(handles, place) != number)
        return NULL;
    return &handles->places[place];
}

static TEE_Result grow(struct gp_instance *instance)
{
    struct gp_handles *handles = &instance->handles;
    uint32_t count = handles->count == 0 ? PLACES_FIRST : handles->count * 2;
    void *places;

    if (count > PLACES_MAX)
        return TEE_ERROR_OUT_OF_MEMORY;
    if (coffer_pool_realloc(instance->pool, handles->places, count * sizeof(struct gp_handle),
                            &places) != COFFER_OK)
        return TEE_ERROR_OUT_OF_MEMORY;
    handles->places = places;
    for (uint32_t i = count; i > handles->count; i--) {
        handles->places[i - 1] = (struct gp_handle){.next = handles->free};
        handles->free = i;
    }
    handles->count = count;
    assert_deep(gp_handles_are_valid(instance));
    return TEE_SUCCESS;
}

TEE_Result gp_handle_make(struct gp_instance *instance, enum gp_kind kind, void *thing,
                          void (*close)(struct gp_instance *instance, void *thing), void **handle)
{
    struct gp_handles *handles = &instance->handles;
    struct gp_handle *place;

    assert_cheap(thing != NULL && close != NULL);
    if (handles->free == 0) {
        TEE_Result result = grow(instance);

        if (result != TEE_SUCCESS)
            return result;
    }
    place = &handles->places[handles->free - 1];
    assert_debug(place->thing == NULL && handles->used < handles->count);
    handles->free = place->next;
    handles->used++;
    place->thing = thing;
    place->close = close;
    place->kind = (uint8_t)kind;
    place->next = 0;
    *handle = (void *)(uintptr_t)number_of(handles, (uint32_t)(place - handles->places));
    return TEE_SUCCESS;
}

TEE_Result gp_handle_make_new(struct gp_instance *instance, enum gp_kind kind, size_t size,
                              void (*close)(struct gp_instance *instance, void *thing),
                              void **thing, void **handle)
{
    void *made = gp_alloc(instance->pool, size);
    TEE_Result result;

    if (made == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    result = gp_handle_make(instance, kind, made, close, handle);
    if (result == TEE_SUCCESS)
        *thing = made;
    else
        gp_free(instance->pool, made);
    return result;
}

void *gp_handle_find(const struct gp_instance *instance, enum gp_kind kind, const void *handle)
{
    const struct gp_handle *place = place_of(&instance->handles, handle);

    return place != NULL && place->kind == kind ? place->thing : NULL;
}

/* The place is free before its thing ends, so that nothing finds that any more. */
static void close_place(struct gp_instance *instance, struct gp_handle *place)
{
    struct gp_handles *handles = &instance->handles;
    void *thing = place->thing;

    assert_debug(thing != NULL && handles->used > 0);
    place->thing = NULL;
    place->generation++;
    place->next = handles->free;
    handles->free = (uint32_t)(place - handles->places) + 1;
    handles->used--;
    place->close(instance, thing);
}

TEE_Result gp_handle_close(struct gp_instance *instance, enum gp_kind kind, const void *handle)
{
    struct gp_handle *place = place_of(&instance->handles, handle);

    if (place == NULL || place->kind != kind)
        return TEE_ERROR_BAD_PARAMETERS;
    close_place(instance, place);
    return TEE_SUCCESS;
}

void gp_handles_close(struct gp_instance *instance)
{
    struct gp_handles *handles = &instance->handles;

    assert_deep(gp_handles_are_valid(instance));
    for (uint32_t i = 0; i < handles->count; i++) {
        if (handles->places[i].thing != NULL)
            close_place(instance, &handles->places[i]);
    }
    if (handles->places != NULL)
        gp_free(instance->pool, handles->places);
    *handles = (struct gp_handles){.origin = handles->origin};
}

bool gp_handles_are_valid(const struct gp_instance *instance)
{
    const struct gp_handles *handles = &instance->handles;
    uint32_t used = 0;
    uint32_t free = 0;

    for (uint32_t i = 0; i < handles->count; i++) {
        used += handles->places[i].thing != NULL;
        if (handles->places[i].thing != NULL && handles->places[i].kind >= GP_KINDS)
            return false;
    }
    for (uint32_t at = handles->free; at != 0; at = handles->places[at - 1].next) {
        if (at > handles->count || handles->places[at - 1].thing != NULL || ++free > handles->count)
            return false;
    }
    return used == handles->used && used + free == handles->count;
}
