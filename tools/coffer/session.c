/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coffer/inspect.h"
#include "coffer/linux.h"
#include "files.h"
#include "key.h"
#include "output.h"
#include "report.h"
#include "trace_lines.h"

#define CATALOGUE "dirf.db"

static char *join(const char *directory, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return must_have(NULL);
    return path;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static char *default_directory(void)
{
    const char *data = environment("XDG_DATA_HOME");
    const char *home = environment("HOME");

    /* The XDG rules: a relative path there is to be ignored. */
    if (data != NULL && data[0] == '/')
        return join(data, "coffer");
    if (home == NULL) {
        const struct passwd *user = getpwuid(getuid());

        home = user == NULL ? "/" : user->pw_dir;
    }
    return join(home, ".local/share/coffer");
}

bool session_is_default(const struct options *options)
{
    return options->store == NULL && environment("COFFER_STORE") == NULL;
}

enum exit_status session_directory(struct options *options, char **out)
{
    const char *url = options->store != NULL ? options->store : environment("COFFER_STORE");
    size_t length;

    if (url == NULL) {
        *out = default_directory();
        return EXIT_DONE;
    }
    if (strncmp(url, "rpmb:", 5) == 0)
        return fail_status(options, COFFER_UNSUPPORTED,
                           "this build keeps stores in directories only", "store %s", url);
    if (strncmp(url, "dir:", 4) == 0)
        url += 4;
    length = strlen(url);
    while (length > 1 && url[length - 1] == '/')
        length--;
    if (length == 0)
        return fail_usage(options, "--store: the directory's name is empty");
    *out = must_have(strndup(url, length));
    return EXIT_DONE;
}

bool session_store_exists(const char *directory)
{
    uint8_t heads[2u * COFFER_INSPECT_HEAD_SIZE];
    char *path = join(directory, CATALOGUE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool there = fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
    ssize_t got = fd >= 0 ? file_read(fd, heads, sizeof(heads)) : -1;

    /* Nothing but zeros: its creation was cut off before anything could be stored. */
    if (got >= 0) {
        there = false;
        for (ssize_t i = 0; i < got; i++)
            there |= heads[i] != 0;
    }
    if (fd >= 0)
        (void)close(fd);
    free(path);
    return there;
}

static void tell_notice(void *context, enum coffer_notice notice, const char *text)
{
    const struct options *options = context;

    (void)notice;
    note(options, "note: %s", text);
}

static enum exit_status tell_failure(struct session *session, enum coffer_status status)
{
    struct options *options = session->options;
    const char *advice = NULL;

    switch (status) {
    case COFFER_NOT_FOUND:
        advice = options->without_store != NULL ? options->without_store
                                                : "`coffer init` makes one";
        break;
    case COFFER_CORRUPT:
        advice = "its dirf.db is damaged, or the key or --profile is not its own";
        if (!session_store_exists(session->directory))
            advice = "there are files of objects, but no dirf.db that belongs to them";
        break;
    case COFFER_BUSY:
        advice = "another process has it open; try again when it is done";
        break;
    default:
        break;
    }
    return fail_status(options, status, advice, "store %s", session->directory);
}

static enum exit_status open_trace(struct session *session)
{
    const char *path = session->options->trace;

    if (path == NULL)
        return EXIT_DONE;
    session->trace = trace_lines_open(path);
    return session->trace != NULL ? EXIT_DONE
                                  : fail_errno(session->options, errno, "--trace %s", path);
}

/* A trace never fails what it is a trace of. */
static void close_trace(struct session *session)
{
    int error = trace_lines_close(session->trace);

    session->trace = NULL;
    if (error != 0 && !session->options->quiet)
        note(session->options, "warning: --trace %s: it could not be written whole: %s",
             session->options->trace, strerror(error));
}

static enum exit_status open_store(struct session *session, enum session_mode mode,
                                   const struct key *key)
{
    struct options *options = session->options;
    const struct coffer_key given = {options->key_kind, key->bytes, key->size};
    const struct coffer_linux_options wanted = {
        .directory = session->directory,
        .key = &given,
        .memory = options->memory,
        .cached_objects = options->cached_objects,
        .create = mode == SESSION_CREATE,
        .read_only = mode == SESSION_READ,
        .huk_plain = options->huk_plain,
        .head_full_hash = options->head_full_hash,
        .notice = tell_notice,
        .notice_context = options,
        .trace = session->trace != NULL ? trace_lines_add : NULL,
        .trace_context = session->trace,
    };
    enum coffer_status status;

    if (options->memory != 0 && options->memory < COFFER_MEMORY_MIN)
        return fail_status(options, COFFER_NO_MEMORY, LEAST_MEMORY_ADVICE,
                           "--memory with %zu bytes", options->memory);
    status = coffer_linux_open(&wanted, &session->store);
    return status == COFFER_OK ? EXIT_DONE : tell_failure(session, status);
}

/* Whether files are there that may be objects': their names are numbers in hex. */
static bool holds_objects(const char *directory)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    bool found = false;

    while (stream != NULL && !found && (entry = readdir(stream)) != NULL) {
        size_t length = strlen(entry->d_name);

        found = length < FILE_NAME_SIZE && strspn(entry->d_name, "0123456789abcdef") == length;
    }
    if (stream != NULL)
        (void)closedir(stream);
    return found;
}

/* 0, or what keeps us from a directory: an errno. */
static int directory_error(const char *directory, int rights)
{
    struct stat state;

    if (stat(directory, &state) != 0)
        return errno;
    if (!S_ISDIR(state.st_mode))
        return ENOTDIR;
    return access(directory, rights) == 0 ? 0 : errno;
}

/* What the system has against the directory or its catalogue is told better by its own word than
 * as an I/O error, and that there is no store is worth telling before that there is no key. */
static enum exit_status look_at_directory(struct session *session, enum session_mode mode)
{
    int rights = mode == SESSION_READ ? R_OK : R_OK | W_OK;
    const char *directory = session->directory;
    int error = directory_error(directory, rights | X_OK);
    char *catalogue;

    if (error == ENOENT)
        return tell_failure(session, COFFER_NOT_FOUND);
    if (error != 0)
        return fail_errno(session->options, error, "store %s", directory);
    catalogue = join(directory, CATALOGUE);
    if (access(catalogue, rights) != 0)
        error = errno;
    free(catalogue);
    if (error == ENOENT)
        return holds_objects(directory) ? EXIT_DONE : tell_failure(session, COFFER_NOT_FOUND);
    return error == 0 ? EXIT_DONE
                      : fail_errno(session->options, error, "store %s: %s", directory, CATALOGUE);
}

enum exit_status session_look(struct options *options, enum session_mode mode)
{
    struct session session = {.options = options};
    enum exit_status result = session_directory(options, &session.directory);

    if (result == EXIT_DONE)
        result = look_at_directory(&session, mode);
    free(session.directory);
    return result;
}

enum exit_status session_open(struct options *options, enum session_mode mode, struct session *out)
{
    enum exit_status result;
    struct key key;

    *out = (struct session){.options = options};
    result = session_directory(options, &out->directory);
    if (result != EXIT_DONE)
        return result;
    if (mode != SESSION_CREATE)
        result = look_at_directory(out, mode);
    if (result == EXIT_DONE)
        result = key_load(options, out->directory, &key);
    if (result == EXIT_DONE) {
        result = open_trace(out);
        if (result != EXIT_DONE)
            key_wipe(&key);
    }
    if (result == EXIT_DONE) {
        result = open_store(out, mode, &key);
        key_wipe(&key);
    }
    if (result != EXIT_DONE)
        session_close(out);
    return result;
}

/* Whether the object is in the catalogue, and its file is not there; its name in `file`. */
static bool lacks_file(const struct session *session, const struct coffer_name *name,
                       char file[FILE_NAME_SIZE])
{
    struct coffer_list *list;
    struct coffer_entry entry;
    bool lacks = false;

    if (coffer_list_open(session->store, &name->ta, &list) != COFFER_OK)
        return false;
    while (!lacks && coffer_list_next(list, &entry) == COFFER_OK) {
        char *path;

        if (entry.id_size != name->id_size || memcmp(entry.id, name->id, entry.id_size) != 0)
            continue;
        file_name_format(entry.file, file);
        path = join(session->directory, file);
        lacks = access(path, F_OK) != 0 && errno == ENOENT;
        free(path);
        break;
    }
    coffer_list_close(list);
    return lacks;
}

enum exit_status session_fail_object(const struct session *session, enum coffer_status status,
                                     const char *advice, const char *verb, const struct id *id)
{
    const struct coffer_name name = name_of(session->options, id);
    char file[FILE_NAME_SIZE];

    if (status == COFFER_CORRUPT && lacks_file(session, &name, file))
        return fail_because(session->options, status,
                            "%s %s: its file %s is missing in the store; bring it back, or remove "
                            "the object",
                            verb, id->text, file);
    return fail_status(session->options, status, advice, "%s %s", verb, id->text);
}

void session_close(struct session *session)
{
    coffer_close(session->store);
    close_trace(session);
    free(session->directory);
    session->store = NULL;
    session->directory = NULL;
}
