/* SPDX-License-Identifier: BSD-2-Clause */
/* The device interface's front: counting. */
#include "device/device.h"

#include "base/assert.h"

static uint64_t pieces_size(const struct device_piece *pieces, size_t count)
{
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += pieces[i].size;
    return total;
}

/* Of the first `within` bytes, those that aren't passed over. */
static uint64_t moved_size(const struct device_piece *pieces, size_t count, uint64_t within)
{
    uint64_t total = 0;

    for (size_t i = 0; i < count && within > 0; i++) {
        uint64_t size = pieces[i].size < within ? pieces[i].size : within;

        if (pieces[i].data != NULL)
            total += size;
        within -= size;
    }
    return total;
}

enum coffer_status device_read_least(struct coffer_device *device, const char *name,
                                     uint64_t offset, const struct device_piece *pieces,
                                     size_t count, size_t least, size_t *got)
{
    enum coffer_status status;

    assert_cheap(count > 0 && count <= DEVICE_PIECES_MAX);
    counter_add(&device->counters.reads, 1);
    status = device->operations->read(device, name, offset, pieces, count, least, got);
    if (status == COFFER_OK && *got > pieces_size(pieces, count))
        return COFFER_IO; /* callers clear what wasn't read: this would be beyond their buffer */
    if (status == COFFER_OK)
        counter_add(&device->counters.read_bytes, moved_size(pieces, count, *got));
    return status;
}

enum coffer_status device_read(struct coffer_device *device, const char *name, uint64_t offset,
                               const struct device_piece *pieces, size_t count, size_t *got)
{
    return device_read_least(device, name, offset, pieces, count, SIZE_MAX, got);
}

enum coffer_status device_write(struct coffer_device *device, const char *name, uint64_t offset,
                                const struct device_piece *pieces, size_t count)
{
    assert_cheap(count > 0 && count <= DEVICE_PIECES_MAX);
    assert_cheap(pieces[0].data != NULL && pieces[count - 1].data != NULL);
    counter_add(&device->counters.writes, 1);
    counter_add(&device->counters.written_bytes, moved_size(pieces, count, UINT64_MAX));
    return device->operations->write(device, name, offset, pieces, count);
}

enum coffer_status device_sync(struct coffer_device *device, const char *const *names, size_t count)
{
    counter_add(&device->counters.barriers, 1);
    counter_add(&device->counters.syncs, count);
    return device->operations->sync(device, names, count);
}

enum coffer_status device_create(struct coffer_device *device, const char *name)
{
    counter_add(&device->counters.others, 1);
    return device->operations->create(device, name);
}

enum coffer_status device_size(struct coffer_device *device, const char *name, uint64_t *size)
{
    counter_add(&device->counters.others, 1);
    return device->operations->size(device, name, size);
}

enum coffer_status device_resize(struct coffer_device *device, const char *name, uint64_t size)
{
    counter_add(&device->counters.others, 1);
    return device->operations->resize(device, name, size);
}

enum coffer_status device_rename(struct coffer_device *device, const char *from, const char *to)
{
    counter_add(&device->counters.others, 1);
    return device->operations->rename(device, from, to);
}

enum coffer_status device_remove(struct coffer_device *device, const char *name)
{
    counter_add(&device->counters.others, 1);
    return device->operations->remove(device, name);
}

enum coffer_status device_list(struct coffer_device *device, device_list_function *each,
                               void *argument)
{
    counter_add(&device->counters.others, 1);
    return device->operations->list(device, each, argument);
}
