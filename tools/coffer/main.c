/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer: a store's objects from the command line. Options, the verb, the exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "options.h"
#include "report.h"
#include "verbs.h"

struct verb {
    const char *name;
    verb_function *run;
    const char *summary;
};

static const struct verb verbs[] = {
    {"init", verb_init, "make a new store, and a key for it if none is given"},
    {"put", verb_put, "store a file or standard input as an object"},
    {"get", verb_get, "write an object's data to a file or standard output"},
    {"ls", verb_ls, "list objects"},
    {"stat", verb_stat, "tell everything about one object"},
    {"rm", verb_rm, "delete objects"},
    {"mv", verb_mv, "rename an object"},
    {"truncate", verb_truncate, "cut an object, or grow it with zeros"},
    {"check", verb_check, "verify the whole store; mend it with --repair"},
    {"dump", verb_dump, "show the structure of one stored file"},
    {"stats", verb_stats, "memory, cache, device and crypto counters"},
    {"memory", verb_memory, "a map of secure memory; --demo: of a workload, live"},
    {"tune", verb_tune, "what a recorded run would cost with other sizes of memory"},
    {"ta", verb_ta, "run a trusted application from its shared object"},
    {"demo", verb_demo, "see it all work, in a temporary directory"},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const char description[] =
    "Trusted storage, byte-compatible with OP-TEE's: keep objects encrypted, authenticated and "
    "safe from power cuts in a directory, inside a fixed amount of secure memory.";

static const char epilogue[] =
    "An object's ID is text, or hex: and hex digits. `coffer VERB --help` tells a verb's own "
    "options.\n\n"
    "Exit status: 0 done; 1 other failure; 2 wrong usage; 3 not found; 4 conflict (exists, locked, "
    "in use); 5 corrupt; 6 rolled back; 7 shortage (memory or space); 8 I/O error.";

/* What stands before the verb, and where the verb is. */
struct front {
    struct options options;
    int verb; /* index in argv; 0: none */
    int next; /* where reading the options failed */
};

static error_t parse_front(int key, char *value, struct argp_state *state)
{
    struct front *front = state->input;

    (void)value;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &front->options;
        return 0;
    case ARGP_KEY_ERROR:
        front->next = state->next;
        return ARGP_ERR_UNKNOWN;
    case ARGP_KEY_ARG:
        /* The rest is the verb's to read. */
        front->verb = state->next - 1;
        state->next = state->argc;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The list of verbs and the words below the options, for --help. */
static char *help_text(int key, const char *text, void *input)
{
    char *out = NULL;
    size_t size = 0;
    FILE *stream;

    (void)input;
    if (key == ARGP_KEY_HELP_PRE_DOC) {
        stream = must_have(open_memstream(&out, &size));
        fprintf(stream, "%s\n\nVerbs:\n", text);
        for (size_t i = 0; i < VERB_COUNT; i++)
            fprintf(stream, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
        fputs("\nOptions, before or behind the verb:", stream);
        (void)fclose(stream);
        return must_have(out);
    }
    if (key == ARGP_KEY_HELP_POST_DOC)
        return must_have(strdup(epilogue));
    return text == NULL ? NULL : must_have(strdup(text));
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

/* Many commands have a verb for it. */
static enum exit_status refuse_help(struct options *options, const char *about)
{
    bool known = about != NULL && find_verb(about) != NULL;

    return fail_usage(options, "help: no such verb; it is `coffer%s%s --help`", known ? " " : "",
                      known ? about : "");
}

static enum exit_status run(struct front *front, int argc, char **argv)
{
    const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {NULL,      parse_front, "VERB [ARGUMENT...]", description, children,
                              help_text, NULL};
    struct options *options = &front->options;
    const struct verb *verb;
    error_t error;

    error = argp_parse(&argp, argc, argv,
                       ARGP_IN_ORDER | ARGP_NO_EXIT | ARGP_NO_HELP | ARGP_NO_ERRS, NULL, front);
    if (error != 0)
        return options->reported ? report_exit(options)
                                 : options_refuse(options, "", NULL, argv, front->next);
    if (front->verb == 0)
        return fail_usage(options, "no verb; `coffer --help` lists them");
    if (strcmp(argv[front->verb], "help") == 0)
        return refuse_help(options, argv[front->verb + 1]);
    verb = find_verb(argv[front->verb]);
    if (verb == NULL)
        return fail_usage(options, "%s: no such verb; `coffer --help` lists them",
                          argv[front->verb]);
    return verb->run(options, argc - front->verb, argv + front->verb);
}

int main(int argc, char **argv)
{
    static char name[] = "coffer";
    struct front front = {.verb = 0};
    enum exit_status result;

    options_init(&front.options);
    interrupt_init();
    if (argc > 0)
        argv[0] = name;
    result = run(&front, argc, argv);
    interrupt_obey();
    /* What could not be written was not said: a full disk must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && result == EXIT_DONE)
        result = fail_errno(&front.options, errno == 0 ? EIO : errno, "standard output");
    return (int)result;
}
