/* SPDX-License-Identifier: BSD-2-Clause */
/* A store in a directory, with everything that Linux has for it. */
#include <stdlib.h>

#include "coffer/linux.h"

/* What coffer_close gives back at the very end. */
struct machine {
    struct coffer_area area;
    bool locked;
};

static void release(void *context)
{
    struct machine *machine = context;

    coffer_linux_memory_unmake(&machine->area);
    free(machine);
}

static struct coffer_config make_config(const struct coffer_linux_options *options,
                                        struct machine *machine, struct coffer_device *device)
{
    return (struct coffer_config){
        .port = coffer_linux_port(),
        .ciphers = coffer_linux_ciphers(),
        .device = device,
        .areas = &machine->area,
        .area_count = 1,
        .memory_locked = machine->locked,
        .key = options->key,
        .huk_plain = options->huk_plain,
        .head_full_hash = options->head_full_hash,
        .create = options->create,
        .read_only = options->read_only,
        .volatile_commits = options->volatile_commits,
        .cache_frames = options->cache_frames,
        .cache_policy = options->cache_policy,
        .cached_objects = options->cached_objects,
        .key_slots = options->key_slots,
        .low_frames = options->low_frames,
        .high_frames = options->high_frames,
        .collect_interval_ms = options->collect_interval_ms,
        .cache_timeout_ms = options->cache_timeout_ms,
        .collector_thread = options->collector_thread,
        .notice = options->notice,
        .notice_context = options->notice_context,
        .trace = options->trace,
        .trace_context = options->trace_context,
        .release = release,
        .release_context = machine,
    };
}

enum coffer_status coffer_linux_open(const struct coffer_linux_options *options,
                                     struct coffer **out)
{
    struct coffer_device *device = NULL;
    struct coffer_config config;
    enum coffer_status status;
    struct machine *machine;

    if (options == NULL || options->directory == NULL || options->key == NULL || out == NULL)
        return COFFER_MISUSE;
    machine = calloc(1, sizeof(*machine));
    if (machine == NULL)
        return COFFER_NO_MEMORY;
    status = coffer_linux_memory_make(options->memory != 0 ? options->memory
                                                           : COFFER_LINUX_MEMORY_DEFAULT,
                                      &machine->locked, &machine->area);
    if (status != COFFER_OK)
        goto free_machine;
    status = coffer_linux_directory_open(options->directory, options->create, options->read_only,
                                         &device);
    if (status != COFFER_OK)
        goto unmake_memory;
    config = make_config(options, machine, device);
    status = coffer_open(&config, out);
    if (status == COFFER_OK)
        return COFFER_OK;
    coffer_linux_directory_close(device);

unmake_memory:
    coffer_linux_memory_unmake(&machine->area);
free_machine:
    free(machine);
    return status;
}
