/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of persistent objects (gp/streams.c). */
#include "unit/gp/persistent.h"

static bool is_optee(void)
{
    return gp_fixture.tee.profile == GP_OPTEE_4;
}

static size_t position(TEE_ObjectHandle handle)
{
    return info_of(handle).dataPosition;
}

static void test_reads_are_short_at_the_end_alone(void **state)
{
    TEE_ObjectHandle handle;
    char bytes[10];
    size_t count = 77;
    uint32_t old_count = 77;

    (void)state;
    make("x", "0123456789");
    handle = must_open("x", R);
    assert_success(TEE_ReadObjectData(handle, bytes, 4, &count));
    assert_int_equal(count, 4);
    assert_memory_equal(bytes, "0123", 4);
    assert_success(__GP11_TEE_ReadObjectData(handle, bytes, 10, &old_count));
    assert_int_equal(old_count, 6);
    assert_memory_equal(bytes, "456789", 6);
    assert_success(TEE_ReadObjectData(handle, bytes, 10, &count));
    assert_int_equal(count, 0);
    assert_int_equal(position(handle), 10);
    assert_success(TEE_ReadObjectData(handle, NULL, 0, &count));
    assert_int_equal(count, 0);
    TEE_CloseObject(handle);
}

static void test_each_handle_stands_somewhere_else(void **state)
{
    TEE_ObjectHandle a, b;

    (void)state;
    make("x", "0123456789");
    a = must_open("x", R | W | SR | SW);
    b = must_open("x", R | W | SR | SW);
    assert_success(TEE_SeekObjectData(a, 8, TEE_DATA_SEEK_SET));
    assert_int_equal(position(b), 0);
    assert_success(TEE_WriteObjectData(a, "abcd", 4));
    assert_int_equal(position(a), 12);
    assert_reads(b, "01234567abcd");
    TEE_CloseObject(a);
    TEE_CloseObject(b);
}

static void test_rights_are_needed(void **state)
{
    TEE_ObjectHandle reader, writer, closed;
    char byte = 0;
    size_t count;

    (void)state;
    make("x", "1");
    reader = must_open("x", R | SR | SW);
    writer = must_open("x", W | SR | SW);
    assert_panics_in(TEE_ReadObjectData(writer, &byte, 1, &count), TEE_ERROR_BAD_STATE,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(TEE_WriteObjectData(reader, &byte, 1), TEE_ERROR_BAD_STATE,
                     GP_CALL_WRITE_OBJECT_DATA);
    assert_panics_in(TEE_TruncateObjectData(reader, 1), TEE_ERROR_BAD_STATE,
                     GP_CALL_TRUNCATE_OBJECT_DATA);
    assert_panics_in(TEE_ReadObjectData(reader, NULL, 1, &count), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(TEE_ReadObjectData(reader, &byte, 1, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(__GP11_TEE_ReadObjectData(reader, &byte, 1, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(TEE_WriteObjectData(writer, NULL, 1), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_WRITE_OBJECT_DATA);
    assert_panics_in(TEE_SeekObjectData(reader, 0, 3), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_SEEK_OBJECT_DATA);
    assert_panics_in(TEE_SeekObjectData(reader, 0, TEE_WHENCE_ILLEGAL_VALUE),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_SEEK_OBJECT_DATA);
    assert_success(TEE_SeekObjectData(writer, 1, TEE_DATA_SEEK_END)); /* no right is needed */
    closed = reader;
    TEE_CloseObject(reader);
    assert_panics_in(TEE_ReadObjectData(closed, &byte, 1, &count), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(TEE_WriteObjectData(TEE_HANDLE_NULL, &byte, 1), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_WRITE_OBJECT_DATA);
    assert_panics_in(TEE_TruncateObjectData(closed, 1), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_TRUNCATE_OBJECT_DATA);
    assert_panics_in(TEE_SeekObjectData(closed, 0, TEE_DATA_SEEK_SET), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_SEEK_OBJECT_DATA);
    TEE_CloseObject(writer);
    assert_holds("x", "1");
}

static void test_holes_are_zeros(void **state)
{
    static const char zeros[5000];
    TEE_ObjectHandle handle;
    char bytes[6000];
    size_t count;

    (void)state;
    make("x", "ab");
    handle = must_open("x", R | W);
    assert_success(TEE_SeekObjectData(handle, 5000, TEE_DATA_SEEK_SET));
    assert_int_equal(info_of(handle).dataSize, 2); /* seeking alone changes nothing, */
    assert_success(TEE_WriteObjectData(handle, "", 0));
    assert_int_equal(info_of(handle).dataSize, 2); /* nor do no bytes */
    assert_success(TEE_ReadObjectData(handle, bytes, 10, &count));
    assert_int_equal(count, 0);
    assert_int_equal(position(handle), 5000);
    assert_success(TEE_WriteObjectData(handle, "cd", 2));
    assert_int_equal(info_of(handle).dataSize, 5002);
    assert_success(TEE_SeekObjectData(handle, 0, TEE_DATA_SEEK_SET));
    assert_success(TEE_ReadObjectData(handle, bytes, sizeof(bytes), &count));
    assert_int_equal(count, 5002);
    assert_memory_equal(bytes, "ab", 2);
    assert_memory_equal(bytes + 2, zeros, 4998);
    assert_memory_equal(bytes + 5000, "cd", 2);
    TEE_CloseObject(handle);
}

static void test_truncating_leaves_the_position(void **state)
{
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "0123456789");
    handle = must_open("x", R | W);
    assert_success(TEE_SeekObjectData(handle, 6, TEE_DATA_SEEK_SET));
    assert_success(TEE_TruncateObjectData(handle, 3));
    assert_int_equal(info_of(handle).dataSize, 3);
    assert_int_equal(position(handle), 6);
    assert_success(TEE_TruncateObjectData(handle, 8));
    assert_int_equal(position(handle), 6);
    assert_success(TEE_SeekObjectData(handle, 0, TEE_DATA_SEEK_SET));
    {
        char bytes[10];
        size_t count;

        assert_success(TEE_ReadObjectData(handle, bytes, 10, &count));
        assert_int_equal(count, 8);
        assert_memory_equal(bytes, "012\0\0\0\0\0", 8);
    }
    TEE_CloseObject(handle);
}

static void test_seeking(void **state)
{
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "0123456789");
    handle = must_open("x", R | W);
    assert_success(TEE_SeekObjectData(handle, 4, TEE_DATA_SEEK_SET));
    assert_int_equal(position(handle), 4);
    assert_success(TEE_SeekObjectData(handle, 3, TEE_DATA_SEEK_CUR));
    assert_int_equal(position(handle), 7);
    assert_success(TEE_SeekObjectData(handle, -2, TEE_DATA_SEEK_CUR));
    assert_int_equal(position(handle), 5);
    assert_success(TEE_SeekObjectData(handle, -4, TEE_DATA_SEEK_END));
    assert_int_equal(position(handle), 6);
    assert_success(TEE_SeekObjectData(handle, 40, TEE_DATA_SEEK_END));
    assert_int_equal(position(handle), 50);
    /* Before the beginning is the beginning. */
    assert_success(TEE_SeekObjectData(handle, -51, TEE_DATA_SEEK_CUR));
    assert_int_equal(position(handle), 0);
    assert_success(TEE_SeekObjectData(handle, 4, TEE_DATA_SEEK_SET));
    assert_success(TEE_SeekObjectData(handle, -1, TEE_DATA_SEEK_SET));
    assert_int_equal(position(handle), 0);
    assert_success(TEE_SeekObjectData(handle, 4, TEE_DATA_SEEK_SET));
    assert_success(TEE_SeekObjectData(handle, -11, TEE_DATA_SEEK_END));
    assert_int_equal(position(handle), 0);
    TEE_CloseObject(handle);
}

static void test_positions_end_at_the_largest(void **state)
{
    TEE_ObjectHandle handle;
    char byte = 'x';
    size_t count;

    (void)state;
    make("x", "0123456789");
    handle = must_open("x", R | W);
    assert_success(TEE_SeekObjectData(handle, 0x7FFFFFFF, TEE_DATA_SEEK_SET));
    assert_success(TEE_SeekObjectData(handle, 0x7FFFFFFF, TEE_DATA_SEEK_CUR));
    assert_success(TEE_SeekObjectData(handle, 1, TEE_DATA_SEEK_CUR));
    assert_int_equal(position(handle), 0xFFFFFFFF);
    assert_result(TEE_SeekObjectData(handle, 1, TEE_DATA_SEEK_CUR), TEE_ERROR_OVERFLOW);
    assert_result(TEE_SeekObjectData(handle, INT64_C(0x100000000), TEE_DATA_SEEK_SET),
                  TEE_ERROR_OVERFLOW);
    assert_result(TEE_SeekObjectData(handle, INT64_C(0xFFFFFFF6), TEE_DATA_SEEK_END),
                  TEE_ERROR_OVERFLOW);
    assert_int_equal(position(handle), 0xFFFFFFFF);
    assert_success(TEE_ReadObjectData(handle, &byte, 1, &count));
    assert_int_equal(count, 0);
    assert_result(TEE_WriteObjectData(handle, &byte, 1), TEE_ERROR_OVERFLOW);
    assert_success(TEE_WriteObjectData(handle, &byte, 0));
    assert_success(TEE_SeekObjectData(handle, -1, TEE_DATA_SEEK_CUR));
    assert_result(TEE_WriteObjectData(handle, "ab", 2), TEE_ERROR_OVERFLOW);
    /* Within the limit, but there is no room. */
    memory_device_set_capacity(device(), 1u << 20);
    assert_result(TEE_WriteObjectData(handle, &byte, 1), TEE_ERROR_STORAGE_NO_SPACE);
    assert_result(TEE_TruncateObjectData(handle, 0xFFFFFFFF), TEE_ERROR_STORAGE_NO_SPACE);
    assert_result(TEE_TruncateObjectData(handle, (size_t)0xFFFFFFFF + 1),
                  TEE_ERROR_STORAGE_NO_SPACE);
    memory_device_set_capacity(device(), MEMORY_DEVICE_CAPACITY);
    assert_int_equal(position(handle), 0xFFFFFFFE);
    assert_success(TEE_SeekObjectData(handle, INTMAX_MIN, TEE_DATA_SEEK_CUR));
    TEE_CloseObject(handle);
    assert_holds("x", "0123456789");
}

/* OP-TEE's system call takes 32 bits of an offset. */
static void test_offsets_of_more_than_31_bits(void **state)
{
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "0123456789");
    handle = must_open("x", R | W);
    assert_success(TEE_SeekObjectData(handle, INT64_C(0x80000000), TEE_DATA_SEEK_SET));
    assert_int_equal(position(handle), is_optee() ? 0 : 0x80000000);
    assert_success(TEE_SeekObjectData(handle, INT64_C(0xFFFFFFFF), TEE_DATA_SEEK_SET));
    assert_int_equal(position(handle), is_optee() ? 0 : 0xFFFFFFFF);
    assert_success(TEE_SeekObjectData(handle, 5, TEE_DATA_SEEK_SET));
    assert_success(TEE_SeekObjectData(handle, -INT64_C(0x100000000), TEE_DATA_SEEK_CUR));
    assert_int_equal(position(handle), is_optee() ? 5 : 0);
    assert_success(TEE_SeekObjectData(handle, 5, TEE_DATA_SEEK_SET));
    if (is_optee()) {
        assert_success(TEE_SeekObjectData(handle, INT64_C(0x100000001), TEE_DATA_SEEK_CUR));
        assert_int_equal(position(handle), 6);
        for (unsigned i = 0; i < 2; i++)
            assert_success(TEE_SeekObjectData(handle, 0x7FFFFFF0, TEE_DATA_SEEK_CUR));
        assert_panics_in(TEE_SeekObjectData(handle, -INT64_C(0x80000001), TEE_DATA_SEEK_CUR),
                         TEE_ERROR_BAD_PARAMETERS, GP_CALL_SEEK_OBJECT_DATA);
    } else {
        assert_result(TEE_SeekObjectData(handle, INT64_C(0x100000001), TEE_DATA_SEEK_CUR),
                      TEE_ERROR_OVERFLOW);
        assert_int_equal(position(handle), 5);
    }
    TEE_CloseObject(handle);
}

/* All or nothing, and the position with it. */
static void test_a_failed_write_changes_nothing(void **state)
{
    static char bytes[100000];
    bool fired = true;

    (void)state;
    for (uint64_t at = 1; fired; at++) {
        struct fault_plan plan = {.kind = FAULT_IO_BEFORE, .at = at};
        TEE_ObjectHandle handle;
        TEE_Result result;

        assert_success(create("x", TEE_DATA_FLAG_OVERWRITE, "0123456789", 10, NULL));
        handle = must_open("x", R | W | M);
        assert_success(TEE_SeekObjectData(handle, 5, TEE_DATA_SEEK_SET));
        memory_device_inject(device(), &plan);
        result = TEE_WriteObjectData(handle, bytes, sizeof(bytes));
        memory_device_inject(device(), NULL);
        fired = plan.fired;
        if (result == TEE_SUCCESS) {
            assert_int_equal(position(handle), 5 + sizeof(bytes));
            TEE_CloseObject(handle);
            continue;
        }
        assert_result(result, TEE_ERROR_STORAGE_NOT_AVAILABLE);
        assert_int_equal(position(handle), 5);
        assert_success(TEE_SeekObjectData(handle, 0, TEE_DATA_SEEK_SET));
        assert_reads(handle, "0123456789");
        TEE_CloseObject(handle);
        if (at >= 3) /* the store may be failed now, until it is opened again */
            break;
    }
}

/* Much more than secure memory could hold at once, as one change. */
static void test_a_large_write_is_one_change(void **state)
{
    size_t size = gp_fixture.instance->heap_size;
    char *heap = (char *)gp_fixture.instance->heap;
    struct coffer_statistics before, after;
    struct coffer_space_info space;
    TEE_ObjectHandle handle;
    char bytes[2];
    size_t count;

    (void)state;
    make("x", "0123456789");
    handle = must_open("x", R | W);
    assert_ok(coffer_space_fill(gp_fixture.instance->space, (uintptr_t)heap, 'a', size));
    assert_ok(coffer_owner_set_quota(gp_fixture.space.memory, gp_fixture.instance->owner,
                                     2 * GP_PIN_MAX / COFFER_FRAME_SIZE));
    (void)coffer_reclaim(gp_fixture.space.memory, 4096);
    assert_success(TEE_SeekObjectData(handle, 5, TEE_DATA_SEEK_SET));
    assert_ok(coffer_statistics_get(gp_fixture.stores[0].store, &before));
    assert_success(TEE_WriteObjectData(handle, heap + 3, size - 3));
    assert_ok(coffer_statistics_get(gp_fixture.stores[0].store, &after));
    assert_int_equal(after.commits, before.commits + 1);
    coffer_space_info(gp_fixture.instance->space, &space);
    assert_int_equal(space.pinned, 0);
    assert_int_equal(info_of(handle).dataSize, 5 + size - 3);
    assert_success(TEE_SeekObjectData(handle, 4, TEE_DATA_SEEK_SET));
    assert_success(TEE_ReadObjectData(handle, bytes, 2, &count));
    assert_memory_equal(bytes, "4a", 2);
    /* What goes wrong in the midst of it undoes all of it. */
    assert_ok(coffer_space_unmap(gp_fixture.instance->space,
                                 (uintptr_t)heap + size / 4096 / 2 * 4096, 4096));
    assert_success(TEE_TruncateObjectData(handle, 10));
    assert_success(TEE_SeekObjectData(handle, 5, TEE_DATA_SEEK_SET));
    assert_panics_in(TEE_WriteObjectData(handle, heap, size), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_WRITE_OBJECT_DATA);
    coffer_space_info(gp_fixture.instance->space, &space);
    assert_int_equal(space.pinned, 0);
    assert_int_equal(info_of(handle).dataSize, 10);
    assert_int_equal(position(handle), 5);
    assert_reads(handle, "aaaaa");
    TEE_CloseObject(handle);
}

/* A shortage that the standard has no code for is no panic; OP-TEE's is. */
static void test_shortage_of_memory_under_a_write(void **state)
{
    size_t size = gp_fixture.instance->heap_size / 2;
    char *heap = (char *)gp_fixture.instance->heap;
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    handle = must_open("x", R | W);
    assert_ok(coffer_space_fill(gp_fixture.instance->space, (uintptr_t)heap, 'a',
                                gp_fixture.instance->heap_size));
    assert_ok(coffer_owner_set_quota(gp_fixture.space.memory, gp_fixture.instance->owner, 1));
    (void)coffer_reclaim(gp_fixture.space.memory, 4096);
    if (is_optee())
        assert_panics_in(TEE_WriteObjectData(handle, heap, size), TEE_ERROR_OUT_OF_MEMORY,
                         GP_CALL_WRITE_OBJECT_DATA);
    else
        assert_result(TEE_WriteObjectData(handle, heap, size), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_ok(
        coffer_owner_set_quota(gp_fixture.space.memory, gp_fixture.instance->owner, UINT64_MAX));
    assert_success(TEE_WriteObjectData(handle, heap, size));
    assert_int_equal(info_of(handle).dataSize, size);
    TEE_CloseObject(handle);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_reads_are_short_at_the_end_alone),
    gp_test(test_each_handle_stands_somewhere_else),
    gp_test(test_rights_are_needed),
    gp_test(test_holes_are_zeros),
    gp_test(test_truncating_leaves_the_position),
    gp_test(test_seeking),
    gp_test(test_positions_end_at_the_largest),
    gp_test(test_offsets_of_more_than_31_bits),
    gp_test(test_a_failed_write_changes_nothing),
    gp_test(test_a_large_write_is_one_change),
    gp_test(test_shortage_of_memory_under_a_write),
};

run_in_every_profile(tests)
