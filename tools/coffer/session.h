/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open store, as the options want it. Where it is: --store, else $COFFER_STORE, else
 * $XDG_DATA_HOME/coffer, else ~/.local/share/coffer.
 */
#ifndef COFFER_COMMAND_SESSION_H
#define COFFER_COMMAND_SESSION_H

#include "name.h"
#include "options.h"

struct session {
    struct options *options;
    char *directory;
    struct coffer *store;
    struct trace_lines *trace; /* --trace; NULL: none */
};

enum session_mode {
    SESSION_READ, /* nothing of the store is written; others may read at the same time */
    SESSION_WRITE,
    SESSION_CREATE, /* the store is made when there is none */
};

/* The store's directory, a copy to free, without slashes at its end. */
enum exit_status session_directory(struct options *options, char **out);

/* Whether nobody has said where the store is. */
bool session_is_default(const struct options *options);

/* Whether a store's catalogue is in the directory, and its creation came far enough to count. */
bool session_store_exists(const char *directory);

/* Tells what is wrong when it fails; nothing is left to close then. */
enum exit_status session_open(struct options *options, enum session_mode mode, struct session *out);
void session_close(struct session *session);

/* Whether there is a store that may be opened, without opening it; tells what is wrong. */
enum exit_status session_look(struct options *options, enum session_mode mode);

/* Tell that what a verb did with an object failed. */
enum exit_status session_fail_object(const struct session *session, enum coffer_status status,
                                     const char *advice, const char *verb, const struct id *id);

#endif
