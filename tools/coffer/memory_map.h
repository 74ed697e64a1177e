/* SPDX-License-Identifier: BSD-2-Clause */
/* The map of a memory system: who has which frames, what is free and how broken up it is, its
 * pools, and its spaces with what of them is resident, swapped and pinned. */
#ifndef COFFER_COMMAND_MEMORY_MAP_H
#define COFFER_COMMAND_MEMORY_MAP_H

#include <json-c/json.h>

#include "coffer/space.h"

/* All of it, for programs. */
struct json_object *memory_map_json(struct coffer_memory *memory);

/* All of it, for people, on standard output. How many lines were printed. */
unsigned memory_map_print(struct coffer_memory *memory);

#endif
