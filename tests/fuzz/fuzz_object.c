/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An object's file around any plaintext and any numbers, sealed as its owner would: the parsers
 * behind the authentication. What can be read must be what the plaintext says. The input's form is
 * told with target_forge; its plaintext is header, attributes, data.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/must.h"
#include "support/steps.h"
#include "target.h"

static struct forge_tree forged;

/* The object that this plaintext makes: only asked when it could be read in full. */
static bool is_as_forged(const struct model_object *object, uint32_t file)
{
    uint8_t header[FORGE_HEADER_SIZE] = {0};
    uint64_t room = (uint64_t)forge_block_count(&forged) * FORGE_BLOCK_SIZE;
    uint64_t start;

    must(file == 1);
    /* A node whose hash is not its own cannot be on the way to anything. */
    must(forged.bent_node == 0 || forged.bent_node > forge_block_count(&forged) ||
         forged.bent_offset >= FORGE_HASH_SIZE || forged.bent_mask == 0);
    memcpy(header, forged.data, forged.size < sizeof(header) ? forged.size : sizeof(header));
    start = FORGE_HEADER_SIZE + (uint64_t)load_le32(header);
    must(forged.length >= start && forged.length <= room);
    must(object->size == forged.length - start);
    must(object->attributes.bytes_size == load_le32(header));
    must(object->attributes.object_size == load_le32(header + 4));
    must(object->attributes.max_size == load_le32(header + 8));
    must(object->attributes.usage == load_le32(header + 12));
    must(object->attributes.type == load_le32(header + 16));
    must(object->attributes.have == load_le32(header + 20));
    for (uint64_t i = 0; i < object->size; i++)
        must(object->bytes[i] == (start + i < forged.size ? forged.data[start + i] : 0));
    return true;
}

static void replace_object(struct memory_device *device, const struct target_store *store)
{
    uint8_t entries[2 * FORGE_ENTRY_SIZE];
    uint8_t root_hash[FORGE_HASH_SIZE];
    struct forge_tree catalogue;
    size_t size;
    uint8_t *bytes = forge_file(&forged, &size, root_hash);

    memory_device_set(device, "1", bytes, size);
    free(bytes);
    forge_entry(entries, target_uuid, "first", store->root_hashes[0], 0);
    forge_entry(entries + FORGE_ENTRY_SIZE, target_uuid, "forged", root_hash, 1);
    catalogue = forge_sound(NULL, entries, sizeof(entries));
    bytes = forge_file(&catalogue, &size, root_hash);
    memory_device_set(device, "dirf.db", bytes, size);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct target_store *store = target_store();
    struct memory_device *device;
    uint8_t *plain = target_forge(data, size, target_uuid, &forged);

    if (plain == NULL)
        return 0;
    device = memory_device_clone(store->device);
    replace_object(device, store);
    target_question(device, &store->model, is_as_forged);
    memory_device_free(device);
    free(plain);
    return 0;
}
