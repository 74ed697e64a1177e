/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue with any entries and any numbers, sealed as its owner would. Whatever names it makes
 * up, an object that reads is one of the two files that are there, under its own TA's key. The
 * input's form is told with target_forge; its plaintext is entries, and where a hash is zero and
 * the file is 0 or 1, the right hash is filled in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/must.h"
#include "target.h"

#define ENTRY_HASH 84u
#define ENTRY_FILE 116u

static bool is_one_of_ours(const struct model_object *object, uint32_t file)
{
    const struct model_object *ours;

    must(file < 2);
    ours = &target_store()->model.objects[file];
    return object->ta.time_low == ours->ta.time_low && object->size == ours->size &&
           memcmp(object->bytes, ours->bytes, ours->size) == 0;
}

static void fill_in_hashes(uint8_t *entries, size_t size)
{
    for (size_t at = 0; at + FORGE_ENTRY_SIZE <= size; at += FORGE_ENTRY_SIZE) {
        uint32_t file = load_le32(entries + at + ENTRY_FILE);

        if (file < 2 && bytes_are_zero(entries + at + ENTRY_HASH, FORGE_HASH_SIZE))
            memcpy(entries + at + ENTRY_HASH, target_store()->root_hashes[file], FORGE_HASH_SIZE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct target_store *store = target_store();
    static const struct model nothing;
    uint8_t root_hash[FORGE_HASH_SIZE];
    struct memory_device *device;
    struct forge_tree tree;
    uint8_t *entries;
    uint8_t *bytes;
    size_t file_size;

    entries = target_forge(data, size, NULL, &tree);
    if (entries == NULL)
        return 0;
    fill_in_hashes(entries, tree.size);
    bytes = forge_file(&tree, &file_size, root_hash);
    device = memory_device_clone(store->device);
    memory_device_set(device, "dirf.db", bytes, file_size);
    target_question(device, &nothing, is_one_of_ours);
    memory_device_free(device);
    free(bytes);
    free(entries);
    return 0;
}
