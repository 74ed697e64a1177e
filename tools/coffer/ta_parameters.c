/* SPDX-License-Identifier: BSD-2-Clause */
#include "ta_parameters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "name.h"
#include "output.h"
#include "report.h"
#include "sizes.h"
#include "text.h"

#define COUNT     ((int)TEEC_CONFIG_PAYLOAD_REF_COUNT)
#define SIZE_MOST ((size_t)TEEC_CONFIG_SHAREDMEM_MAX_SIZE)

/* One parameter while it is read. */
struct reading {
    struct options *options;
    const char *word;
    TEEC_Parameter *out;
    size_t *size;
    const char **file;
};

static enum exit_status refuse(const struct reading *reading, const char *why)
{
    return fail_usage(reading->options, "ta: %s: %s", reading->word, why);
}

static enum exit_status make_room(const struct reading *reading, size_t size)
{
    if (size > SIZE_MOST)
        return refuse(reading, "too large");
    reading->out->tmpref.buffer = must_have(calloc(1, size + 1));
    reading->out->tmpref.size = size;
    *reading->size = size;
    return EXIT_DONE;
}

static bool read_number(const char *text, char **end, uint32_t *out)
{
    unsigned long long value;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    value = strtoull(text, end, 0);
    *out = (uint32_t)value;
    return errno == 0 && value <= UINT32_MAX;
}

static enum exit_status read_value(const struct reading *reading, const char *text)
{
    TEEC_Value *value = &reading->out->value;
    char *end = NULL;
    bool good = read_number(text, &end, &value->a);

    value->b = 0;
    if (good && *end == ',')
        good = read_number(end + 1, &end, &value->b);
    if (!good || *end != '\0')
        return refuse(reading, "it has the form value:A or value:A,B, each less than 2^32");
    return EXIT_DONE;
}

static enum exit_status read_file(const struct reading *reading, const char *path, size_t least)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum exit_status result = EXIT_DONE;
    char *bytes = must_have(malloc(SIZE_MOST + 1));
    ssize_t got = fd < 0 ? -1 : file_read(fd, bytes, SIZE_MOST + 1);

    if (got < 0)
        result = fail_errno(reading->options, errno, "ta: %s", path);
    else
        result = make_room(reading, (size_t)got > least ? (size_t)got : least);
    if (result == EXIT_DONE && got > 0)
        memcpy(reading->out->tmpref.buffer, bytes, (size_t)got);
    if (got > 0)
        wipe(bytes, (size_t)got); /* the rest was never touched, and takes no memory */
    free(bytes);
    if (fd >= 0)
        (void)close(fd);
    return result;
}

static enum exit_status read_hex(const struct reading *reading, const char *digits, size_t least)
{
    size_t size = strlen(digits) / 2;
    enum exit_status result;
    uint8_t *bytes;

    if (strlen(digits) % 2 != 0 || strspn(digits, "0123456789abcdefABCDEF") != 2 * size)
        return refuse(reading, "hex: wants an even number of hex digits");
    result = make_room(reading, size > least ? size : least);
    if (result != EXIT_DONE)
        return result;
    bytes = reading->out->tmpref.buffer;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(hex_digit(digits[2 * i]) * 16 + hex_digit(digits[2 * i + 1]));
    return EXIT_DONE;
}

static enum exit_status read_bytes(const struct reading *reading, const char *text, size_t least)
{
    size_t size = strlen(text);
    enum exit_status result;

    if (text[0] == '@')
        return read_file(reading, text + 1, least);
    if (strncmp(text, "hex:", 4) == 0)
        return read_hex(reading, text + 4, least);
    result = make_room(reading, size > least ? size : least);
    if (result == EXIT_DONE)
        memcpy(reading->out->tmpref.buffer, text, size);
    return result;
}

/* SIZE and what stands behind a comma; NULL: nothing does. */
static enum exit_status read_size(const struct reading *reading, const char *text, size_t *size,
                                  const char **rest)
{
    const char *comma = strchr(text, ',');
    char *number = must_have(comma == NULL ? strdup(text) : strndup(text, (size_t)(comma - text)));
    uint64_t value;
    bool good = size_parse(number, &value) && value <= SIZE_MOST;

    free(number);
    if (!good)
        return refuse(reading, "its size is not one, or too large");
    *size = (size_t)value;
    *rest = comma == NULL ? NULL : comma + 1;
    return EXIT_DONE;
}

static enum exit_status read_output(const struct reading *reading, const char *text, bool in)
{
    const char *rest = NULL;
    size_t size = 0;
    enum exit_status result = read_size(reading, text, &size, &rest);

    if (result != EXIT_DONE)
        return result;
    if (in) {
        if (rest == NULL)
            return refuse(reading, "it is inout:SIZE,BYTES");
        result = read_bytes(reading, rest, size);
        if (result == EXIT_DONE && *reading->size > size)
            return refuse(reading, "there are more bytes than its size");
        return result;
    }
    *reading->file = rest;
    return make_room(reading, size);
}

static enum exit_status read_one(const struct reading *reading, uint32_t *type)
{
    static const struct {
        const char *prefix;
        uint32_t type;
    } kinds[] = {
        {"value:", TEEC_VALUE_INOUT},       {"value-in:", TEEC_VALUE_INPUT},
        {"in:", TEEC_MEMREF_TEMP_INPUT},    {"out:", TEEC_MEMREF_TEMP_OUTPUT},
        {"inout:", TEEC_MEMREF_TEMP_INOUT},
    };

    *type = TEEC_NONE;
    if (strcmp(reading->word, "none") == 0)
        return EXIT_DONE;
    if (strcmp(reading->word, "value-out") == 0) {
        *type = TEEC_VALUE_OUTPUT;
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = strlen(kinds[i].prefix);
        const char *text = reading->word + length;

        if (strncmp(reading->word, kinds[i].prefix, length) != 0)
            continue;
        *type = kinds[i].type;
        switch (kinds[i].type) {
        case TEEC_VALUE_INPUT:
        case TEEC_VALUE_INOUT:
            return read_value(reading, text);
        case TEEC_MEMREF_TEMP_INPUT:
            return read_bytes(reading, text, 0);
        default:
            return read_output(reading, text, kinds[i].type == TEEC_MEMREF_TEMP_INOUT);
        }
    }
    return refuse(reading,
                  "a parameter is value:…, value-in:…, value-out, in:…, out:…, inout:… or none");
}

enum exit_status ta_parameters_parse(struct options *options, int count, char *const *words,
                                     struct ta_parameters *out)
{
    uint32_t types[TEEC_CONFIG_PAYLOAD_REF_COUNT] = {0};
    enum exit_status result = EXIT_DONE;

    *out = (struct ta_parameters){.files = {NULL}};
    for (int i = 0; i < count && result == EXIT_DONE; i++) {
        const struct reading reading = {.options = options,
                                        .word = words[i],
                                        .out = &out->operation.params[i],
                                        .size = &out->sizes[i],
                                        .file = &out->files[i]};

        result = read_one(&reading, &types[i]);
        out->operation.paramTypes = TEEC_PARAM_TYPES(types[0], types[1], types[2], types[3]);
    }
    if (result != EXIT_DONE)
        ta_parameters_fini(out);
    return result;
}

static bool is_memory(const struct ta_parameters *parameters, int index)
{
    return TEEC_PARAM_TYPE_GET(parameters->operation.paramTypes, index) >= TEEC_MEMREF_TEMP_INPUT;
}

static bool is_output(const struct ta_parameters *parameters, int index)
{
    uint32_t type = TEEC_PARAM_TYPE_GET(parameters->operation.paramTypes, index);

    return type == TEEC_MEMREF_TEMP_OUTPUT || type == TEEC_MEMREF_TEMP_INOUT;
}

static bool is_value_output(const struct ta_parameters *parameters, int index)
{
    uint32_t type = TEEC_PARAM_TYPE_GET(parameters->operation.paramTypes, index);

    return type == TEEC_VALUE_OUTPUT || type == TEEC_VALUE_INOUT;
}

/* What there is of an output; a TA may tell that it would have had more. */
static size_t size_of(const struct ta_parameters *parameters, int index)
{
    size_t told = parameters->operation.params[index].tmpref.size;

    return told < parameters->sizes[index] ? told : parameters->sizes[index];
}

bool ta_parameters_are_short(const struct ta_parameters *parameters, int *index, size_t *wanted)
{
    for (int i = 0; i < COUNT; i++) {
        size_t told = parameters->operation.params[i].tmpref.size;

        if (!is_output(parameters, i) || told <= parameters->sizes[i])
            continue;
        *index = i;
        *wanted = told;
        return true;
    }
    return false;
}

void ta_parameters_fini(struct ta_parameters *parameters)
{
    for (int i = 0; i < COUNT; i++) {
        TEEC_Parameter *parameter = &parameters->operation.params[i];

        if (!is_memory(parameters, i) || parameter->tmpref.buffer == NULL)
            continue;
        wipe(parameter->tmpref.buffer, parameters->sizes[i]);
        free(parameter->tmpref.buffer);
        parameter->tmpref.buffer = NULL;
    }
}

enum exit_status ta_parameters_write(struct options *options,
                                     const struct ta_parameters *parameters)
{
    enum exit_status result = EXIT_DONE;

    for (int i = 0; i < COUNT && result == EXIT_DONE; i++) {
        const char *path = parameters->files[i];
        struct new_file file;

        if (path == NULL)
            continue;
        result = file_begin(options, path, &file);
        if (result != EXIT_DONE)
            break;
        if (file_write(file.fd, parameters->operation.params[i].tmpref.buffer,
                       size_of(parameters, i))) {
            result = file_finish(options, &file);
        } else {
            result = fail_errno(options, errno, "ta: %s", path);
            file_abandon(&file);
        }
    }
    return result;
}

static bool is_text(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = text_character(bytes + at, size - at);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

void ta_parameters_print(const struct ta_parameters *parameters)
{
    for (int i = 0; i < COUNT; i++) {
        const TEEC_Parameter *parameter = &parameters->operation.params[i];
        const uint8_t *bytes = parameter->tmpref.buffer;

        if (is_value_output(parameters, i))
            printf("%d: value %u (0x%x), %u (0x%x)\n", i, (unsigned)parameter->value.a,
                   (unsigned)parameter->value.a, (unsigned)parameter->value.b,
                   (unsigned)parameter->value.b);
        if (!is_output(parameters, i))
            continue;
        printf("%d: %zu bytes", i, parameter->tmpref.size);
        if (parameters->files[i] == NULL) {
            size_t size = size_of(parameters, i);

            if (is_text(bytes, size)) {
                printf(": %.*s", (int)size, (const char *)bytes);
            } else {
                printf(": hex:");
                for (size_t at = 0; at < size; at++)
                    printf("%02x", bytes[at]);
            }
        }
        printf("\n");
    }
}

struct json_object *ta_parameters_json(const struct ta_parameters *parameters)
{
    struct json_object *all = json_object_new_array();

    for (int i = 0; i < COUNT; i++) {
        const TEEC_Parameter *parameter = &parameters->operation.params[i];
        struct json_object *one = NULL;

        if (is_value_output(parameters, i)) {
            one = json_object_new_object();
            json_object_object_add(one, "a", json_of_u64(parameter->value.a));
            json_object_object_add(one, "b", json_of_u64(parameter->value.b));
        } else if (is_output(parameters, i)) {
            one = json_object_new_object();
            json_object_object_add(one, "size", json_of_u64(parameter->tmpref.size));
            if (parameters->files[i] == NULL)
                json_object_object_add(
                    one, "hex", json_of_hex(parameter->tmpref.buffer, size_of(parameters, i)));
        }
        json_object_array_add(all, one);
    }
    return all;
}
