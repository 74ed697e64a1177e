/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer stat: everything about one object. */
#include <inttypes.h>
#include <stdio.h>

#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "verbs.h"

static const struct argp_option switches[] = {
    {"human", 'h', NULL, 0, "The size in units of 1024", 0},
    {0},
};

struct stat_settings {
    bool human;
};

static bool set(struct call *call, int key, const char *value)
{
    struct stat_settings *settings = call->own;

    (void)value;
    settings->human |= key == 'h';
    return true;
}

static const struct grammar grammar = {
    .verb = "stat",
    .arguments = "ID",
    .text = "Tell everything about the object ID except its data.",
    .switches = switches,
    .set = set,
    .least = 1,
    .most = 1,
};

static void print_json(const struct object_line *line)
{
    const struct coffer_info *info = &line->info;
    struct json_object *value = json_of_object(line);

    json_object_object_add(value, "object_size", json_of_u64(info->object_size));
    json_object_object_add(value, "max_size", json_of_u64(info->max_size));
    json_object_object_add(value, "have", json_of_u64(info->have));
    json_object_object_add(value, "attributes_size", json_of_u64(info->attributes_size));
    json_object_object_add(value, "tolerated", json_object_new_boolean(info->tolerated));
    (void)output_json(value);
}

static void print_text(const struct object_line *line, bool human)
{
    const struct coffer_info *info = &line->info;
    char ta[COFFER_UUID_TEXT_SIZE], id[NAME_TEXT_SIZE], hex[NAME_TEXT_SIZE];
    char size[SIZE_TEXT_SIZE], file[FILE_NAME_SIZE];

    coffer_uuid_format(&line->entry.ta, ta);
    id_format(line->entry.id, line->entry.id_size, id);
    hex_format(line->entry.id, line->entry.id_size, hex);
    file_name_format(line->entry.file, file);
    if (human)
        size_format(info->size, size);
    else
        (void)snprintf(size, sizeof(size), "%" PRIu64, info->size);
    printf("ta          %s\n", ta);
    printf("id          %s\n", id);
    printf("id in hex   %s\n", hex);
    printf("size        %s\n", size);
    printf("type        %08" PRIx32 "%s\n", info->type,
           info->type == COFFER_TYPE_DATA ? " (data)" : "");
    printf("usage       %08" PRIx32 "\n", info->usage);
    printf("key size    %" PRIu32 " of at most %" PRIu32 " bits\n", info->object_size,
           info->max_size);
    printf("attributes  %" PRIu32 " bytes (present: %08" PRIx32 ")\n", info->attributes_size,
           info->have);
    printf("file        %s\n", file);
    if (info->tolerated)
        puts("warning     OP-TEE can't read it (its truncate defect); write it anew to mend it");
}

enum exit_status verb_stat(struct options *options, int argc, char **argv)
{
    struct stat_settings settings = {0};
    struct object_line line;
    struct session session;
    struct coffer_name name;
    enum exit_status result;
    struct call call;
    struct id id;

    result = call_parse(&grammar, options, &settings, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = id_parse(options, call.words[0], &id);
    if (result == EXIT_DONE)
        result = session_open(options, SESSION_READ, &session);
    if (result == EXIT_DONE) {
        name = name_of(options, &id);
        if (object_look_up(session.store, &name, &line) != COFFER_OK)
            result = session_fail_object(&session, line.status, NULL, "stat", &id);
        else if (options->json)
            print_json(&line);
        else
            print_text(&line, settings.human);
        session_close(&session);
    }
    call_fini(&call);
    return result;
}
