/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of candidates. */
#include "candidates.h"

#include <stdio.h>
#include <stdlib.h>

#include "coffer/linux.h"

#include "port/port.h"
#include "support/memory_device.h"
#include "support/must.h"

static void *directory_make(void)
{
    char *path = must_copy("/tmp/coffer-conformance-XXXXXX", 31);

    must(mkdtemp(path) != NULL);
    return path;
}

static void directory_free(void *place)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)place);
    must(system(command) == 0);
    free(place);
}

static enum coffer_status directory_open(void *place, bool read_only, struct coffer_device **out)
{
    return coffer_linux_directory_open(place, false, read_only, out);
}

/* The device that the tests of the store stand on must keep the same contract. */
static void *memory_make(void)
{
    return memory_device_open();
}

static void memory_free_place(void *place)
{
    memory_device_free(place);
}

static enum coffer_status memory_attach(void *place, bool read_only, struct coffer_device **out)
{
    (void)read_only;
    *out = memory_device_attach(place);
    return COFFER_OK;
}

const struct candidate candidates[] = {
    {
        .name = "Linux",
        .port = coffer_linux_port,
        .ciphers = coffer_linux_ciphers,
        .place_make = directory_make,
        .place_free = directory_free,
        .device_open = directory_open,
        .refuses_bad_names = true,
        .locks_place = true,
    },
    {
        .name = "the tests' memory device",
        .place_make = memory_make,
        .place_free = memory_free_place,
        .device_open = memory_attach,
    },
};

const size_t candidate_count = sizeof(candidates) / sizeof(candidates[0]);

const struct coffer_port *candidate_threads(void)
{
    for (size_t i = 0; i < candidate_count; i++) {
        if (candidates[i].port != NULL && candidates[i].port()->thread_start != NULL)
            return candidates[i].port();
    }
    return NULL;
}
