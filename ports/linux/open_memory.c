/* SPDX-License-Identifier: BSD-2-Clause */
/* A memory system with everything that Linux has for it. */
#include <stdlib.h>

#include "coffer/linux_memory.h"

/* What coffer_memory_close gives back at the very end. */
struct machine {
    struct coffer_linux_mmu *mmu; /* NULL: `area` is from the kernel as it is */
    struct coffer_area area;
    bool locked;
    struct coffer_swap_medium medium; /* none: without a context */
};

static void unmake(struct machine *machine)
{
    coffer_linux_swap_close(&machine->medium);
    if (machine->mmu != NULL)
        coffer_linux_mmu_unmake(machine->mmu);
    else
        coffer_linux_memory_unmake(&machine->area);
    free(machine);
}

static void release(void *context)
{
    unmake(context);
}

static enum coffer_status make_memory(const struct coffer_linux_memory_options *options,
                                      struct machine *machine)
{
    size_t size = options->memory != 0 ? options->memory : COFFER_LINUX_MEMORY_DEFAULT;
    const struct coffer_linux_mmu_options mmu_options = {.size = size, .secret = options->secret};
    enum coffer_status status;

    if (options->software)
        return coffer_linux_memory_make(size, &machine->locked, &machine->area);
    status = coffer_linux_mmu_make(&mmu_options, &machine->mmu);
    if (status != COFFER_OK)
        return status;
    machine->area = coffer_linux_mmu_area(machine->mmu);
    machine->locked = coffer_linux_mmu_is_locked(machine->mmu);
    return COFFER_OK;
}

static enum coffer_status make_medium(const struct coffer_linux_memory_options *options,
                                      struct machine *machine)
{
    if (options->swap_pages == 0)
        return COFFER_OK;
    if (!options->swap_in_memory)
        return coffer_linux_swap_file(options->swap_path, &machine->medium);
    if (options->swap_pages > SIZE_MAX / COFFER_SWAP_SLOT_SIZE)
        return COFFER_NO_MEMORY;
    return coffer_linux_swap_memory(options->swap_pages * COFFER_SWAP_SLOT_SIZE, &machine->medium);
}

static enum coffer_status open_swap(const struct coffer_linux_memory_options *options,
                                    const struct machine *machine, struct coffer_memory *memory)
{
    const struct coffer_swap_settings settings = {
        .ciphers = coffer_linux_ciphers(),
        .medium = machine->medium,
        .pages = options->swap_pages,
    };

    return options->swap_pages == 0 ? COFFER_OK : coffer_swap_open(memory, &settings);
}

enum coffer_status coffer_linux_memory_open(const struct coffer_linux_memory_options *options,
                                            struct coffer_memory **out)
{
    static const struct coffer_linux_memory_options defaults;
    struct coffer_memory_config config = {0};
    struct coffer_memory *memory;
    struct machine *machine;
    enum coffer_status status;

    if (options == NULL)
        options = &defaults;
    if (out == NULL || (options->software && options->secret) ||
        (options->swap_in_memory && options->swap_path != NULL))
        return COFFER_MISUSE;
    machine = calloc(1, sizeof(*machine));
    if (machine == NULL)
        return COFFER_NO_MEMORY;
    status = make_memory(options, machine);
    if (status == COFFER_OK)
        status = make_medium(options, machine);
    if (status != COFFER_OK)
        goto unmake;

    if (options->config != NULL)
        config = *options->config;
    config.areas = &machine->area;
    config.area_count = 1;
    config.port = coffer_linux_port();
    config.mmu = machine->mmu != NULL ? coffer_linux_mmu_operations(machine->mmu) : NULL;
    config.locked = machine->locked;
    config.secret = options->secret;
    config.release = release;
    config.release_context = machine;
    status = coffer_memory_open(&config, &memory);
    if (status != COFFER_OK)
        goto unmake;
    status = open_swap(options, machine, memory);
    if (status != COFFER_OK) {
        coffer_memory_close(memory); /* with everything */
        return status;
    }
    *out = memory;
    return COFFER_OK;

unmake:
    unmake(machine);
    return status;
}
