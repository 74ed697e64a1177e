# SPDX-License-Identifier: BSD-2-Clause
"""Single behaviours of the GlobalPlatform front end, broken; the rules notice every one.

scripts/mutants --kept runs them. Each is the file, a text that is in it once, what stands there
instead, and what that breaks.
"""

PROGRAM = "tests/conformance/gp/gp_conformance"
RUNS = [["gp-1.3.1", "--bail"], ["optee-4", "--bail"]]

FILES = "src/gp/files.c"
PERSISTENT = "src/gp/persistent.c"
STREAMS = "src/gp/streams.c"
ENUMERATORS = "src/gp/enumerators.c"
OBJECTS = "src/gp/objects.c"
HANDLES = "src/gp/handles.c"
CALLS = "src/gp/calls.c"
TEE = "src/gp/tee.c"
MEMORY = "src/gp/memory.c"
TRANSIENT = "src/gp/transient.c"
ATTRIBUTES = "src/gp/attributes.c"

MUTANTS = [
    # Sharing.
    (FILES, "((flags | any) & TEE_DATA_FLAG_ACCESS_WRITE_META) != 0",
     "((flags & any) & TEE_DATA_FLAG_ACCESS_WRITE_META) != 0",
     "ACCESS_WRITE_META excludes its like only"),
    (FILES, "flags == 0 || any == 0 || ", "", "a handle without flags locks nothing"),
    (FILES, "(any & TEE_DATA_FLAG_ACCESS_READ) != 0", "(flags & TEE_DATA_FLAG_ACCESS_READ) != 0",
     "SHARE_READ is asked of readers only"),
    (FILES, "(any & TEE_DATA_FLAG_ACCESS_WRITE) == 0", "(flags & TEE_DATA_FLAG_ACCESS_WRITE) == 0",
     "SHARE_WRITE is asked of writers only"),
    (FILES, "    all &= flags;\n", "", "a new handle need not share itself"),
    (FILES, "profile == GP_OPTEE_4 && ", "profile == GP_PROFILES && ",
     "OP-TEE's handles need not share alike"),
    (FILES, "file->having[i] -= (flags & flags_by_place[i]) != 0;",
     "file->having[i] -= (flags & flags_by_place[i]) == 0;",
     "a closed handle's flags are still reckoned with"),
    (FILES, " && is_same_ta(&a->ta, &b->ta)", "", "TAs exclude one another"),
    (FILES, "return a->store == b->store && ", "return ", "storages exclude one another"),
    # Making, renaming, deleting.
    (FILES, "if (find(tee, to) != NULL)", "if (find(tee, to) != NULL && find(tee, to) != file)",
     "an object is renamed to its own id"),
    (FILES, "        file->name = *to;\n", "", "a renamed object is known by its old id"),
    (FILES, "coffer_object_set_usage(object, info.usage & usage)",
     "coffer_object_set_usage(object, info.usage | usage)", "usage is given back"),
    (PERSISTENT, "COFFER_REPLACE : 0;", "COFFER_REPLACE : COFFER_REPLACE;",
     "an object is overwritten without OVERWRITE"),
    (PERSISTENT, "    if ((flags & ~OPEN_FLAGS) != 0)\n        return TEE_ERROR_BAD_PARAMETERS;\n", "",
     "reserved flags open"),
    (PERSISTENT, "(flags & ~CREATE_FLAGS) != 0 || ", "", "reserved flags create"),
    (PERSISTENT, "    if ((object->flags & flags) != flags)\n        return TEE_ERROR_BAD_STATE;\n",
     "", "a handle may do what it wasn't opened for"),
    (PERSISTENT, "    making->usage = info.objectUsage;\n", "", "the source's usage isn't copied"),
    (PERSISTENT, "return TEE_ERROR_BAD_PARAMETERS;\n    *out = TEE_HANDLE_NULL;",
     "return TEE_ERROR_BAD_PARAMETERS;", "a failed opening leaves the handle as it was"),
    (TEE, "        storage = TEE_STORAGE_PRIVATE;\n", "        storage = TEE_STORAGE_PERSO;\n",
     "PRIVATE_REE is another storage"),
    # Streams.
    (STREAMS, "    object->position += got;\n", "", "a read doesn't move on"),
    (STREAMS, "    object->position += size;\n", "", "a write doesn't move on"),
    (STREAMS, "size > TEE_DATA_MAX_POSITION - object->position", "size > TEE_DATA_MAX_POSITION",
     "a write goes too far"),
    (STREAMS, "*out = back > base ? 0 : base - back;", "*out = base - back;",
     "a position before the beginning"),
    (STREAMS, "(uint64_t)offset > TEE_DATA_MAX_POSITION - base",
     "(uint64_t)offset > TEE_DATA_MAX_POSITION", "a position behind the last one"),
    (STREAMS, "            *out = info.size;\n", "            *out = object->position;\n",
     "SEEK_END is SEEK_CUR"),
    # Enumerators.
    (ENUMERATORS, "    enumerator->has_first = false;\n", "", "the first object again and again"),
    (ENUMERATORS, "enumerator->has_first = status == COFFER_OK;",
     "enumerator->has_first = false;", "the first object is passed over"),
    (ENUMERATORS, "coffer_list_open(enumerator->store, &ta, ",
     "coffer_list_open(enumerator->store, NULL, ", "objects of all TAs"),
    # Handles, calls, usage.
    (HANDLES, "place != NULL && place->kind == kind ?", "place != NULL ?",
     "a handle of another kind is taken"),
    (HANDLES, "    place->generation++;\n", "", "a closed handle is taken"),
    (OBJECTS, "    object->usage &= usage;\n", "    object->usage = usage;\n",
     "a transient object's usage is given back"),
    (OBJECTS, "result = TEE_ERROR_STORAGE_NOT_AVAILABLE;\n    return gp_end",
     "result = TEE_ERROR_GENERIC;\n    return gp_end", "want of memory is a panic"),
    (CALLS, "IN_BOTH(NO_SPACE | OVERFLOWS | STORAGE)", "IN_BOTH(NO_SPACE | STORAGE)",
     "an overflow is a panic"),
    # Memory.
    (MEMORY, "    if (hint == TEE_MALLOC_NO_FILL)\n        return TEE_ERROR_BAD_PARAMETERS;\n", "",
     "NO_FILL alone is a hint"),
    (MEMORY, "    wipe_rest(instance->heap_pool, moved, size);\n", "",
     "a block grows by what was there"),
    (MEMORY, "return (int32_t)result;", "return (int32_t)(0 - result);", "compared the wrong way"),
    # Transient objects.
    (TRANSIENT, "    object->usage &= info.objectUsage;\n", "", "a copy may be used for more"),
    (TRANSIENT, "(id & TEE_ATTR_FLAG_PUBLIC) == 0 && ", "", "public attributes are kept back"),
    (TRANSIENT, "(info.objectUsage & TEE_USAGE_EXTRACTABLE) == 0", "info.objectUsage == 0",
     "secret attributes are given out"),
    (TRANSIENT, "    object->object_size = 0;\n    object->usage = UINT32_MAX;\n",
     "    object->object_size = 0;\n", "a reset object stays restricted"),
    (TRANSIENT, "        *size = value->number.size;\n        return TEE_ERROR_SHORT_BUFFER;",
     "        return TEE_ERROR_SHORT_BUFFER;", "how much is needed isn't told"),
    (ATTRIBUTES, "value->have || (rule->flags", "(rule->flags", "an attribute twice"),
    (ATTRIBUTES, "        if (bits > attributes->max_size)\n            return TEE_ERROR_BAD_STATE;\n",
     "", "a key larger than its object"),
]
