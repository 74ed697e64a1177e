/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "report.h"
#include "sizes.h"

enum {
    OPTION_STORE = 0x100,
    OPTION_ANCHOR,
    OPTION_KEY,
    OPTION_TEST_KEY,
    OPTION_KEY_KIND,
    OPTION_PROFILE,
    OPTION_TA,
    OPTION_MEMORY,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct argp_option switches[] = {
    {"store", OPTION_STORE, "URL", 0,
     "The store: a directory (DIR or dir:DIR). Default: $COFFER_STORE, else "
     "$XDG_DATA_HOME/coffer, else ~/.local/share/coffer",
     0},
    {"anchor", OPTION_ANCHOR, "URL", 0, "Tie the store to a rollback anchor (not in this build)",
     0},
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

    if (!size_parse(value, &size) || size > SIZE_MAX / 2) {
        fail_usage(options, "--memory %s: not a size; write it like 256K or 8M", value);
        return EINVAL;
    }
    /* The library refuses too little as a misuse; for the user it is a shortage. */
    options->memory = size == 0 ? 1 : (size_t)size;
    return 0;
}

static void show_help(struct argp_state *state)
{
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

static error_t parse_own(int key, char *value, struct argp_state *state)
{
    struct call *call = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = call->options;
        /* One line for an error: ours or getopt's, without argp's second one. */
        state->err_stream = NULL;
        return 0;
    case ARGP_KEY_ARG:
        call->words[call->count++] = value;
        return 0;
    case ARGP_KEY_FINI:
    case ARGP_KEY_END:
    case ARGP_KEY_NO_ARGS:
    case ARGP_KEY_SUCCESS:
    case ARGP_KEY_ERROR:
    case ARGP_KEY_ARGS:
        return ARGP_ERR_UNKNOWN;
    default:
        if (call->grammar->set == NULL)
            return ARGP_ERR_UNKNOWN;
        return call->grammar->set(call, key, value) ? 0 : EINVAL;
    }
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
    error = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, out);
    if (error == 0 && out->count >= grammar->least &&
        (grammar->most < 0 || out->count <= grammar->most))
        return EXIT_DONE;
    if (error == 0)
        fail_usage(options, "%s: too %s arguments; usage: coffer %s [OPTION...] %s", grammar->verb,
                   out->count < grammar->least ? "few" : "many", grammar->verb,
                   grammar->arguments == NULL ? "" : grammar->arguments);
    call_fini(out);
    return options->reported ? report_exit(options) : fail_parsing(options);
}

void call_fini(struct call *call)
{
    free(call->words);
    call->words = NULL;
    call->count = 0;
}
