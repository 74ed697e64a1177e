/* SPDX-License-Identifier: BSD-2-Clause */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/must.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define MEMORY      (256u * 1024)
#define FIRST_SIZE  100u
#define SECOND_SIZE 9000u

/* step_ta, as it lies in a file. */
const uint8_t target_uuid[FORGE_UUID_SIZE] = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
                                              0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55};

static void add_object(struct target_store *store, const char *id, size_t size, uint32_t file)
{
    struct step step = {.kind = STEP_PUT, .id = id, .size = size};
    uint8_t *content = must_alloc(FORGE_HEADER_SIZE + size);
    uint8_t *data = step_bytes(&step);
    char name[2] = {(char)('0' + file), '\0'};
    struct forge_tree tree;
    uint8_t *bytes;
    size_t file_size;

    forge_header(content);
    memcpy(content + FORGE_HEADER_SIZE, data, size);
    tree = forge_sound(target_uuid, content, FORGE_HEADER_SIZE + size);
    bytes = forge_file(&tree, &file_size, store->root_hashes[file]);
    memory_device_set(store->device, name, bytes, file_size);
    step_apply(&step, &store->model);
    free(bytes);
    free(data);
    free(content);
}

const struct target_store *target_store(void)
{
    static struct target_store store;
    uint8_t entries[2 * FORGE_ENTRY_SIZE];
    uint8_t root_hash[FORGE_HASH_SIZE];
    struct forge_tree tree;
    uint8_t *bytes;
    size_t size;

    if (store.device != NULL)
        return &store;
    store.device = memory_device_open();
    add_object(&store, "first", FIRST_SIZE, 0);
    add_object(&store, "second", SECOND_SIZE, 1);
    forge_entry(entries, target_uuid, "first", store.root_hashes[0], 0);
    forge_entry(entries + FORGE_ENTRY_SIZE, target_uuid, "second", store.root_hashes[1], 1);
    tree = forge_sound(NULL, entries, sizeof(entries));
    bytes = forge_file(&tree, &size, root_hash);
    memory_device_set(store.device, "dirf.db", bytes, size);
    free(bytes);
    return &store;
}

/* --- The question ------------------------------------------------------------------------ */

static void expect_known(const struct model *model, const struct model_object *object,
                         uint32_t file,
                         bool (*known)(const struct model_object *object, uint32_t file))
{
    struct coffer_name name = model_name(object);
    const struct model_object *stored = model_find(model, &name);

    if (stored != NULL && stored->size == object->size &&
        (stored->size == 0 || memcmp(stored->bytes, object->bytes, stored->size) == 0))
        return;
    must(known != NULL && known(object, file));
}

/* Everything that the store lists and lets be read, in `found`. */
static void read_everything(struct coffer *store, const struct model *model, struct model *found,
                            bool (*known)(const struct model_object *object, uint32_t file))
{
    struct coffer_list *list;
    struct coffer_entry entry;

    model_init(found);
    if (coffer_list_open(store, NULL, &list) != COFFER_OK)
        return;
    while (coffer_list_next(list, &entry) == COFFER_OK) {
        struct coffer_name name = {.ta = entry.ta, .id = entry.id, .id_size = entry.id_size};
        struct model_object object;
        struct coffer_info info;

        if (model_read_object(store, &name, &object, NULL, 0) == COFFER_OK) {
            /* Not entry.file: of two entries with one name, the name means one. */
            must(coffer_stat(store, &name, &info) == COFFER_OK);
            expect_known(model, &object, info.file, known);
            model_put(found, &name, &object.attributes, object.bytes, object.size);
        }
        model_object_fini(&object);
    }
    coffer_list_close(list);
}

static void ignore_finding(void *context, const struct coffer_finding *finding)
{
    (void)context;
    must(finding->text != NULL && finding->file != NULL);
}

/* A new object does not disturb what could be read before. */
static void write_one(struct memory_device *device, struct coffer *store, struct model *found)
{
    static const struct step step = {.kind = STEP_PUT, .id = "a new one", .size = 5000};
    const struct coffer_name name = step_name(step.id);

    (void)device;
    if (model_find(found, &name) == NULL && step_run(&step, store) == COFFER_OK)
        step_apply(&step, found);
}

static void expect_still_there(struct coffer *store, const struct model *found)
{
    for (size_t i = 0; i < found->count; i++) {
        struct coffer_name name = model_name(&found->objects[i]);
        struct model_object object;

        must(model_read_object(store, &name, &object, NULL, 0) == COFFER_OK);
        must(object.size == found->objects[i].size);
        must(object.size == 0 || memcmp(object.bytes, found->objects[i].bytes, object.size) == 0);
        model_object_fini(&object);
    }
}

void target_question(struct memory_device *device, const struct model *model,
                     bool (*known)(const struct model_object *object, uint32_t file))
{
    static const struct store_options options = {.memory = MEMORY};
    struct memory_device *before = memory_device_clone(device);
    struct coffer_check_summary summary;
    struct store_fixture fixture;
    enum coffer_status status;
    struct model found;

    status = store_fixture_open(&fixture, device, &options);
    if (status != COFFER_OK) {
        must(status != COFFER_NO_MEMORY && status != COFFER_IO && status != COFFER_MISUSE);
        must(memory_device_equal(before, device, NULL));
        memory_device_free(before);
        return;
    }
    read_everything(fixture.store, model, &found, known);
    status = coffer_check(fixture.store, COFFER_CHECK_DEEP, ignore_finding, NULL, NULL, &summary);
    must(status == COFFER_OK || status == COFFER_CORRUPT);
    must(memory_device_equal(before, device, NULL));

    write_one(device, fixture.store, &found);
    expect_still_there(fixture.store, &found);
    store_fixture_close(&fixture);
    must(store_fixture_open(&fixture, device, &options) == COFFER_OK);
    expect_still_there(fixture.store, &found);
    store_fixture_close(&fixture);
    model_fini(&found);
    memory_device_free(before);
}

void target_patch(uint8_t *bytes, size_t size, const uint8_t *input, size_t input_size)
{
    while (input_size >= 3 && size > 0) {
        size_t offset = load_le16(input) % size;
        size_t part = input[2];

        input += 3;
        input_size -= 3;
        for (; part > 0 && input_size > 0; part--, input++, input_size--) {
            bytes[offset % size] ^= *input;
            offset++;
        }
    }
}

#define PREFIX 16u

uint8_t *target_forge(const uint8_t *input, size_t size, const uint8_t *uuid,
                      struct forge_tree *tree)
{
    size_t plain_size = size - PREFIX;
    size_t padded;
    uint8_t *plain;

    if (size < PREFIX || plain_size > FORGE_BLOCKS_MAX * FORGE_BLOCK_SIZE)
        return NULL;
    padded = input[0] & 8 ? (1 + input[15] % FORGE_BLOCKS_MAX) * FORGE_BLOCK_SIZE : 0;
    if (padded < plain_size)
        padded = plain_size;
    plain = must_alloc(padded);
    if (plain_size > 0)
        memcpy(plain, input + PREFIX, plain_size);
    *tree = forge_sound(uuid, plain, padded);
    if (input[0] & 1)
        tree->length = load_le64(input + 1);
    if (input[0] & 2)
        tree->max_node = load_le32(input + 9);
    if (input[0] & 4) {
        tree->bent_node = input[13] % (FORGE_BLOCKS_MAX + 1);
        tree->bent_offset = input[14] % 66;
        tree->bent_mask = input[15];
    }
    return plain;
}
