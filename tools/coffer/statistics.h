/* SPDX-License-Identifier: BSD-2-Clause */
/* A store's statistics in three forms. */
#ifndef COFFER_COMMAND_STATISTICS_H
#define COFFER_COMMAND_STATISTICS_H

#include <json-c/json.h>

#include "coffer.h"

struct json_object *statistics_json(const struct coffer_statistics *statistics);

/* The text exposition format of Prometheus, version 0.0.4, on standard output. */
void statistics_print_prometheus(const struct coffer_statistics *statistics);

/* For people, on standard output: memory by component, each cache, then the other counters. */
void statistics_print_memory(const struct coffer_statistics *statistics);
void statistics_print_caches(const struct coffer_statistics *statistics);
void statistics_print_tas(const struct coffer_statistics *statistics);
void statistics_print_collector(const struct coffer_statistics *statistics);
void statistics_print_counters(const struct coffer_statistics *statistics);

#endif
