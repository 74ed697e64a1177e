/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coffer/linux.h"

#include "must.h"
#include "scratch.h"

static const struct coffer_uuid ta = {
    0xc0ffe700, 0xbe4c, 0x4000, {0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01}};
static const uint8_t key_bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void open_store(struct bench *bench, bool durable)
{
    struct coffer_key key = {COFFER_KEY_HUK, key_bytes, sizeof(key_bytes)};
    struct coffer_config config = {
        .port = coffer_linux_port(),
        .ciphers = coffer_linux_ciphers(),
        .areas = &bench->region,
        .area_count = 1,
        .key = &key,
        .create = true,
        .volatile_commits = !durable,
    };

    must(coffer_linux_directory_open(bench->store_path, true, false, &config.device), "directory");
    must(coffer_open(&config, &bench->store), "open");
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void close_store(struct bench *bench)
{
    struct coffer_statistics statistics;

    must(coffer_statistics_get(bench->store, &statistics), "statistics");
    bench->memory_peak = larger(bench->memory_peak, statistics.memory_peak);
    bench->crypto_outside = larger(bench->crypto_outside, statistics.crypto_outside_bytes);
    bench->wrong_frees += statistics.wrong_frees;
    coffer_close(bench->store);
    bench->store = NULL;
}

/* What was written without barriers goes to the disk before anything is timed there. */
static void settle(const struct bench *bench)
{
    int fd = open(bench->variant.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    must_system(fd >= 0 && syncfs(fd) == 0, bench->variant.directory);
    (void)close(fd);
}

void bench_begin(struct bench *bench, unsigned object_count)
{
    struct stat info;

    scratch_check_interrupt();
    (void)snprintf(bench->store_path, sizeof(bench->store_path), "%s/store",
                   bench->variant.directory);
    if (stat(bench->store_path, &info) == 0)
        scratch_empty(bench->store_path);
    open_store(bench, false);
    for (unsigned i = 0; i < object_count; i++)
        bench_put(bench, i);
    close_store(bench);
    if (bench->variant.durable && !bench->quick)
        settle(bench);
    open_store(bench, bench->variant.durable);
}

void bench_end(struct bench *bench)
{
    close_store(bench);
    scratch_empty(bench->store_path);
}

void bench_reopen(struct bench *bench)
{
    close_store(bench);
    open_store(bench, bench->variant.durable);
}

struct label bench_label(unsigned number)
{
    struct label label = {{0}, 0};

    label.size = (size_t)snprintf(label.id, sizeof(label.id), "object %u", number);
    return label;
}

struct coffer_name bench_name(const struct label *label)
{
    return (struct coffer_name){.ta = ta, .id = label->id, .id_size = label->size};
}

void bench_put(struct bench *bench, unsigned number)
{
    struct label label = bench_label(number);
    struct coffer_name name = bench_name(&label);

    must(coffer_put(bench->store, &name, 0, NULL, bench_bytes(), SMALL_SIZE), "put");
}

void bench_write_object(struct bench *bench, unsigned number, uint64_t size, size_t chunk)
{
    struct label label = bench_label(number);
    struct coffer_name name = bench_name(&label);
    struct coffer_writer *writer;

    must(coffer_writer_open(bench->store, &name, 0, NULL, &writer), "writer");
    for (uint64_t done = 0; done < size; done += chunk) {
        scratch_check_interrupt();
        must(coffer_writer_write(writer, bench_bytes() + done % DATA_SIZE, chunk), "write");
    }
    must(coffer_writer_commit(writer), "commit");
}

const uint8_t *bench_bytes(void)
{
    static uint8_t bytes[DATA_SIZE];

    if (bytes[0] == 0)
        memset(bytes, 0x42, sizeof(bytes));
    return bytes;
}

unsigned bench_repetitions(const struct bench *bench, unsigned full, unsigned quick)
{
    return bench->quick ? quick : full;
}
