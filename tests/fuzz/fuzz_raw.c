/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_raw.h"

#include "target.h"

void fuzz_raw(const char *file, const uint8_t *data, size_t size)
{
    const struct target_store *store = target_store();
    struct memory_device *device = memory_device_clone(store->device);

    if (size > 0 && (data[0] & 1) != 0) {
        memory_device_set(device, file, data + 1, size - 1);
    } else if (size > 0) {
        size_t file_size;
        uint8_t *bytes = memory_device_bytes(device, file, &file_size);

        target_patch(bytes, file_size, data + 1, size - 1);
    }
    target_question(device, &store->model, NULL);
    memory_device_free(device);
}
