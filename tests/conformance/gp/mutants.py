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
OPERATIONS = "src/gp/operations.c"
DIGEST = "src/gp/digest.c"
CIPHER = "src/gp/cipher.c"
MAC = "src/gp/mac.c"
AE = "src/gp/ae.c"
GENERATE = "src/gp/generate.c"
SESSIONS = "src/gp/sessions.c"
CLIENT = "ports/linux/tee_client.c"

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
    # Damage.
    (OBJECTS, "result == TEE_ERROR_CORRUPT_OBJECT && !stays", "result == TEE_ERROR_CORRUPT_OBJECT",
     "a damaged object's handle is closed though the TA wants it"),
    (OBJECTS, "result == TEE_ERROR_CORRUPT_OBJECT && !stays", "stays && result != TEE_SUCCESS",
     "a damaged object's handle is left open"),
    (OPERATIONS, "result = second(key_of(instance, operation, key2, &keys[1]));",
     "result = key_of(instance, operation, key2, &keys[1]);", "a second key is damaged as the first"),
    (STREAMS, "&base);\n    if (result != TEE_SUCCESS)\n        return gp_object_settle(instance, handle, result);",
     "&base);\n    if (result != TEE_SUCCESS)\n        return result;",
     "a seek leaves a damaged object's handle open"),
    # Shortages.
    (OPERATIONS, "    else\n        close_operation(instance, operation);\n    return result;\n}\n\nTEE_Result gp_operation_free",
     "    return result;\n}\n\nTEE_Result gp_operation_free",
     "an operation that isn't given out stays"),
    (OPERATIONS, "    for (unsigned i = 0; i < 2; i++) {\n        if (works_by_hash(operation))\n            provider->hash_close",
     "    for (unsigned i = 0; i < 1; i++) {\n        if (works_by_hash(operation))\n            provider->hash_close",
     "a second context isn't closed"),
    (OPERATIONS, "    if (status != COFFER_OK)\n        return gp_result(status);\n    operation->state = source->state;",
     "    operation->state = source->state;", "a copy without memory goes through"),
    (CALLS, "IN_BOTH(NO_SPACE | STORAGE)", "IN_BOTH(STORAGE)", "no room to grow is no answer"),
    # Operations.
    (OPERATIONS, "    if (!operation->active)\n        return TEE_ERROR_BAD_STATE;\n    *out = operation;", "    *out = operation;",
     "what isn't initialised takes data"),
    (OPERATIONS, "    if (operation->active)\n        return TEE_ERROR_BAD_STATE;\n    *out = operation;", "    *out = operation;",
     "an active operation takes another key"),
    (OPERATIONS, "class_of(operation->algorithm) == class ? operation", "class != 0 ? operation",
     "operations of other classes are taken"),
    (OPERATIONS, "secret->number.size * 8 > operation->max_size || ", "", "a key is larger than allowed"),
    (OPERATIONS, "(info.objectUsage & usage_of(operation)) != usage_of(operation) || ", "",
     "a key does what it may not"),
    (OPERATIONS, " || source->mode != operation->mode", "", "a copy has another mode"),
    (OPERATIONS, "result == TEE_SUCCESS && keys[0].bits != keys[1].bits", "result != TEE_SUCCESS && keys[0].bits != keys[1].bits",
     "two keys of different sizes"),
    (OPERATIONS, "    if ((operation->flags & TEE_HANDLE_FLAG_KEY_SET) == 0)\n        return TEE_ERROR_BAD_STATE;\n    gp_operation_calm(instance, operation);\n    return TEE_SUCCESS;",
     "    gp_operation_calm(instance, operation);\n    return TEE_SUCCESS;", "a reset needs no key"),
    (DIGEST, "    if (is_extracting(operation))\n        return TEE_ERROR_BAD_STATE;\n    instance",
     "    instance", "a digest goes on after an extraction"),
    (CIPHER, "iv_size != operation->algorithm->block))", "iv_size == 0))", "an IV of any size"),
    (CIPHER, "return size > operation->algorithm->block;", "return size >= operation->algorithm->block;",
     "CTS of one block"),
    (CIPHER, "    *out_size = needed;\n    return TEE_ERROR_SHORT_BUFFER;", "    return TEE_ERROR_SHORT_BUFFER;",
     "a cipher doesn't tell the room it needs"),
    (MAC, "    if (!can_end(operation, size))\n        return TEE_ERROR_BAD_STATE;\n    result", "    result",
     "a CBC-MAC ends within a block"),
    (MAC, "mac_size != operation->algorithm->digest || ", "", "a part of a MAC is one"),
    (AE, "KEY_SET) == 0 || operation->active)", "KEY_SET) == 0)", "AE begins again"),
    (AE, "state->payload_begun ||\n", "false ||\n", "AAD after the payload"),
    (AE, "operation->mode != TEE_MODE_ENCRYPT || ", "", "what decrypts encrypts"),
    (AE, "bits >= 96 && bits <= 128", "bits >= 88 && bits <= 128", "a tag too short"),
    (AE, "(is_end && state->payload_size + size != state->payload_expected)", "false",
     "CCM's payload is less than was told"),
    # Keys that are made.
    (GENERATE, "    if (bits != NULL && bits->value == 0)\n        return TEE_ERROR_BAD_PARAMETERS;\n", "",
     "a secret of no bits"),
    (GENERATE, "bits != NULL ? bits->value : 0,", "0,", "a secret's length isn't heeded"),
    (GENERATE, "given(attributes, TEE_ATTR_DSA_SUBPRIME), given", "NULL, given",
     "DSA's secret is larger than its group"),
    (TRANSIENT, "given == 0 || given == size ?", "given != 1 ?", "a prime of another size"),
    # Sessions.
    (SESSIONS, "    gp_instance_close(instance); /* before a life that comes after it may begin */\n    lock(life->tee);\n    life->instance = NULL;\n    unlock(life->tee);\n",
     "    lock(life->tee);\n    life->instance = NULL;\n    unlock(life->tee);\n    gp_instance_close(instance);\n",
     "the next life begins before a dead one's handles are gone"),
    (SESSIONS, "(life->image.code->flags & TA_FLAG_MULTI_SESSION) == 0 && life->users > 0",
     "life->users > 1000", "one session is many"),
    (SESSIONS, "life->instance != NULL && (life->image.code->flags & TA_FLAG_SINGLE_INSTANCE)",
     "(life->image.code->flags & TA_FLAG_SINGLE_INSTANCE)", "a dead instance has new sessions"),
    (SESSIONS, "(life->image.code->flags & TA_FLAG_SINGLE_INSTANCE) != 0)\n", "life->users > 0)\n",
     "all instances are single"),
    (SESSIONS, "result == TEE_ERROR_TARGET_DEAD && call.code == NULL", "false",
     "another session's panic answers who opens one"),
    (SESSIONS, "while (!list_is_empty(&life->sessions))", "while (false)",
     "sessions that are left open stay when the tee is closed"),
    (SESSIONS, "life->instance == NULL || (life->image.code->flags & kept) != kept", "life->users == 0",
     "no instance is kept"),
    (SESSIONS, "origin = instance->panicked ? TEE_ORIGIN_TEE : TEE_ORIGIN_TRUSTED_APP;",
     "origin = TEE_ORIGIN_TRUSTED_APP;", "a panic is told as the TA's answer"),
    (SESSIONS, "        *origin = TEE_ORIGIN_TRUSTED_APP;\n", "", "a TA's refusal to begin is told as the TEE's"),
    (SESSIONS, "    instance->cancellation_masked = true;\n", "", "a command begins as the last one ended"),
    (SESSIONS, "type != TEE_PARAM_TYPE_MEMREF_INPUT}", "type != TEE_PARAM_TYPE_NONE}",
     "input memory may be written"),
    (CLIENT, "(parent->flags & needed) != needed || ", "", "a part is for more than its memory"),
    (CLIENT, "reference->size > parent->size - reference->offset", "reference->size > parent->size",
     "a part ends behind its memory"),
    (CLIENT, "            if (out->memref.parent->flags != TEEC_MEM_INPUT)\n", "",
     "a size of input memory comes back"),
    (CLIENT, "        return TEE_PARAM_TYPE_MEMREF_OUTPUT;\n    default:", "        return TEE_PARAM_TYPE_MEMREF_INOUT;\n    default:",
     "output memory is for both"),
    (CLIENT, "    if (data != NULL)\n        return TEEC_ERROR_BAD_PARAMETERS;\n", "", "data for a login that has none"),
    (CLIENT, "    if (method != TEEC_LOGIN_PUBLIC)\n        return TEEC_ERROR_NOT_SUPPORTED;\n", "", "a login that isn't there"),
    (CLIENT, "    session->imp.session = NULL;\n", "", "a session is closed twice"),
    ("src/gp/cancellation.c", "    instance->cancellation_masked = masked;\n", "", "the mask stays"),
]
