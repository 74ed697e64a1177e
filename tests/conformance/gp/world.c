/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "coffer/linux_memory.h"
#include "coffer/linux_tee.h"
#include "engine/engine.h"
#include "library.h"
#include "support/must.h"

#define HEAP (256 * KIB)

struct world world;

static const TEE_UUID uuid = {
    0x0badcafe, 0x1234, 0x4321, {0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07}};
static const TEE_UUID stranger_uuid = {
    0x0badcafe, 0x1234, 0x4321, {0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08}};

static bool refuse(void *argument, struct owner owner, size_t size)
{
    (void)owner;
    (void)size;
    return fault_plan_strikes(argument, FAULT_CALL_OTHER);
}

static const struct gp_limits limits = {.heap = HEAP, .frames = UINT64_MAX};

static struct gp_instance *open_instance(const TEE_UUID *ta)
{
    struct gp_instance *instance;

    must(gp_instance_open(&world.tee, ta, &limits, &instance) == COFFER_OK);
    return instance;
}

/* They are good until the next call. */
static struct gp_tee_settings settings_of_tee(void)
{
    /* A panic is told by the suite, where nobody expects it. */
    static struct coffer_port port;
    static struct gp_storage storages[WORLD_STORES];

    port = *coffer_linux_port();
    port.log = NULL;
    storages[0] = (struct gp_storage){TEE_STORAGE_PRIVATE, world.stores[0].store};
    storages[1] = (struct gp_storage){TEE_STORAGE_PERSO, world.stores[1].store};
    return (struct gp_tee_settings){.port = &port,
                                    .memory = world.memory.memory,
                                    .profile = world.profile,
                                    .provider = library_provider(),
                                    .storages = storages,
                                    .storage_count = WORLD_STORES};
}

static void open_tee(void)
{
    const struct gp_tee_settings settings = settings_of_tee();

    must(gp_tee_open(&world.tee, &settings) == COFFER_OK);
    world.instance = open_instance(&uuid);
    world.twin = open_instance(&uuid);
    world.stranger = open_instance(&stranger_uuid);
}

static bool close_tee(void)
{
    bool is_valid = gp_handles_are_valid(world.instance) && gp_handles_are_valid(world.twin) &&
                    gp_handles_are_valid(world.stranger);

    gp_instance_close(world.instance);
    gp_instance_close(world.twin);
    gp_instance_close(world.stranger);
    is_valid = is_valid && library_is_idle(&world.tee);
    gp_tee_close(&world.tee);
    return is_valid;
}

static void open_store(unsigned i, bool create)
{
    const struct store_options options = {.create = create,
                                          .memory_settings = &world.store_settings};

    must(store_fixture_open(&world.stores[i], world.devices[i], &options) == COFFER_OK);
}

/* With nothing but memory and empty stores. */
static void open_bare(enum gp_profile profile)
{
    static const struct space_fixture_settings memory = {.memory = 2 * MIB, .swap_pages = 1024};

    world = (struct world){.profile = profile};
    world.store_memory.paused = true;
    world.store_settings.refuse = refuse;
    world.store_settings.refuse_argument = &world.store_memory;
    space_fixture_open(&world.memory, SPACE_LINUX, &memory);
    for (unsigned i = 0; i < WORLD_STORES; i++) {
        world.devices[i] = memory_device_open();
        open_store(i, true);
    }
    /* Records of pools and spaces stay with the memory once they were needed: have them before the
     * balance is looked at. */
    open_tee();
    must(close_tee());
    world.memory.start = space_fixture_balance(&world.memory);
}

void world_open(enum gp_profile profile)
{
    open_bare(profile);
    open_tee();
}

void world_open_for_clients(enum gp_profile profile)
{
    struct gp_tee_parts parts = {.limits = limits};

    open_bare(profile);
    parts.settings = settings_of_tee();
    must(gp_sessions_open(&world.clients, &parts) == COFFER_OK);
    must(coffer_linux_tee_use(&world.clients) == COFFER_OK);
    world.has_clients = true;
}

/* No session is open, and no context. */
static bool close_clients(void)
{
    bool is_idle = coffer_linux_tee_use(NULL) == COFFER_OK;

    coffer_tee_close(&world.clients);
    return is_idle;
}

static void close_stores(void)
{
    for (unsigned i = 0; i < WORLD_STORES; i++)
        store_fixture_close(&world.stores[i]);
}

void world_reopen(void)
{
    must(close_tee());
    close_stores();
    for (unsigned i = 0; i < WORLD_STORES; i++)
        open_store(i, false);
    open_tee();
}

bool world_close(void)
{
    bool is_valid;

    world.store_memory.paused = true;
    is_valid = world.has_clients ? close_clients() : close_tee();
    close_stores();
    for (unsigned i = 0; i < WORLD_STORES; i++)
        memory_device_free(world.devices[i]);
    return space_fixture_end(&world.memory) && is_valid;
}

bool world_store_has_failed(void)
{
    return world.stores[0].store->store.failed;
}

bool world_has_strange_files(void)
{
    struct coffer_entry entry;
    struct coffer_list *list;
    size_t files = 0;
    size_t objects = 0;

    for (size_t i = 0; i < memory_device_file_count(world.devices[0]); i++)
        files += strchr(memory_device_file_name(world.devices[0], i), '/') == NULL;
    must(coffer_list_open(world.stores[0].store, NULL, &list) == COFFER_OK);
    while (coffer_list_next(list, &entry) == COFFER_OK)
        objects++;
    coffer_list_close(list);
    return files != objects + 1;
}

uint64_t world_blocks(void)
{
    struct coffer_pool_statistics tee, instance;

    coffer_pool_statistics(world.tee.pool, &tee);
    coffer_pool_statistics(world.instance->pool, &instance);
    return tee.blocks + instance.blocks;
}

/* --- Pictures ---------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t sum_bytes(uint64_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static uint64_t sum_data(uint64_t sum, struct coffer_object *object)
{
    uint8_t bytes[4096];
    uint64_t offset = 0;
    size_t got;

    do {
        must(coffer_object_read(object, offset, bytes, sizeof(bytes), &got) == COFFER_OK);
        sum = sum_bytes(sum, bytes, got);
        offset += got;
    } while (got == sizeof(bytes));
    return sum;
}

static uint64_t sum_attributes(uint64_t sum, struct coffer_object *object, size_t size)
{
    void *bytes = must_alloc(size);

    must(coffer_object_attributes(object, bytes, size) == COFFER_OK);
    sum = sum_bytes(sum, bytes, size);
    free(bytes);
    return sum;
}

static uint64_t sum_object(struct coffer *store, const struct coffer_entry *entry)
{
    const struct coffer_name name = {.ta = entry->ta, .id = entry->id, .id_size = entry->id_size};
    uint64_t sum = sum_bytes(UINT64_C(0xcbf29ce484222325), entry->id, entry->id_size);
    struct coffer_object *object;
    struct coffer_info info;

    sum = sum_bytes(sum, &entry->ta, sizeof(entry->ta));
    must(coffer_object_open(store, &name, &object) == COFFER_OK);
    must(coffer_object_info(object, &info) == COFFER_OK);
    sum = sum_bytes(sum, &info.size, sizeof(info.size));
    sum = sum_bytes(sum, &info.type, sizeof(info.type));
    sum = sum_bytes(sum, &info.usage, sizeof(info.usage));
    sum = sum_attributes(sum, object, info.attributes_size);
    sum = sum_data(sum, object);
    coffer_object_close(object);
    return sum;
}

uint64_t world_picture(void)
{
    struct coffer_entry entry;
    struct coffer_list *list;
    uint64_t sum = 0;

    for (unsigned i = 0; i < WORLD_STORES; i++) {
        must(coffer_list_open(world.stores[i].store, NULL, &list) == COFFER_OK);
        while (coffer_list_next(list, &entry) == COFFER_OK)
            sum += (i + 1) * sum_object(world.stores[i].store, &entry);
        coffer_list_close(list);
    }
    return sum;
}
