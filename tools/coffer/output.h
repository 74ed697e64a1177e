/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs print: JSON values, and tables for people. */
#ifndef COFFER_COMMAND_OUTPUT_H
#define COFFER_COMMAND_OUTPUT_H

#include <json-c/json.h>

#include "options.h"

/* An object as the command tells of it. */
struct object_line {
    struct coffer_entry entry;
    struct coffer_info info;   /* if status is COFFER_OK */
    enum coffer_status status; /* of coffer_stat */
};

/* The one JSON value of a call; takes the reference. False: it could not be written. */
bool output_json(struct json_object *value);

/* {"error": …}, unless a value has been written already. Takes the reference. */
void output_error(struct json_object *error);

/* {"ta","id","id_hex","size","type","usage","file"}; of an object that can't be read, size, type
 * and usage are null and "error" tells why. */
struct json_object *json_of_object(const struct object_line *line);

struct json_object *json_of_hex(const void *bytes, size_t n);
struct json_object *json_of_u64(uint64_t value);

struct json_number {
    const char *name;
    uint64_t value;
};

/* Add numbers to an object, in this order. */
#define json_add_numbers(object, numbers)                                                          \
    json_add_number_list((object), (numbers), sizeof(numbers) / sizeof((numbers)[0]))
void json_add_number_list(struct json_object *object, const struct json_number *numbers,
                          size_t count);

/* The name of an object's file in the store: its number in hex. */
#define FILE_NAME_SIZE 9u
void file_name_format(uint32_t file, char text[FILE_NAME_SIZE]);

/* Look an object up by name. */
enum coffer_status object_look_up(struct coffer *store, const struct coffer_name *name,
                                  struct object_line *out);

/* A table: rows of cells, printed with the columns aligned. */
struct table {
    unsigned columns;
    const char *align; /* a character for each column: '<' left, '>' right */
    char **cells;
    size_t count, room;
};

void table_init(struct table *table, const char *align);
/* The next cell, row by row; copied. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Print and free. `heading`: the first row is one; it is bold on a terminal. */
void table_finish(struct table *table, bool heading);

/* Bold and so on are wanted on standard output: a terminal that isn't "dumb", without NO_COLOR. */
bool output_is_fancy(void);

/* The terminal on standard output; false: it isn't one, or doesn't know. */
bool output_terminal_size(unsigned *rows, unsigned *columns);

#endif
