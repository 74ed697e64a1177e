/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of GlobalPlatform's storage calls, one call after another, for the instances of one TA:
 * what each may answer and what is so afterwards. For histories (support/linearize.h).
 *
 * Data is counted in cells: a cell has one stamp throughout, or zeros. An object has as many as
 * fit. Where a handle stands is its user's to know. The rules on sharing are written down anew
 * here, from the standard's text.
 */
#ifndef TESTS_SUPPORT_GP_MODEL_H
#define TESTS_SUPPORT_GP_MODEL_H

#include "support/linearize.h"
#include "tee_internal_api.h"

#define GP_MODEL_NAMES   4u
#define GP_MODEL_THREADS 16u /* instances of a TA */
#define GP_MODEL_SLOTS   2u  /* handles of each */
#define GP_MODEL_CELLS   4u

#define GP_MODEL_TORN UINT32_MAX /* a cell that hasn't one stamp: never right */

/* All zeros: there is none. */
struct gp_model_object {
    uint32_t is_there;
    uint32_t size; /* cells */
    uint32_t usage;
    uint32_t cells[GP_MODEL_CELLS];
};

/* All zeros: it isn't open. */
struct gp_model_handle {
    uint8_t is_open;
    uint8_t name;
    uint8_t flags; /* TEE_DATA_FLAG_... */
};

struct gp_model_state {
    struct gp_model_object objects[GP_MODEL_NAMES];
    struct gp_model_handle handles[GP_MODEL_THREADS][GP_MODEL_SLOTS];
};

enum gp_model_kind {
    GP_CREATE,   /* name, flags, overwrites, size, stamp; without a handle if `slot` is none */
    GP_OPEN,     /* name, flags */
    GP_CLOSE,    /**/
    GP_DELETE,   /**/
    GP_RENAME,   /* name */
    GP_READ,     /* position, size; seen: what came, usage aside */
    GP_WRITE,    /* position, size, stamp */
    GP_TRUNCATE, /* size */
    GP_SEEK_END, /* position: where that led to */
    GP_INFO,     /* seen: size and usage; flags */
    GP_RESTRICT, /* usage: the mask */
    GP_START,    /* an enumerator; what its answer means, GP_UNLISTED tells */
    GP_LISTED,   /* name; seen: size and usage, as an enumerator met it; or it is at its end */
    GP_FLAGS,    /* name; flags: of all its handles, as an enumerator told them */
    GP_UNLISTED, /* name: an enumeration came to its end and hadn't met it */
};

#define GP_MODEL_NO_SLOT UINT8_MAX

struct gp_model_call {
    struct linearize_span span;
    enum gp_model_kind kind;
    TEE_Result result;
    uint8_t thread, slot;
    uint8_t name, flags;
    bool overwrites;
    uint8_t size, position;
    uint32_t stamp, usage;
    struct gp_model_object seen;
};

struct gp_model_rules {
    bool all_share_alike; /* as OP-TEE has it */
    bool may_be_short;    /* calls may find no memory, and then have done nothing */
};

/* `rules` must stay. */
struct linearize_model gp_model(const struct gp_model_rules *rules);

/* No memory, as the call says so. */
bool gp_model_is_shortage(const struct gp_model_call *call);

#endif
