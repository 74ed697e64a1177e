/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of persistent objects: read, written, cut and sought in from where a handle stands. */
#include "gp/persistent.h"

/* --- Reading --- */

/* Piece by piece, so that a large buffer isn't in secure memory all at once (GI5). */
static TEE_Result read_pieces(struct gp_instance *instance, struct gp_object *object,
                              struct coffer_object *stored, uint8_t *buffer, size_t size,
                              size_t *count, enum coffer_status *status)
{
    TEE_Result result = TEE_SUCCESS;
    size_t done = 0;
    size_t got = 0;

    do {
        size_t piece = size - done < GP_PIN_MAX ? size - done : GP_PIN_MAX;

        result = gp_pin(instance, buffer + done, piece);
        if (result != TEE_SUCCESS)
            return result;
        *status = coffer_object_read(stored, object->position + done, buffer + done, piece, &got);
        gp_unpin(instance, buffer + done, piece);
        if (*status != COFFER_OK)
            return TEE_SUCCESS;
        done += got;
    } while (got == GP_PIN_MAX && done < size);
    *count = done;
    return TEE_SUCCESS;
}

TEE_Result gp_stream_read(struct gp_instance *instance, TEE_ObjectHandle handle, void *buffer,
                          size_t size, size_t *count)
{
    enum coffer_status status = COFFER_OK;
    struct coffer_object *stored;
    struct gp_object *object;
    TEE_Result result = gp_persistent_find(instance, handle, TEE_DATA_FLAG_ACCESS_READ, &object);
    TEE_Result used;
    size_t got = 0;

    if (result != TEE_SUCCESS)
        return result;
    if (count == NULL || (buffer == NULL && size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_file_use(instance->tee, object->file, &stored);
    if (result == TEE_SUCCESS) {
        result = read_pieces(instance, object, stored, buffer, size, &got, &status);
        used = gp_file_done(instance->tee, object->file, status);
        result = result == TEE_SUCCESS ? used : result;
    }
    if (result != TEE_SUCCESS)
        return gp_object_settle(instance, handle, result);
    object->position += got;
    *count = got;
    return TEE_SUCCESS;
}

/* --- Writing --- */

/* A buffer of which no more than one piece is pinned at a time (GI5). */
struct pieces {
    struct gp_instance *instance;
    const uint8_t *rest;
    const uint8_t *pinned;
    size_t pinned_size; /* 0: nothing is */
    TEE_Result result;  /* why a piece could not be had */
};

static void unpin_piece(struct pieces *pieces)
{
    gp_unpin(pieces->instance, pieces->pinned, pieces->pinned_size);
    pieces->pinned_size = 0;
}

static enum coffer_status next_piece(void *context, uint64_t left, const void **data, size_t *piece)
{
    struct pieces *pieces = context;
    size_t size = left < GP_PIN_MAX ? (size_t)left : GP_PIN_MAX;

    unpin_piece(pieces);
    pieces->result = gp_pin(pieces->instance, pieces->rest, size);
    if (pieces->result != TEE_SUCCESS)
        return COFFER_NO_MEMORY;
    pieces->pinned = pieces->rest;
    pieces->pinned_size = size;
    pieces->rest += size;
    *data = pieces->pinned;
    *piece = size;
    return COFFER_OK;
}

/* In one transaction. */
static TEE_Result write_all(struct gp_instance *instance, struct gp_object *object,
                            const void *buffer, size_t size)
{
    struct pieces pieces = {.instance = instance, .rest = buffer, .result = TEE_SUCCESS};
    struct coffer_object *stored;
    enum coffer_status status;
    TEE_Result result = gp_file_use(instance->tee, object->file, &stored);

    if (result != TEE_SUCCESS)
        return result;
    status = coffer_object_write_from(stored, object->position, size, next_piece, &pieces);
    unpin_piece(&pieces);
    result = gp_file_done(instance->tee, object->file, status);
    return pieces.result != TEE_SUCCESS ? pieces.result : result;
}

TEE_Result gp_stream_write(struct gp_instance *instance, TEE_ObjectHandle handle,
                           const void *buffer, size_t size)
{
    struct gp_object *object;
    TEE_Result result = gp_persistent_find(instance, handle, TEE_DATA_FLAG_ACCESS_WRITE, &object);

    if (result != TEE_SUCCESS)
        return result;
    if (buffer == NULL && size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    if (size > TEE_DATA_MAX_POSITION - object->position)
        return TEE_ERROR_OVERFLOW;
    result = write_all(instance, object, buffer, size);
    if (result != TEE_SUCCESS)
        return gp_object_settle(instance, handle, result);
    object->position += size;
    return TEE_SUCCESS;
}

TEE_Result gp_stream_truncate(struct gp_instance *instance, TEE_ObjectHandle handle, uint64_t size)
{
    struct coffer_object *stored;
    struct gp_object *object;
    TEE_Result result = gp_persistent_find(instance, handle, TEE_DATA_FLAG_ACCESS_WRITE, &object);

    if (result != TEE_SUCCESS)
        return result;
    result = gp_file_use(instance->tee, object->file, &stored);
    if (result == TEE_SUCCESS)
        result = gp_file_done(instance->tee, object->file, coffer_object_truncate(stored, size));
    return gp_object_settle(instance, handle, result);
}

/* --- Seeking --- */

/* Where a step of `offset` from `base` leads: not below the beginning. OVERFLOW: beyond the last
 * position. */
static TEE_Result step(uint64_t base, int64_t offset, uint64_t *out)
{
    if (offset < 0) {
        uint64_t back = (uint64_t)0 - (uint64_t)offset;

        *out = back > base ? 0 : base - back;
    } else if ((uint64_t)offset > TEE_DATA_MAX_POSITION - base) {
        return TEE_ERROR_OVERFLOW;
    } else {
        *out = base + (uint64_t)offset;
    }
    return TEE_SUCCESS;
}

/* OP-TEE's system call takes 32 bits of the offset, after its library has looked at whether the
 * whole of it, or from where the handle stands and from the end its lower half, leads too far. */
static TEE_Result step_as_optee(uint64_t base, TEE_Whence whence, int64_t offset, uint64_t *out)
{
    uint64_t looked_at = whence == TEE_DATA_SEEK_SET ? (uint64_t)offset : (uint32_t)offset;
    uint64_t begin = whence == TEE_DATA_SEEK_SET ? 0 : base;

    if (offset > 0 && looked_at > TEE_DATA_MAX_POSITION - begin)
        return TEE_ERROR_OVERFLOW;
    if (step(begin, (int32_t)(uint32_t)offset, out) != TEE_SUCCESS)
        return TEE_ERROR_BAD_PARAMETERS;
    return TEE_SUCCESS;
}

static TEE_Result base_of(struct gp_instance *instance, const struct gp_object *object,
                          TEE_Whence whence, uint64_t *out)
{
    struct coffer_info info;
    TEE_Result result;

    switch (whence) {
    case TEE_DATA_SEEK_SET:
        *out = 0;
        return TEE_SUCCESS;
    case TEE_DATA_SEEK_CUR:
        *out = object->position;
        return TEE_SUCCESS;
    case TEE_DATA_SEEK_END:
        result = gp_file_info(instance->tee, object->file, &info);
        if (result == TEE_SUCCESS)
            *out = info.size;
        return result;
    default:
        return TEE_ERROR_BAD_PARAMETERS;
    }
}

TEE_Result gp_stream_seek(struct gp_instance *instance, TEE_ObjectHandle handle, int64_t offset,
                          TEE_Whence whence)
{
    struct gp_object *object;
    TEE_Result result = gp_persistent_find(instance, handle, 0, &object);
    uint64_t base;

    if (result != TEE_SUCCESS)
        return result;
    result = base_of(instance, object, whence, &base);
    if (result != TEE_SUCCESS)
        return gp_object_settle(instance, handle, result);
    if (instance->tee->profile == GP_OPTEE_4)
        return step_as_optee(base, whence, offset, &object->position);
    return step(base, offset, &object->position);
}

/* --- The standard's calls --- */

TEE_Result TEE_ReadObjectData(TEE_ObjectHandle object, void *buffer, size_t size, size_t *count)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_READ_OBJECT_DATA,
                          gp_stream_read(instance, object, buffer, size, count));
}

TEE_Result __GP11_TEE_ReadObjectData(TEE_ObjectHandle object, void *buffer, uint32_t size,
                                     uint32_t *count)
{
    struct gp_instance *instance = gp_current();
    size_t got = 0;
    TEE_Result result = count == NULL ? TEE_ERROR_BAD_PARAMETERS
                                      : gp_stream_read(instance, object, buffer, size, &got);

    if (result == TEE_SUCCESS)
        *count = (uint32_t)got;
    return gp_storage_end(instance, GP_CALL_READ_OBJECT_DATA, result);
}

TEE_Result TEE_WriteObjectData(TEE_ObjectHandle object, const void *buffer, size_t size)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_WRITE_OBJECT_DATA,
                          gp_stream_write(instance, object, buffer, size));
}

TEE_Result TEE_TruncateObjectData(TEE_ObjectHandle object, size_t size)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_TRUNCATE_OBJECT_DATA,
                          gp_stream_truncate(instance, object, size));
}

TEE_Result TEE_SeekObjectData(TEE_ObjectHandle object, intmax_t offset, TEE_Whence whence)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_SEEK_OBJECT_DATA,
                          gp_stream_seek(instance, object, offset, whence));
}
