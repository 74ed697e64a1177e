/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of persistent objects (5.9): read, written, cut, and positions in it. */
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define READ_RULE                                                                                  \
    .function = "TEE_ReadObjectData", .clause = "5.9.1", .call = GP_CALL_READ_OBJECT_DATA
#define WRITE_RULE                                                                                 \
    .function = "TEE_WriteObjectData", .clause = "5.9.2", .call = GP_CALL_WRITE_OBJECT_DATA
#define TRUNCATE_RULE                                                                              \
    .function = "TEE_TruncateObjectData", .clause = "5.9.3", .call = GP_CALL_TRUNCATE_OBJECT_DATA

static void expect_position(TEE_ObjectHandle object, size_t position)
{
    expect_equal(info_of(object).dataPosition, position);
}

/* The next bytes are just these. */
static void expect_read(TEE_ObjectHandle object, size_t size, const char *bytes)
{
    size_t wanted = strlen(bytes);
    size_t count = 99;
    char got[64];

    expect_success(TEE_ReadObjectData(object, got, size, &count));
    if (count != wanted || memcmp(got, bytes, wanted) != 0)
        note("read \"%.*s\" instead of \"%s\"", (int)count, got, bytes);
}

static void seek(TEE_ObjectHandle object, intmax_t offset)
{
    expect_success(TEE_SeekObjectData(object, offset, TEE_DATA_SEEK_SET));
}

/* --- Reading ----------------------------------------------------------------------------- */

static void reads_on(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ, "0123456789");

    (void)rule;
    expect_read(object, 4, "0123");
    expect_position(object, 4);
    expect_read(object, 4, "4567");
    expect_read(object, 4, "89");
    expect_position(object, 10);
    expect_read(object, 4, "");
    expect_position(object, 10);
}

static void reads_behind_the_end(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ, "0123456789");

    (void)rule;
    seek(object, 1000);
    expect_read(object, 4, "");
    expect_position(object, 1000);
}

static void reads_nothing(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ, "0123456789");
    size_t count = 99;

    (void)rule;
    expect_success(TEE_ReadObjectData(object, NULL, 0, &count));
    expect_equal(count, 0);
    expect_position(object, 0);
}

static void leaves_the_rest_of_the_buffer(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ, "0123");
    size_t count = 0;
    char got[8];

    (void)rule;
    memset(got, '-', sizeof(got));
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(memcmp(got, "0123----", 8) == 0);
}

static void reads_into_nothing(const struct rule *rule)
{
    size_t count;

    (void)rule;
    (void)TEE_ReadObjectData(create_as("a", READ, "0123"), NULL, 1, &count);
}

static void reads_without_a_count(const struct rule *rule)
{
    char got[4];

    (void)rule;
    (void)TEE_ReadObjectData(create_as("a", READ, "0123"), got, 4, NULL);
}

/* --- Writing ----------------------------------------------------------------------------- */

static void writes_on(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123456789");

    (void)rule;
    expect_success(TEE_WriteObjectData(object, "ab", 2));
    expect_position(object, 2);
    seek(object, 9);
    expect_success(TEE_WriteObjectData(object, "xyz", 3));
    expect_position(object, 12);
    expect_equal(info_of(object).dataSize, 12);
    seek(object, 0);
    expect_read(object, 64, "ab2345678xyz");
}

static void fills_gaps(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123");
    char got[16];
    size_t count = 0;

    (void)rule;
    seek(object, 8);
    expect_success(TEE_WriteObjectData(object, "x", 1));
    expect_equal(info_of(object).dataSize, 9);
    seek(object, 0);
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(count == 9 && memcmp(got, "0123\0\0\0\0x", 9) == 0);
}

static void writes_nothing(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123");

    (void)rule;
    seek(object, 2);
    expect_success(TEE_WriteObjectData(object, NULL, 0));
    expect_position(object, 2);
    expect_equal(info_of(object).dataSize, 4);
}

static void writes_from_nothing(const struct rule *rule)
{
    (void)rule;
    (void)TEE_WriteObjectData(create_as("a", WRITE, "0123"), NULL, 1);
}

/* Not a byte behind TEE_DATA_MAX_POSITION; nothing is changed by the attempt. */
static void writes_too_far(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123");
    const size_t room = rule->a;
    static const char bytes[8];

    for (unsigned i = 0; i < 2; i++) { /* 32 bits of signed offset are enough for all profiles */
        seek(object, 0x7fffffff);
        expect_success(TEE_SeekObjectData(object, 0x7fffffff, TEE_DATA_SEEK_CUR));
        expect_success(TEE_SeekObjectData(object, 1 - (intmax_t)room, TEE_DATA_SEEK_CUR));
    }
    expect_position(object, TEE_DATA_MAX_POSITION - room);
    expect_result(TEE_WriteObjectData(object, bytes, room + 1), TEE_ERROR_OVERFLOW);
    expect_position(object, TEE_DATA_MAX_POSITION - room);
    expect_equal(info_of(object).dataSize, 4);
}

static void is_seen_by_others(const struct rule *rule)
{
    TEE_ObjectHandle one = create_as("a", READ_WRITE, "0123");
    TEE_ObjectHandle other = open_as("a", READ_WRITE);

    (void)rule;
    expect_read(other, 2, "01");
    expect_success(TEE_WriteObjectData(one, "abcdef", 6));
    expect_position(other, 2); /* each has its own */
    expect_read(other, 8, "cdef");
    expect_success(TEE_TruncateObjectData(one, 1));
    expect_position(other, 6);
    expect_read(other, 8, "");
    expect_equal(info_of(other).dataSize, 1);
}

static void large(const struct rule *rule)
{
    static uint8_t bytes[400000];
    static uint8_t got[sizeof(bytes)];
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "");
    size_t count = 0;

    (void)rule;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 11 + i / 5000);
    expect_success(TEE_WriteObjectData(object, bytes, sizeof(bytes)));
    seek(object, 0);
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect_equal(count, sizeof(bytes));
    expect(memcmp(got, bytes, sizeof(bytes)) == 0);
    expect_position(object, sizeof(bytes));
}

/* --- Cutting ----------------------------------------------------------------------------- */

static void cuts(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123456789");

    (void)rule;
    seek(object, 8);
    expect_success(TEE_TruncateObjectData(object, 3));
    expect_position(object, 8); /* unchanged */
    expect_equal(info_of(object).dataSize, 3);
    seek(object, 0);
    expect_read(object, 64, "012");
    expect_success(TEE_TruncateObjectData(object, 0));
    expect_equal(info_of(object).dataSize, 0);
}

static void grows(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123456789");
    char got[16];
    size_t count = 0;

    (void)rule;
    expect_success(TEE_TruncateObjectData(object, 2)); /* what was cut doesn't come back */
    expect_success(TEE_TruncateObjectData(object, 6));
    expect_position(object, 0);
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(count == 6 && memcmp(got, "01\0\0\0\0", 6) == 0);
}

/* --- Positions --------------------------------------------------------------------------- */

struct seek_row {
    size_t size; /* of the data */
    intmax_t at; /* where the handle stands before */
    TEE_Whence whence;
    intmax_t offset;
    TEE_Result result;
    size_t position; /* then */
    unsigned profiles;
};

#define MAX ((intmax_t)TEE_DATA_MAX_POSITION)

/* clang-format off */
static const struct seek_row seeks[] = {
    {10, 3, TEE_DATA_SEEK_SET, 0, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, 5, TEE_SUCCESS, 5, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, 10, TEE_SUCCESS, 10, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, 11, TEE_SUCCESS, 11, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, -1, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, 0x7fffffff, TEE_SUCCESS, 0x7fffffff, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, MAX, TEE_SUCCESS, MAX, IN_STRICT},
    {10, 3, TEE_DATA_SEEK_SET, MAX + 1, TEE_ERROR_OVERFLOW, 3, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, INTMAX_MAX, TEE_ERROR_OVERFLOW, 3, IN_ALL},
    {10, 3, TEE_DATA_SEEK_SET, INTMAX_MIN, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, 0, TEE_SUCCESS, 3, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, 4, TEE_SUCCESS, 7, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, 100, TEE_SUCCESS, 103, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, -2, TEE_SUCCESS, 1, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, -3, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, -4, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, MAX - 3, TEE_SUCCESS, MAX, IN_STRICT},
    {10, 3, TEE_DATA_SEEK_CUR, MAX - 2, TEE_ERROR_OVERFLOW, 3, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, INTMAX_MAX, TEE_ERROR_OVERFLOW, 3, IN_ALL},
    {10, 3, TEE_DATA_SEEK_CUR, INTMAX_MIN, TEE_SUCCESS, 0, IN_STRICT},
    {10, 3, TEE_DATA_SEEK_END, 0, TEE_SUCCESS, 10, IN_ALL},
    {10, 3, TEE_DATA_SEEK_END, 1, TEE_SUCCESS, 11, IN_ALL},
    {10, 3, TEE_DATA_SEEK_END, -4, TEE_SUCCESS, 6, IN_ALL},
    {10, 3, TEE_DATA_SEEK_END, -10, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_END, -11, TEE_SUCCESS, 0, IN_ALL},
    {10, 3, TEE_DATA_SEEK_END, MAX - 10, TEE_SUCCESS, MAX, IN_STRICT},
    {10, 3, TEE_DATA_SEEK_END, MAX - 9, TEE_ERROR_OVERFLOW, 3, IN_ALL},
    {0, 0, TEE_DATA_SEEK_END, 0, TEE_SUCCESS, 0, IN_ALL},
};
/* clang-format on */

static void seek_row(const struct rule *rule)
{
    const struct seek_row *row = &seeks[rule->a];
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "");

    expect_success(TEE_TruncateObjectData(object, row->size));
    seek(object, row->at);
    expect_result(TEE_SeekObjectData(object, row->offset, row->whence), row->result);
    expect_position(object, row->position);
    expect_equal(info_of(object).dataSize, row->size);
}

static void seek_from_nowhere(const struct rule *rule)
{
    (void)TEE_SeekObjectData(create_as("a", READ, "0123"), 0, rule->a);
}

/* Positions need no right. */
static void seek_without_rights(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", 0, "0123");

    (void)rule;
    seek(object, 2);
    expect_position(object, 2);
}

/* --- OpenHarmony's ----------------------------------------------------------------------- */

static void syncs(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", WRITE, "0123");

    (void)rule;
    expect_success(TEE_WriteObjectData(object, "xy", 2));
    expect_success(TEE_SyncPersistentObject(object));
}

/* --- As in 1.1 --------------------------------------------------------------------------- */

static void reads_as_in_1_1(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ, "0123");
    uint32_t count = 99;
    char got[8];

    (void)rule;
    expect_success(__GP11_TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(count == 4 && memcmp(got, "0123", 4) == 0);
}

static const struct rule rules[] = {
    {READ_RULE, .text = "goes on where it was, and ends with the data", .body = reads_on},
    {READ_RULE, .text = "behind the end there is nothing", .body = reads_behind_the_end},
    {READ_RULE, .text = "nothing needs no buffer", .body = reads_nothing},
    {READ_RULE, .text = "leaves what it has no data for", .body = leaves_the_rest_of_the_buffer},
    {READ_RULE, .text = "1.1's form", .body = reads_as_in_1_1},
    {READ_RULE, .text = "no buffer is a panic", .body = reads_into_nothing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {READ_RULE, .text = "no place for the count is a panic", .body = reads_without_a_count,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {WRITE_RULE, .text = "goes on where it was, over and behind the end", .body = writes_on},
    {WRITE_RULE, .text = "a gap is filled with zeros", .body = fills_gaps},
    {WRITE_RULE, .text = "nothing changes nothing", .body = writes_nothing},
    {WRITE_RULE, .text = "no buffer is a panic", .body = writes_from_nothing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {WRITE_RULE, .text = "1 byte at the last position is an overflow", .body = writes_too_far,
     .a = 0},
    {WRITE_RULE, .text = "3 bytes before the last but one position are an overflow",
     .body = writes_too_far, .a = 2},
    {WRITE_RULE, .text = "other handles see it, and stay where they are",
     .body = is_seen_by_others},
    {WRITE_RULE, .text = "400,000 bytes", .body = large},
    {TRUNCATE_RULE, .text = "cuts, and leaves the position", .body = cuts},
    {TRUNCATE_RULE, .text = "grows with zeros", .body = grows},
    {.function = "TEE_SeekObjectData",
     .clause = "5.9.4",
     .text = "needs no right",
     .body = seek_without_rights},
    {.function = "TEE_SeekObjectData",
     .clause = "5.9.4",
     .text = "whence 3 is a panic",
     .body = seek_from_nowhere,
     .a = 3,
     .panic = TEE_ERROR_BAD_PARAMETERS,
     .call = GP_CALL_SEEK_OBJECT_DATA},
    {.function = "TEE_SeekObjectData",
     .clause = "5.9.4",
     .text = "TEE_WHENCE_ILLEGAL_VALUE is a panic",
     .body = seek_from_nowhere,
     .a = TEE_WHENCE_ILLEGAL_VALUE,
     .panic = TEE_ERROR_BAD_PARAMETERS,
     .call = GP_CALL_SEEK_OBJECT_DATA},
    {.function = "TEE_SyncPersistentObject",
     .clause = "OpenHarmony",
     .text = "succeeds",
     .body = syncs},
};

void add_streams(void)
{
    static const char *const whences[] = {"SET", "CUR", "END"};

    add_rules(rules);
    for (size_t i = 0; i < sizeof(seeks) / sizeof(seeks[0]); i++) {
        const struct seek_row *row = &seeks[i];
        struct rule rule = {.function = "TEE_SeekObjectData",
                            .clause = "5.9.4",
                            .body = seek_row,
                            .profiles = row->profiles,
                            .a = (uint32_t)i};
        char text[CASE_TEXT_SIZE];

        (void)snprintf(text, sizeof(text), "from %lld of %zu by %lld from %s: %s",
                       (long long)row->at, row->size, (long long)row->offset, whences[row->whence],
                       row->result == TEE_SUCCESS ? "there" : "an overflow");
        rule.text = text;
        add(&rule);
    }
}
