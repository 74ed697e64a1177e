/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer ls: what is in the store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "verbs.h"

enum { OPTION_ALL = 0x200 };

static const struct argp_option switches[] = {
    {"long", 'l', NULL, 0, "Size, type, usage and file of each object too", 0},
    {"all", OPTION_ALL, NULL, 0, "The objects of every TA", 0},
    {"human", 'h', NULL, 0, "Sizes in units of 1024", 0},
    {0},
};

struct ls {
    bool long_form, all, human;
};

struct listing {
    struct object_line *lines;
    size_t count, room;
    enum coffer_status worst; /* of the objects that can't be read */
};

static bool set(struct call *call, int key, const char *value)
{
    struct ls *ls = call->own;

    (void)value;
    ls->long_form |= key == 'l';
    ls->all |= key == OPTION_ALL;
    ls->human |= key == 'h';
    return true;
}

static const struct grammar grammar = {
    .verb = "ls",
    .text = "List the objects of the TA (see --ta), or of all of them, by TA and id.\v"
            "An object that can't be read is listed all the same, without its size, and the exit "
            "status tells of it.",
    .switches = switches,
    .set = set,
};

static int by_name(const void *left, const void *right)
{
    const struct coffer_entry *a = &((const struct object_line *)left)->entry;
    const struct coffer_entry *b = &((const struct object_line *)right)->entry;
    char ta_a[COFFER_UUID_TEXT_SIZE], ta_b[COFFER_UUID_TEXT_SIZE];
    int order;

    coffer_uuid_format(&a->ta, ta_a);
    coffer_uuid_format(&b->ta, ta_b);
    order = strcmp(ta_a, ta_b);
    if (order == 0)
        order = memcmp(a->id, b->id, a->id_size < b->id_size ? a->id_size : b->id_size);
    if (order == 0)
        order = (a->id_size > b->id_size) - (a->id_size < b->id_size);
    return order;
}

static void add_line(struct listing *listing, const struct coffer_entry *entry)
{
    if (listing->count == listing->room) {
        listing->room = listing->room == 0 ? 64 : 2 * listing->room;
        listing->lines = must_have(
            reallocarray(listing->lines, listing->room, sizeof(*listing->lines)));
    }
    memset(&listing->lines[listing->count], 0, sizeof(*listing->lines));
    listing->lines[listing->count].entry = *entry;
    listing->count++;
}

static enum exit_status collect(struct session *session, const struct ls *ls,
                                struct listing *listing)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status;

    status = coffer_list_open(session->store, ls->all ? NULL : &session->options->ta, &list);
    if (status != COFFER_OK)
        return fail_status(session->options, status, NULL, "ls: store %s", session->directory);
    while ((status = coffer_list_next(list, &entry)) == COFFER_OK)
        add_line(listing, &entry);
    coffer_list_close(list);
    if (status != COFFER_NOT_FOUND)
        return fail_status(session->options, status, NULL, "ls: store %s", session->directory);
    if (listing->count > 0)
        qsort(listing->lines, listing->count, sizeof(*listing->lines), by_name);
    return EXIT_DONE;
}

/* Ask each object for the rest. One that can't be read is told and does not stop the others. */
static void look_at_each(struct session *session, struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        struct object_line *line = &listing->lines[i];
        const struct coffer_name name = {line->entry.ta, line->entry.id, line->entry.id_size};
        char id[NAME_TEXT_SIZE];

        line->status = coffer_stat(session->store, &name, &line->info);
        if (line->status == COFFER_OK)
            continue;
        id_format(line->entry.id, line->entry.id_size, id);
        (void)warn_status(session->options, line->status, NULL, "ls: object %s", id);
        if (listing->worst == COFFER_OK || line->status == COFFER_CORRUPT)
            listing->worst = line->status;
    }
}

static void print_long_row(struct table *table, const struct ls *ls, const struct object_line *line,
                           const char *ta, const char *id)
{
    char size[SIZE_TEXT_SIZE], file[FILE_NAME_SIZE];

    file_name_format(line->entry.file, file);
    if (ls->all)
        table_cell(table, "%s", ta);
    if (line->status != COFFER_OK) {
        table_cell(table, "?");
        table_cell(table, "%s", coffer_status_name(line->status));
        table_cell(table, "?");
    } else {
        if (ls->human)
            size_format(line->info.size, size);
        else
            (void)snprintf(size, sizeof(size), "%" PRIu64, line->info.size);
        table_cell(table, "%s", size);
        table_cell(table, "%08" PRIx32, line->info.type);
        table_cell(table, "%08" PRIx32, line->info.usage);
    }
    table_cell(table, "%s", file);
    table_cell(table, "%s", id);
}

static void print_table(const struct ls *ls, const struct listing *listing)
{
    const char *align = ls->long_form ? (ls->all ? "<>>>><" : ">>>><") : (ls->all ? "<<" : "<");
    static const char *const heading[] = {"TA", "SIZE", "TYPE", "USAGE", "FILE", "ID"};
    struct table table;

    table_init(&table, align);
    for (size_t i = ls->all ? 0 : 1; ls->long_form && i < 6; i++)
        table_cell(&table, "%s", heading[i]);
    for (size_t i = 0; i < listing->count; i++) {
        const struct object_line *line = &listing->lines[i];
        char ta[COFFER_UUID_TEXT_SIZE], id[NAME_TEXT_SIZE];

        coffer_uuid_format(&line->entry.ta, ta);
        id_format(line->entry.id, line->entry.id_size, id);
        if (ls->long_form) {
            print_long_row(&table, ls, line, ta, id);
            continue;
        }
        if (ls->all)
            table_cell(&table, "%s", ta);
        table_cell(&table, "%s", id);
    }
    table_finish(&table, ls->long_form);
}

static void print_json(const struct listing *listing)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < listing->count; i++)
        json_object_array_add(array, json_of_object(&listing->lines[i]));
    (void)output_json(array);
}

enum exit_status verb_ls(struct options *options, int argc, char **argv)
{
    struct ls ls = {0};
    struct listing listing = {0};
    struct session session;
    enum exit_status result;
    struct call call;

    result = call_parse(&grammar, options, &ls, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = session_open(options, SESSION_READ, &session);
    if (result == EXIT_DONE) {
        result = collect(&session, &ls, &listing);
        if (result == EXIT_DONE) {
            if (options->json || ls.long_form)
                look_at_each(&session, &listing);
            if (options->json)
                print_json(&listing);
            else
                print_table(&ls, &listing);
            result = status_exit(listing.worst);
        }
        session_close(&session);
    }
    free(listing.lines);
    call_fini(&call);
    return result;
}
