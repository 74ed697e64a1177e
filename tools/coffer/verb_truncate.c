/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer truncate: another size for an object. */
#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "verbs.h"

static const struct grammar grammar = {
    .verb = "truncate",
    .arguments = "ID SIZE",
    .text = "Cut the object ID to SIZE bytes, or grow it with zeros.\vSIZE may end in K, M or G.",
    .least = 2,
    .most = 2,
};

static enum exit_status resize(struct session *session, const struct id *id, uint64_t size)
{
    const struct coffer_name name = name_of(session->options, id);
    struct coffer_object *object;
    struct object_line line;
    enum coffer_status status;

    status = coffer_object_open(session->store, &name, &object);
    if (status == COFFER_OK) {
        status = coffer_object_truncate(object, size);
        coffer_object_close(object);
    }
    if (status == COFFER_OK && session->options->json) {
        status = object_look_up(session->store, &name, &line);
        if (status == COFFER_OK)
            (void)output_json(json_of_object(&line));
    }
    if (status == COFFER_OK)
        return EXIT_DONE;
    return session_fail_object(session, status, NULL, "truncate", id);
}

enum exit_status verb_truncate(struct options *options, int argc, char **argv)
{
    enum exit_status result;
    struct session session;
    struct call call;
    uint64_t size = 0;
    struct id id;

    result = call_parse(&grammar, options, NULL, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = id_parse(options, call.words[0], &id);
    if (result == EXIT_DONE && !size_parse(call.words[1], &size))
        result = fail_usage(options, "truncate: %s is not a size", call.words[1]);
    if (result == EXIT_DONE && size > COFFER_SIZE_MAX)
        result = fail_because(
            options, COFFER_NO_SPACE,
            "truncate %s: an object holds %u bytes at most; choose a smaller SIZE", id.text,
            COFFER_SIZE_MAX);
    if (result == EXIT_DONE)
        result = session_open(options, SESSION_WRITE, &session);
    if (result == EXIT_DONE) {
        result = resize(&session, &id, size);
        session_close(&session);
    }
    call_fini(&call);
    return result;
}
