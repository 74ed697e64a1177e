/* SPDX-License-Identifier: BSD-2-Clause */
/* The system behind the LOS_ names: marks on regions, and the one table of status codes. */
#include "los/los.h"

#include "base/bytes.h"
#include "base/text.h"
#include "los_vm.h"

struct translation {
    STATUS_T vm;
    int error_number;
};

/* By enum coffer_status. */
static const struct translation translations[] = {
    [COFFER_OK] = {LOS_ERRNO_VM_NO_ERROR, 0},
    [COFFER_NOT_FOUND] = {LOS_ERRNO_VM_NOT_FOUND, -LOS_ENOMEM}, /* nothing is mapped there */
    [COFFER_EXISTS] = {LOS_ERRNO_VM_BUSY, -17 /* EEXIST */},
    [COFFER_BUSY] = {LOS_ERRNO_VM_BUSY, -16 /* EBUSY */},
    [COFFER_NO_MEMORY] = {LOS_ERRNO_VM_NO_MEMORY, -LOS_ENOMEM},
    [COFFER_NO_SPACE] = {LOS_ERRNO_VM_NO_MEMORY, -28 /* ENOSPC */},
    [COFFER_IO] = {LOS_ERRNO_VM_FAULT, -5 /* EIO */},
    [COFFER_CORRUPT] = {LOS_ERRNO_VM_FAULT, -LOS_EFAULT},
    [COFFER_ROLLED_BACK] = {LOS_ERRNO_VM_FAULT, -LOS_EFAULT},
    [COFFER_MISUSE] = {LOS_ERRNO_VM_INVALID_ARGS, -LOS_EINVAL},
    [COFFER_FAILED] = {LOS_ERRNO_VM_GENERIC, -5 /* EIO */},
    [COFFER_UNSUPPORTED] = {LOS_ERRNO_VM_NOT_VALID, -38 /* ENOSYS */},
};

STATUS_T los_vm_status(enum coffer_status status)
{
    return translations[status].vm;
}

int los_errno(enum coffer_status status)
{
    return translations[status].error_number;
}

void los_log(enum port_log_level level, const char *text, const void *address)
{
    const struct los *los = los_current();
    struct text line = {.size = 0};

    if (los == NULL || los->port->log == NULL)
        return;
    text_add(&line, text);
    if (address != NULL) {
        text_add(&line, " 0x");
        text_add_number(&line, (uintptr_t)address, 16);
    }
    los->port->log(los->port->context, level, line.bytes);
}

enum coffer_status los_open(struct los *los, size_t process_size)
{
    const struct coffer_port *port = los->port;
    const struct coffer_space_settings settings = {
        .name = "process", .size = process_size, .heap_size = process_size / 2};
    enum coffer_status status;

    list_init(&los->pools);
    list_init(&los->files);
    status = port->entropy(port->context, &los->secret, sizeof(los->secret));
    if (status != COFFER_OK)
        return status;
    status = port->lock_init(port->context, &los->lock);
    if (status != COFFER_OK)
        return status;
    status = coffer_space_open(los->memory, &settings, &los->process);
    if (status != COFFER_OK)
        port->lock_fini(port->context, &los->lock);
    return status;
}

void los_close(struct los *los)
{
    while (!list_is_empty(&los->pools)) {
        struct los_mark *mark = list_entry(los->pools.next, struct los_mark, link);

        list_remove(&mark->link);
        if (mark->pool != NULL)
            coffer_pool_close(mark->pool);
        wipe(mark, sizeof(*mark));
    }
    coffer_space_close(los->process);
    los_settle_files(los);
    los->port->lock_fini(los->port->context, &los->lock);
    wipe(&los->secret, sizeof(los->secret));
}

/* What the mark of a region says when it is one. */
static uint64_t mark_secret(const struct los *los, const struct los_mark *mark, enum los_kind kind)
{
    uint64_t mixed = los->secret ^ ((uint64_t)(uintptr_t)mark * 0x9E3779B97F4A7C15u);

    return mixed + (uint64_t)kind;
}

static struct los_mark *mark_place(const void *region)
{
    uintptr_t align = _Alignof(struct los_mark);

    return (struct los_mark *)(((uintptr_t)region + align - 1) & ~(align - 1));
}

struct los_mark *los_mark_of(const void *region, enum los_kind kind)
{
    const struct los *los = los_current();
    struct los_mark *mark = mark_place(region);

    if (region == NULL || los == NULL || mark->secret != mark_secret(los, mark, kind) ||
        mark->region != region)
        return NULL;
    return mark;
}

static bool overlaps(const struct los *los, const void *region, size_t size)
{
    uintptr_t start = (uintptr_t)region;

    list_each (link, &los->pools) {
        const struct los_mark *mark = list_entry(link, struct los_mark, link);
        uintptr_t other = (uintptr_t)mark->region;

        if (start < other + mark->size && other < start + size)
            return true;
    }
    return false;
}

struct los_mark *los_mark_make(void *region, size_t size, enum los_kind kind, void **rest,
                               size_t *rest_size)
{
    struct los *los = los_current();
    struct los_mark *mark = mark_place(region);
    size_t lead = (size_t)((uintptr_t)mark - (uintptr_t)region);
    bool is_free;

    if (region == NULL || los == NULL || size > UINTPTR_MAX - (uintptr_t)region ||
        size < lead + sizeof(*mark) + 1)
        return NULL;

    los->port->lock_take(los->port->context, &los->lock);
    is_free = !overlaps(los, region, size);
    if (is_free) {
        mark->region = region;
        mark->size = size;
        mark->kind = kind;
        mark->pool = NULL;
        mark->boxes = NULL;
        spin_init(&mark->boxes_lock, los->port);
        mark->secret = mark_secret(los, mark, kind);
        list_init(&mark->link);
        if (kind == LOS_POOL)
            list_insert_before(&los->pools, &mark->link);
    }
    los->port->lock_give(los->port->context, &los->lock);
    if (!is_free)
        return NULL;
    *rest = mark + 1;
    *rest_size = size - lead - sizeof(*mark);
    return mark;
}

void los_mark_drop(struct los_mark *mark)
{
    struct los *los = los_current();

    if (mark->kind == LOS_POOL) {
        los->port->lock_take(los->port->context, &los->lock);
        list_remove(&mark->link);
        los->port->lock_give(los->port->context, &los->lock);
    }
    wipe(mark, sizeof(*mark));
}

UINT32 los_pool_count(void (*visit)(const struct los_mark *mark))
{
    struct los *los = los_current();
    UINT32 count = 0;

    if (los == NULL)
        return 0;
    los->port->lock_take(los->port->context, &los->lock);
    list_each (link, &los->pools) {
        visit(list_entry(link, struct los_mark, link));
        count++;
    }
    los->port->lock_give(los->port->context, &los->lock);
    return count;
}
