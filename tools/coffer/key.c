/* SPDX-License-Identifier: BSD-2-Clause */
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "name.h"
#include "report.h"

#define HUK_SIZE  16u /* of a new key: OP-TEE's default */
#define FILE_MOST 1024u

static const char *key_named(const struct options *options)
{
    const char *environment = getenv("COFFER_KEY");

    if (options->key_file != NULL)
        return options->key_file;
    return environment != NULL && environment[0] != '\0' ? environment : NULL;
}

bool key_is_given(const struct options *options)
{
    return options->test_key || key_named(options) != NULL;
}

char *key_path(const struct options *options, const char *directory)
{
    const char *named = key_named(options);
    char *path = NULL;

    if (options->test_key)
        return NULL;
    if (named != NULL)
        return must_have(strdup(named));
    if (asprintf(&path, "%s.key", directory) < 0)
        return must_have(NULL);
    return path;
}

void key_wipe(struct key *key)
{
    wipe(key, sizeof(*key));
}

static void look_at_rights(const struct options *options, int fd, const char *path)
{
    struct stat state;

    if (fstat(fd, &state) == 0 && S_ISREG(state.st_mode) && (state.st_mode & 077) != 0)
        note(options, "warning: key file %s can be read by others; `chmod 600` it", path);
}

static enum exit_status load_file(struct options *options, const char *path, struct key *out)
{
    uint8_t bytes[FILE_MOST];
    enum exit_status result = EXIT_DONE;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fail_errno(options, errno, "key file %s", path);
    look_at_rights(options, fd, path);
    while (size < sizeof(bytes)) {
        ssize_t n = read(fd, bytes + size, sizeof(bytes) - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            result = fail_errno(options, errno, "key file %s", path);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    (void)close(fd);
    if (result == EXIT_DONE && coffer_key_parse(bytes, size, out->bytes, &out->size) != COFFER_OK)
        result = fail_usage(
            options, "key file %s: not a key; it holds 16 or 32 bytes, raw or as hex digits", path);
    wipe(bytes, sizeof(bytes));
    if (result != EXIT_DONE)
        key_wipe(out);
    return result;
}

static enum exit_status load_test_key(struct options *options, struct key *out)
{
    if (options->key_kind == COFFER_KEY_SSK)
        return fail_usage(options, "--test-key is a huk: leave --key-kind out");
    note(options, "using the published test key: nothing in this store is secret");
    for (size_t i = 0; i < HUK_SIZE; i++)
        out->bytes[i] = (uint8_t)i;
    out->size = HUK_SIZE;
    return EXIT_DONE;
}

enum exit_status key_load(struct options *options, const char *directory, struct key *out)
{
    enum exit_status result;
    char *path;

    memset(out, 0, sizeof(*out));
    path = key_path(options, directory);
    if (path == NULL)
        return load_test_key(options, out);
    if (!key_is_given(options) && access(path, F_OK) != 0 && errno == ENOENT)
        result = fail_because(options, COFFER_NOT_FOUND,
                              "no key: name its file with --key or $COFFER_KEY (%s is not there)",
                              path);
    else
        result = load_file(options, path, out);
    if (result == EXIT_DONE && options->key_kind == COFFER_KEY_SSK && out->size != 32) {
        key_wipe(out);
        result = fail_usage(options, "key file %s: a storage key (ssk) has 32 bytes, not 16", path);
    }
    free(path);
    return result;
}

static bool write_key(int fd)
{
    uint8_t bytes[HUK_SIZE];
    char text[2 * HUK_SIZE + 2];
    bool good = getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes);

    hex_format(bytes, sizeof(bytes), text);
    text[sizeof(text) - 2] = '\n';
    good = good && file_write(fd, text, sizeof(text) - 1) && fsync(fd) == 0;
    wipe(bytes, sizeof(bytes));
    wipe(text, sizeof(text));
    return good;
}

enum exit_status key_generate(struct options *options, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good;
    int error;

    if (fd < 0)
        return fail_errno(options, errno, "new key file %s", path);
    good = write_key(fd);
    error = errno;
    if (close(fd) != 0 && good) {
        error = errno;
        good = false;
    }
    if (!good) {
        (void)unlink(path);
        return fail_errno(options, error, "new key file %s", path);
    }
    file_sync_parent(path);
    return EXIT_DONE;
}
