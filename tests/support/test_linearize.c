/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge of histories: what it must accept, what it must not, and that it agrees with trying
 * every order. Then the same of the rules that it judges GlobalPlatform's calls by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support/gp_model.h"
#include "support/linearize.h"
#include "support/random.h"

#define ENOUGH 100000u

/* --- One number, read, written and exchanged --------------------------------------------- */

enum kind {
    READ,
    WRITE,
    SWAP, /* from `value` to `to`, or it fails since there was another value */
};

struct call {
    struct linearize_span span;
    enum kind kind;
    uint32_t value, to;
    bool failed;
};

static bool number_apply(const void *context, void *state_bytes, const void *call_bytes)
{
    const struct call *call = call_bytes;
    uint32_t *state = state_bytes;

    (void)context;
    switch (call->kind) {
    case READ:
        return *state == call->value;
    case WRITE:
        *state = call->value;
        return true;
    default:
        if (call->failed)
            return *state != call->value;
        if (*state != call->value)
            return false;
        *state = call->to;
        return true;
    }
}

static bool number_only_looks(const void *call_bytes)
{
    const struct call *call = call_bytes;

    return call->kind == READ || (call->kind == SWAP && call->failed);
}

static void number_print_call(FILE *out, const void *call_bytes)
{
    const struct call *call = call_bytes;

    fprintf(out, "%u %u", (unsigned)call->kind, call->value);
}

static void number_print_state(FILE *out, const void *state_bytes)
{
    fprintf(out, "%u", *(const uint32_t *)state_bytes);
}

static const struct linearize_model number = {.call_size = sizeof(struct call),
                                              .state_size = sizeof(uint32_t),
                                              .apply = number_apply,
                                              .only_looks = number_only_looks,
                                              .print_call = number_print_call,
                                              .print_state = number_print_state};

static struct linearize_result judge(const struct call *calls, size_t count)
{
    struct linearize_result result;
    uint32_t state = 0;

    linearize(&number, &state, calls, count, ENOUGH, &result);
    return result;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_no_calls_are_fine(void **state)
{
    (void)state;
    assert_int_equal(judge(NULL, 0).verdict, LINEARIZE_YES);
}

static void test_overlapping_calls_take_either_order(void **state)
{
    const struct call calls[] = {
        {.span = {1, 10}, .kind = WRITE, .value = 7},
        {.span = {2, 3}, .kind = READ, .value = 0},
        {.span = {4, 5}, .kind = READ, .value = 7},
        {.span = {6, 9}, .kind = SWAP, .value = 0, .failed = true},
        {.span = {11, 12}, .kind = SWAP, .value = 7, .to = 8},
        {.span = {13, 14}, .kind = READ, .value = 8},
    };
    struct linearize_result result = judge(calls, COUNT(calls));

    (void)state;
    assert_int_equal(result.verdict, LINEARIZE_YES);
    assert_int_equal(result.count, COUNT(calls));
    assert_int_equal(result.order[0], 1);
    assert_int_equal(result.order[1], 0);
}

static void test_state_at_the_end_is_told(void **state)
{
    const struct call calls[] = {{.span = {1, 4}, .kind = SWAP, .value = 5, .to = 6},
                                 {.span = {2, 3}, .kind = WRITE, .value = 5}};
    struct linearize_result result;
    uint32_t value = 0;

    (void)state;
    linearize(&number, &value, calls, COUNT(calls), ENOUGH, &result);
    assert_int_equal(result.verdict, LINEARIZE_YES);
    assert_int_equal(value, 6);
}

static void test_stale_read_is_found(void **state)
{
    const struct call calls[] = {
        {.span = {1, 2}, .kind = WRITE, .value = 7},
        {.span = {3, 4}, .kind = READ, .value = 0},
    };
    struct linearize_result result = judge(calls, COUNT(calls));

    (void)state;
    assert_int_equal(result.verdict, LINEARIZE_NO);
    assert_int_equal(result.stuck, 1);
}

/* New and old again, while a write is under way. */
static void test_read_that_goes_back_is_found(void **state)
{
    const struct call calls[] = {
        {.span = {1, 10}, .kind = WRITE, .value = 7},
        {.span = {2, 3}, .kind = READ, .value = 7},
        {.span = {4, 5}, .kind = READ, .value = 0},
        {.span = {11, 12}, .kind = READ, .value = 7},
    };
    struct linearize_result result = judge(calls, COUNT(calls));

    (void)state;
    assert_int_equal(result.verdict, LINEARIZE_NO);
    assert_int_equal(result.stuck, 2);
    assert_int_equal(result.count, 2);
}

static void test_lost_update_is_found(void **state)
{
    const struct call calls[] = {
        {.span = {1, 5}, .kind = SWAP, .value = 0, .to = 1},
        {.span = {2, 6}, .kind = SWAP, .value = 0, .to = 2},
    };

    (void)state;
    assert_int_equal(judge(calls, COUNT(calls)).verdict, LINEARIZE_NO);
}

/* What fails in the beginning is told, whatever fails later. */
static void test_first_answer_that_fits_nowhere_is_told(void **state)
{
    const struct call calls[] = {
        {.span = {20, 21}, .kind = READ, .value = 99}, {.span = {1, 4}, .kind = WRITE, .value = 1},
        {.span = {2, 5}, .kind = WRITE, .value = 2},   {.span = {6, 8}, .kind = READ, .value = 1},
        {.span = {7, 10}, .kind = READ, .value = 2},
    };
    struct linearize_result result = judge(calls, COUNT(calls));

    (void)state;
    assert_int_equal(result.verdict, LINEARIZE_NO);
    assert_int_equal(result.stuck, 4);
}

static void test_giving_up_is_told(void **state)
{
    struct linearize_result result;
    struct call calls[20];
    uint32_t value = 0;

    (void)state;
    for (unsigned i = 0; i < COUNT(calls); i++)
        calls[i] = (struct call){.span = {1 + i, 100 + i}, .kind = WRITE, .value = i};
    calls[19] = (struct call){.span = {200, 201}, .kind = READ, .value = 1000};
    linearize(&number, &value, calls, COUNT(calls), 1000, &result);
    assert_int_equal(result.verdict, LINEARIZE_UNKNOWN);
    assert_in_range(result.looked_at, 1000, 1001);
    assert_int_equal(value, 0);
}

/* Twelve writes at once have 12! orders, but no more than 12 * 2^11 sets, each with a last one. */
static void test_what_was_met_before_is_not_looked_at_again(void **state)
{
    struct linearize_result result;
    struct call calls[13];
    uint32_t value = 0;

    (void)state;
    for (unsigned i = 0; i < 12; i++)
        calls[i] = (struct call){.span = {1 + i, 100 + i}, .kind = WRITE, .value = i};
    calls[12] = (struct call){.span = {200, 201}, .kind = READ, .value = 1000};
    linearize(&number, &value, calls, COUNT(calls), ENOUGH, &result);
    assert_int_equal(result.verdict, LINEARIZE_NO);
    assert_int_equal(result.looked_at, 12 * (1 << 11));
}

static void test_explanation_begins_where_all_was_quiet(void **state)
{
    const struct call calls[] = {
        {.span = {1, 2}, .kind = WRITE, .value = 3},   {.span = {3, 6}, .kind = WRITE, .value = 4},
        {.span = {4, 10}, .kind = WRITE, .value = 5},  {.span = {7, 8}, .kind = READ, .value = 3},
        {.span = {12, 13}, .kind = READ, .value = 77},
    };
    struct linearize_result result = judge(calls, COUNT(calls));
    FILE *out = tmpfile();
    char text[1000] = "";
    uint32_t value = 0;

    (void)state;
    assert_non_null(out);
    linearize_explain(out, &number, &value, calls, COUNT(calls), &result);
    rewind(out);
    assert_true(fread(text, 1, sizeof(text) - 1, out) > 0);
    fclose(out);
    assert_int_equal(result.stuck, 3);
    assert_non_null(strstr(text, "before:  3\n"));
    assert_non_null(strstr(text, "     3-6      1 4\n"));
    assert_non_null(strstr(text, "no order explains this answer:\n       7-8      0 3\n"));
    assert_null(strstr(text, "77"));
}

/* Every order of the calls that aren't in `taken` yet. */
static bool any_order(const struct call *calls, size_t count, unsigned taken, uint32_t value)
{
    if (taken == (1u << count) - 1)
        return true;
    for (size_t i = 0; i < count; i++) {
        bool is_first = (taken >> i & 1) == 0;
        uint32_t after = value;

        for (size_t j = 0; j < count; j++)
            is_first = is_first &&
                       ((taken >> j & 1) != 0 || calls[j].span.end > calls[i].span.begin);
        if (is_first && number_apply(NULL, &after, &calls[i]) &&
            any_order(calls, count, taken | 1u << i, after))
            return true;
    }
    return false;
}

#define RANDOM_CALLS 7u

static void draw_calls(struct random *random, struct call *calls)
{
    uint64_t moments[2 * RANDOM_CALLS] = {0};

    for (unsigned i = 0; i < COUNT(moments); i++) {
        uint64_t j = random_below(random, i + 1);

        moments[i] = moments[j];
        moments[j] = i;
    }
    for (unsigned i = 0; i < RANDOM_CALLS; i++) {
        uint64_t a = moments[2 * i];
        uint64_t b = moments[2 * i + 1];

        calls[i] = (struct call){.span = {a < b ? a : b, a < b ? b : a},
                                 .kind = (enum kind)random_below(random, 3),
                                 .value = (uint32_t)random_below(random, 3),
                                 .to = (uint32_t)random_below(random, 3),
                                 .failed = random_below(random, 2) == 0};
    }
}

static void test_agrees_with_trying_every_order(void **state)
{
    unsigned rounds = getenv("COFFER_DEEP") != NULL ? 200000 : 10000;
    struct call calls[RANDOM_CALLS];
    struct random random;
    unsigned yes = 0;

    (void)state;
    random_init(&random, "linearize");
    for (unsigned round = 0; round < rounds; round++) {
        struct linearize_result result;
        bool wanted;

        draw_calls(&random, calls);
        wanted = any_order(calls, RANDOM_CALLS, 0, 0);
        result = judge(calls, RANDOM_CALLS);
        assert_int_equal(result.verdict, wanted ? LINEARIZE_YES : LINEARIZE_NO);
        yes += wanted;
    }
    assert_in_range(yes, rounds / 20, rounds - rounds / 20);
}

/* --- GlobalPlatform's rules -------------------------------------------------------------- */

#define R TEE_DATA_FLAG_ACCESS_READ
#define W TEE_DATA_FLAG_ACCESS_WRITE
#define M TEE_DATA_FLAG_ACCESS_WRITE_META
#define S (TEE_DATA_FLAG_SHARE_READ | TEE_DATA_FLAG_SHARE_WRITE)

static const struct gp_model_rules strict;
static const struct gp_model_rules optee = {.all_share_alike = true};
static const struct gp_model_rules in_little = {.may_be_short = true};

/* What one call is, on handle 0 of a thread. */
static struct gp_model_call on(uint8_t thread, enum gp_model_kind kind)
{
    return (struct gp_model_call){.kind = kind, .thread = thread};
}

static struct gp_model_call creates(uint8_t thread, uint32_t flags, uint8_t size, uint32_t stamp)
{
    return (struct gp_model_call){
        .kind = GP_CREATE, .thread = thread, .flags = (uint8_t)flags, .size = size, .stamp = stamp};
}

static struct gp_model_call opens(uint8_t thread, uint32_t flags)
{
    return (struct gp_model_call){.kind = GP_OPEN, .thread = thread, .flags = (uint8_t)flags};
}

static struct gp_model_call sized(uint8_t thread, enum gp_model_kind kind, uint8_t size)
{
    return (struct gp_model_call){.kind = kind, .thread = thread, .size = size};
}

static struct gp_model_call writes(uint8_t thread, uint8_t size, uint32_t stamp)
{
    return (struct gp_model_call){.kind = GP_WRITE, .thread = thread, .size = size, .stamp = stamp};
}

static struct gp_model_call sees(uint8_t thread, uint8_t count, uint32_t one, uint32_t other)
{
    return (struct gp_model_call){.kind = GP_READ,
                                  .thread = thread,
                                  .size = 2,
                                  .seen = {.size = count, .cells = {one, other}}};
}

static struct gp_model_call is_told(uint8_t thread, uint32_t size, uint32_t usage, uint32_t flags)
{
    return (struct gp_model_call){.kind = GP_INFO,
                                  .thread = thread,
                                  .flags = (uint8_t)flags,
                                  .seen = {.size = size, .usage = usage}};
}

static struct gp_model_call at(uint8_t position, struct gp_model_call call)
{
    call.position = position;
    return call;
}

static struct gp_model_call named(struct gp_model_call call, uint8_t name)
{
    call.name = name;
    return call;
}

static struct gp_model_call over(struct gp_model_call call)
{
    call.overwrites = true;
    return call;
}

static struct gp_model_call answered(struct gp_model_call call, TEE_Result result)
{
    call.result = result;
    return call;
}

static struct gp_model_call conflict(struct gp_model_call call)
{
    return answered(call, TEE_ERROR_ACCESS_CONFLICT);
}

static struct gp_model_call not_found(struct gp_model_call call)
{
    return answered(call, TEE_ERROR_ITEM_NOT_FOUND);
}

/* It is under way from the n-th to the m-th call of the list. */
static struct gp_model_call during(unsigned n, unsigned m, struct gp_model_call call)
{
    call.span = (struct linearize_span){100 * n + 50 + call.thread, 100 * m + 70 + call.thread};
    return call;
}

/* One after another, but for those that say when they were. */
static enum linearize_verdict judge_gp(const struct gp_model_rules *rules,
                                       struct gp_model_call *calls, size_t count)
{
    struct linearize_model model = gp_model(rules);
    struct gp_model_state state;
    struct linearize_result result;

    memset(&state, 0, sizeof(state));
    for (size_t i = 0; i < count; i++) {
        if (calls[i].span.end == 0)
            calls[i].span = (struct linearize_span){100 * i, 100 * i + 1};
    }
    linearize(&model, &state, calls, count, ENOUGH, &result);
    return result.verdict;
}

#define assert_judged(rules, as, ...)                                                              \
    do {                                                                                           \
        struct gp_model_call calls[] = {__VA_ARGS__};                                              \
        assert_int_equal(judge_gp((rules), calls, COUNT(calls)), (as));                            \
    } while (0)
#define assert_fine(...)  assert_judged(&strict, LINEARIZE_YES, __VA_ARGS__)
#define assert_wrong(...) assert_judged(&strict, LINEARIZE_NO, __VA_ARGS__)

static void test_gp_reads_see_what_was_written(void **state)
{
    (void)state;
    assert_fine(creates(0, R | W | S, 2, 5), opens(1, R | S), sees(1, 2, 5, 5),
                at(1, writes(0, 1, 6)), at(2, sees(1, 0, 0, 0)), at(1, sees(1, 1, 6, 0)),
                sees(1, 2, 5, 6));
    assert_fine(creates(0, R | W | S, 2, 5), opens(1, R | S), during(2, 3, writes(0, 2, 6)),
                during(2, 3, sees(1, 2, 5, 5)));
    assert_wrong(creates(0, R | W | S, 2, 5), opens(1, R | S), writes(0, 2, 6),
                 sees(1, 2, 5, 5)); /* what was there before */
    assert_wrong(creates(0, R | W | S, 2, 5), opens(1, R | S), during(2, 3, writes(0, 2, 6)),
                 during(2, 3, sees(1, 2, 6, 5))); /* half of a write */
    assert_wrong(creates(0, R | W | S, 2, 5), sees(0, 2, 5, GP_MODEL_TORN));
    assert_wrong(creates(0, R | W | S, 2, 5), sees(0, 1, 5, 0)); /* less than there is */
}

static void test_gp_no_write_is_lost(void **state)
{
    (void)state;
    assert_fine(creates(0, R | W | S, 0, 0), opens(1, W | S), during(2, 3, writes(0, 1, 6)),
                during(2, 3, writes(1, 2, 7)), sees(0, 2, 6, 7));
    assert_wrong(creates(0, R | W | S, 0, 0), opens(1, W | S), during(2, 3, writes(0, 1, 6)),
                 during(2, 3, at(1, writes(1, 1, 7))), sees(0, 2, 0, 7));
}

static void test_gp_sizes_are_reckoned_with(void **state)
{
    (void)state;
    assert_fine(creates(0, R | W, 2, 5), sized(0, GP_TRUNCATE, 1), sized(0, GP_TRUNCATE, 2),
                is_told(0, 2, UINT32_MAX, R | W), sees(0, 2, 5, 0), sized(0, GP_TRUNCATE, 1),
                at(1, on(0, GP_SEEK_END)), is_told(0, 1, UINT32_MAX, R | W));
    assert_wrong(creates(0, R | W, 2, 5), sized(0, GP_TRUNCATE, 1), sized(0, GP_TRUNCATE, 2),
                 sees(0, 2, 5, 5));
    assert_wrong(creates(0, R | W, 2, 5), is_told(0, 1, UINT32_MAX, R | W));
    assert_wrong(creates(0, R | W, 2, 5), is_told(0, 2, UINT32_MAX, R));
}

static void test_gp_names_are_made_once(void **state)
{
    (void)state;
    assert_fine(during(0, 1, creates(0, 0, 1, 5)), during(0, 1, conflict(creates(1, 0, 1, 6))));
    assert_wrong(during(0, 1, creates(0, R, 1, 5)), during(0, 1, creates(1, R, 1, 6)));
    assert_wrong(creates(0, R, 1, 5), on(0, GP_CLOSE), creates(1, R, 1, 6));
    assert_wrong(conflict(creates(0, R, 1, 5)));
    assert_wrong(creates(0, R, 1, 5), over(creates(1, R, 1, 6))); /* it is open */
    assert_fine(creates(0, R, 1, 5), on(0, GP_CLOSE), over(creates(1, R, 1, 6)), sees(1, 1, 6, 0));
    assert_wrong(creates(0, R, 1, 5), on(0, GP_CLOSE), over(creates(1, R, 1, 6)), sees(1, 1, 5, 0));
}

static void test_gp_deleted_objects_are_gone(void **state)
{
    (void)state;
    assert_fine(creates(0, M, 1, 5), on(0, GP_DELETE), not_found(opens(1, R)), creates(1, R, 1, 6));
    assert_wrong(creates(0, M, 1, 5), on(0, GP_DELETE), opens(1, R));
    assert_wrong(creates(0, M, 1, 5), on(0, GP_DELETE), conflict(creates(1, R, 1, 6)));
    assert_wrong(not_found(opens(0, R)), opens(0, R));
}

static void test_gp_renamed_objects_have_one_name(void **state)
{
    (void)state;
    assert_fine(creates(0, M, 1, 5), named(on(0, GP_RENAME), 1), not_found(opens(1, R)),
                conflict(named(opens(1, R), 1)), on(0, GP_CLOSE), named(opens(1, R), 1),
                sees(1, 1, 5, 0));
    assert_wrong(creates(0, M, 1, 5), named(on(0, GP_RENAME), 1), on(0, GP_CLOSE), opens(1, R));
    assert_wrong(creates(0, M, 1, 5), named(creates(1, R, 1, 6), 1),
                 named(on(0, GP_RENAME), 1)); /* over another object */
    assert_wrong(creates(0, M, 1, 5), named(on(0, GP_RENAME), 0));
}

static void test_gp_sharing_is_as_the_standard_has_it(void **state)
{
    (void)state;
    assert_wrong(creates(0, M, 1, 5), opens(1, R | S));
    assert_wrong(creates(0, R | S, 1, 5), opens(1, M));
    assert_wrong(creates(0, 0, 1, 5), opens(1, R | S));
    assert_wrong(creates(0, R | S, 1, 5), opens(1, R));
    assert_wrong(creates(0, R, 1, 5), opens(1, R | S));
    assert_wrong(creates(0, R | TEE_DATA_FLAG_SHARE_READ, 1, 5), opens(1, W | S));
    assert_wrong(creates(0, R | S, 1, 5), conflict(opens(1, R | S)));
    assert_fine(creates(0, R | S, 1, 5), opens(1, R | TEE_DATA_FLAG_SHARE_READ));
    assert_judged(&optee, LINEARIZE_NO, creates(0, R | S, 1, 5),
                  opens(1, R | TEE_DATA_FLAG_SHARE_READ));
    assert_fine(creates(0, R, 1, 5), on(0, GP_CLOSE), opens(1, R));
    assert_fine(creates(0, R, 1, 5), during(1, 2, on(0, GP_CLOSE)), during(1, 2, opens(1, R)));
}

static void test_gp_usage_is_one_for_all(void **state)
{
    struct gp_model_call no_one = {.kind = GP_RESTRICT, .thread = 0, .usage = ~UINT32_C(1)};
    struct gp_model_call no_two = {.kind = GP_RESTRICT, .thread = 1, .usage = ~UINT32_C(2)};

    (void)state;
    assert_fine(creates(0, R | S, 0, 0), opens(1, R | S), during(2, 3, no_one),
                during(2, 3, no_two), is_told(0, 0, ~UINT32_C(3), R | S));
    assert_wrong(creates(0, R | S, 0, 0), opens(1, R | S), during(2, 3, no_one),
                 during(2, 3, no_two), is_told(0, 0, ~UINT32_C(2), R | S));
}

static void test_gp_enumerations_tell_what_was_there(void **state)
{
    struct gp_model_call listed = {
        .kind = GP_LISTED, .thread = 1, .seen = {.size = 2, .usage = UINT32_MAX}};
    struct gp_model_call open_for = {.kind = GP_FLAGS, .thread = 1, .flags = (uint8_t)(R | W | S)};
    struct gp_model_call unlisted = {.kind = GP_UNLISTED, .thread = 1};

    (void)state;
    assert_fine(creates(0, R | W | S, 2, 5), listed, open_for, on(0, GP_CLOSE), opens(0, M),
                during(4, 6, unlisted), on(0, GP_DELETE));
    assert_wrong(creates(0, R | W | S, 1, 5), listed);
    assert_wrong(creates(0, R | S, 2, 5), open_for);
    assert_wrong(creates(0, M, 2, 5), unlisted, on(0, GP_DELETE)); /* it was there all the time */
    assert_wrong(listed);
}

static void test_gp_without_memory_nothing_is_done(void **state)
{
    (void)state;
    assert_judged(&in_little, LINEARIZE_YES, answered(creates(0, R, 1, 5), TEE_ERROR_OUT_OF_MEMORY),
                  creates(0, R | W, 1, 6),
                  answered(writes(0, 1, 7), TEE_ERROR_STORAGE_NOT_AVAILABLE), sees(0, 1, 6, 0));
    assert_judged(&in_little, LINEARIZE_NO, creates(0, R | W, 1, 6),
                  answered(writes(0, 1, 7), TEE_ERROR_STORAGE_NOT_AVAILABLE), sees(0, 1, 7, 0));
    assert_judged(&in_little, LINEARIZE_YES, creates(0, M, 1, 5),
                  answered(on(0, GP_DELETE), TEE_ERROR_STORAGE_NOT_AVAILABLE), opens(1, R));
    assert_wrong(answered(creates(0, R, 1, 5), TEE_ERROR_OUT_OF_MEMORY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_calls_are_fine),
        cmocka_unit_test(test_overlapping_calls_take_either_order),
        cmocka_unit_test(test_state_at_the_end_is_told),
        cmocka_unit_test(test_stale_read_is_found),
        cmocka_unit_test(test_read_that_goes_back_is_found),
        cmocka_unit_test(test_lost_update_is_found),
        cmocka_unit_test(test_first_answer_that_fits_nowhere_is_told),
        cmocka_unit_test(test_giving_up_is_told),
        cmocka_unit_test(test_what_was_met_before_is_not_looked_at_again),
        cmocka_unit_test(test_explanation_begins_where_all_was_quiet),
        cmocka_unit_test(test_agrees_with_trying_every_order),
        cmocka_unit_test(test_gp_reads_see_what_was_written),
        cmocka_unit_test(test_gp_no_write_is_lost),
        cmocka_unit_test(test_gp_sizes_are_reckoned_with),
        cmocka_unit_test(test_gp_names_are_made_once),
        cmocka_unit_test(test_gp_deleted_objects_are_gone),
        cmocka_unit_test(test_gp_renamed_objects_have_one_name),
        cmocka_unit_test(test_gp_sharing_is_as_the_standard_has_it),
        cmocka_unit_test(test_gp_usage_is_one_for_all),
        cmocka_unit_test(test_gp_enumerations_tell_what_was_there),
        cmocka_unit_test(test_gp_without_memory_nothing_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
