/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that belongs to another, as the calls that look at a memory system see it. */
#include "memory/heap/pool.h"
#include "memory/system/system.h"

void system_view(struct coffer_memory *view, struct memory *memory, struct owner self)
{
    *view = (struct coffer_memory){.memory = memory, .system = self, .pool = memory->pool};
    list_init(&view->pools);
    list_init(&view->boxes);
    list_insert_before(&view->pools, pool_link(memory->pool));
}
