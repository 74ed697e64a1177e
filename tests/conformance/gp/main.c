/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The suite's driver:  conformance [gp-1.3.1 | optee-4] [--bail] [TEXT]
 *
 * All rules of that profile, or those with the text in their lines; with --bail no further than to
 * the first that fails. Ends with 1 when one failed.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "library.h"
#include "support/must.h"

static struct {
    enum gp_profile profile;
    bool bail;
    const char *only; /* NULL: all */

    struct rule *rules;
    size_t count;

    /* Of the case that runs. */
    pthread_mutex_t lock;
    unsigned failures;
} suite = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const profile_names[GP_PROFILES] = {"gp-1.3.1", "optee-4"};

/* --- Rules ------------------------------------------------------------------------------- */

static void format_line(const struct rule *rule, char *line, size_t size)
{
    must((size_t)snprintf(line, size, "%s: %s (%s)", rule->function, rule->text, rule->clause) <
         size);
}

static bool is_wanted(const struct rule *rule)
{
    char line[2 * CASE_TEXT_SIZE];

    if (rule->profiles == IN_STRICT && suite.profile != GP_1_3_1)
        return false;
    if (rule->profiles == IN_OPTEE && suite.profile != GP_OPTEE_4)
        return false;
    format_line(rule, line, sizeof(line));
    return suite.only == NULL || strstr(line, suite.only) != NULL;
}

void add(const struct rule *rule)
{
    size_t size = strlen(rule->text) + 1;

    must(size <= CASE_TEXT_SIZE);
    if (!is_wanted(rule))
        return;
    suite.rules = must_realloc(suite.rules, (suite.count + 1) * sizeof(*rule));
    suite.rules[suite.count] = *rule;
    suite.rules[suite.count].profile = suite.profile;
    suite.rules[suite.count].text = must_copy(rule->text, size);
    suite.count++;
}

void add_all(const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(&rules[i]);
}

static void add_everything(void)
{
    add_properties();
    add_memory();
    add_handles();
    add_objects();
    add_transient();
    add_generation();
    add_operations();
    add_operation_states();
    add_operation_arguments();
    add_operation_keys();
    add_storage_open();
    add_storage_create();
    add_storage_rename_delete();
    add_streams();
    add_enumerators();
    add_sharing();
    add_isolation();
    add_persistence();
    add_corruption();
    add_sessions();
    add_client_arguments();
    add_shortage_storage();
    add_shortage_crypto();
}

/* --- Expectations ------------------------------------------------------------------------ */

__attribute__((format(printf, 1, 0))) static void note_line(const char *format, va_list arguments)
{
    must(pthread_mutex_lock(&suite.lock) == 0);
    suite.failures++;
    if (suite.failures <= 20) {
        printf("# ");
        vprintf(format, arguments);
        printf("\n");
    }
    must(pthread_mutex_unlock(&suite.lock) == 0);
}

void note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note_line(format, arguments);
    va_end(arguments);
}

unsigned failures(void)
{
    unsigned count;

    must(pthread_mutex_lock(&suite.lock) == 0);
    count = suite.failures;
    must(pthread_mutex_unlock(&suite.lock) == 0);
    return count;
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash != NULL ? slash + 1 : file;
}

bool expect_at(const char *file, int line, const char *what, bool is_so)
{
    if (!is_so)
        note("%s:%d: not so: %s", base_name(file), line, what);
    return is_so;
}

bool expect_result_at(const char *file, int line, const char *what, TEE_Result got,
                      TEE_Result wanted)
{
    if (got != wanted)
        note("%s:%d: 0x%08x instead of 0x%08x: %s", base_name(file), line, got, wanted, what);
    return got == wanted;
}

bool expect_equal_at(const char *file, int line, const char *what, uint64_t got, uint64_t wanted)
{
    if (got != wanted)
        note("%s:%d: %llu (0x%llx) instead of %llu (0x%llx): %s", base_name(file), line,
             (unsigned long long)got, (unsigned long long)got, (unsigned long long)wanted,
             (unsigned long long)wanted, what);
    return got == wanted;
}

/* --- Running ----------------------------------------------------------------------------- */

static void note_panic(const struct gp_instance *instance)
{
    note("panicked in %s with 0x%08x", gp_call_name(instance->panic_call), instance->panic_code);
}

bool run_in(struct gp_instance *instance, void (*body)(void *argument), void *argument)
{
    gp_run(instance, body, argument);
    if (instance->panicked)
        note_panic(instance);
    return !instance->panicked;
}

static void run_body(void *argument)
{
    const struct rule *rule = argument;

    rule->body(rule);
}

static void run_reopened(void *argument)
{
    const struct rule *rule = argument;

    rule->reopened(rule);
}

/* It must panic, as it says. */
static void run_panic(const struct rule *rule)
{
    const struct gp_instance *instance = world.instance;

    gp_run(world.instance, run_body, (void *)(uintptr_t)rule);
    if (!instance->panicked)
        note("no panic in %s", gp_call_name(rule->call));
    else if (instance->panic_call != rule->call ||
             (rule->panic != ANY_PANIC && instance->panic_code != rule->panic))
        note_panic(instance);
}

static void run_rule(const struct rule *rule)
{
    if (rule->by_itself != NULL) {
        rule->by_itself(rule);
        return;
    }
    world_open(suite.profile);
    if (rule->panic != TEE_SUCCESS)
        run_panic(rule);
    else
        (void)run_in(world.instance, run_body, (void *)(uintptr_t)rule);
    if (rule->reopened != NULL) {
        world_reopen();
        (void)run_in(world.instance, run_reopened, (void *)(uintptr_t)rule);
    }
    if (!world_close())
        note("not all came back");
}

static bool run_all(void)
{
    char line[2 * CASE_TEXT_SIZE];
    unsigned failed = 0;

    printf("TAP version 13\n1..%zu\n", suite.count);
    for (size_t i = 0; i < suite.count; i++) {
        suite.failures = 0;
        run_rule(&suite.rules[i]);
        format_line(&suite.rules[i], line, sizeof(line));
        printf("%sok %zu - %s\n", suite.failures == 0 ? "" : "not ", i + 1, line);
        (void)fflush(stdout);
        failed += suite.failures != 0;
        if (failed > 0 && suite.bail) {
            printf("Bail out!\n");
            break;
        }
    }
    printf("# %s: %zu rules, %u failed\n", profile_names[suite.profile], suite.count, failed);
    return failed == 0;
}

int main(int argc, char **argv)
{
    bool passed;

    if (argc > 1 && strcmp(argv[1], profile_names[GP_OPTEE_4]) == 0)
        suite.profile = GP_OPTEE_4;
    else if (argc > 1 && strcmp(argv[1], profile_names[GP_1_3_1]) != 0) {
        (void)fputs("usage: conformance [gp-1.3.1 | optee-4] [--bail] [TEXT]\n", stderr);
        return 2;
    }
    suite.bail = argc > 2 && strcmp(argv[2], "--bail") == 0;
    if (argc > (suite.bail ? 3 : 2))
        suite.only = argv[suite.bail ? 3 : 2];
    library_begin();
    add_everything();
    passed = run_all();
    for (size_t i = 0; i < suite.count; i++)
        free((void *)(uintptr_t)suite.rules[i].text);
    free(suite.rules);
    return passed ? 0 : 1;
}
