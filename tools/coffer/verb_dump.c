/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer dump: the structure of one stored file, as far as the bytes are plain. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "sizes.h"
#include "stored_file.h"
#include "verbs.h"

enum { OPTION_NODES = 0x200 };

#define NODES_SHOWN 1000u

static const struct argp_option switches[] = {
    {"nodes", OPTION_NODES, "N", 0, "Show the first N nodes. Default: 1000", 0},
    {0},
};

static bool set(struct call *call, int key, const char *value)
{
    uint64_t *most = call->own;

    (void)key;
    if (size_parse(value, most))
        return true;
    fail_usage(call->options, "dump --nodes %s: not a number", value);
    return false;
}

static const struct grammar grammar = {
    .verb = "dump",
    .arguments = "FILE",
    .text = "Show the structure of one stored file: heads, nodes, versions and flags. FILE is a "
            "path if there is a / in it, else a name within the store (dirf.db, 0, 1f).\vNo key is "
            "needed. Nothing is "
            "verified: `coffer check` does that. Heads and nodes have two versions, of which the "
            "committed one is marked with *, going by the counters and flags; nodes that were "
            "dropped when a file shrank are still there and are shown too. Exit status 5: it is no "
            "file of a store, or its heads are damaged.",
    .switches = switches,
    .set = set,
    .least = 1,
    .most = 1,
};

/* What there is to say of one node. */
struct node_line {
    uint32_t node;
    struct coffer_inspect_node images[2];
    bool known; /* `committed` is */
    unsigned committed;
};

static bool next_node(const struct stored_file *file, uint32_t node, struct node_line *out)
{
    *out = (struct node_line){.node = node};
    if (!stored_file_node(file, node, out->images))
        return false;
    out->known = stored_file_committed(file, node, &out->committed);
    return true;
}

static bool never_written(const struct node_line *line)
{
    return line->images[0].blank && line->images[1].blank;
}

static struct json_object *json_of_head(const struct stored_file *file, unsigned slot)
{
    const struct coffer_inspect_head *head = &file->heads[slot];
    struct json_object *value = json_object_new_object();

    json_object_object_add(value, "version", json_object_new_int((int)slot));
    json_object_object_add(value, "offset", json_of_u64(coffer_inspect_head_offset(slot)));
    json_object_object_add(value, "newest",
                           json_object_new_boolean(file->whole && file->newest == slot));
    json_object_object_add(value, "blank", json_object_new_boolean(head->blank));
    json_object_object_add(value, "counter", json_of_u64(head->counter));
    json_object_object_add(value, "iv", json_of_hex(head->iv, sizeof(head->iv)));
    json_object_object_add(value, "tag", json_of_hex(head->tag, sizeof(head->tag)));
    json_object_object_add(value, "enc_fek",
                           json_of_hex(head->wrapped_key, sizeof(head->wrapped_key)));
    json_object_object_add(value, "meta", json_of_hex(head->meta, sizeof(head->meta)));
    return value;
}

static struct json_object *json_of_image(const struct node_line *line, unsigned slot)
{
    const struct coffer_inspect_node *image = &line->images[slot];
    unsigned block = coffer_inspect_block_slot(image->flags);
    struct json_object *value = json_object_new_object();

    json_object_object_add(value, "node", json_of_u64(line->node));
    json_object_object_add(value, "version", json_object_new_int((int)slot));
    json_object_object_add(value, "offset",
                           json_of_u64(coffer_inspect_node_offset(line->node, slot)));
    json_object_object_add(value, "committed",
                           json_object_new_boolean(line->known && line->committed == slot));
    json_object_object_add(value, "flags", json_of_u64(image->flags));
    json_object_object_add(value, "hash", json_of_hex(image->hash, sizeof(image->hash)));
    json_object_object_add(value, "iv", json_of_hex(image->iv, sizeof(image->iv)));
    json_object_object_add(value, "tag", json_of_hex(image->tag, sizeof(image->tag)));
    json_object_object_add(value, "block", json_of_u64(line->node - 1));
    json_object_object_add(value, "block_version", json_object_new_int((int)block));
    json_object_object_add(value, "block_offset",
                           json_of_u64(coffer_inspect_block_offset(line->node - 1, block)));
    return value;
}

static void dump_json(const struct stored_file *file, uint32_t shown)
{
    struct json_object *value = json_object_new_object();
    struct json_object *heads = json_object_new_array();
    struct json_object *nodes = json_object_new_array();

    for (unsigned slot = 0; slot < 2; slot++)
        json_object_array_add(heads, json_of_head(file, slot));
    for (uint32_t node = 1; node <= shown; node++) {
        struct node_line line;

        if (!next_node(file, node, &line))
            break;
        for (unsigned slot = 0; slot < 2; slot++) {
            if (!line.images[slot].blank)
                json_object_array_add(nodes, json_of_image(&line, slot));
        }
    }
    json_object_object_add(value, "file", json_object_new_string(file->path));
    json_object_object_add(value, "size", json_of_u64(file->size));
    json_object_object_add(value, "newest",
                           file->whole ? json_object_new_int((int)file->newest) : NULL);
    json_object_object_add(value, "heads", heads);
    json_object_object_add(value, "node_room", json_of_u64(file->nodes));
    json_object_object_add(value, "nodes", nodes);
    (void)output_json(value);
}

static void print_hex(struct table *table, const void *bytes, size_t n)
{
    char text[2 * 32 + 1];

    hex_format(bytes, n, text);
    table_cell(table, "%s", text);
}

static void print_heads(const struct stored_file *file)
{
    struct table table;

    table_init(&table, "<>><<<<");
    table_cell(&table, "HEAD");
    table_cell(&table, "OFFSET");
    table_cell(&table, "COUNTER");
    table_cell(&table, "IV");
    table_cell(&table, "TAG");
    table_cell(&table, "ENCRYPTED KEY");
    table_cell(&table, "ENCRYPTED META");
    for (unsigned slot = 0; slot < 2; slot++) {
        const struct coffer_inspect_head *head = &file->heads[slot];

        table_cell(&table, "%u%s", slot, file->whole && file->newest == slot ? "*" : "");
        table_cell(&table, "%" PRIu64, coffer_inspect_head_offset(slot));
        table_cell(&table, "%" PRIu32 "%s", head->counter, head->blank ? " (blank)" : "");
        print_hex(&table, head->iv, sizeof(head->iv));
        print_hex(&table, head->tag, sizeof(head->tag));
        print_hex(&table, head->wrapped_key, sizeof(head->wrapped_key));
        print_hex(&table, head->meta, sizeof(head->meta));
    }
    table_finish(&table, true);
}

static void print_image(struct table *table, const struct node_line *line, unsigned slot)
{
    const struct coffer_inspect_node *image = &line->images[slot];
    unsigned block = coffer_inspect_block_slot(image->flags);
    char hash[2 * 6 + 1];

    hex_format(image->hash, 6, hash);
    table_cell(table, "%" PRIu32 ".%u%s", line->node, slot,
               line->known && line->committed == slot ? "*" : "");
    table_cell(table, "%" PRIu64, coffer_inspect_node_offset(line->node, slot));
    table_cell(table, "%s...", hash);
    table_cell(table, "%04x", (unsigned)image->flags);
    table_cell(table, "%u", coffer_inspect_child_slot(image->flags, 2 * line->node));
    table_cell(table, "%u", coffer_inspect_child_slot(image->flags, 2 * line->node + 1));
    table_cell(table, "%" PRIu32 ".%u", line->node - 1, block);
    table_cell(table, "%" PRIu64, coffer_inspect_block_offset(line->node - 1, block));
}

static void print_nodes(const struct stored_file *file, uint32_t shown)
{
    static const char *const heading[] = {"NODE",   "OFFSET", "HASH",  "FLAGS",
                                          "CHILD0", "CHILD1", "BLOCK", "OFFSET"};
    struct table table;

    table_init(&table, "<><>>><>");
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
        table_cell(&table, "%s", heading[i]);
    for (uint32_t node = 1; node <= shown; node++) {
        struct node_line line;

        if (!next_node(file, node, &line))
            break;
        for (unsigned slot = 0; slot < 2 && !never_written(&line); slot++) {
            if (!line.images[slot].blank)
                print_image(&table, &line, slot);
        }
    }
    table_finish(&table, true);
    if (shown < file->nodes)
        printf("nodes up to %" PRIu32 " shown of the %" PRIu32 " that the file has room for\n",
               shown, file->nodes);
}

static void dump_text(const struct stored_file *file, uint32_t shown)
{
    printf("%s: %" PRIu64 " bytes, %s\n\n", file->path, file->size,
           file->whole ? "newest version marked with *"
                       : "the counters of its heads do not fit together");
    print_heads(file);
    putchar('\n');
    print_nodes(file, shown);
}

/* A path as it stands, or a name within the store: a copy to free. Never what happens to be in the
 * working directory: one word means one thing wherever it is said. */
static enum exit_status find_file(struct options *options, const char *word, char **out)
{
    enum exit_status result;
    char *directory = NULL;

    if (strchr(word, '/') != NULL) {
        *out = must_have(strdup(word));
        return EXIT_DONE;
    }
    result = session_directory(options, &directory);
    if (result == EXIT_DONE && asprintf(out, "%s/%s", directory, word) < 0)
        *out = must_have(NULL);
    free(directory);
    return result;
}

enum exit_status verb_dump(struct options *options, int argc, char **argv)
{
    uint64_t most = NODES_SHOWN;
    struct stored_file file;
    enum exit_status result;
    char *path = NULL;
    struct call call;

    result = call_parse(&grammar, options, &most, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = find_file(options, call.words[0], &path);
    if (result == EXIT_DONE)
        result = stored_file_open(options, path, &file);
    if (result == EXIT_DONE) {
        uint32_t shown = most < file.nodes ? (uint32_t)most : file.nodes;

        if (options->json)
            dump_json(&file, shown);
        else
            dump_text(&file, shown);
        if (!file.whole)
            result = fail_because(options, COFFER_CORRUPT,
                                  "dump: file %s is damaged, or no file of a store: the counters "
                                  "of its heads do not fit together",
                                  path);
        stored_file_close(&file);
    }
    free(path);
    call_fini(&call);
    return result;
}
