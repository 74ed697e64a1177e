/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was asked for on the command line: the options of every verb, and the frame in which a verb
 * describes its own.
 *
 * Options are read by glibc's argp. A verb has its own argp with the common options as a child, so
 * `coffer --json ls` and `coffer ls --json` mean the same.
 */
#ifndef COFFER_COMMAND_OPTIONS_H
#define COFFER_COMMAND_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "coffer.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_CONFLICT = 4,
    EXIT_CORRUPT = 5,
    EXIT_ROLLED_BACK = 6,
    EXIT_SHORTAGE = 7,
    EXIT_IO = 8,
};

struct options {
    const char *store;    /* as given; NULL: the default, see session.h */
    const char *key_file; /* NULL: not given */
    bool test_key;
    enum coffer_key_kind key_kind;
    struct coffer_uuid ta;
    size_t memory;           /* bytes; 0: the library's default */
    unsigned cached_objects; /* likewise */
    bool huk_plain;
    bool head_full_hash;
    bool json;
    bool quiet;
    const char *trace; /* file that the calls of this run are recorded in; NULL: none */
    bool reported;     /* a failure has been told already */

    const char *without_store; /* what the verb advises when there is no store; NULL: init */
};

/* Defaults. */
void options_init(struct options *options);

/* The common options; their input is a struct options. */
extern const struct argp options_argp;

/* Wrong usage: the option at fault, which getopt left just before argv[next] or at it. `own`: the
 * options of the verb (may be NULL); `verb` is empty before there is one. */
enum exit_status options_refuse(struct options *options, const char *verb,
                                const struct argp_option *own, char *const *argv, int next);

struct call;

/* A verb's own syntax. */
struct grammar {
    const char *verb;
    const char *arguments;              /* for the usage line: "ID [FILE]" */
    const char *text;                   /* for people: what it does; after a \v what else to know */
    const struct argp_option *switches; /* may be NULL */
    /* One of `switches` was met. False after telling what is wrong. NULL: there are none. */
    bool (*set)(struct call *call, int key, const char *value);
    int least;            /* words wanted */
    int most;             /* -1: any number */
    bool makes_directory; /* so that what is named in vain may not be there yet */
};

/* One call of a verb. */
struct call {
    struct options *options;
    const struct grammar *grammar;
    void *own;    /* the verb's settings, for `set` */
    char **words; /* what is not an option; on the heap */
    int count;
    int next; /* where reading the options failed */
};

/* Read a verb's arguments (argv[0] is the verb). EXIT_USAGE after telling what is wrong. */
enum exit_status call_parse(const struct grammar *grammar, struct options *options, void *own,
                            int argc, char **argv, struct call *out);
void call_fini(struct call *call);

/* Advice for who gave --memory too little for any store. */
#define LEAST_MEMORY_ADVICE "a store needs 256K at least"

#endif
