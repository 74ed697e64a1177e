/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that belongs to another, as the calls that look at a memory system see it. */
#include "memory/heap/pool.h"
#include "memory/system/system.h"

void system_view(struct coffer_memory *view, struct memory *memory, struct owner self, bool locked)
{
    *view = (struct coffer_memory){
        .core = memory, .frames = memory->frames, .pool = memory->pool, .config.locked = locked};
    system_set_owners(view, self);
    view->own = (struct place){.memory = view, .owner = self, .pool = memory->pool};
    pool_set_keeper(memory->pool, &view->own);
    list_init(&view->places);
    list_insert_before(&view->places, &view->own.link);
}
