/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "name.h"
#include "report.h"
#include "sizes.h"

#define OBJECTS_MOST (1u << 20) /* that the library takes */

enum {
    OPTION_STORE = 0x100,
    OPTION_ANCHOR,
    OPTION_KEY,
    OPTION_TEST_KEY,
    OPTION_KEY_KIND,
    OPTION_PROFILE,
    OPTION_TA,
    OPTION_MEMORY,
    OPTION_OBJECTS,
    OPTION_TRACE,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct argp_option switches[] = {
    {"store", OPTION_STORE, "URL", 0,
     "The store: a directory (DIR or dir:DIR). Default: $COFFER_STORE, else "
     "$XDG_DATA_HOME/coffer, else ~/.local/share/coffer",
     0},
    {"anchor", OPTION_ANCHOR, "URL", OPTION_HIDDEN, NULL, 0}, /* not in this build */
    {"key", OPTION_KEY, "FILE", 0,
     "File with the key: 16 or 32 bytes, raw or as hex digits. Default: $COFFER_KEY, else the "
     "store's name with .key behind it",
     0},
    {"test-key", OPTION_TEST_KEY, NULL, 0,
     "The published test key 00 01 .. 0f instead of a secret one", 0},
    {"key-kind", OPTION_KEY_KIND, "KIND", 0,
     "huk: a hardware unique key (default); ssk: the storage key itself", 0},
    {"profile", OPTION_PROFILE, "LIST", 0,
     "OP-TEE's build settings: optee[,huk-compat=no][,hash-compat=no]", 0},
    {"ta", OPTION_TA, "UUID", 0, "Whose objects. Default: " NAME_TA_DEFAULT, 0},
    {"memory", OPTION_MEMORY, "SIZE", 0, "Secure memory, 256K or more. Default: 1M", 0},
    {"objects", OPTION_OBJECTS, "N", 0,
     "Objects that stay open when nobody uses them, at most. Default: as the memory allows", 0},
    {"trace", OPTION_TRACE, "FILE", 0,
     "Add a record of the calls to FILE, without names or data; `coffer tune` reads it", 0},
    {"json", OPTION_JSON, NULL, 0, "Answer with one JSON value on standard output", 0},
    {"quiet", 'q', NULL, 0, "No notes and no progress on standard error, only errors", 0},
    {"help", OPTION_HELP, NULL, 0, "Show this text", -1},
    {"version", OPTION_VERSION, NULL, 0, "Show the version", -1},
    {0},
};

void options_init(struct options *options)
{
    memset(options, 0, sizeof(*options));
    name_ta_default(&options->ta);
}

/* `optee,huk-compat=no,…`: false when there is a word that isn't known. */
static bool read_profile(struct options *options, const char *value)
{
    char optee[] = "optee", huk[] = "huk-compat", hash[] = "hash-compat";
    char *const words[] = {optee, huk, hash, NULL};
    char *copy = strdup(value);
    char *rest = copy;
    bool good = copy != NULL;

    while (good && *rest != '\0') {
        char *setting = NULL;
        int word = getsubopt(&rest, words, &setting);
        bool no = setting != NULL && strcmp(setting, "no") == 0;
        bool yes = setting != NULL && strcmp(setting, "yes") == 0;

        if (word == 0)
            good = setting == NULL;
        else
            good = word > 0 && (no || yes);
        if (word == 1)
            options->huk_plain = no;
        if (word == 2)
            options->head_full_hash = no;
    }
    free(copy);
    return good;
}

static error_t set_memory(struct options *options, const char *value)
{
    uint64_t size;

    if (!size_parse(value, &size)) {
        fail_usage(options, "--memory %s: not a size; write it like 256K or 8M", value);
        return EINVAL;
    }
    if (size == 0 || size > COFFER_MEMORY_MAX) {
        fail_usage(options, "--memory %s: it is from 256K to less than 64G", value);
        return EINVAL;
    }
    options->memory = (size_t)size;
    return 0;
}

static error_t set_objects(struct options *options, const char *value)
{
    uint64_t count;

    if (!size_parse(value, &count) || count == 0 || count > OBJECTS_MOST) {
        fail_usage(options, "--objects %s: it is a number from 1 to 1M", value);
        return EINVAL;
    }
    options->cached_objects = (unsigned)count;
    return 0;
}

static void show_help(struct argp_state *state)
{
    state->flags &= ~(unsigned)ARGP_NO_ERRS; /* it would keep help from being printed too */
    argp_state_help(state, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
    exit(fflush(stdout) == 0 ? EXIT_DONE : EXIT_IO);
}

static void show_version(void)
{
    printf("coffer %s\n", coffer_version());
    exit(fflush(stdout) == 0 ? EXIT_DONE : EXIT_IO);
}

static error_t set_key(struct options *options, int key, char *value)
{
    if (key == OPTION_TEST_KEY)
        options->test_key = true;
    else if (key == OPTION_KEY)
        options->key_file = value;
    if (options->test_key && options->key_file != NULL) {
        fail_usage(options, "--key and --test-key exclude each other");
        return EINVAL;
    }
    if (key != OPTION_KEY_KIND)
        return 0;
    if (strcmp(value, "huk") != 0 && strcmp(value, "ssk") != 0) {
        fail_usage(options, "--key-kind %s: it is huk or ssk", value);
        return EINVAL;
    }
    options->key_kind = strcmp(value, "ssk") == 0 ? COFFER_KEY_SSK : COFFER_KEY_HUK;
    return 0;
}

static error_t parse_common(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case OPTION_STORE:
        options->store = value;
        return 0;
    case OPTION_ANCHOR:
        fail_status(options, COFFER_UNSUPPORTED, "leave --anchor out", "anchor %s", value);
        return EINVAL;
    case OPTION_KEY:
    case OPTION_TEST_KEY:
    case OPTION_KEY_KIND:
        return set_key(options, key, value);
    case OPTION_PROFILE:
        if (read_profile(options, value))
            return 0;
        fail_usage(options, "--profile %s: it is optee[,huk-compat=no][,hash-compat=no]", value);
        return EINVAL;
    case OPTION_TA:
        if (coffer_uuid_parse(value, &options->ta) == COFFER_OK)
            return 0;
        fail_usage(options, "--ta %s: not a UUID; it has the form " NAME_TA_DEFAULT, value);
        return EINVAL;
    case OPTION_MEMORY:
        return set_memory(options, value);
    case OPTION_OBJECTS:
        return set_objects(options, value);
    case OPTION_TRACE:
        options->trace = value;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case OPTION_HELP:
        show_help(state);
        return 0;
    case OPTION_VERSION:
        show_version();
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp options_argp = {.options = switches, .parser = parse_common};

/* The options whose long name is, or begins with, the `length` characters at `name`; *found is one
 * of them, the one of exactly this name if there is one. */
static unsigned find_long(const struct argp_option *list, const char *name, size_t length,
                          const struct argp_option **found)
{
    unsigned count = 0;

    for (; list != NULL && list->name != NULL; list++) {
        if (strncmp(list->name, name, length) != 0)
            continue;
        *found = list;
        if (list->name[length] == '\0')
            return 1;
        count++;
    }
    return count;
}

static bool has_short(const struct argp_option *list, char name)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (list->key == name)
            return true;
    }
    return false;
}

/* What is wrong with a word that stands for an option; NULL: nothing. */
static const char *fault_of(const struct argp_option *own, const char *word)
{
    const struct argp_option *found = NULL;
    unsigned count;
    size_t length;

    if (word == NULL || word[0] != '-' || word[1] == '\0')
        return NULL;
    if (word[1] != '-') {
        for (word++; *word != '\0'; word++) {
            if (!has_short(own, *word) && !has_short(switches, *word))
                return "no such option";
        }
        return NULL;
    }
    word += 2;
    length = strcspn(word, "=");
    count = find_long(switches, word, length, &found);
    if (count != 1 || found->name[length] != '\0')
        count += find_long(own, word, length, &found);
    if (count == 0)
        return "no such option";
    if (count > 1 && found->name[length] != '\0')
        return "it could mean several options";
    if (found->arg == NULL)
        return word[length] == '=' ? "it takes no value" : NULL;
    return word[length] == '=' ? NULL : "its value is missing";
}

enum exit_status options_refuse(struct options *options, const char *verb,
                                const struct argp_option *own, char *const *argv, int next)
{
    const char *space = verb[0] == '\0' ? "" : " ";
    const char *colon = verb[0] == '\0' ? "" : ": ";
    const char *word = next > 1 ? argv[next - 1] : NULL;
    const char *fault = fault_of(own, word);

    /* getopt stays at a group of letters until it is through, and is past anything else. */
    if (fault == NULL) {
        word = argv[next];
        fault = fault_of(own, word);
    }
    if (fault == NULL) {
        word = "options";
        fault = "not understood";
    }
    /* It may stand behind the word at fault. */
    for (; argv[next] != NULL && strcmp(argv[next], "--") != 0; next++)
        options->json |= strcmp(argv[next], "--json") == 0;
    return fail_usage(options, "%s%s%s: %s; see `coffer%s%s --help`", verb, colon, word, fault,
                      space, verb);
}

static error_t parse_own(int key, char *value, struct argp_state *state)
{
    struct call *call = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = call->options;
        return 0;
    case ARGP_KEY_ERROR:
        call->next = state->next;
        return ARGP_ERR_UNKNOWN;
    case ARGP_KEY_ARG:
        call->words[call->count++] = value;
        return 0;
    case ARGP_KEY_FINI:
    case ARGP_KEY_END:
    case ARGP_KEY_NO_ARGS:
    case ARGP_KEY_SUCCESS:
    case ARGP_KEY_ARGS:
        return ARGP_ERR_UNKNOWN;
    default:
        if (call->grammar->set == NULL)
            return ARGP_ERR_UNKNOWN;
        return call->grammar->set(call, key, value) ? 0 : EINVAL;
    }
}

/* A directory among the words that are too many is the store's, whose place is an option. */
static bool names_store(const struct call *call)
{
    struct stat state;

    for (int i = call->grammar->most; i < call->count; i++) {
        if (call->grammar->makes_directory ||
            (stat(call->words[i], &state) == 0 && S_ISDIR(state.st_mode)))
            return true;
    }
    return false;
}

static void refuse_count(const struct call *call)
{
    const struct grammar *grammar = call->grammar;
    bool few = call->count < grammar->least;

    fail_usage(call->options, "%s: too %s arguments; usage: coffer %s [OPTION...]%s%s%s",
               grammar->verb, few ? "few" : "many", grammar->verb,
               grammar->arguments == NULL ? "" : " ",
               grammar->arguments == NULL ? "" : grammar->arguments,
               !few && names_store(call) ? "; the store's directory is --store=DIR" : "");
}

enum exit_status call_parse(const struct grammar *grammar, struct options *options, void *own,
                            int argc, char **argv, struct call *out)
{
    const struct argp_child children[] = {
        {&options_argp, 0, "Options of every verb:", 1},
        {0},
    };
    const struct argp argp = {
        grammar->switches, parse_own, grammar->arguments, grammar->text, children, NULL, NULL};
    char title[64];
    error_t error;

    *out = (struct call){.options = options, .grammar = grammar, .own = own};
    out->words = calloc((size_t)argc + 1, sizeof(*out->words));
    if (out->words == NULL)
        return fail_status(options, COFFER_NO_MEMORY, NULL, "reading the arguments");
    (void)snprintf(title, sizeof(title), "coffer %s", grammar->verb);
    argv[0] = title;
    error = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP | ARGP_NO_ERRS, NULL, out);
    if (error == 0 && out->count >= grammar->least &&
        (grammar->most < 0 || out->count <= grammar->most))
        return EXIT_DONE;
    if (error == 0)
        refuse_count(out);
    else if (!options->reported)
        (void)options_refuse(options, grammar->verb, grammar->switches, argv, out->next);
    call_fini(out);
    return report_exit(options);
}

void call_fini(struct call *call)
{
    free(call->words);
    call->words = NULL;
    call->count = 0;
}
