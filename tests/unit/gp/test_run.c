/* SPDX-License-Identifier: BSD-2-Clause */
/* TAs that run in threads, by the port's own means: who is current, and how they are left. */
#define TRACE_LEVEL 3

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "coffer/linux_memory.h"
#include "gp/gp.h"
#include "ports/linux/tee_device.h"
#include "ports/linux/tee_reach.h"
#include "trace.h"

static const TEE_UUID uuids[2] = {{1, 2, 3, {4}}, {5, 6, 7, {8}}};

struct system {
    struct coffer_memory *memory;
    struct gp_tee tee;
    struct gp_instance *instances[2];
};

static struct system sys;

static void begin(size_t swap_pages)
{
    const struct coffer_linux_memory_options options = {
        .memory = (size_t)1 << 20, .swap_pages = swap_pages, .swap_in_memory = true};
    const struct gp_limits limits = {.heap = (size_t)4 << 20, .frames = UINT64_MAX};
    struct gp_tee_settings settings = {.port = coffer_linux_port(), .reaches = tee_reaches};

    assert_int_equal(coffer_linux_memory_open(&options, &sys.memory), COFFER_OK);
    settings.memory = sys.memory;
    assert_int_equal(gp_tee_open(&sys.tee, &settings), COFFER_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(gp_instance_open(&sys.tee, &uuids[i], &limits, &sys.instances[i]),
                         COFFER_OK);
}

static void end(void)
{
    for (unsigned i = 0; i < 2; i++)
        gp_instance_close(sys.instances[i]);
    gp_tee_close(&sys.tee);
    coffer_memory_close(sys.memory);
}

static void run(unsigned i, void (*body)(void *argument), void *argument)
{
    gp_run(sys.instances[i], body, argument);
}

static void note_current(void *argument)
{
    *(struct gp_instance **)argument = gp_current();
}

static void test_current_is_who_runs(void **state)
{
    struct gp_instance *current = NULL;

    (void)state;
    begin(1024);
    for (unsigned i = 0; i < 2; i++) {
        run(i, note_current, &current);
        assert_ptr_equal(current, sys.instances[i]);
        assert_false(sys.instances[i]->panicked);
    }
    end();
}

static void panic_now(unsigned *depth)
{
    ++*depth;
    TEE_Panic(0xabcd);
}

static void panic_deep(void *argument)
{
    unsigned *depth = argument;

    ++*depth;
    panic_now(depth);
    ++*depth;
}

static void test_panic_leaves_the_code(void **state)
{
    unsigned depth = 0;

    (void)state;
    begin(1024);
    run(0, panic_deep, &depth);
    assert_int_equal(depth, 2);
    assert_true(sys.instances[0]->panicked);
    assert_int_equal(sys.instances[0]->panic_call, GP_CALL_PANIC);
    assert_int_equal(sys.instances[0]->panic_code, 0xabcd);
    end();
}

struct nested {
    unsigned depth;
    struct gp_instance *after;
};

static void call_other(void *argument)
{
    struct nested *nested = argument;

    run(1, panic_deep, &nested->depth);
    nested->after = gp_current();
}

static void test_panic_of_the_called_leaves_the_caller_alone(void **state)
{
    struct nested nested = {0};

    (void)state;
    begin(1024);
    run(0, call_other, &nested);
    assert_ptr_equal(nested.after, sys.instances[0]);
    assert_false(sys.instances[0]->panicked);
    assert_true(sys.instances[1]->panicked);
    end();
}

static void write_only_once(void *argument)
{
    *(unsigned *)argument = 1;
    *(volatile uint8_t *)(gp_current()->heap + gp_current()->heap_size) = 1;
    *(unsigned *)argument = 2;
}

static void test_access_beyond_the_heap_ends_the_instance(void **state)
{
    unsigned reached = 0;

    (void)state;
    begin(1024);
    assert_int_equal(coffer_space_unmap(sys.instances[0]->space,
                                        sys.instances[0]->heap + sys.instances[0]->heap_size / 2,
                                        sys.instances[0]->heap_size / 2),
                     COFFER_OK);
    sys.instances[0]->heap_size /= 2;
    run(0, write_only_once, &reached);
    assert_int_equal(reached, 1);
    assert_true(sys.instances[0]->panicked);
    assert_int_equal(sys.instances[0]->panic_call, GP_CALL_NONE);
    end();
}

/* There is no swap, and less memory than heap. */
static void use_up(void *argument)
{
    unsigned *count = argument;

    while (TEE_Malloc(20000, 0) != NULL)
        (*count)++;
}

static void touch_all(void *argument)
{
    struct gp_instance *instance = gp_current();

    (void)argument;
    for (size_t at = 0; at < instance->heap_size; at += COFFER_PAGE_SIZE)
        *(volatile uint8_t *)(instance->heap + at) = 1;
}

static void test_heap_that_memory_has_no_room_for(void **state)
{
    unsigned count = 0;

    (void)state;
    begin(0);
    run(0, use_up, &count);
    assert_in_range(count, 10, 50);
    assert_false(sys.instances[0]->panicked);
    gp_instance_close(sys.instances[0]);
    sys.instances[0] = sys.instances[1];
    run(0, touch_all, NULL);
    assert_true(sys.instances[0]->panicked);
    assert_int_equal(sys.instances[0]->panic_call, GP_CALL_NONE);
    assert_int_equal(sys.instances[0]->panic_code, TEE_ERROR_OUT_OF_MEMORY);
    gp_instance_close(sys.instances[0]);
    gp_tee_close(&sys.tee);
    coffer_memory_close(sys.memory);
}

static void work(void *argument)
{
    unsigned *rounds = argument;

    TEE_SetInstanceData(rounds);
    for (unsigned i = 0; i < 500; i++) {
        uint8_t *block = TEE_Malloc(1000 + i * 10, 0);

        if (TEE_GetInstanceData() != rounds)
            TEE_Panic(1);
        TEE_MemFill(block, (uint8_t)i, 1000); /* where it is NULL the test ends here */
        *rounds += block[999] == (uint8_t)i;
        TEE_Free(block);
    }
    TEE_Panic(2);
}

static unsigned rounds[2];

static void *work_in_thread(void *argument)
{
    unsigned i = *(unsigned *)argument;

    run(i, work, &rounds[i]);
    return NULL;
}

static void test_threads_have_their_own(void **state)
{
    static unsigned indices[2] = {0, 1};
    pthread_t threads[2];

    (void)state;
    begin(1024);
    for (unsigned i = 0; i < 2; i++) {
        rounds[i] = 0;
        assert_int_equal(pthread_create(&threads[i], NULL, work_in_thread, &indices[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(rounds[i], 500);
        assert_int_equal(sys.instances[i]->panic_code, 2);
    }
    end();
}

static void test_call_outside_of_a_ta_ends_the_program(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        TEE_Panic(1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_reach_is_what_is_mapped(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *bytes = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);
    int local;

    (void)state;
    assert_true(bytes != MAP_FAILED);
    assert_true(tee_reaches(&local, sizeof(local), true));
    assert_true(tee_reaches("text", 5, false));
    assert_int_equal(mprotect(bytes + page, page, PROT_READ), 0);
    assert_int_equal(munmap(bytes + 3 * page, page), 0);
    assert_true(tee_reaches(bytes, page, true));
    assert_true(tee_reaches(bytes + 100, 3 * page - 100, false));
    assert_false(tee_reaches(bytes, page + 1, true));
    assert_true(tee_reaches(bytes + 2 * page, page, true));
    assert_false(tee_reaches(bytes + 2 * page, page + 1, false));
    assert_int_equal(mprotect(bytes, page, PROT_NONE), 0);
    assert_false(tee_reaches(bytes + page - 1, 1, false));
    assert_false(tee_reaches((void *)16, 1, false));
    assert_false(tee_reaches(&local, SIZE_MAX, false)); /* around the end of all addresses */
    assert_false(tee_reaches(&local, SIZE_MAX - (uintptr_t)&local + 2, false));
    assert_int_equal(munmap(bytes, 3 * page), 0);
}

static void test_device_has_an_id_by_its_key(void **state)
{
    const struct coffer_key keys[2] = {
        {.kind = COFFER_KEY_HUK, .bytes = (const uint8_t *)"0123456789abcdef", .size = 16},
        {.kind = COFFER_KEY_HUK, .bytes = (const uint8_t *)"0123456789abcdeg", .size = 16}};
    TEE_UUID ids[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(tee_device_id(&keys[i / 2], &ids[i]), COFFER_OK);
        assert_int_equal(ids[i].timeHiAndVersion >> 12, 8);
        assert_int_equal(ids[i].clockSeqAndNode[0] >> 6, 2);
    }
    assert_memory_equal(&ids[0], &ids[1], sizeof(ids[0]));
    assert_memory_not_equal(&ids[0], &ids[2], sizeof(ids[0]));
}

/* What is written to stderr meanwhile; `size` bytes of room. */
static void collect(void (*body)(void), char *text, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t got;

    assert_true(file != NULL && saved >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    body();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    got = fread(text, 1, size - 1, file);
    text[got] = '\0';
    (void)fclose(file);
}

static void trace_some(void)
{
    EMSG("%d errors", 3);
    IMSG_RAW("told");
    DMSG("%s", "more");
    FMSG("too much %d", 1);
    DHEXDUMP("0123456789abcdefg", 17);
    coffer_tee_trace("here", 12, TRACE_FLOW, "flow");
}

static void test_trace_lines(void **state)
{
    char text[1000];

    (void)state;
    collect(trace_some, text, sizeof(text));
    assert_non_null(strstr(text, "E/TA: trace_some:"));
    assert_non_null(strstr(text, " 3 errors\nI/TA: told\nD/TA: trace_some:"));
    assert_null(strstr(text, "too much"));
    assert_non_null(strstr(text, " 0000: 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66\n"));
    assert_non_null(strstr(text, " 0010: 67\nF/TA: here:12 flow\n"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_current_is_who_runs),
    cmocka_unit_test(test_panic_leaves_the_code),
    cmocka_unit_test(test_panic_of_the_called_leaves_the_caller_alone),
    cmocka_unit_test(test_access_beyond_the_heap_ends_the_instance),
    cmocka_unit_test(test_heap_that_memory_has_no_room_for),
    cmocka_unit_test(test_threads_have_their_own),
    cmocka_unit_test(test_call_outside_of_a_ta_ends_the_program),
    cmocka_unit_test(test_reach_is_what_is_mapped),
    cmocka_unit_test(test_device_has_an_id_by_its_key),
    cmocka_unit_test(test_trace_lines),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
