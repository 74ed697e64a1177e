/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a case of the suite finds: a tee with stores on memory devices for TEE_STORAGE_PRIVATE and
 * TEE_STORAGE_PERSO (none for TEE_STORAGE_PROTECTED), and instances under the machine's port, whose
 * memory and devices can be made to run out. One at a time; whoever opens it closes it, and all
 * must be back by then.
 */
#ifndef TESTS_CONFORMANCE_GP_WORLD_H
#define TESTS_CONFORMANCE_GP_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "gp/gp.h"
#include "gp/sessions.h"
#include "memory/memory.h"
#include "support/fault_plan.h"
#include "support/space_fixture.h"
#include "support/store_fixture.h"

#define WORLD_STORES 2

struct world {
    enum gp_profile profile;
    struct space_fixture memory; /* of instances */
    struct memory_device *devices[WORLD_STORES];
    struct store_fixture stores[WORLD_STORES]; /* PRIVATE, PERSO */
    struct gp_tee tee;
    struct gp_instance *instance; /* of the TA whose rules are looked at */
    struct gp_instance *twin;     /* another one of the same TA */
    struct gp_instance *stranger; /* of another TA */
    struct coffer_tee clients;    /* instead of `tee` and its instances, for rules of sessions */
    bool has_clients;

    /* Refusals of the stores' memory. */
    struct fault_plan store_memory;
    struct memory_settings store_settings;
};

extern struct world world;

/* With empty stores. */
void world_open(enum gp_profile profile);
/* The same for clients of <tee_client_api.h>: contexts are of its tee, and no session is open. */
void world_open_for_clients(enum gp_profile profile);
/* All is closed, and opened again with what the devices hold. */
void world_reopen(void);
/* False: not all came back, which is told. */
COFFER_MUST_CHECK bool world_close(void);

/* Did the store of TEE_STORAGE_PRIVATE break off a change in doubt? It takes no other. */
bool world_store_has_failed(void);

/* Files of the device of TEE_STORAGE_PRIVATE that are no object's and not the catalogue. */
bool world_has_strange_files(void);
/* Blocks that the tee and `instance` have in their pools. */
uint64_t world_blocks(void);

/* What the stores hold, to be compared: a sum over the names, attributes and data of all objects.
 * Outside of instances. */
uint64_t world_picture(void);

#endif
