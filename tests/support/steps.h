/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A step: one change of a store, as data, so that the same workload can be run against a store,
 * applied to the model, cut by power failures and struck by faults.
 */
#ifndef TESTS_SUPPORT_STEPS_H
#define TESTS_SUPPORT_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "coffer.h"
#include "support/model.h"

enum step_kind {
    STEP_PUT,
    STEP_REPLACE,
    STEP_PUT_KEY, /* with attributes */
    STEP_WRITE,
    STEP_WRITE_FROM, /* the same, in pieces of 7,000 bytes */
    STEP_TRUNCATE,
    STEP_USAGE,  /* set to `size` */
    STEP_RENAME, /* to `to` */
    STEP_DELETE,
    STEP_STREAM, /* a writer, in pieces of 7,000 bytes */
    STEP_READ,   /* changes nothing: reads the object, attributes and all */
    STEP_STAT,   /* changes nothing */
    STEP_LIST,   /* changes nothing: walks all names */
    STEP_CHECK,  /* changes nothing: the whole store, deep */
};

struct step {
    enum step_kind kind;
    const char *id;
    uint64_t offset; /* STEP_WRITE, STEP_WRITE_FROM */
    size_t size;     /* of the data; STEP_TRUNCATE: the new size; STEP_USAGE: the bits */
    const char *to;  /* STEP_RENAME */
};

extern const struct coffer_uuid step_ta;

const char *step_kind_name(enum step_kind kind);
/* Bytes that tell steps and places apart; the caller frees them. */
uint8_t *step_bytes(const struct step *step);
struct coffer_name step_name(const char *id);

/* Whatever it answers, nothing stays open. */
enum coffer_status step_run(const struct step *step, struct coffer *store);
void step_apply(const struct step *step, struct model *model);

#endif
