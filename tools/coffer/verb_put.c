/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer put: an object from a file or standard input, in one transaction. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

enum { OPTION_NO_REPLACE = 0x200, OPTION_APPEND, OPTION_OFFSET };

static const struct argp_option switches[] = {
    {"no-replace", OPTION_NO_REPLACE, NULL, 0, "An object of that name is a conflict", 0},
    {"append", OPTION_APPEND, NULL, 0, "Add to the end of the object; make it if need be", 0},
    {"offset", OPTION_OFFSET, "N", 0, "Write into the object from byte N on", 0},
    {0},
};

struct put {
    bool no_replace, append, at_offset;
    uint64_t offset;
    struct id id;
    struct coffer_name name;
};

/* Where the data comes from. */
struct source {
    const char *name; /* for people */
    int fd;
    uint64_t size;  /* what is expected; 0: not known */
    bool plain;     /* a plain file: it can be mapped */
    uint64_t start; /* where in it the data begins */
};

static bool set(struct call *call, int key, const char *value)
{
    struct put *put = call->own;

    if (key == OPTION_NO_REPLACE)
        put->no_replace = true;
    if (key == OPTION_APPEND)
        put->append = true;
    if (key == OPTION_OFFSET) {
        put->at_offset = true;
        if (!size_parse(value, &put->offset)) {
            fail_usage(call->options, "put --offset %s: not a number of bytes", value);
            return false;
        }
    }
    if (put->no_replace + put->append + put->at_offset > 1) {
        fail_usage(call->options, "put: --no-replace, --append and --offset exclude each other");
        return false;
    }
    return true;
}

static const struct grammar grammar = {
    .verb = "put",
    .arguments = "ID [FILE]",
    .text = "Store FILE (or standard input, also as -) as the object ID, replacing the one of that "
            "name.\vWhatever happens, the object is afterwards the old one or the new one, whole. "
            "So too with --append and --offset, which change an object in place. From the first "
            "256K of input on nobody else can use the store until put is done (with --append and "
            "--offset: from the end of the input on).",
    .switches = switches,
    .set = set,
    .least = 1,
    .most = 2,
};

static enum exit_status open_source(struct options *options, const char *file, struct source *out)
{
    struct stat state;
    off_t at;

    *out = (struct source){.name = "standard input", .fd = STDIN_FILENO};
    if (file != NULL && strcmp(file, "-") != 0) {
        out->name = file;
        out->fd = open(file, O_RDONLY | O_CLOEXEC);
    }
    if (out->fd < 0 || fstat(out->fd, &state) != 0)
        return fail_errno(options, errno, "put: file %s", out->name);
    if (S_ISDIR(state.st_mode))
        return fail_errno(options, EISDIR, "put: file %s", out->name);
    at = S_ISREG(state.st_mode) ? lseek(out->fd, 0, SEEK_CUR) : -1;
    out->plain = at >= 0 && state.st_size > at;
    if (out->plain) {
        out->start = (uint64_t)at;
        out->size = (uint64_t)(state.st_size - at);
    }
    return EXIT_DONE;
}

static void close_source(struct source *source)
{
    if (source->fd > STDIN_FILENO)
        (void)close(source->fd);
}

static enum exit_status tell_failure(const struct session *session, const struct put *put,
                                     enum coffer_status status)
{
    const char *advice = NULL;

    if (status == COFFER_NOT_FOUND)
        advice = "--offset writes into an object that is there";
    if (status == COFFER_EXISTS)
        advice = "leave --no-replace out to replace it";
    if (status == COFFER_NO_SPACE)
        advice = "the object is as before; make room";
    return session_fail_object(session, status, advice, "put", &put->id);
}

/* `n` more bytes at `at` would make the object larger than one can be. */
static enum exit_status check_size(struct options *options, const struct put *put, uint64_t at,
                                   uint64_t n)
{
    if (at <= COFFER_SIZE_MAX && n <= COFFER_SIZE_MAX - at)
        return EXIT_DONE;
    return fail_because(options, COFFER_NO_SPACE,
                        "put %s: an object holds %u bytes at most; it is as before", put->id.text,
                        COFFER_SIZE_MAX);
}

/* `error`: of the read that failed. */
static enum exit_status tell_reading(struct options *options, const struct put *put,
                                     const struct source *source, int error)
{
    if (interrupted())
        return fail_interrupted(options, "the object is as before", "put %s", put->id.text);
    return fail_errno(options, error, "put %s: reading %s", put->id.text, source->name);
}

/* Data in memory. */
struct whole {
    uint8_t *bytes;
    size_t size, room;
    void *map; /* NULL: `bytes` is on the heap */
    size_t map_size;
};

/* Pump the source into the writer; `chunk` holds the beginning already. */
static enum exit_status pump(const struct session *session, const struct put *put,
                             const struct source *source, struct coffer_writer *writer,
                             const struct whole *chunk)
{
    enum exit_status result = EXIT_DONE;
    ssize_t got = (ssize_t)chunk->size;
    struct progress progress;
    uint64_t done = 0;

    progress_begin(&progress, session->options, "put", NULL, source->size);
    while (got > 0) {
        enum coffer_status status;

        result = check_size(session->options, put, done, (uint64_t)got);
        if (result != EXIT_DONE)
            break;
        status = coffer_writer_write(writer, chunk->bytes, (size_t)got);
        if (status != COFFER_OK) {
            result = tell_failure(session, put, status);
            break;
        }
        done += (uint64_t)got;
        progress_step(&progress, done);
        if ((size_t)got < chunk->room)
            break;
        got = file_read(source->fd, chunk->bytes, chunk->room);
        if (got < 0 || interrupted()) {
            int error = errno;

            progress_end(&progress);
            return tell_reading(session->options, put, source, error);
        }
    }
    progress_end(&progress);
    return result;
}

static enum exit_status put_whole(const struct session *session, const struct put *put,
                                  const struct source *source, const struct whole *chunk)
{
    unsigned flags = put->no_replace ? 0 : COFFER_REPLACE;
    struct coffer_writer *writer;
    enum coffer_status status;
    enum exit_status result;

    status = coffer_writer_open(session->store, &put->name, flags, NULL, &writer);
    if (status != COFFER_OK)
        return tell_failure(session, put, status);
    result = pump(session, put, source, writer, chunk);
    if (result != EXIT_DONE) {
        coffer_writer_abort(writer);
        return result;
    }
    status = coffer_writer_commit(writer);
    return status == COFFER_OK ? EXIT_DONE : tell_failure(session, put, status);
}

/* The first chunk of a source. It is read before the store is opened, so that a pipe that is slow
 * to start, or brings little, keeps nobody else out. */
static enum exit_status take_first(struct options *options, const struct put *put,
                                   const struct source *source, struct whole *out)
{
    ssize_t got;

    *out = (struct whole){.bytes = must_have(malloc(CHUNK_SIZE)), .room = CHUNK_SIZE};
    got = file_read(source->fd, out->bytes, out->room);
    if (got < 0 || interrupted())
        return tell_reading(options, put, source, errno);
    out->size = (size_t)got;
    return EXIT_DONE;
}

/* All of a source in memory: a change in place is one write, so that it is one transaction. */
static enum exit_status read_pipe(struct options *options, const struct put *put,
                                  const struct source *source, struct whole *out)
{
    for (;;) {
        ssize_t got;

        if (out->room - out->size < CHUNK_SIZE) {
            size_t room = out->room == 0 ? 2 * CHUNK_SIZE : 2 * out->room;
            uint8_t *bytes = must_have(malloc(room));

            /* realloc would leave the data behind. */
            if (out->size > 0) {
                memcpy(bytes, out->bytes, out->size);
                wipe(out->bytes, out->size);
            }
            free(out->bytes);
            out->bytes = bytes;
            out->room = room;
        }
        got = file_read(source->fd, out->bytes + out->size, CHUNK_SIZE);
        if (got < 0 || interrupted())
            return tell_reading(options, put, source, errno);
        if (got == 0)
            return EXIT_DONE;
        out->size += (size_t)got;
        if (check_size(options, put, put->offset, out->size) != EXIT_DONE)
            return report_exit(options);
    }
}

static enum exit_status take_whole(struct options *options, const struct put *put,
                                   const struct source *source, struct whole *out)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t lead = (size_t)(source->start % page);

    *out = (struct whole){0};
    if (!source->plain)
        return read_pipe(options, put, source, out);
    out->map_size = (size_t)source->size + lead;
    out->map = mmap(NULL, out->map_size, PROT_READ, MAP_PRIVATE, source->fd,
                    (off_t)(source->start - lead));
    if (out->map == MAP_FAILED) {
        out->map = NULL;
        return fail_errno(options, errno, "put %s: reading %s", put->id.text, source->name);
    }
    out->bytes = (uint8_t *)out->map + lead;
    out->size = (size_t)source->size;
    return EXIT_DONE;
}

static void drop_whole(struct whole *whole)
{
    if (whole->map != NULL) {
        (void)munmap(whole->map, whole->map_size);
        return;
    }
    if (whole->bytes != NULL)
        wipe(whole->bytes, whole->room);
    free(whole->bytes);
}

static enum exit_status change_object(const struct session *session, const struct put *put,
                                      struct coffer_object *object, const struct whole *whole)
{
    struct coffer_info info;
    enum exit_status result;
    enum coffer_status status = coffer_object_info(object, &info);
    uint64_t at;

    if (status != COFFER_OK)
        return tell_failure(session, put, status);
    at = put->append ? info.size : put->offset;
    result = check_size(session->options, put, at, whole->size);
    if (result != EXIT_DONE || whole->size == 0)
        return result;
    status = coffer_object_write(object, at, whole->bytes, whole->size);
    return status == COFFER_OK ? EXIT_DONE : tell_failure(session, put, status);
}

static enum exit_status change_in_place(const struct session *session, const struct put *put,
                                        const struct whole *whole)
{
    struct coffer_object *object;
    enum coffer_status status = coffer_object_open(session->store, &put->name, &object);
    enum exit_status result;

    if (status == COFFER_NOT_FOUND && put->append) {
        status = coffer_put(session->store, &put->name, 0, NULL, whole->bytes, whole->size);
        return status == COFFER_OK ? EXIT_DONE : tell_failure(session, put, status);
    }
    if (status != COFFER_OK)
        return tell_failure(session, put, status);
    result = change_object(session, put, object, whole);
    coffer_object_close(object);
    return result;
}

static enum exit_status tell(struct session *session, const struct put *put)
{
    struct object_line line;
    enum coffer_status status;

    if (!session->options->json)
        return EXIT_DONE;
    status = object_look_up(session->store, &put->name, &line);
    if (status != COFFER_OK)
        return tell_failure(session, put, status);
    (void)output_json(json_of_object(&line));
    return EXIT_DONE;
}

/* Open the store, with the data at hand, and change it. */
static enum exit_status store_data(struct options *options, const struct put *put,
                                   const struct source *source, const struct whole *data)
{
    struct session session;
    enum exit_status result = session_open(options, SESSION_WRITE, &session);

    if (result != EXIT_DONE)
        return result;
    result = put->append || put->at_offset ? change_in_place(&session, put, data)
                                           : put_whole(&session, put, source, data);
    if (result == EXIT_DONE)
        result = tell(&session, put);
    session_close(&session);
    return result;
}

enum exit_status verb_put(struct options *options, int argc, char **argv)
{
    struct put put = {0};
    struct source source = {.fd = -1};
    struct whole data = {0};
    struct call call;
    enum exit_status result;

    result = call_parse(&grammar, options, &put, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = id_parse(options, call.words[0], &put.id);
    put.name = name_of(options, &put.id);
    if (result == EXIT_DONE)
        result = open_source(options, call.count > 1 ? call.words[1] : NULL, &source);
    if (result == EXIT_DONE)
        result = check_size(options, &put, put.offset, source.size);
    /* Before a person has typed it all in. */
    if (result == EXIT_DONE)
        result = session_look(options, SESSION_WRITE);
    if (result == EXIT_DONE)
        result = put.append || put.at_offset ? take_whole(options, &put, &source, &data)
                                             : take_first(options, &put, &source, &data);
    if (result == EXIT_DONE)
        result = store_data(options, &put, &source, &data);
    drop_whole(&data);
    close_source(&source);
    call_fini(&call);
    return result;
}
