/* SPDX-License-Identifier: BSD-2-Clause */
#include "counters.h"

#include "flushes.h"
#include "must.h"

const char *const counter_names[COUNTER_KINDS] = {
    [COUNTER_READS] = "reads",           [COUNTER_WRITES] = "writes",
    [COUNTER_BARRIERS] = "barriers",     [COUNTER_SYNCS] = "syncs",
    [COUNTER_FLUSHES] = "flushes",       [COUNTER_OTHERS] = "others",
    [COUNTER_READ_BYTES] = "read_bytes", [COUNTER_WRITTEN_BYTES] = "written_bytes",
    [COUNTER_SEALS] = "seals",           [COUNTER_UNSEALS] = "unseals",
    [COUNTER_HASHES] = "hashes",         [COUNTER_KEY_LOADS] = "key_loads",
};

void counters_get(struct coffer *store, struct counters *out)
{
    struct coffer_statistics statistics;

    must(coffer_statistics_get(store, &statistics), "statistics");
    out->values[COUNTER_READS] = (double)statistics.device_reads;
    out->values[COUNTER_WRITES] = (double)statistics.device_writes;
    out->values[COUNTER_BARRIERS] = (double)statistics.device_barriers;
    out->values[COUNTER_SYNCS] = (double)statistics.device_syncs;
    out->values[COUNTER_FLUSHES] = (double)flushes_count();
    out->values[COUNTER_OTHERS] = (double)statistics.device_others;
    out->values[COUNTER_READ_BYTES] = (double)statistics.device_read_bytes;
    out->values[COUNTER_WRITTEN_BYTES] = (double)statistics.device_written_bytes;
    out->values[COUNTER_SEALS] = (double)statistics.seals;
    out->values[COUNTER_UNSEALS] = (double)statistics.unseals;
    out->values[COUNTER_HASHES] = (double)statistics.hashes;
    out->values[COUNTER_KEY_LOADS] = (double)statistics.key_loads;
}

struct counters counters_difference(const struct counters *after, const struct counters *before)
{
    struct counters difference;

    for (size_t i = 0; i < COUNTER_KINDS; i++)
        difference.values[i] = after->values[i] - before->values[i];
    return difference;
}

double counters_calls(const struct counters *counters)
{
    return counters->values[COUNTER_READS] + counters->values[COUNTER_WRITES] +
           counters->values[COUNTER_BARRIERS] + counters->values[COUNTER_OTHERS];
}

double counters_bytes(const struct counters *counters)
{
    return counters->values[COUNTER_READ_BYTES] + counters->values[COUNTER_WRITTEN_BYTES];
}
