/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that LOS_MMap maps: one segment for each, however often it is mapped. */
#include "los/los.h"

#include "base/assert.h"

/* With the lock held; NULL: it isn't mapped. */
static struct los_file *find_file(const struct los *los, const uint64_t id[2])
{
    list_each (link, &los->files) {
        struct los_file *file = list_entry(link, struct los_file, link);

        if (file->id[0] == id[0] && file->id[1] == id[1])
            return file;
    }
    return NULL;
}

static void free_record(const struct los *los, struct los_file *file)
{
    enum coffer_status status = coffer_pool_free(coffer_memory_pool(los->memory), file);

    assert_cheap(status == COFFER_OK);
}

/* With the lock held. The pager is the segment's from here on. */
static int add_file(struct los *los, const struct los_file_info *info, struct los_file **out)
{
    const uint64_t page_mask = COFFER_PAGE_SIZE - 1;
    const struct coffer_owner system = {0};
    struct los_file *file;
    enum coffer_status status;
    void *record;

    status = coffer_pool_alloc(coffer_memory_pool(los->memory), sizeof(*file), &record);
    if (status != COFFER_OK)
        return los_errno(status);
    file = record;
    file->id[0] = info->id[0];
    file->id[1] = info->id[1];
    file->writable = info->pager.write != NULL;
    status = coffer_segment_open(los->memory, system, (info->size + page_mask) & ~page_mask,
                                 &info->pager, &file->segment);
    if (status != COFFER_OK) {
        free_record(los, file);
        return los_errno(status);
    }
    list_insert_before(&los->files, &file->link);
    *out = file;
    return 0;
}

static int map_locked(struct los *los, const struct los_file_info *info, bool writable,
                      struct coffer_map *map, uintptr_t *address)
{
    struct los_file *file = find_file(los, info->id);
    bool is_new = file == NULL;
    int error_number = 0;

    if (is_new)
        error_number = add_file(los, info, &file);
    if (is_new == (file == NULL))
        info->pager.close(info->pager.context); /* there is one already, or it came to nothing */
    if (file == NULL)
        return error_number;
    if (writable && !file->writable)
        return -LOS_EACCES;
    map->segment = file->segment;
    return los_errno(coffer_space_map(los->process, map, address));
}

int los_map_file(struct los *los, int fd, bool writable, struct coffer_map *map, uintptr_t *address)
{
    struct los_file_info info;
    int error_number;

    if (los->file_open == NULL)
        return -LOS_ENODEV;
    error_number = los->file_open(fd, &info);
    if (error_number != 0)
        return error_number;
    if (writable && info.pager.write == NULL) {
        info.pager.close(info.pager.context);
        return -LOS_EACCES;
    }
    los->port->lock_take(los->port->context, &los->lock);
    error_number = map_locked(los, &info, writable, map, address);
    los->port->lock_give(los->port->context, &los->lock);
    los_settle_files(los);
    return error_number;
}

/* Take one file that isn't mapped off the list; NULL: there is none. */
static struct los_file *take_idle(struct los *los)
{
    struct los_file *idle = NULL;

    los->port->lock_take(los->port->context, &los->lock);
    list_each (link, &los->files) {
        struct los_file *file = list_entry(link, struct los_file, link);

        if (!coffer_segment_is_mapped(file->segment)) {
            idle = file;
            break;
        }
    }
    if (idle != NULL)
        list_remove(&idle->link);
    los->port->lock_give(los->port->context, &los->lock);
    return idle;
}

void los_settle_files(struct los *los)
{
    struct los_file *file;

    while ((file = take_idle(los)) != NULL) {
        if (coffer_segment_close(file->segment) != COFFER_OK)
            los_log(PORT_LOG_WARNING, "a mapped file's changes could not be written");
        free_record(los, file);
    }
}

void los_sync_files(struct los *los)
{
    struct coffer_space_info info;
    bool is_needed;

    los->port->lock_take(los->port->context, &los->lock);
    is_needed = !list_is_empty(&los->files);
    los->port->lock_give(los->port->context, &los->lock);
    if (!is_needed)
        return;
    coffer_space_info(los->process, &info);
    if (coffer_space_sync(los->process, info.base, info.size) != COFFER_OK)
        los_log(PORT_LOG_WARNING, "a mapped file's changes could not be written");
}
