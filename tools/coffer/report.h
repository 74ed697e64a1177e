/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling what went wrong: one line on standard error (what failed, on which object, why, what to
 * do) and, with --json, {"error": …} as the one value on standard output. Every fail_ call answers
 * with the exit status that fits, so that a verb can return it. Whatever names are put into a line,
 * it stays one (see text.h).
 */
#ifndef COFFER_COMMAND_REPORT_H
#define COFFER_COMMAND_REPORT_H

#include "options.h"

/* The exit status that stands for a status code. */
enum exit_status status_exit(enum coffer_status status);

/* A status code of the library. `advice` may be NULL: the usual advice for the code. */
enum exit_status fail_status(struct options *options, enum coffer_status status, const char *advice,
                             const char *what, ...) __attribute__((format(printf, 4, 5)));

/* The same with all of the line in `what`, for a failure that the code's own text doesn't meet. */
enum exit_status fail_because(struct options *options, enum coffer_status status, const char *what,
                              ...) __attribute__((format(printf, 3, 4)));

/* A signal came. `advice`: what state things are in; may be NULL. */
enum exit_status fail_interrupted(struct options *options, const char *advice, const char *what,
                                  ...) __attribute__((format(printf, 3, 4)));

/* A failed system call. */
enum exit_status fail_errno(struct options *options, int error, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* Wrong usage. */
enum exit_status fail_usage(struct options *options, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* The line alone, for a verb that goes on and puts errors into its own JSON value. */
enum exit_status warn_status(const struct options *options, enum coffer_status status,
                             const char *advice, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

/* Worth knowing, not an error; --quiet leaves it out. */
void note(const struct options *options, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit status of the failure that was told last. */
enum exit_status report_exit(const struct options *options);

/* The answer to a failed allocation of the command's own: it tells and exits. */
void *must_have(void *memory);

#endif
