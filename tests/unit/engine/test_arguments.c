/* SPDX-License-Identifier: BSD-2-Clause */
/* The public calls: what they refuse, and what they leave alone then (coffer.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "coffer.h"
#include "coffer/linux.h"
#include "engine/engine.h"
#include "support/must.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define assert_ok(call)     assert_int_equal((call), COFFER_OK)
#define assert_misuse(call) assert_int_equal((call), COFFER_MISUSE)
#define REGION_SIZE         (512u * 1024)

static struct memory_device *disk;
static _Alignas(4096) uint8_t region[REGION_SIZE];
static uint8_t key_bytes[COFFER_ID_MAX + 1];
static struct coffer_name some_name, no_id, long_id;

static int set_up(void **state)
{
    (void)state;
    memset(key_bytes, 0x5a, sizeof(key_bytes)); /* zeros of any length are one HMAC key */
    some_name = step_name("x");
    no_id = (struct coffer_name){step_ta, NULL, 1};
    long_id = (struct coffer_name){step_ta, key_bytes, COFFER_ID_MAX + 1};
    disk = memory_device_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memory_device_free(disk);
    return 0;
}

/* A configuration with which a store opens. */
struct setup {
    struct coffer_area areas[9];
    struct coffer_key key;
    struct coffer_config config;
};

static void make_setup(struct setup *setup)
{
    memset(setup, 0, sizeof(*setup));
    setup->areas[0] = (struct coffer_area){region, sizeof(region)};
    setup->key = (struct coffer_key){COFFER_KEY_HUK, key_bytes, 16};
    setup->config = (struct coffer_config){
        .port = coffer_linux_port(),
        .ciphers = coffer_linux_ciphers(),
        .areas = setup->areas,
        .area_count = 1,
        .key = &setup->key,
        .create = true,
    };
}

/* Open and close; a store that does not open leaves the device to us, and secure memory clean. */
static enum coffer_status try_setup(struct setup *setup)
{
    struct coffer *store = NULL;
    bool with_device = setup->config.device == NULL;
    enum coffer_status status;

    if (with_device)
        setup->config.device = memory_device_attach(disk);
    status = coffer_open(&setup->config, &store);
    if (status == COFFER_OK) {
        coffer_close(store);
        assert_false(memory_device_is_attached(disk));
    } else {
        assert_null(store);
        assert_true(memory_device_is_attached(disk));
        assert_false(setup->config.device->no_barriers); /* it is as it was given */
        memory_device_detach(disk);
    }
    assert_true(bytes_are_zero(region, sizeof(region)));
    return status;
}

static void test_a_configuration_needs_what_is_required(void **state)
{
    struct setup setup;
    struct coffer *store = NULL;

    (void)state;
    make_setup(&setup);
    assert_ok(try_setup(&setup));
    assert_misuse(coffer_open(NULL, &store));
    setup.config.device = memory_device_attach(disk);
    assert_misuse(coffer_open(&setup.config, NULL));
    memory_device_detach(disk);

    make_setup(&setup);
    assert_misuse(coffer_open(&setup.config, &store)); /* no device */
    setup.config.port = NULL;
    assert_misuse(try_setup(&setup));
    make_setup(&setup);
    setup.config.ciphers = NULL;
    assert_misuse(try_setup(&setup));
    make_setup(&setup);
    setup.config.areas = NULL;
    assert_misuse(try_setup(&setup));
    make_setup(&setup);
    setup.config.key = NULL;
    assert_misuse(try_setup(&setup));
    make_setup(&setup);
    setup.key.bytes = NULL;
    assert_misuse(try_setup(&setup));
    assert_null(store);
}

static void test_ranges_of_a_configuration(void **state)
{
    static const struct {
        unsigned key_slots, cache_frames, area_count;
        enum coffer_status status;
    } table[] = {
        {0, 0, 1, COFFER_OK},
        {2, 40, 1, COFFER_OK},
        {64, 64, 1, COFFER_OK},
        {1, 0, 1, COFFER_MISUSE},
        {65, 0, 1, COFFER_MISUSE},
        {0, 39, 1, COFFER_MISUSE},
        {0, 1, 1, COFFER_MISUSE},
        {0, 0, 0, COFFER_MISUSE},
        {0, 0, 9, COFFER_MISUSE},
        {0, 128, 1, COFFER_NO_MEMORY},
        {0, (unsigned)FRAMES_TOTAL_MAX, 1, COFFER_NO_MEMORY},
        {0, (unsigned)FRAMES_TOTAL_MAX + 1, 1, COFFER_MISUSE},
        {0, UINT32_MAX, 1, COFFER_MISUSE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct setup setup;

        make_setup(&setup);
        setup.config.key_slots = table[i].key_slots;
        setup.config.cache_frames = table[i].cache_frames;
        setup.config.area_count = table[i].area_count;
        assert_int_equal(try_setup(&setup), table[i].status);
    }
}

static void test_kinds_and_sizes_of_keys(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 65; size++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            struct setup setup;
            bool good = kind == COFFER_KEY_SSK ? size == 32 : size >= 1 && size <= 64;

            memory_device_free(disk);
            disk = memory_device_open();
            make_setup(&setup);
            setup.key.kind = (enum coffer_key_kind)kind;
            setup.key.size = size;
            assert_int_equal(try_setup(&setup), good ? COFFER_OK : COFFER_MISUSE);
        }
    }
}

static void test_another_key_or_setting_does_not_open_a_store(void **state)
{
    struct setup setup;

    (void)state;
    make_setup(&setup);
    assert_ok(try_setup(&setup));
    setup.config.device = NULL;
    setup.config.huk_plain = true;
    assert_int_equal(try_setup(&setup), COFFER_CORRUPT);
    make_setup(&setup);
    setup.config.head_full_hash = true;
    assert_int_equal(try_setup(&setup), COFFER_CORRUPT);
    make_setup(&setup);
    setup.key.size = 17;
    assert_int_equal(try_setup(&setup), COFFER_CORRUPT);
    make_setup(&setup);
    setup.config.create = false;
    assert_ok(try_setup(&setup));
}

static void test_memory_in_several_areas(void **state)
{
    struct setup setup;

    (void)state;
    make_setup(&setup);
    for (unsigned i = 0; i < 8; i++)
        setup.areas[i] = (struct coffer_area){region + i * (REGION_SIZE / 8),
                                              REGION_SIZE / 8 - 100};
    setup.config.area_count = 8;
    assert_ok(try_setup(&setup));
    /* Overlapping ones, and one that ends beyond the address space. */
    make_setup(&setup);
    setup.areas[1] = (struct coffer_area){region + 4096, 8192};
    setup.config.area_count = 2;
    assert_misuse(try_setup(&setup));
    make_setup(&setup);
    setup.areas[1] = (struct coffer_area){region, SIZE_MAX};
    setup.config.area_count = 2;
    assert_misuse(try_setup(&setup));
    /* The least that is always enough, and less than anything. */
    make_setup(&setup);
    setup.areas[0].size = COFFER_MEMORY_MIN;
    assert_ok(try_setup(&setup));
    make_setup(&setup);
    setup.areas[0].size = 64 * 1024;
    assert_int_equal(try_setup(&setup), COFFER_NO_MEMORY);
    make_setup(&setup);
    setup.areas[0].size = 0;
    assert_int_equal(try_setup(&setup), COFFER_NO_MEMORY);
}

static unsigned logged;

static void log_line(void *context, enum port_log_level level, const char *text)
{
    (void)context;
    assert_int_equal(level, PORT_LOG_WARNING);
    assert_true(strlen(text) > 10);
    logged++;
}

static void test_notices_go_to_the_log_when_nobody_asks_for_them(void **state)
{
    struct coffer_port port = *coffer_linux_port();
    struct setup setup;

    (void)state;
    make_setup(&setup);
    assert_ok(try_setup(&setup));
    memory_device_set(disk, "quarantine/kept", "", 0);
    memory_device_flip(disk, "dirf.db", 64, 1); /* the blank head of a new catalogue */
    logged = 0;
    for (unsigned with_log = 0; with_log < 2; with_log++) {
        port.log = with_log ? log_line : NULL;
        setup.config.device = NULL;
        setup.config.port = &port;
        assert_ok(try_setup(&setup));
        assert_int_equal(logged, with_log);
    }
}

/* port/port.h says what may be NULL. */
static void test_a_port_is_entropy_and_a_lock(void **state)
{
    const struct coffer_port *linux_port = coffer_linux_port();
    const struct coffer_port port = {
        .context = linux_port->context,
        .entropy = linux_port->entropy,
        .lock_init = linux_port->lock_init,
        .lock_fini = linux_port->lock_fini,
        .lock_take = linux_port->lock_take,
        .lock_give = linux_port->lock_give,
    };
    const struct coffer_name name = {.id = "x", .id_size = 1};
    struct coffer_info info;
    struct coffer *store;
    struct setup setup;

    (void)state;
    make_setup(&setup);
    setup.config.port = &port;
    setup.config.device = memory_device_attach(disk);
    assert_ok(coffer_open(&setup.config, &store));
    assert_ok(coffer_put(store, &name, 0, NULL, "data", 4));
    assert_ok(coffer_stat(store, &name, &info));
    assert_int_equal(info.size, 4);
    assert_ok(coffer_delete(store, &name));
    coffer_close(store);
}

static unsigned released;

static void release(void *context)
{
    assert_ptr_equal(context, &released);
    released++;
}

static void test_release_is_called_once_at_the_end_and_not_on_failure(void **state)
{
    struct setup setup;

    (void)state;
    released = 0;
    make_setup(&setup);
    setup.config.release = release;
    setup.config.release_context = &released;
    setup.config.create = false;
    setup.config.volatile_commits = true;
    assert_int_equal(try_setup(&setup), COFFER_NOT_FOUND);
    assert_int_equal(released, 0);
    setup.config.device = NULL;
    setup.config.create = true;
    assert_ok(try_setup(&setup));
    assert_int_equal(released, 1);
}

static void note(void *context, const struct coffer_finding *finding)
{
    (void)context;
    (void)finding;
}

static const struct coffer_attributes no_bytes = {.bytes = NULL, .bytes_size = 1};

static void refuse_by_name(struct coffer *store)
{
    struct coffer_info info;

    assert_misuse(coffer_put(NULL, &some_name, 0, NULL, "", 0));
    assert_misuse(coffer_put(store, NULL, 0, NULL, "", 0));
    assert_misuse(coffer_put(store, &no_id, 0, NULL, "", 0));
    assert_misuse(coffer_put(store, &long_id, 0, NULL, "", 0));
    assert_misuse(coffer_put(store, &some_name, 2, NULL, "", 0));
    assert_misuse(coffer_put(store, &some_name, COFFER_REPLACE, &no_bytes, "", 0));
    assert_misuse(coffer_put(store, &some_name, COFFER_REPLACE, NULL, NULL, 1));

    assert_misuse(coffer_stat(NULL, &some_name, &info));
    assert_misuse(coffer_stat(store, NULL, &info));
    assert_misuse(coffer_stat(store, &some_name, NULL));
    assert_misuse(coffer_rename(NULL, &some_name, "y", 1));
    assert_misuse(coffer_rename(store, NULL, "y", 1));
    assert_misuse(coffer_rename(store, &long_id, "y", 1));
    assert_misuse(coffer_rename(store, &some_name, NULL, 1));
    assert_misuse(coffer_rename(store, &some_name, key_bytes, COFFER_ID_MAX + 1));
    assert_misuse(coffer_delete(NULL, &some_name));
    assert_misuse(coffer_delete(store, NULL));
    assert_misuse(coffer_delete(store, &no_id));
    assert_misuse(coffer_quarantine(NULL, &some_name));
    assert_misuse(coffer_quarantine(store, NULL));
    assert_misuse(coffer_quarantine(store, &long_id));
}

/* A piece without bytes, which is none. */
static enum coffer_status give_nothing(void *context, uint64_t left, const void **data,
                                       size_t *piece)
{
    (void)context;
    must(left == 1);
    *data = key_bytes;
    *piece = 0;
    return COFFER_OK;
}

static void refuse_of_objects(struct coffer *store, struct coffer_object *object)
{
    struct coffer_object *none = NULL;
    struct coffer_info info;
    uint8_t byte = 0;
    size_t got = 77;

    assert_misuse(coffer_object_open(NULL, &some_name, &none));
    assert_misuse(coffer_object_open(store, NULL, &none));
    assert_misuse(coffer_object_open(store, &long_id, &none));
    assert_misuse(coffer_object_open(store, &some_name, NULL));
    assert_misuse(coffer_object_info(NULL, &info));
    assert_misuse(coffer_object_info(object, NULL));
    assert_misuse(coffer_object_attributes(NULL, &byte, 1));
    assert_misuse(coffer_object_attributes(object, NULL, 1));
    assert_ok(coffer_object_attributes(object, NULL, 0));
    assert_misuse(coffer_object_read(NULL, 0, &byte, 1, &got));
    assert_misuse(coffer_object_read(object, 0, NULL, 1, &got));
    assert_misuse(coffer_object_read(object, 0, &byte, 1, NULL));
    assert_misuse(coffer_object_write(NULL, 0, &byte, 1));
    assert_misuse(coffer_object_write(object, 0, NULL, 1));
    assert_misuse(coffer_object_write_from(NULL, 0, 1, give_nothing, NULL));
    assert_misuse(coffer_object_write_from(object, 0, 1, NULL, NULL));
    assert_misuse(coffer_object_write_from(object, 0, 1, give_nothing, NULL));
    assert_misuse(coffer_object_truncate(NULL, 1));
    assert_misuse(coffer_object_set_usage(NULL, 1));
    coffer_object_close(NULL);
    assert_null(none);
    assert_int_equal(got, 77);
}

static void refuse_of_writers(struct coffer *store)
{
    struct coffer_writer *writer = NULL;
    uint8_t byte = 0;

    assert_misuse(coffer_writer_open(NULL, &some_name, 0, NULL, &writer));
    assert_misuse(coffer_writer_open(store, NULL, 0, NULL, &writer));
    assert_misuse(coffer_writer_open(store, &some_name, 0, NULL, NULL));
    assert_misuse(coffer_writer_open(store, &some_name, 4, NULL, &writer));
    assert_misuse(coffer_writer_open(store, &some_name, 0, &no_bytes, &writer));
    assert_misuse(coffer_writer_write(NULL, &byte, 1));
    assert_misuse(coffer_writer_commit(NULL));
    coffer_writer_abort(NULL);
    assert_null(writer);
}

static void refuse_of_all(struct coffer *store, struct coffer_list *list)
{
    struct coffer_check_summary summary;
    struct coffer_statistics statistics;
    struct coffer_list *none = NULL;
    struct coffer_entry entry;

    assert_misuse(coffer_list_open(NULL, NULL, &none));
    assert_misuse(coffer_list_open(store, NULL, NULL));
    assert_misuse(coffer_list_next(NULL, &entry));
    assert_misuse(coffer_list_next(list, NULL));
    coffer_list_close(NULL);
    assert_misuse(coffer_check(NULL, 0, note, NULL, NULL, &summary));
    assert_misuse(coffer_check(store, 0, NULL, NULL, NULL, &summary));
    assert_misuse(coffer_check(store, 0, note, NULL, NULL, NULL));
    assert_misuse(coffer_check(store, 4, note, NULL, NULL, &summary));
    assert_misuse(coffer_statistics_get(NULL, &statistics));
    assert_misuse(coffer_statistics_get(store, NULL));
    coffer_close(NULL);
    assert_null(none);
}

static void test_every_call_refuses_what_is_not_allowed(void **state)
{
    const struct store_options options = {.create = true};
    struct store_fixture fixture;
    struct coffer_object *object;
    struct coffer_list *list;
    struct coffer *store;
    uint64_t changes;
    uint8_t byte = 0;
    size_t got;

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    store = fixture.store;
    assert_ok(coffer_put(store, &some_name, 0, NULL, "data", 4));
    assert_ok(coffer_object_open(store, &some_name, &object));
    assert_ok(coffer_list_open(store, NULL, &list));
    changes = memory_device_change_count(disk);

    refuse_by_name(store);
    refuse_of_objects(store, object);
    refuse_of_writers(store);
    refuse_of_all(store, list);

    assert_int_equal(memory_device_change_count(disk), changes);
    /* All of it still in order. */
    assert_ok(coffer_object_read(object, 0, &byte, 1, &got));
    assert_int_equal(byte, 'd');
    store_fixture_close(&fixture);
}

static void test_a_closed_handle_is_refused(void **state)
{
    const struct store_options options = {.create = true};
    struct coffer_name name = step_name("x");
    struct store_fixture fixture;
    struct coffer_object *object;
    struct coffer_writer *writer;
    struct coffer_list *list;
    struct coffer_entry entry;
    struct coffer_info info;

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writer));
    assert_ok(coffer_writer_commit(writer));
    assert_misuse(coffer_writer_write(writer, "x", 1));
    assert_misuse(coffer_writer_commit(writer));
    coffer_writer_abort(writer);
    assert_ok(coffer_object_open(fixture.store, &name, &object));
    coffer_object_close(object);
    assert_misuse(coffer_object_info(object, &info));
    assert_misuse(coffer_object_truncate(object, 0));
    assert_misuse(coffer_object_set_usage(object, 0));
    coffer_object_close(object);
    assert_ok(coffer_list_open(fixture.store, NULL, &list));
    coffer_list_close(list);
    assert_misuse(coffer_list_next(list, &entry));
    coffer_list_close(list);
    store_fixture_close(&fixture);
}

static void test_uuids_as_text(void **state)
{
    static const char *const wrong[] = {
        "",
        "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63",
        "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63e0",
        "6f8a2c51x93d7-4e0b-a1f4-27c58b90d63e",
        "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63g",
        "6f8a2c5-193d7-4e0b-a1f4-27c58b90d63e",
        "6f8a2c51-93d7-4e0b-a1f4-27c58b90d6-e",
        "{f8a2c51-93d7-4e0b-a1f4-27c58b90d63e",
    };
    char text[COFFER_UUID_TEXT_SIZE];
    struct coffer_uuid uuid = {0};

    (void)state;
    assert_ok(coffer_uuid_parse("6F8a2c51-93D7-4e0b-a1f4-27c58b90d63e", &uuid));
    assert_int_equal(uuid.time_low, 0x6f8a2c51);
    assert_int_equal(uuid.time_mid, 0x93d7);
    assert_int_equal(uuid.time_hi_and_version, 0x4e0b);
    assert_memory_equal(uuid.clock_seq_and_node, "\xa1\xf4\x27\xc5\x8b\x90\xd6\x3e", 8);
    coffer_uuid_format(&uuid, text);
    assert_string_equal(text, "6f8a2c51-93d7-4e0b-a1f4-27c58b90d63e");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_misuse(coffer_uuid_parse(wrong[i], &uuid));
    assert_misuse(coffer_uuid_parse(NULL, &uuid));
    assert_misuse(coffer_uuid_parse(text, NULL));
    assert_int_equal(uuid.time_low, 0x6f8a2c51);
}

static void test_every_status_has_a_name_and_a_text(void **state)
{
    (void)state;
    for (int i = COFFER_OK; i <= COFFER_UNSUPPORTED; i++) {
        assert_true(strlen(coffer_status_text((enum coffer_status)i)) > 3);
        for (int j = COFFER_OK; j < i; j++)
            assert_string_not_equal(coffer_status_name((enum coffer_status)i),
                                    coffer_status_name((enum coffer_status)j));
    }
    assert_string_equal(coffer_status_name((enum coffer_status)99), "MISUSE");
    assert_string_equal(coffer_version(), COFFER_VERSION);
}

#define engine_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static void test_a_key_is_bytes_or_digits(void **state)
{
    uint8_t bytes[COFFER_KEY_SIZE_MAX];
    uint8_t raw[32];
    size_t size = 7;

    (void)state;
    memset(raw, 0xab, sizeof(raw));
    assert_int_equal(coffer_key_parse("00010203 04050607\t08090a0b\n0C0D0E0F\n", 36, bytes, &size),
                     COFFER_OK);
    assert_int_equal(size, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(bytes[i], i);
    assert_int_equal(coffer_key_parse(raw, 32, bytes, &size), COFFER_OK);
    assert_int_equal(size, 32);
    assert_memory_equal(bytes, raw, 32);
    assert_int_equal(coffer_key_parse(raw, 16, bytes, &size), COFFER_OK);
    assert_int_equal(size, 16);

    size = 7;
    assert_int_equal(coffer_key_parse(raw, 17, bytes, &size), COFFER_MISUSE);
    assert_int_equal(coffer_key_parse("", 0, bytes, &size), COFFER_MISUSE);
    assert_int_equal(coffer_key_parse("0001020304050607", 15, bytes, &size), COFFER_MISUSE);
    assert_int_equal(coffer_key_parse(NULL, 16, bytes, &size), COFFER_MISUSE);
    assert_int_equal(coffer_key_parse(raw, 16, NULL, &size), COFFER_MISUSE);
    assert_int_equal(coffer_key_parse(raw, 16, bytes, NULL), COFFER_MISUSE);
    assert_int_equal(size, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        engine_test(test_a_configuration_needs_what_is_required),
        engine_test(test_ranges_of_a_configuration),
        engine_test(test_kinds_and_sizes_of_keys),
        engine_test(test_another_key_or_setting_does_not_open_a_store),
        engine_test(test_memory_in_several_areas),
        engine_test(test_notices_go_to_the_log_when_nobody_asks_for_them),
        engine_test(test_a_port_is_entropy_and_a_lock),
        engine_test(test_release_is_called_once_at_the_end_and_not_on_failure),
        engine_test(test_every_call_refuses_what_is_not_allowed),
        engine_test(test_a_closed_handle_is_refused),
        cmocka_unit_test(test_a_key_is_bytes_or_digits),
        cmocka_unit_test(test_uuids_as_text),
        cmocka_unit_test(test_every_status_has_a_name_and_a_text),
    };

    return cmocka_run_group_tests_name("public calls", tests, NULL, NULL);
}
