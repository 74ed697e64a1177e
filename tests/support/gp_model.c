/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/gp_model.h"

#include <string.h>

#include "support/must.h"

#define READ    TEE_DATA_FLAG_ACCESS_READ
#define WRITE   TEE_DATA_FLAG_ACCESS_WRITE
#define META    TEE_DATA_FLAG_ACCESS_WRITE_META
#define SHARE_R TEE_DATA_FLAG_SHARE_READ
#define SHARE_W TEE_DATA_FLAG_SHARE_WRITE

/* --- Sharing ----------------------------------------------------------------------------- */

/* Each of the two has, if it has flags at all, what the other's access asks for, and neither is
 * exclusive. Of more than two it holds for each two. */
static bool may_share(const struct gp_model_rules *rules, uint32_t one, uint32_t other)
{
    if (one == 0 || other == 0 || (one & META) != 0 || (other & META) != 0)
        return false;
    if (rules->all_share_alike && (one & (SHARE_R | SHARE_W)) != (other & (SHARE_R | SHARE_W)))
        return false;
    if (((one | other) & READ) != 0 && (one & other & SHARE_R) == 0)
        return false;
    return ((one | other) & WRITE) == 0 || (one & other & SHARE_W) != 0;
}

/* The n-th handle, if it is open on the name. */
static const struct gp_model_handle *handle_on(const struct gp_model_state *state, unsigned n,
                                               uint8_t name)
{
    const struct gp_model_handle *handle = &state->handles[n / GP_MODEL_SLOTS][n % GP_MODEL_SLOTS];

    return handle->is_open != 0 && handle->name == name ? handle : NULL;
}

#define HANDLES (GP_MODEL_THREADS * GP_MODEL_SLOTS)

static bool is_open(const struct gp_model_state *state, uint8_t name)
{
    for (unsigned n = 0; n < HANDLES; n++) {
        if (handle_on(state, n, name) != NULL)
            return true;
    }
    return false;
}

static uint32_t flags_on(const struct gp_model_state *state, uint8_t name)
{
    uint32_t flags = 0;

    for (unsigned n = 0; n < HANDLES; n++) {
        const struct gp_model_handle *handle = handle_on(state, n, name);

        flags |= handle != NULL ? handle->flags : 0;
    }
    return flags;
}

static bool may_open(const struct gp_model_rules *rules, const struct gp_model_state *state,
                     uint8_t name, uint32_t flags)
{
    for (unsigned n = 0; n < HANDLES; n++) {
        const struct gp_model_handle *handle = handle_on(state, n, name);

        if (handle != NULL && !may_share(rules, handle->flags, flags))
            return false;
    }
    return true;
}

/* --- Names ------------------------------------------------------------------------------- */

static void open_handle(struct gp_model_state *state, const struct gp_model_call *call)
{
    if (call->slot != GP_MODEL_NO_SLOT)
        state->handles[call->thread][call->slot] = (struct gp_model_handle){
            .is_open = 1, .name = call->name, .flags = call->flags};
}

static TEE_Result create(struct gp_model_state *state, const struct gp_model_call *call)
{
    struct gp_model_object *object = &state->objects[call->name];

    if (object->is_there != 0 && (!call->overwrites || is_open(state, call->name)))
        return TEE_ERROR_ACCESS_CONFLICT;
    *object = (struct gp_model_object){.is_there = 1, .size = call->size, .usage = UINT32_MAX};
    for (unsigned i = 0; i < call->size; i++)
        object->cells[i] = call->stamp;
    open_handle(state, call);
    return TEE_SUCCESS;
}

static TEE_Result open_object(const struct gp_model_rules *rules, struct gp_model_state *state,
                              const struct gp_model_call *call)
{
    if (state->objects[call->name].is_there == 0)
        return TEE_ERROR_ITEM_NOT_FOUND;
    if (!may_open(rules, state, call->name, call->flags))
        return TEE_ERROR_ACCESS_CONFLICT;
    open_handle(state, call);
    return TEE_SUCCESS;
}

static void close_handle(struct gp_model_handle *handle)
{
    *handle = (struct gp_model_handle){.is_open = 0};
}

static TEE_Result rename_object(struct gp_model_state *state, struct gp_model_handle *handle,
                                uint8_t to)
{
    struct gp_model_object *object = &state->objects[handle->name];

    if (state->objects[to].is_there != 0)
        return TEE_ERROR_ACCESS_CONFLICT;
    state->objects[to] = *object;
    *object = (struct gp_model_object){.is_there = 0};
    handle->name = to;
    return TEE_SUCCESS;
}

/* --- Data -------------------------------------------------------------------------------- */

static bool is_what_came(const struct gp_model_object *object, const struct gp_model_call *call)
{
    uint32_t left = call->position < object->size ? object->size - call->position : 0;
    uint32_t count = call->size < left ? call->size : left;

    return call->seen.size == count && memcmp(call->seen.cells, &object->cells[call->position],
                                              count * sizeof(object->cells[0])) == 0;
}

/* What lies between the end and where it is written are zeros. */
static void write_cells(struct gp_model_object *object, const struct gp_model_call *call)
{
    uint32_t end = (uint32_t)call->position + call->size;

    must(end <= GP_MODEL_CELLS);
    for (uint32_t i = call->position; i < end; i++)
        object->cells[i] = call->stamp;
    if (call->size > 0 && object->size < end)
        object->size = end;
}

static void truncate_to(struct gp_model_object *object, uint8_t size)
{
    for (uint32_t i = size; i < object->size; i++)
        object->cells[i] = 0;
    object->size = size;
}

/* --- Calls ------------------------------------------------------------------------------- */

/* It is there, as it was seen. */
static bool is_as_seen(const struct gp_model_object *object, const struct gp_model_call *call)
{
    return object->is_there != 0 && object->size == call->seen.size &&
           object->usage == call->seen.usage;
}

/* A call on a handle, which succeeded. */
static bool use(struct gp_model_state *state, struct gp_model_handle *handle,
                const struct gp_model_call *call)
{
    struct gp_model_object *object = &state->objects[handle->name];

    switch (call->kind) {
    case GP_CLOSE:
        close_handle(handle);
        return true;
    case GP_DELETE:
        *object = (struct gp_model_object){.is_there = 0};
        close_handle(handle);
        return true;
    case GP_READ:
        return is_what_came(object, call);
    case GP_WRITE:
        write_cells(object, call);
        return true;
    case GP_TRUNCATE:
        truncate_to(object, call->size);
        return true;
    case GP_SEEK_END:
        return call->position == object->size;
    case GP_INFO:
        return is_as_seen(object, call) && call->flags == handle->flags;
    case GP_RESTRICT:
        object->usage &= call->usage;
        return true;
    default:
        return false;
    }
}

bool gp_model_is_shortage(const struct gp_model_call *call)
{
    return call->result == (call->kind == GP_CREATE || call->kind == GP_OPEN
                                ? TEE_ERROR_OUT_OF_MEMORY
                                : TEE_ERROR_STORAGE_NOT_AVAILABLE);
}

/* Could it be answered so? */
static bool may_answer(const struct gp_model_rules *rules, struct gp_model_state *state,
                       struct gp_model_handle *handle, const struct gp_model_call *call)
{
    bool is_at_end = call->result == TEE_ERROR_ITEM_NOT_FOUND;

    switch (call->kind) {
    case GP_CREATE:
        return create(state, call) == call->result;
    case GP_OPEN:
        return open_object(rules, state, call) == call->result;
    case GP_RENAME:
        return handle != NULL && handle->is_open != 0 &&
               rename_object(state, handle, call->name) == call->result;
    case GP_START:
        return call->result == TEE_SUCCESS || is_at_end;
    case GP_LISTED:
        return is_at_end ||
               (call->result == TEE_SUCCESS && is_as_seen(&state->objects[call->name], call));
    case GP_FLAGS:
        return flags_on(state, call->name) == call->flags;
    case GP_UNLISTED:
        return state->objects[call->name].is_there == 0;
    default:
        return call->result == TEE_SUCCESS && handle != NULL && handle->is_open != 0 &&
               use(state, handle, call);
    }
}

static bool apply(const void *context, void *state_bytes, const void *call_bytes)
{
    const struct gp_model_rules *rules = context;
    const struct gp_model_call *call = call_bytes;
    struct gp_model_state *state = state_bytes;
    struct gp_model_handle *handle = NULL;

    if (call->slot != GP_MODEL_NO_SLOT)
        handle = &state->handles[call->thread][call->slot];
    if (!gp_model_is_shortage(call))
        return may_answer(rules, state, handle, call);
    if (call->kind == GP_DELETE && handle != NULL) /* the handle is gone, whatever the answer */
        close_handle(handle);
    return rules->may_be_short;
}

static bool only_looks(const void *call_bytes)
{
    const struct gp_model_call *call = call_bytes;

    switch (call->kind) {
    case GP_READ:
    case GP_SEEK_END:
    case GP_INFO:
    case GP_START:
    case GP_LISTED:
    case GP_FLAGS:
    case GP_UNLISTED:
        return true;
    case GP_DELETE:
        return false;
    default:
        return call->result != TEE_SUCCESS;
    }
}

/* --- For people -------------------------------------------------------------------------- */

static const char *const kinds[] = {
    [GP_CREATE] = "create", [GP_OPEN] = "open",         [GP_CLOSE] = "close",
    [GP_DELETE] = "delete", [GP_RENAME] = "rename",     [GP_READ] = "read",
    [GP_WRITE] = "write",   [GP_TRUNCATE] = "cut",      [GP_SEEK_END] = "seek end",
    [GP_INFO] = "info",     [GP_RESTRICT] = "restrict", [GP_START] = "list",
    [GP_LISTED] = "listed", [GP_FLAGS] = "flags",       [GP_UNLISTED] = "not listed",
};

static void print_flags(FILE *out, uint32_t flags)
{
    fprintf(out, " [%s%s%s%s%s]", (flags & READ) != 0 ? "r" : "", (flags & WRITE) != 0 ? "w" : "",
            (flags & META) != 0 ? "m" : "", (flags & SHARE_R) != 0 ? "R" : "",
            (flags & SHARE_W) != 0 ? "W" : "");
}

static void print_cells(FILE *out, const uint32_t *cells, uint32_t count)
{
    fputs(" <", out);
    for (uint32_t i = 0; i < count && i < GP_MODEL_CELLS; i++)
        fprintf(out, cells[i] == GP_MODEL_TORN ? "%storn" : "%s%u", i > 0 ? " " : "", cells[i]);
    fputs(">", out);
}

static void print_arguments(FILE *out, const struct gp_model_call *call)
{
    switch (call->kind) {
    case GP_CREATE:
        fputs(call->overwrites ? " over" : "", out);
        fprintf(out, " %u", call->size);
        print_flags(out, call->flags);
        fprintf(out, " stamp %u", call->stamp);
        break;
    case GP_OPEN:
    case GP_FLAGS:
        print_flags(out, call->flags);
        break;
    case GP_READ:
        fprintf(out, " %u at %u:", call->size, call->position);
        print_cells(out, call->seen.cells, call->seen.size);
        break;
    case GP_WRITE:
        fprintf(out, " %u at %u stamp %u", call->size, call->position, call->stamp);
        break;
    case GP_TRUNCATE:
        fprintf(out, " %u", call->size);
        break;
    case GP_SEEK_END:
        fprintf(out, ": %u", call->position);
        break;
    case GP_INFO:
    case GP_LISTED:
        fprintf(out, ": size %u, usage %x", call->seen.size, call->seen.usage);
        break;
    case GP_RESTRICT:
        fprintf(out, " %x", call->usage);
        break;
    default:
        break;
    }
}

static bool has_name(enum gp_model_kind kind)
{
    return kind == GP_CREATE || kind == GP_OPEN || kind == GP_RENAME || kind == GP_LISTED ||
           kind == GP_FLAGS || kind == GP_UNLISTED;
}

static void print_call(FILE *out, const void *call_bytes)
{
    const struct gp_model_call *call = call_bytes;

    fprintf(out, "thread %2u", call->thread);
    if (call->slot != GP_MODEL_NO_SLOT)
        fprintf(out, ".%u", call->slot);
    fprintf(out, " %s", kinds[call->kind]);
    if (has_name(call->kind))
        fprintf(out, " %c", 'a' + call->name);
    print_arguments(out, call);
    if (call->result != TEE_SUCCESS)
        fprintf(out, " -> %08x", call->result);
}

static void print_state(FILE *out, const void *state_bytes)
{
    const struct gp_model_state *state = state_bytes;

    for (uint8_t name = 0; name < GP_MODEL_NAMES; name++) {
        const struct gp_model_object *object = &state->objects[name];

        if (object->is_there == 0)
            continue;
        fprintf(out, "%c", 'a' + name);
        print_cells(out, object->cells, object->size);
        fprintf(out, " usage %x", object->usage);
        for (unsigned n = 0; n < HANDLES; n++) {
            const struct gp_model_handle *handle = handle_on(state, n, name);

            if (handle == NULL)
                continue;
            fprintf(out, ", %u.%u", n / GP_MODEL_SLOTS, n % GP_MODEL_SLOTS);
            print_flags(out, handle->flags);
        }
        fputs("; ", out);
    }
}

struct linearize_model gp_model(const struct gp_model_rules *rules)
{
    return (struct linearize_model){.call_size = sizeof(struct gp_model_call),
                                    .state_size = sizeof(struct gp_model_state),
                                    .context = rules,
                                    .apply = apply,
                                    .only_looks = only_looks,
                                    .print_call = print_call,
                                    .print_state = print_state};
}
