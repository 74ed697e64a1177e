/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's part in a history of GlobalPlatform's calls: an instance of a TA that makes, opens,
 * reads, writes, renames, lists and deletes objects of a few names, at random, and writes down each
 * call with its answer and when it began and ended (support/gp_model.h).
 */
#ifndef TESTS_FAULTS_GP_WORKER_H
#define TESTS_FAULTS_GP_WORKER_H

#include "gp/gp.h"
#include "support/gp_model.h"
#include "support/random.h"

#define GP_WORKER_CELL  2500u /* bytes; some cells lie in two blocks */
#define GP_WORKER_DATA  (GP_MODEL_CELLS * GP_WORKER_CELL)
#define GP_WORKER_CALLS 31u /* those of sixteen and a watcher are LINEARIZE_CALLS_MAX at most */

struct gp_slot {
    TEE_ObjectHandle handle; /* TEE_HANDLE_NULL: none */
    uint32_t flags;
    uint32_t storage;
    uint8_t position; /* in cells */
};

struct gp_worker {
    struct gp_instance *instance;
    unsigned ta;
    uint8_t index; /* in its TA */
    struct random random, chaos;
    unsigned wanted;   /* calls at least, and some to end */
    bool may_be_short; /* of memory */

    struct gp_slot slots[GP_MODEL_SLOTS];
    TEE_ObjectHandle key; /* transient, to make objects of; TEE_HANDLE_NULL: plain data alone */
    uint8_t *data;        /* in the instance's heap, or `outside` */
    uint8_t outside[GP_WORKER_DATA];

    struct gp_model_call calls[GP_WORKER_CALLS]; /* of this round */
    unsigned count;

    void (*body)(struct gp_worker *worker);
};

/* As the instance's TA, in this thread. A panic ends the test. */
void gp_worker_use_objects(struct gp_worker *worker);
/* What is there under each name, when nobody else is at it. */
void gp_worker_look_at_all(struct gp_worker *worker);

#endif
