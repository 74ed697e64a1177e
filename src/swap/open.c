/* SPDX-License-Identifier: BSD-2-Clause */
/* A swap for a memory system. */
#include "memory/paging/paging.h"
#include "memory/system/system.h"
#include "swap/swap.h"

enum coffer_status coffer_swap_open(struct coffer_memory *memory,
                                    const struct coffer_swap_settings *settings)
{
    struct swap *swap;
    const struct backing *backing;
    enum coffer_status status;
    bool taken;

    if (memory == NULL)
        return COFFER_MISUSE;
    status = swap_open(memory->core, memory->port, settings, &swap);
    if (status != COFFER_OK)
        return status;
    backing = swap_backing(swap);

    paging_lock(memory->paging);
    taken = memory->has_swap;
    if (!taken) {
        paging_set_backing(memory->paging, backing);
        memory->has_swap = true;
        system_hide_owner(memory, swap_owner(swap));
    }
    paging_unlock(memory->paging);
    if (taken)
        backing->close(backing->context);
    return taken ? COFFER_EXISTS : COFFER_OK;
}
