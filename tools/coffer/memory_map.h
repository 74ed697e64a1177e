/* SPDX-License-Identifier: BSD-2-Clause */
/* The map of a memory system: who has which frames, what is free and how broken up it is, its
 * pools, and its spaces with what of them is resident, swapped and pinned. */
#ifndef COFFER_COMMAND_MEMORY_MAP_H
#define COFFER_COMMAND_MEMORY_MAP_H

#include <limits.h>

#include <json-c/json.h>

#include "coffer/space.h"

/* All of it, for programs. */
struct json_object *memory_map_json(struct coffer_memory *memory);

/* For people, on standard output: the frames, and of the tables as many as fit into `lines_max`
 * lines. How many lines were printed. */
#define MEMORY_MAP_ALL UINT_MAX
unsigned memory_map_print(struct coffer_memory *memory, unsigned lines_max);

/* How much of the free memory can't be had in one run, in per cent. */
unsigned memory_map_fragmentation(const struct coffer_memory_statistics *statistics);

const char *memory_map_policy(enum coffer_pool_policy policy);
const char *memory_map_kind(enum coffer_space_kind kind);

#endif
