/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "text.h"

enum exit_status status_exit(enum coffer_status status)
{
    switch (status) {
    case COFFER_OK:
        return EXIT_DONE;
    case COFFER_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case COFFER_EXISTS:
    case COFFER_BUSY:
        return EXIT_CONFLICT;
    case COFFER_NO_MEMORY:
    case COFFER_NO_SPACE:
        return EXIT_SHORTAGE;
    case COFFER_IO:
    case COFFER_FAILED:
        return EXIT_IO;
    case COFFER_CORRUPT:
        return EXIT_CORRUPT;
    case COFFER_ROLLED_BACK:
        return EXIT_ROLLED_BACK;
    case COFFER_MISUSE:
    case COFFER_UNSUPPORTED:
        return EXIT_OTHER;
    }
    return EXIT_OTHER;
}

/* What to do about it, where the verb knows nothing better. */
static const char *usual_advice(enum coffer_status status)
{
    switch (status) {
    case COFFER_NOT_FOUND:
        return "`coffer ls --all` lists what is there, --ta says whose object it is";
    case COFFER_EXISTS:
        return "choose another name, or remove it first";
    case COFFER_BUSY:
        return "try again when the other user has closed it";
    case COFFER_NO_MEMORY:
        return "give it more with --memory";
    case COFFER_NO_SPACE:
        return "make room and try again; nothing was changed";
    case COFFER_IO:
        return "look at the device, the kernel's log, and who may read the store's files";
    case COFFER_FAILED:
        return "run the command again: opening the store settles it";
    case COFFER_CORRUPT:
        return "`coffer check` says what is damaged";
    case COFFER_ROLLED_BACK:
        return "bring back the newest copy of the store";
    case COFFER_UNSUPPORTED:
    case COFFER_MISUSE:
    case COFFER_OK:
        break;
    }
    return NULL;
}

static enum coffer_status errno_status(int error)
{
    switch (error) {
    case ENOENT:
        return COFFER_NOT_FOUND;
    case EEXIST:
        return COFFER_EXISTS;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
        return COFFER_BUSY;
    case ENOMEM:
        return COFFER_NO_MEMORY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return COFFER_NO_SPACE;
    case EACCES:
    case EROFS:
    case EPERM:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return COFFER_MISUSE;
    default:
        return COFFER_IO;
    }
}

/* Cleaned: what it is about has its name from outside. */
__attribute__((format(printf, 1, 0))) static char *format_text(const char *format,
                                                               va_list arguments)
{
    char *text = NULL;
    char *clean;

    if (vasprintf(&text, format, arguments) < 0)
        return must_have(NULL);
    clean = text_clean(text);
    free(text);
    return clean;
}

static void print_line(const char *text)
{
    /* One call, so that lines of several processes don't mix. */
    (void)fflush(stdout);
    (void)fprintf(stderr, "coffer: %s\n", text);
}

static enum exit_status last_exit = EXIT_OTHER;

static enum exit_status finish(struct options *options, enum exit_status code, const char *status,
                               const char *text)
{
    struct json_object *error;

    last_exit = code;
    options->reported = true;
    if (!options->json)
        return code;
    error = json_object_new_object();
    json_object_object_add(error, "code", json_object_new_int((int)code));
    json_object_object_add(error, "status", json_object_new_string(status));
    json_object_object_add(error, "message", json_object_new_string(text));
    output_error(error);
    return code;
}

static char *compose(const char *what, const char *why, const char *advice)
{
    char *text = NULL;
    int n = advice == NULL ? asprintf(&text, "%s: %s", what, why)
                           : asprintf(&text, "%s: %s; %s", what, why, advice);

    return n < 0 ? must_have(NULL) : text;
}

__attribute__((format(printf, 3, 0))) static char *
status_line(enum coffer_status status, const char *advice, const char *what, va_list arguments)
{
    char *subject = format_text(what, arguments);
    char *text = compose(subject, coffer_status_text(status),
                         advice != NULL ? advice : usual_advice(status));

    free(subject);
    return text;
}

enum exit_status fail_status(struct options *options, enum coffer_status status, const char *advice,
                             const char *what, ...)
{
    enum exit_status code;
    va_list arguments;
    char *text;

    va_start(arguments, what);
    text = status_line(status, advice, what, arguments);
    va_end(arguments);
    print_line(text);
    code = finish(options, status_exit(status), coffer_status_name(status), text);
    free(text);
    return code;
}

enum exit_status warn_status(const struct options *options, enum coffer_status status,
                             const char *advice, const char *what, ...)
{
    va_list arguments;
    char *text;

    (void)options;
    va_start(arguments, what);
    text = status_line(status, advice, what, arguments);
    va_end(arguments);
    print_line(text);
    free(text);
    return status_exit(status);
}

enum exit_status fail_because(struct options *options, enum coffer_status status, const char *what,
                              ...)
{
    enum exit_status code;
    va_list arguments;
    char *text;

    va_start(arguments, what);
    text = format_text(what, arguments);
    va_end(arguments);
    print_line(text);
    code = finish(options, status_exit(status), coffer_status_name(status), text);
    free(text);
    return code;
}

enum exit_status fail_interrupted(struct options *options, const char *advice, const char *what,
                                  ...)
{
    va_list arguments;
    char *subject, *text;

    va_start(arguments, what);
    subject = format_text(what, arguments);
    va_end(arguments);
    text = compose(subject, "interrupted", advice);
    print_line(text);
    (void)finish(options, EXIT_OTHER, "INTERRUPTED", text);
    free(subject);
    free(text);
    return EXIT_OTHER;
}

enum exit_status fail_errno(struct options *options, int error, const char *what, ...)
{
    enum coffer_status status = errno_status(error);
    enum exit_status code;
    va_list arguments;
    char *subject, *text;

    va_start(arguments, what);
    subject = format_text(what, arguments);
    va_end(arguments);
    text = compose(subject, strerror(error), NULL);
    print_line(text);
    code = finish(options, status_exit(status), coffer_status_name(status), text);
    free(subject);
    free(text);
    return code;
}

enum exit_status fail_usage(struct options *options, const char *what, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, what);
    text = format_text(what, arguments);
    va_end(arguments);
    print_line(text);
    (void)finish(options, EXIT_USAGE, "USAGE", text);
    free(text);
    return EXIT_USAGE;
}

void note(const struct options *options, const char *what, ...)
{
    va_list arguments;
    char *text;

    if (options->quiet)
        return;
    va_start(arguments, what);
    text = format_text(what, arguments);
    va_end(arguments);
    print_line(text);
    free(text);
}

enum exit_status report_exit(const struct options *options)
{
    return options->reported ? last_exit : EXIT_DONE;
}

void *must_have(void *memory)
{
    if (memory == NULL) {
        (void)fputs("coffer: out of memory in the command itself\n", stderr);
        exit(EXIT_SHORTAGE);
    }
    return memory;
}
