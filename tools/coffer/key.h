/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key of a store. It comes from a file, never from an argument: --key FILE, else $COFFER_KEY
 * (a file's name too), else the file that `init` made beside the store (the store's name with .key
 * behind it). In the file are 16 or 32 bytes, or as many as hex digits with blanks among them.
 */
#ifndef COFFER_COMMAND_KEY_H
#define COFFER_COMMAND_KEY_H

#include "options.h"

struct key {
    uint8_t bytes[32];
    size_t size;
};

/* Where the key would be found: a copy to free; NULL with --test-key. */
char *key_path(const struct options *options, const char *directory);

/* Whether --key, $COFFER_KEY or --test-key say which key. */
bool key_is_given(const struct options *options);

/* EXIT_NOT_FOUND when there is none, with how to give one. The key is to be wiped. */
enum exit_status key_load(struct options *options, const char *directory, struct key *out);
void key_wipe(struct key *key);

/* A new random key in a new file, mode 0600, durable. EXIT_CONFLICT: the file is there. */
enum exit_status key_generate(struct options *options, const char *path);

#endif
