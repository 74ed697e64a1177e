/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on spaces that take the memory system. */
#include "memory/paging/paging.h"
#include "memory/space/space.h"
#include "memory/system/system.h"

enum coffer_status coffer_space_open(struct coffer_memory *memory,
                                     const struct coffer_space_settings *settings,
                                     struct coffer_space **out)
{
    struct owner owner;
    enum coffer_status status;

    if (memory == NULL || settings == NULL || out == NULL)
        return COFFER_MISUSE;
    status = system_owner(memory, settings->owner, &owner);
    if (status != COFFER_OK)
        return status;
    return spaces_open_space(memory->spaces, settings, owner, out);
}

struct coffer_space *coffer_space_kernel(struct coffer_memory *memory)
{
    return memory->spaces->kernel;
}

struct coffer_space *coffer_space_vmalloc(struct coffer_memory *memory)
{
    return memory->spaces->vmalloc;
}

struct coffer_space *coffer_space_of(struct coffer_memory *memory, uintptr_t address)
{
    return spaces_find(memory->spaces, address);
}

struct coffer_space *coffer_space_next(struct coffer_memory *memory, struct coffer_space *previous)
{
    return memory->spaces == NULL ? NULL : spaces_next(memory->spaces, previous);
}

enum coffer_status coffer_segment_open(struct coffer_memory *memory, struct coffer_owner owner,
                                       uint64_t size, const struct coffer_pager *pager,
                                       struct coffer_segment **out)
{
    struct owner inside;
    enum coffer_status status;

    if (memory == NULL || out == NULL)
        return COFFER_MISUSE;
    status = system_owner(memory, owner, &inside);
    if (status != COFFER_OK)
        return status;
    return spaces_open_segment(memory->spaces, inside, size, pager, out);
}

enum coffer_status coffer_vmalloc(struct coffer_memory *memory, size_t size, uintptr_t *address)
{
    if (memory == NULL || address == NULL)
        return COFFER_MISUSE;
    return spaces_vmalloc(memory->spaces, size, address);
}

enum coffer_status coffer_vfree(struct coffer_memory *memory, uintptr_t address)
{
    if (memory == NULL)
        return COFFER_MISUSE;
    return spaces_vfree(memory->spaces, address);
}

size_t coffer_reclaim(struct coffer_memory *memory, size_t frames)
{
    const struct owner anybody = {0};

    return paging_reclaim(memory->paging, frames, anybody);
}

void coffer_paging_statistics(struct coffer_memory *memory, struct coffer_paging_statistics *out)
{
    if (memory->spaces == NULL) {
        *out = (struct coffer_paging_statistics){0};
        return;
    }
    spaces_statistics(memory->spaces, out);
    out->table_reserve = memory->tables.count;
}
