/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a TA (4.11): its heap, rights to memory, and plain work on bytes.
 *
 * The heap is a pool in the instance's space, with no memory system behind it: nobody else uses it,
 * so it needs no lock, and its pages come and go. It begins with the first block. Freed blocks are
 * wiped, and so is what lies in a block behind the bytes that were asked for: a block that grows
 * grows by zeros.
 *
 * When the memory system has no frame and no place in the swap for a page that the heap touches,
 * the instance ends. So a block of pages is refused beforehand if there isn't room for it.
 */
#include <string.h>

#include "gp/gp.h"

#define HINTS       (TEE_MALLOC_NO_FILL | TEE_MALLOC_NO_SHARE | TEE_USER_MEM_HINT_NO_FILL_ZERO)
#define SPARE_PAGES 80u /* a pool takes up to 64 at once, and some for its records */

/* What a block of no bytes is: an address that nobody can touch. */
#define NO_BYTES ((void *)(uintptr_t)1)

/* --- The heap ---------------------------------------------------------------------------- */

static bool open_heap(struct gp_instance *instance)
{
    const struct coffer_pool_settings settings = {.name = instance->name,
                                                  .region = (void *)instance->heap,
                                                  .region_size = instance->heap_size,
                                                  .zero = true};

    return instance->heap_pool != NULL ||
           coffer_pool_open(NULL, &settings, &instance->heap_pool) == COFFER_OK;
}

/* Can the pages that a block may need be had? Those that the heap has touched and that no block is
 * on count as had already. */
static bool has_room(const struct gp_instance *instance, size_t size)
{
    struct coffer_memory *memory = instance->tee->memory;
    struct coffer_memory_statistics frames;
    struct coffer_paging_statistics paging;
    struct coffer_pool_statistics blocks = {.used = 0};
    struct coffer_space_info heap;
    uint64_t needed = size / COFFER_PAGE_SIZE;
    uint64_t room;

    if (needed == 0)
        return true;
    needed += SPARE_PAGES;
    coffer_memory_statistics(memory, &frames);
    coffer_paging_statistics(memory, &paging);
    room = frames.free + (paging.slots - paging.slots_used);
    if (needed <= room)
        return true;
    coffer_space_info(instance->space, &heap);
    if (instance->heap_pool != NULL)
        coffer_pool_statistics(instance->heap_pool, &blocks);
    return needed + blocks.used / COFFER_PAGE_SIZE <= room + heap.resident + heap.swapped;
}

static void wipe_rest(struct coffer_pool *pool, void *block, size_t size)
{
    memset((uint8_t *)block + size, 0, coffer_pool_usable_size(pool, block) - size);
}

TEE_Result gp_malloc(struct gp_instance *instance, size_t size, uint32_t hint, void **out)
{
    void *block;

    if (hint == TEE_MALLOC_NO_FILL)
        return TEE_ERROR_BAD_PARAMETERS;
    if ((hint & ~(uint32_t)HINTS) != 0)
        return TEE_ERROR_OUT_OF_MEMORY;
    if (size == 0) {
        *out = NO_BYTES;
        return TEE_SUCCESS;
    }
    if (!has_room(instance, size) || !open_heap(instance) ||
        coffer_pool_alloc(instance->heap_pool, size, &block) != COFFER_OK)
        return TEE_ERROR_OUT_OF_MEMORY;
    *out = block;
    return TEE_SUCCESS;
}

TEE_Result gp_mfree(struct gp_instance *instance, void *block)
{
    if (block == NULL || block == NO_BYTES)
        return TEE_SUCCESS;
    if (instance->heap_pool == NULL || coffer_pool_free(instance->heap_pool, block) != COFFER_OK)
        return TEE_ERROR_BAD_PARAMETERS;
    return TEE_SUCCESS;
}

TEE_Result gp_realloc(struct gp_instance *instance, void *block, size_t size, void **out)
{
    enum coffer_status status;
    size_t usable = 0;
    void *moved;

    if (block == NULL || block == NO_BYTES)
        return gp_malloc(instance, size, TEE_MALLOC_FILL_ZERO, out);
    if (instance->heap_pool != NULL)
        usable = coffer_pool_usable_size(instance->heap_pool, block);
    if (usable == 0)
        return TEE_ERROR_BAD_PARAMETERS;
    if (size == 0) {
        *out = NO_BYTES;
        return gp_mfree(instance, block);
    }
    if (size > usable && !has_room(instance, size))
        return TEE_ERROR_OUT_OF_MEMORY;
    status = coffer_pool_realloc(instance->heap_pool, block, size, &moved);
    if (status != COFFER_OK)
        return gp_result(status);
    wipe_rest(instance->heap_pool, moved, size);
    *out = moved;
    return TEE_SUCCESS;
}

/* --- Rights ------------------------------------------------------------------------------ */

struct range {
    uintptr_t start;
    uintptr_t end; /* behind it */
};

static bool overlap(const struct range *range, uintptr_t start, size_t size)
{
    return range->start < start + size && start < range->end;
}

static bool contains(uintptr_t start, size_t size, const struct range *range)
{
    return start <= range->start && range->end <= start + size;
}

/* Does any of it lie in secure memory: frames, not spaces? */
static bool is_in_areas(struct coffer_memory *memory, const struct range *range)
{
    struct coffer_area area;

    for (unsigned i = 0; coffer_memory_area(memory, i, &area); i++) {
        if (overlap(range, (uintptr_t)area.address, area.size))
            return true;
    }
    return false;
}

static bool is_secret(const struct gp_tee *tee, const struct range *range)
{
    if (is_in_areas(tee->memory, range))
        return true;
    for (unsigned i = 0; i < tee->storage_count; i++) {
        if (is_in_areas(coffer_memory_of(tee->storages[i].store), range))
            return true;
    }
    return false;
}

static bool overlaps_space(const struct gp_instance *instance, const struct range *range)
{
    struct coffer_space_info info;

    coffer_space_info(instance->space, &info);
    return overlap(range, info.base, info.size);
}

static bool is_anothers(const struct gp_instance *instance, const struct range *range)
{
    struct gp_tee *tee = instance->tee;
    const struct coffer_port *port = tee->port;
    bool found = false;

    port->lock_take(port->context, &tee->lock);
    list_each (link, &tee->instances) {
        const struct gp_instance *other = list_entry(link, struct gp_instance, link);

        found = found || (other != instance && overlaps_space(other, range));
    }
    port->lock_give(port->context, &tee->lock);
    return found;
}

struct block_search {
    struct range range;
    bool found;
};

static bool look_at_block(void *context, const void *block, size_t size, bool used)
{
    struct block_search *search = context;

    search->found = used && contains((uintptr_t)block, size, &search->range);
    return !search->found;
}

static bool is_in_a_block(const struct gp_instance *instance, const struct range *range)
{
    struct block_search search = {.range = *range};

    if (instance->heap_pool != NULL)
        coffer_pool_walk(instance->heap_pool, look_at_block, &search);
    return search.found;
}

/* What the client shares: with ANY_OWNER alone, all of it in one buffer, and with its rights. */
static bool is_shared(const struct gp_instance *instance, const struct range *range, uint32_t flags,
                      bool *allowed)
{
    bool shared = false;

    *allowed = false;
    for (unsigned i = 0; i < TEE_NUM_PARAMS; i++) {
        const struct gp_shared *buffer = &instance->shared[i];

        if (buffer->size == 0 || !overlap(range, (uintptr_t)buffer->buffer, buffer->size))
            continue;
        shared = true;
        if (contains((uintptr_t)buffer->buffer, buffer->size, range) &&
            ((flags & TEE_MEMORY_ACCESS_WRITE) == 0 || buffer->writable))
            *allowed = true;
    }
    *allowed = *allowed && (flags & TEE_MEMORY_ACCESS_ANY_OWNER) != 0 &&
               (flags & TEE_MEMORY_ACCESS_SECURE) == 0;
    return shared;
}

/* Of the process, or of the TA's own heap. */
static bool is_ones_own(const struct gp_instance *instance, const struct range *range, bool write)
{
    const struct gp_tee *tee = instance->tee;

    if (overlaps_space(instance, range))
        return is_in_a_block(instance, range);
    return tee->reaches == NULL ||
           tee->reaches((const void *)range->start, range->end - range->start, write);
}

static bool may_access(const struct gp_instance *instance, uint32_t flags,
                       const struct range *range)
{
    bool allowed;

    if (is_secret(instance->tee, range) || is_anothers(instance, range))
        return false;
    if (is_shared(instance, range, flags, &allowed))
        return allowed;
    return (flags & TEE_MEMORY_ACCESS_NONSECURE) == 0 &&
           is_ones_own(instance, range, (flags & TEE_MEMORY_ACCESS_WRITE) != 0);
}

TEE_Result gp_check_rights(struct gp_instance *instance, uint32_t flags, const void *buffer,
                           size_t size)
{
    const uint32_t known = TEE_MEMORY_ACCESS_READ | TEE_MEMORY_ACCESS_WRITE |
                           TEE_MEMORY_ACCESS_ANY_OWNER | TEE_MEMORY_ACCESS_NONSECURE |
                           TEE_MEMORY_ACCESS_SECURE;
    const struct range range = {(uintptr_t)buffer, (uintptr_t)buffer + size};

    if ((flags & ~known) != 0)
        return TEE_ERROR_ACCESS_DENIED;
    if (size == 0)
        return TEE_SUCCESS;
    if (buffer == NULL || range.end < range.start || !may_access(instance, flags, &range))
        return TEE_ERROR_ACCESS_DENIED;
    return TEE_SUCCESS;
}

/* --- The calls --------------------------------------------------------------------------- */

/* Want of memory is no panic here: the answer is NULL. */
static void *pointer_of(struct gp_instance *instance, enum gp_call call, TEE_Result result,
                        void *block)
{
    if (result == TEE_ERROR_OUT_OF_MEMORY)
        return NULL;
    gp_end_void(instance, call, result);
    return block;
}

TEE_Result TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, size_t size)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_CHECK_MEMORY_ACCESS_RIGHTS,
                  gp_check_rights(instance, accessFlags, buffer, size));
}

TEE_Result __GP11_TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, uint32_t size)
{
    return TEE_CheckMemoryAccessRights(accessFlags, buffer, size);
}

void TEE_SetInstanceData(const void *instanceData)
{
    gp_current()->data = instanceData;
}

const void *TEE_GetInstanceData(void)
{
    return gp_current()->data;
}

void *TEE_Malloc(size_t size, uint32_t hint)
{
    struct gp_instance *instance = gp_current();
    void *block = NULL;
    TEE_Result result = gp_malloc(instance, size, hint, &block);

    return pointer_of(instance, GP_CALL_MALLOC, result, block);
}

void *__GP11_TEE_Malloc(uint32_t size, uint32_t hint)
{
    return TEE_Malloc(size, hint);
}

void *TEE_Realloc(void *buffer, size_t newSize)
{
    struct gp_instance *instance = gp_current();
    void *block = NULL;
    TEE_Result result = gp_realloc(instance, buffer, newSize, &block);

    return pointer_of(instance, GP_CALL_REALLOC, result, block);
}

void *__GP11_TEE_Realloc(void *buffer, uint32_t newSize)
{
    return TEE_Realloc(buffer, newSize);
}

void TEE_Free(void *buffer)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_FREE, gp_mfree(instance, buffer));
}

void TEE_MemMove(void *dest, const void *src, size_t size)
{
    struct gp_instance *instance = gp_current();

    if (size > 0 && (dest == NULL || src == NULL))
        gp_panic(instance, GP_CALL_MEM_MOVE, TEE_ERROR_BAD_PARAMETERS);
    if (size > 0)
        memmove(dest, src, size);
}

/* From the last byte to the first, so that the first difference is what stays; no branch and no
 * place depends on what the bytes are. */
int32_t gp_compare(const void *buffer1, const void *buffer2, size_t size)
{
    const volatile uint8_t *a = buffer1;
    const volatile uint8_t *b = buffer2;
    uint32_t result = 0;

    while (size-- > 0) {
        uint32_t difference = (uint32_t)a[size] - (uint32_t)b[size];
        uint32_t same = ((difference | (0 - difference)) >> 31) - 1; /* all ones: they are equal */

        result = (result & same) | (difference & ~same);
    }
    return (int32_t)result;
}

int32_t TEE_MemCompare(const void *buffer1, const void *buffer2, size_t size)
{
    struct gp_instance *instance = gp_current();

    if (size > 0 && (buffer1 == NULL || buffer2 == NULL))
        gp_panic(instance, GP_CALL_MEM_COMPARE, TEE_ERROR_BAD_PARAMETERS);
    return gp_compare(buffer1, buffer2, size);
}

void TEE_MemFill(void *buffer, uint8_t x, size_t size)
{
    struct gp_instance *instance = gp_current();

    if (size > 0 && buffer == NULL)
        gp_panic(instance, GP_CALL_MEM_FILL, TEE_ERROR_BAD_PARAMETERS);
    if (size > 0)
        memset(buffer, x, size);
    __asm__ volatile("" : : "r"(buffer) : "memory"); /* it isn't left out */
}
