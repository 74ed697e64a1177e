/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "name.h"
#include "report.h"

static bool json_written;

bool output_json(struct json_object *value)
{
    const int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                      JSON_C_TO_STRING_NOSLASHESCAPE;
    const char *text = json_object_to_json_string_ext(must_have(value), style);
    bool good = text != NULL && puts(text) >= 0 && fflush(stdout) == 0;

    json_written = true;
    json_object_put(value);
    return good;
}

void output_error(struct json_object *error)
{
    struct json_object *value;

    if (json_written) {
        json_object_put(error);
        return;
    }
    value = json_object_new_object();
    json_object_object_add(value, "error", error);
    (void)output_json(value);
}

struct json_object *json_of_hex(const void *bytes, size_t n)
{
    char *text = must_have(malloc(2 * n + 1));
    struct json_object *value;

    hex_format(bytes, n, text);
    value = json_object_new_string(text);
    free(text);
    return value;
}

struct json_object *json_of_u64(uint64_t value)
{
    return json_object_new_uint64(value);
}

void json_add_number_list(struct json_object *object, const struct json_number *numbers,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_object_object_add(object, numbers[i].name, json_of_u64(numbers[i].value));
}

void file_name_format(uint32_t file, char text[FILE_NAME_SIZE])
{
    (void)snprintf(text, FILE_NAME_SIZE, "%" PRIx32, file);
}

struct json_object *json_of_object(const struct object_line *line)
{
    struct json_object *value = must_have(json_object_new_object());
    bool good = line->status == COFFER_OK;
    char ta[COFFER_UUID_TEXT_SIZE], id[NAME_TEXT_SIZE], file[FILE_NAME_SIZE];

    coffer_uuid_format(&line->entry.ta, ta);
    id_format(line->entry.id, line->entry.id_size, id);
    file_name_format(line->entry.file, file);
    json_object_object_add(value, "ta", json_object_new_string(ta));
    json_object_object_add(value, "id", json_object_new_string(id));
    json_object_object_add(value, "id_hex", json_of_hex(line->entry.id, line->entry.id_size));
    json_object_object_add(value, "size", good ? json_of_u64(line->info.size) : NULL);
    json_object_object_add(value, "type", good ? json_of_u64(line->info.type) : NULL);
    json_object_object_add(value, "usage", good ? json_of_u64(line->info.usage) : NULL);
    json_object_object_add(value, "file", json_object_new_string(file));
    if (!good)
        json_object_object_add(value, "error",
                               json_object_new_string(coffer_status_name(line->status)));
    return value;
}

enum coffer_status object_look_up(struct coffer *store, const struct coffer_name *name,
                                  struct object_line *out)
{
    memset(out, 0, sizeof(*out));
    out->status = coffer_stat(store, name, &out->info);
    if (out->status != COFFER_OK)
        return out->status;
    out->entry.ta = name->ta;
    out->entry.id_size = name->id_size;
    if (name->id_size > 0)
        memcpy(out->entry.id, name->id, name->id_size);
    out->entry.file = out->info.file;
    return COFFER_OK;
}

bool output_is_fancy(void)
{
    const char *no = getenv("NO_COLOR");
    const char *kind = getenv("TERM");

    return (no == NULL || no[0] == '\0') && (kind == NULL || strcmp(kind, "dumb") != 0) &&
           isatty(STDOUT_FILENO) == 1;
}

bool output_terminal_size(unsigned *rows, unsigned *columns)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return false;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return true;
}

void table_init(struct table *table, const char *align)
{
    *table = (struct table){.columns = (unsigned)strlen(align), .align = align};
}

void table_cell(struct table *table, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = must_have(NULL);
    va_end(arguments);
    if (table->count == table->room) {
        table->room = table->room == 0 ? 64 : 2 * table->room;
        table->cells = must_have(reallocarray(table->cells, table->room, sizeof(*table->cells)));
    }
    table->cells[table->count++] = text;
}

/* Characters, not bytes: those that don't continue a UTF-8 sequence. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_row(const struct table *table, char *const *cells, const size_t *widths)
{
    for (unsigned c = 0; c < table->columns; c++) {
        int pad = (int)(widths[c] - width_of(cells[c]));

        if (table->align[c] == '>')
            printf("%*s%s", pad, "", cells[c]);
        else
            printf("%s%*s", cells[c], c + 1 < table->columns ? pad : 0, "");
        fputs(c + 1 < table->columns ? "  " : "", stdout);
    }
}

void table_finish(struct table *table, bool heading)
{
    size_t *widths = must_have(calloc(table->columns, sizeof(*widths)));
    bool bold = heading && output_is_fancy();

    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        size_t column = i % table->columns;

        if (width > widths[column])
            widths[column] = width;
    }
    for (size_t i = 0; i + table->columns <= table->count; i += table->columns) {
        if (bold && i == 0)
            fputs("\033[1m", stdout);
        print_row(table, table->cells + i, widths);
        puts(bold && i == 0 ? "\033[0m" : "");
    }
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(widths);
    *table = (struct table){0};
}
