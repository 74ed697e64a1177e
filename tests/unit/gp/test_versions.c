/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources of both versions in one TA: each gets the calls that it was written for. */
#include "unit/gp/fixture.h"
#include "unit/gp/source_1_1.h"

_Static_assert(sizeof(((TEE_Attribute *)0)->content.ref.length) == sizeof(size_t), "1.3.1");
_Static_assert(sizeof(((TEE_ObjectInfo *)0)->dataSize) == sizeof(size_t), "1.3.1");
_Static_assert(sizeof(((TEE_Param *)0)->memref.size) == sizeof(size_t), "1.3.1");

static void test_source_of_1_1_gets_its_calls(void **state)
{
    TEE_ObjectHandle object;
    uint8_t bytes[8] = {0};
    char text[20];
    void *block;

    (void)state;
    assert_int_equal(source_1_1_text_size(text, sizeof(text)), 6);
    assert_string_equal(text, "1.3.1");
    assert_int_equal(source_1_1_text_size(text, 5), 0);

    assert_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "x", 1,
                                              TEE_DATA_FLAG_ACCESS_WRITE, TEE_HANDLE_NULL,
                                              "12345678", 8, &object));
    TEE_CloseObject(object);
    assert_int_equal(source_1_1_read("x", 1, bytes, 8), 8);
    assert_memory_equal(bytes, "12345678", 8);
    assert_int_equal(source_1_1_read("x", 1, bytes, 7), 0);

    block = source_1_1_allocate(1000);
    assert_non_null(block);
    TEE_Free(block);
}

static const struct CMUnitTest tests[] = {gp_test(test_source_of_1_1_gets_its_calls)};

run_in_every_profile(tests)
