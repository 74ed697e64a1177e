/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One file of a store, seen from outside and without a key: its heads and nodes, and which slot of
 * each would be the committed one if the counters and flags are to be believed.
 */
#ifndef COFFER_COMMAND_STORED_FILE_H
#define COFFER_COMMAND_STORED_FILE_H

#include "coffer/inspect.h"
#include "options.h"

struct stored_file {
    const char *path;
    int fd;
    uint64_t size;
    uint32_t nodes; /* that the file has room for; fewer may be in use */
    struct coffer_inspect_head heads[2];
    bool whole;      /* the counters fit together: */
    unsigned newest; /* the committed slot of head and root */
};

/* EXIT_CORRUPT: too short to be one. Tells what is wrong; nothing is left to close then. */
enum exit_status stored_file_open(struct options *options, const char *path,
                                  struct stored_file *out);
void stored_file_close(struct stored_file *file);

/* Both slots of a node, 1 to file->nodes. False: they could not be read. */
bool stored_file_node(const struct stored_file *file, uint32_t node,
                      struct coffer_inspect_node out[2]);

/* The committed slot of a node: down from the root by the flags. False: it can't be told. */
bool stored_file_committed(const struct stored_file *file, uint32_t node, unsigned *slot);

#endif
