/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer check: every hash and every tag of the store, and what can be mended. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "files.h"
#include "name.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "verbs.h"

enum { OPTION_REPAIR = 0x200, OPTION_DEEP };

static const struct argp_option switches[] = {
    {"repair", OPTION_REPAIR, NULL, 0,
     "Mend what can be mended and move the rest to quarantine; nothing is destroyed", 0},
    {"deep", OPTION_DEEP, NULL, 0,
     "Look at files that no object owns and at the catalogue's spare version too", 0},
    {0},
};

static bool set(struct call *call, int key, const char *value)
{
    unsigned *flags = call->own;

    (void)value;
    *flags |= key == OPTION_REPAIR ? COFFER_CHECK_REPAIR : COFFER_CHECK_DEEP;
    return true;
}

static const struct grammar grammar = {
    .verb = "check",
    .text = "Verify the structure, every hash and every tag of the store, and say which object, "
            "file and byte range is damaged.\vExit status 0: clean, or all of it repaired; 5: "
            "damage remains. Without --repair nothing is written.",
    .switches = switches,
    .set = set,
};

struct checking {
    struct options *options;
    struct json_object *findings;
    struct progress progress;
};

static const char *kind_name(enum coffer_finding_kind kind)
{
    switch (kind) {
    case COFFER_FINDING_CATALOGUE:
        return "catalogue";
    case COFFER_FINDING_OBJECT:
        return "object";
    case COFFER_FINDING_DATA:
        return "data";
    case COFFER_FINDING_MISSING:
        return "missing";
    case COFFER_FINDING_TOLERATED:
        return "tolerated";
    case COFFER_FINDING_ORPHAN:
        return "orphan";
    }
    return "unknown";
}

static void add_finding(struct json_object *findings, const struct coffer_finding *finding)
{
    struct json_object *value = json_object_new_object();
    struct json_object *object = NULL;
    char ta[COFFER_UUID_TEXT_SIZE], id[NAME_TEXT_SIZE];

    if (finding->has_object) {
        coffer_uuid_format(&finding->object.ta, ta);
        id_format(finding->object.id, finding->object.id_size, id);
        object = json_object_new_object();
        json_object_object_add(object, "ta", json_object_new_string(ta));
        json_object_object_add(object, "id", json_object_new_string(id));
        json_object_object_add(object, "id_hex",
                               json_of_hex(finding->object.id, finding->object.id_size));
    }
    json_object_object_add(value, "kind", json_object_new_string(kind_name(finding->kind)));
    json_object_object_add(value, "damage", json_object_new_boolean(finding->damage));
    json_object_object_add(value, "repaired", json_object_new_boolean(finding->repaired));
    json_object_object_add(value, "file",
                           finding->file == NULL ? NULL : json_object_new_string(finding->file));
    json_object_object_add(value, "object", object);
    json_object_object_add(value, "offset", json_of_u64(finding->offset));
    json_object_object_add(value, "size", json_of_u64(finding->size));
    json_object_object_add(value, "text", json_object_new_string(finding->text));
    json_object_array_add(findings, value);
}

static void print_finding(const struct coffer_finding *finding)
{
    const char *mark = finding->damage ? "DAMAGED" : "note";
    char ta[COFFER_UUID_TEXT_SIZE], id[NAME_TEXT_SIZE];

    if (finding->repaired)
        mark = finding->damage ? "repaired" : "mended";
    printf("%-8s  ", mark);
    if (finding->has_object) {
        coffer_uuid_format(&finding->object.ta, ta);
        id_format(finding->object.id, finding->object.id_size, id);
        printf("object %s of TA %s, ", id, ta);
    }
    if (finding->file != NULL)
        printf("file %s, ", finding->file);
    if (finding->size > 0)
        printf("%s %" PRIu64 " to %" PRIu64 ": ",
               finding->kind == COFFER_FINDING_DATA ? "data bytes" : "file bytes", finding->offset,
               finding->offset + finding->size - 1);
    printf("%s\n", finding->text);
}

static void each_finding(void *context, const struct coffer_finding *finding)
{
    struct checking *checking = context;

    progress_end(&checking->progress);
    if (checking->options->json)
        add_finding(checking->findings, finding);
    else
        print_finding(finding);
}

static bool each_step(void *context, uint64_t done, uint64_t total)
{
    struct checking *checking = context;

    checking->progress.total = total;
    progress_step(&checking->progress, done);
    return !interrupted();
}

static void print_summary(const struct coffer_check_summary *summary)
{
    char bytes[SIZE_TEXT_SIZE];

    size_format(summary->bytes, bytes);
    printf("%s: %" PRIu64 " object%s, %s of blocks and %" PRIu64 " hash%s verified; %" PRIu64
           " damaged, %" PRIu64 " repaired, %" PRIu64 " note%s\n",
           summary->damaged == 0                   ? "clean"
           : summary->damaged == summary->repaired ? "repaired"
                                                   : "damaged",
           summary->objects, summary->objects == 1 ? "" : "s", bytes, summary->nodes,
           summary->nodes == 1 ? "" : "es", summary->damaged, summary->repaired, summary->notes,
           summary->notes == 1 ? "" : "s");
}

static void print_json(struct checking *checking, const struct coffer_check_summary *summary)
{
    const struct json_number numbers[] = {
        {"objects", summary->objects}, {"bytes", summary->bytes},       {"nodes", summary->nodes},
        {"damaged", summary->damaged}, {"repaired", summary->repaired}, {"notes", summary->notes},
    };
    struct json_object *value = json_object_new_object();
    struct json_object *counts = json_object_new_object();

    json_add_numbers(counts, numbers);
    json_object_object_add(value, "clean", json_object_new_boolean(summary->damaged == 0));
    json_object_object_add(value, "findings", json_object_get(checking->findings));
    json_object_object_add(value, "summary", counts);
    (void)output_json(value);
}

static enum exit_status check_store(struct session *session, unsigned flags)
{
    struct checking checking = {.options = session->options};
    struct coffer_check_summary summary;
    enum coffer_status status;
    enum exit_status result = EXIT_DONE;

    checking.findings = json_object_new_array();
    progress_begin(&checking.progress, session->options, "check", "entry", 0);
    status = coffer_check(session->store, flags, each_finding, each_step, &checking, &summary);
    progress_end(&checking.progress);
    if (status != COFFER_OK && interrupted()) {
        result = fail_interrupted(session->options, "what was not looked at may be damaged",
                                  "check: store %s", session->directory);
    } else if (status != COFFER_OK) {
        result = fail_status(session->options, status, NULL, "check: store %s", session->directory);
    } else {
        if (session->options->json)
            print_json(&checking, &summary);
        else
            print_summary(&summary);
        if (summary.damaged > summary.repaired)
            result = EXIT_CORRUPT;
    }
    json_object_put(checking.findings);
    return result;
}

enum exit_status verb_check(struct options *options, int argc, char **argv)
{
    enum exit_status result;
    struct session session;
    unsigned flags = 0;
    struct call call;

    result = call_parse(&grammar, options, &flags, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = session_open(
        options, (flags & COFFER_CHECK_REPAIR) != 0 ? SESSION_WRITE : SESSION_READ, &session);
    if (result == EXIT_DONE) {
        result = check_store(&session, flags);
        session_close(&session);
    }
    call_fini(&call);
    return result;
}
