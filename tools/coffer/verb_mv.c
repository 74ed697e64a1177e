/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer mv: another name for an object. */
#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "verbs.h"

static const struct grammar grammar = {
    .verb = "mv",
    .arguments = "OLD NEW",
    .text = "Rename the object OLD to NEW, within its TA.\vA name that is taken is a conflict.",
    .least = 2,
    .most = 2,
};

static enum exit_status rename_object(struct session *session, const struct id *from,
                                      const struct id *to)
{
    const struct coffer_name old_name = name_of(session->options, from);
    const struct coffer_name new_name = name_of(session->options, to);
    struct object_line line;
    enum coffer_status status;

    status = coffer_rename(session->store, &old_name, to->bytes, to->size);
    if (status == COFFER_OK && session->options->json) {
        status = object_look_up(session->store, &new_name, &line);
        if (status == COFFER_OK)
            (void)output_json(json_of_object(&line));
    }
    if (status == COFFER_OK)
        return EXIT_DONE;
    return fail_status(session->options, status,
                       status == COFFER_EXISTS ? "remove the object of that name first" : NULL,
                       "mv %s %s", from->text, to->text);
}

enum exit_status verb_mv(struct options *options, int argc, char **argv)
{
    struct id from, to;
    enum exit_status result;
    struct session session;
    struct call call;

    result = call_parse(&grammar, options, NULL, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = id_parse(options, call.words[0], &from);
    if (result == EXIT_DONE)
        result = id_parse(options, call.words[1], &to);
    if (result == EXIT_DONE)
        result = session_open(options, SESSION_WRITE, &session);
    if (result == EXIT_DONE) {
        result = rename_object(&session, &from, &to);
        session_close(&session);
    }
    call_fini(&call);
    return result;
}
