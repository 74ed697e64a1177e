/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer init: a new store, and a key when none was given. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "verbs.h"

static const struct grammar grammar = {
    .verb = "init",
    .text = "Make a new, empty store.\vWhen no key is given, a random one is made in a file of "
            "its own beside the store (the store's name with .key behind it, readable by its "
            "owner only), where every verb finds it again. Who has the key can read the store; "
            "who loses it has lost the store.",
    .makes_directory = true,
};

/* Make what is missing above the store, as `mkdir -p` would: for the default place only. */
static enum exit_status make_parents(struct options *options, const char *directory)
{
    char *path = must_have(strdup(directory));
    enum exit_status result = EXIT_DONE;

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            result = fail_errno(options, errno, "init: directory %s", path);
            break;
        }
        *slash = '/';
    }
    free(path);
    return result;
}

/* The store can be made in a directory that is there; that is told before a key is made. */
static enum exit_status look_at_place(struct options *options, const char *directory)
{
    struct stat state;
    char *copy = must_have(strdup(directory));
    const char *place = directory;
    enum exit_status result = EXIT_DONE;

    if (stat(place, &state) != 0 && errno == ENOENT)
        place = dirname(copy);
    if (stat(place, &state) != 0)
        result = fail_errno(options, errno, "init: directory %s", place);
    else if (!S_ISDIR(state.st_mode))
        result = fail_errno(options, ENOTDIR, "init: %s", place);
    free(copy);
    return result;
}

/* `*made`: a key file that is new, or none. */
static enum exit_status provide_key(struct options *options, const char *directory, char **path,
                                    bool *made)
{
    enum exit_status result;

    *made = false;
    *path = key_path(options, directory);
    if (key_is_given(options))
        return EXIT_DONE;
    if (options->key_kind == COFFER_KEY_SSK)
        return fail_usage(options, "init: --key-kind ssk needs --key");
    /* A key that is there already may belong to a store elsewhere: use it, never replace it. */
    if (access(*path, F_OK) == 0) {
        note(options, "note: key file %s is there already and is used", *path);
        return EXIT_DONE;
    }
    result = key_generate(options, *path);
    *made = result == EXIT_DONE;
    return result;
}

static bool tell(const struct options *options, const char *directory, const char *key, bool made)
{
    struct json_object *value;

    if (!options->json) {
        printf("store  %s\n", directory);
        if (key == NULL)
            puts("key    the published test key");
        else
            printf("key    %s%s\n", key, made ? " (new; keep a copy in a safe place)" : "");
        return true;
    }
    value = json_object_new_object();
    json_object_object_add(value, "store", json_object_new_string(directory));
    json_object_object_add(value, "key", key == NULL ? NULL : json_object_new_string(key));
    json_object_object_add(value, "key_made", json_object_new_boolean(made));
    return output_json(value);
}

static enum exit_status make_store(struct options *options, const char *directory)
{
    struct session session;
    enum exit_status result;
    char *key = NULL;
    bool made = false;

    result = provide_key(options, directory, &key, &made);
    if (result == EXIT_DONE) {
        result = session_open(options, SESSION_CREATE, &session);
        if (result == EXIT_DONE) {
            session_close(&session);
            (void)tell(options, directory, key, made);
        } else if (made) {
            (void)unlink(key);
        }
    }
    free(key);
    return result;
}

enum exit_status verb_init(struct options *options, int argc, char **argv)
{
    char *directory = NULL;
    enum exit_status result;
    struct call call;

    result = call_parse(&grammar, options, NULL, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = session_directory(options, &directory);
    if (result == EXIT_DONE && session_store_exists(directory))
        result = fail_status(options, COFFER_EXISTS, "use it, or name another place with --store",
                             "store %s", directory);
    if (result == EXIT_DONE && session_is_default(options))
        result = make_parents(options, directory);
    if (result == EXIT_DONE)
        result = look_at_place(options, directory);
    if (result == EXIT_DONE)
        result = make_store(options, directory);
    free(directory);
    call_fini(&call);
    return result;
}
