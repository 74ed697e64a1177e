/* SPDX-License-Identifier: BSD-2-Clause */
/* Ordinary files, as the verbs need them: whole reads and writes, a file that appears only when it
 * is complete, and stopping tidily at a signal. */
#ifndef COFFER_COMMAND_FILES_H
#define COFFER_COMMAND_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"

/* Zeros that the compiler can't leave out: for keys and for what was stored. */
void wipe(void *memory, size_t n);

/* All n bytes, or false and errno. */
bool file_write(int fd, const void *data, size_t n);

/* Up to n bytes; fewer only at the end of the file; -1 and errno. */
ssize_t file_read(int fd, void *out, size_t n);
ssize_t file_read_at(int fd, uint64_t offset, void *out, size_t n);

/* Make a new name in the directory of `path` durable, as far as the system lets us. */
void file_sync_parent(const char *path);

/* A file in the making: beside `path` and under another name until file_finish. What is no plain
 * file (a device, a pipe) is written straight. */
struct new_file {
    int fd;
    char *path;      /* where it will be */
    char *temporary; /* where it is; NULL: `path` itself */
};

enum exit_status file_begin(struct options *options, const char *path, struct new_file *out);
enum exit_status file_finish(struct options *options, struct new_file *file);
void file_abandon(struct new_file *file);

/* From here on INT, TERM and HUP only set a flag, which long work looks at. */
void interrupt_init(void);
bool interrupted(void);
/* Die of the signal that came, if one did, now that everything is tidy. */
void interrupt_obey(void);

#endif
