/* SPDX-License-Identifier: BSD-2-Clause */
/* The verbs. Each reads its own arguments, does its work and answers with the exit status, having
 * told what went wrong. */
#ifndef COFFER_COMMAND_VERBS_H
#define COFFER_COMMAND_VERBS_H

#include "options.h"

typedef enum exit_status verb_function(struct options *options, int argc, char **argv);

verb_function verb_init;
verb_function verb_put;
verb_function verb_get;
verb_function verb_ls;
verb_function verb_stat;
verb_function verb_rm;
verb_function verb_mv;
verb_function verb_truncate;
verb_function verb_check;
verb_function verb_dump;
verb_function verb_stats;
verb_function verb_memory;
verb_function verb_tune;
verb_function verb_ta;
verb_function verb_demo;

#endif
