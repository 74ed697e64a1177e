/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants of a published measurement: what OP-TEE's own storage code (REE file system) takes for
 * the same workloads, in calls to the untrusted side (RPC) and bytes that cross. Counts do not
 * depend on the machine, which is why they can stand here; OP-TEE's times would, and do not.
 */
#ifndef BENCH_OPTEE_H
#define BENCH_OPTEE_H

#include "report.h"

#define KIB 1024.0
#define MIB (1024.0 * 1024.0)

static const struct optee optee_create_early = {222, 848 * KIB}; /* a store of 0 to 100 */
static const struct optee optee_create_late = {3954, 16 * MIB};  /* the 900th to 999th */
static const struct optee optee_open_read_1 = {13, 17 * KIB};
static const struct optee optee_open_read_100 = {163, 622 * KIB};
static const struct optee optee_open_read_1000 = {2071, 8.3 * MIB};
static const struct optee optee_enumerate_each = {521, 2.1 * MIB}; /* of 1,000 objects */
static const struct optee optee_overwrite = {9, 21 * KIB};         /* of 1 KiB */
static const struct optee optee_random_write = {23, 30 * KIB};     /* 4 KiB in 16 MiB */
static const struct optee optee_random_read = {1, 4 * KIB};        /* 64 B in 16 MiB */
static const struct optee optee_write_chunk = {115, 0};            /* of 128 KiB, in sequence */
static const struct optee optee_read_chunk = {33, 0};              /* likewise */
static const struct optee optee_open_16_mib = {4109, 0};

#endif
