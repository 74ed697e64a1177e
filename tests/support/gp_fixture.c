/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/gp_fixture.h"

#include "../../ports/linux/tee_gcrypt.h"
#include "coffer/linux_memory.h"
#include "support/must.h"

const TEE_UUID gp_fixture_uuid = {
    0x12345678, 0x9abc, 0xdef0, {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}};
const TEE_UUID gp_fixture_other_uuid = {
    0x87654321, 0xcba9, 0x0fed, {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}};

struct gp_fixture gp_fixture;

struct gp_instance *gp_current(void)
{
    must(gp_fixture.current != NULL);
    return gp_fixture.current;
}

_Noreturn void gp_leave(struct gp_instance *instance)
{
    must(instance == gp_fixture.current);
    must(gp_fixture.expecting); /* nobody expects a panic */
    longjmp(gp_fixture.out, 1);
}

struct gp_instance *gp_fixture_instance(const TEE_UUID *uuid)
{
    struct gp_instance *instance;

    must(gp_instance_open(&gp_fixture.tee, uuid, &gp_fixture.limits, &instance) == COFFER_OK);
    return instance;
}

/* Records of pools and spaces stay with the memory once they were needed: have those of a few
 * instances before the balance is looked at. */
static void warm_up(const struct gp_tee_settings *settings)
{
    struct gp_instance *instances[4];

    must(gp_tee_open(&gp_fixture.tee, settings) == COFFER_OK);
    for (unsigned i = 0; i < 4; i++)
        instances[i] = gp_fixture_instance(&gp_fixture_uuid);
    for (unsigned i = 0; i < 4; i++)
        gp_instance_close(instances[i]);
    gp_tee_close(&gp_fixture.tee);
    gp_fixture.space.start = space_fixture_balance(&gp_fixture.space);
}

void gp_fixture_open(const struct gp_fixture_options *options)
{
    static const struct gp_fixture_options defaults;
    static const struct store_options store_options = {.create = true};
    const struct gp_fixture_options *use = options != NULL ? options : &defaults;
    const struct space_fixture_settings memory = {
        .memory = use->memory != 0 ? use->memory : 2 * MIB, .swap_pages = 4096};
    struct gp_storage storages[GP_FIXTURE_STORES] = {{.id = TEE_STORAGE_PRIVATE},
                                                     {.id = TEE_STORAGE_PERSO}};
    const struct gp_tee_settings settings = {
        .port = coffer_linux_port(),
        .profile = use->profile,
        .provider = use->provider != NULL ? use->provider : linux_tee_provider(),
        .crypto_max = use->crypto_max,
        .storages = storages,
        .storage_count = GP_FIXTURE_STORES,
    };
    struct gp_tee_settings full = settings;

    gp_fixture = (struct gp_fixture){
        .limits = {.heap = use->heap != 0 ? use->heap : MIB, .frames = UINT64_MAX}};
    space_fixture_open(&gp_fixture.space, SPACE_LINUX, &memory);
    full.memory = gp_fixture.space.memory;
    for (unsigned i = 0; i < GP_FIXTURE_STORES; i++) {
        struct memory_device *device = i == 0 ? use->device : NULL;

        if (device == NULL)
            device = gp_fixture.devices[i] = memory_device_open();
        must(store_fixture_open(&gp_fixture.stores[i], device, &store_options) == COFFER_OK);
        storages[i].store = gp_fixture.stores[i].store;
    }
    warm_up(&full);
    must(gp_tee_open(&gp_fixture.tee, &full) == COFFER_OK);
    gp_fixture.instance = gp_fixture_instance(&gp_fixture_uuid);
    gp_fixture.current = gp_fixture.instance;
}

bool gp_fixture_end(void)
{
    bool valid = gp_handles_are_valid(gp_fixture.instance);

    gp_instance_close(gp_fixture.instance);
    gp_tee_close(&gp_fixture.tee);
    for (unsigned i = 0; i < GP_FIXTURE_STORES; i++) {
        store_fixture_close(&gp_fixture.stores[i]);
        if (gp_fixture.devices[i] != NULL)
            memory_device_free(gp_fixture.devices[i]);
    }
    return space_fixture_end(&gp_fixture.space) && valid;
}
