/* SPDX-License-Identifier: BSD-2-Clause */
/* The TEE that the environment describes: what goes wrong there is told on stderr, for people whose
 * program shows a code at most. Each program is a child. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/must.h"
#include "tee_client_api.h"

#define UUID_TEXT "c0ffe700-7e57-4000-8000-000000000011"

#define CORRUPT_OBJECT 0xf0100001 /* a TA's code, which clients have no name for */

static const TEEC_UUID counter = {0xc0ffe700, 0x7e57, 0x4000, {0x80, 0, 0, 0, 0, 0, 0, 0x11}};

enum {
    COMMAND_COUNT,
    COMMAND_PANIC,
    COMMAND_WRITE, /* to the address that is told */
};

static struct {
    char directory[64];
    char text[2000]; /* what the last child wrote to stderr */
} place;

/* --- Children ---------------------------------------------------------------------------- */

static void write_file(const char *name, const char *bytes)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", place.directory, name);
    file = fopen(path, "w");
    must(file != NULL && fputs(bytes, file) >= 0);
    must(fclose(file) == 0);
}

static void set(const char *variable, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", place.directory, name);
    must(setenv(variable, path, 1) == 0);
}

/* Run it, in the environment that is right, and tell how it ended. */
static int in_child(void (*body)(uint32_t argument), uint32_t argument)
{
    FILE *file = tmpfile();
    pid_t child;
    size_t got;
    int status;

    assert_non_null(file);
    child = fork();
    if (child == 0) {
        must(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
        must(dup2(fileno(file), STDERR_FILENO) >= 0);
        (void)signal(SIGSEGV, SIG_DFL); /* instead of cmocka's */
        set("COFFER_STORE", "store");
        set("COFFER_KEY", "key");
        set("COFFER_TA_PATH", "");
        body(argument);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    rewind(file);
    got = fread(place.text, 1, sizeof(place.text) - 1, file);
    place.text[got] = '\0';
    (void)fclose(file);
    return status;
}

static void expect_told(const char *text)
{
    if (strstr(place.text, text) == NULL)
        fail_msg("\"%s\" isn't told: %s", text, place.text);
}

static int begin(void **state)
{
    char path[128];

    (void)state;
    (void)snprintf(place.directory, sizeof(place.directory), "/tmp/coffer-environment-XXXXXX");
    must(mkdtemp(place.directory) != NULL);
    write_file("key", "000102030405060708090a0b0c0d0e0f\n");
    write_file("other key", "000102030405060708090a0b0c0d0e10\n");
    write_file("short key", "0001020304\n");
    (void)snprintf(path, sizeof(path), "%s/" UUID_TEXT ".so", place.directory);
    must(symlink(COUNTER_PATH, path) == 0);
    return 0;
}

static int end(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", place.directory);
    must(system(command) == 0);
    return 0;
}

static void open_counter(TEEC_Context *context, TEEC_Session *session)
{
    must(TEEC_OpenSession(context, session, &counter, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL) ==
         TEEC_SUCCESS);
}

/* --- Why there is none ------------------------------------------------------------------- */

static void come_and_go(uint32_t wanted)
{
    TEEC_Context context;

    must(TEEC_InitializeContext(NULL, &context) == wanted);
    if (wanted == TEEC_SUCCESS)
        TEEC_FinalizeContext(&context);
}

static void without(uint32_t which)
{
    must(unsetenv(which == 0 ? "COFFER_STORE" : "COFFER_KEY") == 0);
    come_and_go(TEEC_ERROR_ITEM_NOT_FOUND);
}

static void without_the_keys_file(uint32_t none)
{
    (void)none;
    set("COFFER_KEY", "no key");
    come_and_go(TEEC_ERROR_ITEM_NOT_FOUND);
}

static void with_a_short_key(uint32_t none)
{
    (void)none;
    set("COFFER_KEY", "short key");
    come_and_go(TEEC_ERROR_BAD_PARAMETERS);
}

static void with_another_key(uint32_t none)
{
    (void)none;
    set("COFFER_KEY", "other key");
    come_and_go(CORRUPT_OBJECT);
}

static void while_it_is_in_use(uint32_t none)
{
    int holder = open(getenv("COFFER_STORE"), O_RDONLY | O_DIRECTORY);

    (void)none;
    must(holder >= 0 && flock(holder, LOCK_EX | LOCK_NB) == 0); /* as a store is held */
    come_and_go(TEEC_ERROR_ACCESS_CONFLICT);
}

static void test_why_there_is_none_is_told(void **state)
{
    (void)state;
    assert_int_equal(in_child(without, 0), 0);
    expect_told("no TEE: COFFER_STORE=: not set\n");
    assert_int_equal(in_child(without, 1), 0);
    expect_told("no TEE: COFFER_KEY=: not set\n");
    assert_int_equal(in_child(without_the_keys_file, 0), 0);
    expect_told("/no key: No such file or directory\n");
    assert_int_equal(in_child(with_a_short_key, 0), 0);
    expect_told("/short key: no key: that is 16 or 32 bytes");
    assert_int_equal(in_child(come_and_go, TEEC_SUCCESS), 0); /* the store is made */
    assert_string_equal(place.text, "");
    assert_int_equal(in_child(with_another_key, 0), 0);
    expect_told("no TEE: COFFER_STORE=/tmp/");
    expect_told("/store: another key than COFFER_KEY's, or a damaged catalogue\n");
    assert_int_equal(in_child(while_it_is_in_use, 0), 0);
    expect_told("/store: in use\n");
}

/* --- Sessions that nobody closed --------------------------------------------------------- */

static void leave_open(uint32_t count)
{
    TEEC_Session session;
    TEEC_Context context;

    must(TEEC_InitializeContext(NULL, &context) == TEEC_SUCCESS);
    for (uint32_t i = 0; i < count; i++)
        open_counter(&context, &session);
    TEEC_FinalizeContext(&context);
    come_and_go(TEEC_SUCCESS); /* all is given back, the store, too */
}

static void test_sessions_left_open_are_told_of(void **state)
{
    (void)state;
    assert_int_equal(in_child(leave_open, 0), 0);
    assert_string_equal(place.text, "");
    assert_int_equal(in_child(leave_open, 1), 0);
    expect_told("warning: 1 session with " UUID_TEXT " was open when the TEE was closed");
    assert_int_equal(in_child(leave_open, 3), 0);
    expect_told("warning: 3 sessions with " UUID_TEXT " were open when the TEE was closed");
}

/* --- Bad pointers ------------------------------------------------------------------------- */

static void write_in_ta(uint32_t low, uint32_t high)
{
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0),
                                .params = {{.value = {low, high}}}};
    TEEC_Session session;
    TEEC_Context context;

    must(TEEC_InitializeContext(NULL, &context) == TEEC_SUCCESS);
    open_counter(&context, &session);
    (void)TEEC_InvokeCommand(&session, COMMAND_WRITE, &operation, NULL);
}

static void write_low(uint32_t address)
{
    write_in_ta(address, 0);
}

#if defined(__x86_64__)
static void write_high(uint32_t half)
{
    write_in_ta(half, half);
}
#endif

/* The client, when its TA has come back. */
static void write_afterwards(uint32_t address)
{
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0)};
    TEEC_Session session;
    TEEC_Context context;

    must(TEEC_InitializeContext(NULL, &context) == TEEC_SUCCESS);
    open_counter(&context, &session);
    must(TEEC_InvokeCommand(&session, COMMAND_COUNT, &operation, NULL) == TEEC_SUCCESS);
    *(volatile uint8_t *)(uintptr_t)address = 1;
}

static void handle(int signal)
{
    _exit(signal == SIGSEGV ? 7 : 1);
}

static void write_handled(uint32_t address)
{
    must(signal(SIGSEGV, handle) != SIG_ERR);
    write_in_ta(address, 0);
}

static void expect_segv(int ended)
{
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSEGV);
}

static void test_a_bad_pointer_of_a_ta_is_told_of(void **state)
{
    (void)state;
    expect_segv(in_child(write_low, 0));
    assert_string_equal(place.text, "coffer: TA " UUID_TEXT ": SIGSEGV at 0x0, which is nothing of "
                                    "its heap: the program ends\n");
    expect_segv(in_child(write_low, 1)); /* a block of no bytes */
    expect_told(": SIGSEGV at 0x1, which");
#if defined(__x86_64__)
    expect_segv(in_child(write_high, 0xdededede));
    expect_told(": SIGSEGV at no valid address, which");
#endif
    expect_segv(in_child(write_afterwards, 16));
    assert_string_equal(place.text, "");
    assert_int_equal(WEXITSTATUS(in_child(write_handled, 16)), 7); /* it has the word */
    assert_string_equal(place.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_why_there_is_none_is_told, begin, end),
        cmocka_unit_test_setup_teardown(test_sessions_left_open_are_told_of, begin, end),
        cmocka_unit_test_setup_teardown(test_a_bad_pointer_of_a_ta_is_told_of, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
