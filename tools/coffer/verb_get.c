/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer get: an object's data to a file or standard output. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "name.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "verbs.h"

#define CHUNK_SIZE ((size_t)256 * 1024)

enum { OPTION_OFFSET = 0x200, OPTION_LENGTH };

static const struct argp_option switches[] = {
    {"offset", OPTION_OFFSET, "N", 0, "From byte N on", 0},
    {"length", OPTION_LENGTH, "N", 0, "N bytes, or as many as there are", 0},
    {0},
};

struct get {
    uint64_t offset, length;
    struct id id;
    struct coffer_name name;
};

static bool set(struct call *call, int key, const char *value)
{
    struct get *get = call->own;

    if (size_parse(value, key == OPTION_OFFSET ? &get->offset : &get->length))
        return true;
    fail_usage(call->options, "get --%s %s: not a number of bytes",
               key == OPTION_OFFSET ? "offset" : "length", value);
    return false;
}

static const struct grammar grammar = {
    .verb = "get",
    .arguments = "ID [FILE]",
    .text = "Write the data of the object ID to FILE, or to standard output (also as -).\v"
            "Only data that was verified is written. FILE appears when it is complete, or not at "
            "all. With --json, FILE is needed: standard output is for the answer.",
    .switches = switches,
    .set = set,
    .least = 1,
    .most = 2,
};

static enum exit_status tell_failure(const struct session *session, const struct get *get,
                                     enum coffer_status status)
{
    return session_fail_object(session, status, NULL, "get", &get->id);
}

/* Copy [offset, end) of the object. */
static enum exit_status pump(struct session *session, const struct get *get,
                             struct coffer_object *object, uint64_t end, int fd, uint8_t *chunk)
{
    struct options *options = session->options;
    enum exit_status result = EXIT_DONE;
    uint64_t at = get->offset;
    struct progress progress;

    progress_begin(&progress, options, "get", NULL, end - at);
    while (at < end && result == EXIT_DONE) {
        size_t want = end - at < CHUNK_SIZE ? (size_t)(end - at) : CHUNK_SIZE;
        size_t got = 0;
        enum coffer_status status = coffer_object_read(object, at, chunk, want, &got);

        if (status != COFFER_OK || got == 0) {
            progress_end(&progress);
            result = tell_failure(session, get, status == COFFER_OK ? COFFER_CORRUPT : status);
        } else if (!file_write(fd, chunk, got) || interrupted()) {
            int error = errno;

            progress_end(&progress);
            result = interrupted() ? fail_interrupted(options, NULL, "get %s", get->id.text)
                                   : fail_errno(options, error, "get %s: writing", get->id.text);
        }
        at += got;
        progress_step(&progress, at - get->offset);
    }
    progress_end(&progress);
    return result;
}

static enum exit_status copy_out(struct session *session, const struct get *get,
                                 struct coffer_object *object, uint64_t size, int fd)
{
    uint64_t end = size;
    uint8_t *chunk;
    enum exit_status result;

    if (get->offset > size)
        note(session->options, "note: get %s: byte %" PRIu64 " is beyond the end, at %" PRIu64,
             get->id.text, get->offset, size);
    if (get->offset >= size)
        return EXIT_DONE;
    if (get->length < size - get->offset)
        end = get->offset + get->length;
    chunk = must_have(malloc(CHUNK_SIZE));
    result = pump(session, get, object, end, fd, chunk);
    wipe(chunk, CHUNK_SIZE);
    free(chunk);
    return result;
}

static enum exit_status copy_to(struct session *session, const struct get *get,
                                struct coffer_object *object, uint64_t size, const char *path)
{
    struct new_file file;
    enum exit_status result;

    if (path == NULL)
        return copy_out(session, get, object, size, STDOUT_FILENO);
    result = file_begin(session->options, path, &file);
    if (result != EXIT_DONE)
        return result;
    result = copy_out(session, get, object, size, file.fd);
    if (result != EXIT_DONE) {
        file_abandon(&file);
        return result;
    }
    return file_finish(session->options, &file);
}

static enum exit_status get_object(struct session *session, const struct get *get, const char *path)
{
    struct object_line line = {.status = COFFER_OK};
    struct coffer_object *object;
    enum coffer_status status;
    enum exit_status result;

    status = coffer_object_open(session->store, &get->name, &object);
    if (status != COFFER_OK)
        return tell_failure(session, get, status);
    status = coffer_object_info(object, &line.info);
    if (status == COFFER_OK)
        result = copy_to(session, get, object, line.info.size, path);
    else
        result = tell_failure(session, get, status);
    coffer_object_close(object);
    if (result == EXIT_DONE && session->options->json) {
        status = object_look_up(session->store, &get->name, &line);
        if (status != COFFER_OK)
            return tell_failure(session, get, status);
        (void)output_json(json_of_object(&line));
    }
    return result;
}

enum exit_status verb_get(struct options *options, int argc, char **argv)
{
    struct get get = {.length = UINT64_MAX};
    struct session session;
    const char *path = NULL;
    enum exit_status result;
    struct call call;

    result = call_parse(&grammar, options, &get, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    if (call.count > 1 && strcmp(call.words[1], "-") != 0)
        path = call.words[1];
    result = id_parse(options, call.words[0], &get.id);
    get.name = name_of(options, &get.id);
    if (result == EXIT_DONE && options->json && path == NULL)
        result = fail_usage(options, "get --json: name a FILE; standard output is for the answer");
    if (result == EXIT_DONE)
        result = session_open(options, SESSION_READ, &session);
    if (result == EXIT_DONE) {
        result = get_object(&session, &get, path);
        session_close(&session);
    }
    call_fini(&call);
    return result;
}
