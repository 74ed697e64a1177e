/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer rm: delete objects, each in a transaction of its own. */
#include <stdlib.h>

#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "verbs.h"

static const struct grammar grammar = {
    .verb = "rm",
    .arguments = "ID...",
    .text = "Delete the objects named.\vOne that can't be deleted does not stop the others; the "
            "exit status is that of the first failure. A damaged object can be deleted too.",
    .least = 1,
    .most = -1,
};

static void add_error(struct json_object *errors, const char *id, enum coffer_status status)
{
    struct json_object *error = json_object_new_object();

    json_object_object_add(error, "id", json_object_new_string(id));
    json_object_object_add(error, "code", json_object_new_int((int)status_exit(status)));
    json_object_object_add(error, "status", json_object_new_string(coffer_status_name(status)));
    json_object_array_add(errors, error);
}

static enum exit_status remove_all(struct session *session, const struct id *ids, int count)
{
    struct json_object *removed = json_object_new_array();
    struct json_object *errors = json_object_new_array();
    struct json_object *value = json_object_new_object();
    enum exit_status result = EXIT_DONE;

    for (int i = 0; i < count; i++) {
        const struct coffer_name name = name_of(session->options, &ids[i]);
        enum coffer_status status = coffer_delete(session->store, &name);
        const char *id = ids[i].text;

        if (status == COFFER_OK) {
            json_object_array_add(removed, json_object_new_string(id));
            continue;
        }
        (void)warn_status(session->options, status, NULL, "rm %s", id);
        add_error(errors, id, status);
        if (result == EXIT_DONE)
            result = status_exit(status);
    }
    json_object_object_add(value, "removed", removed);
    json_object_object_add(value, "errors", errors);
    if (session->options->json)
        (void)output_json(value);
    else
        json_object_put(value);
    return result;
}

enum exit_status verb_rm(struct options *options, int argc, char **argv)
{
    enum exit_status result;
    struct session session;
    struct call call;
    struct id *ids;

    result = call_parse(&grammar, options, NULL, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    /* All ids are read first: a slip of the pen must not delete the ones before it. */
    ids = must_have(calloc((size_t)call.count, sizeof(*ids)));
    for (int i = 0; i < call.count && result == EXIT_DONE; i++)
        result = id_parse(options, call.words[i], &ids[i]);
    if (result == EXIT_DONE)
        result = session_open(options, SESSION_WRITE, &session);
    if (result == EXIT_DONE) {
        result = remove_all(&session, ids, call.count);
        session_close(&session);
    }
    free(ids);
    call_fini(&call);
    return result;
}
