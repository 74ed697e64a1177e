/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coffer/linux.h"
#include "engine/engine.h"
#include "support/bounds.h"
#include "support/greedy.h"
#include "support/must.h"

#define MEMORY_DEFAULT (512u * 1024)

const uint8_t store_fixture_huk[STORE_FIXTURE_HUK_SIZE] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                           8, 9, 10, 11, 12, 13, 14, 15};

/* One region is kept for the next store of the same size: tests open stores by the ten thousand. */
static struct guarded spare;

static void take_region(struct guarded *region, size_t size, enum guarded_end end)
{
    if (spare.bytes != NULL && spare.size == size && spare.end == end) {
        *region = spare;
        spare.bytes = NULL;
    } else {
        guarded_take(region, size, end);
    }
}

static void give_region(struct guarded *region)
{
    guarded_give(&spare);
    spare = *region;
    region->bytes = NULL;
}

static void keep_notice(void *context, enum coffer_notice notice, const char *text)
{
    struct store_fixture *fixture = context;

    must((unsigned)notice < STORE_FIXTURE_NOTICE_KINDS);
    fixture->notices[notice]++;
    snprintf(fixture->last_notice, sizeof(fixture->last_notice), "%s", text);
}

/* COFFER_COLLECTOR: a collector's thread that leaves nothing alone for long.
 * COFFER_BLOCK_CACHE=n: blocks have so many entries in the cache, and everything the fewest frames.
 * COFFER_GREEDY: nothing that isn't in use stays in memory (support/greedy.h).
 */
static bool is_greedy(void)
{
    return getenv("COFFER_GREEDY") != NULL;
}

static size_t block_entries(void)
{
    const char *count = getenv("COFFER_BLOCK_CACHE");

    return count != NULL ? strtoul(count, NULL, 10) : 0;
}

static void bound_blocks(struct coffer *store, size_t entries)
{
    bounds_lower(store->blocks.frames.core, entries);
    store->blocks.frames.entries_max = entries;
}

/* Linux's, where nothing may be left at close (as far as anybody looks: memory/leaks.h). */
#ifdef COFFER_LEAK_RECORDS
static struct coffer_port strict;

static void expect_no_leak(void *context, enum port_log_level level, const char *text)
{
    must(strncmp(text, "leak", 4) != 0);
    coffer_linux_port()->log(context, level, text);
}

static const struct coffer_port *strict_port(void)
{
    if (strict.log == NULL) {
        strict = *coffer_linux_port();
        strict.log = expect_no_leak;
    }
    return &strict;
}
#else
static const struct coffer_port *strict_port(void)
{
    return coffer_linux_port();
}
#endif

enum coffer_status store_fixture_open(struct store_fixture *fixture, struct memory_device *device,
                                      const struct store_options *options)
{
    static const struct store_options none = {0};
    const struct coffer_key key = {COFFER_KEY_HUK, store_fixture_huk, STORE_FIXTURE_HUK_SIZE};
    struct coffer_area area;
    struct coffer_config config = {0};
    enum coffer_status status;

    if (options == NULL)
        options = &none;
    memset(fixture, 0, sizeof(*fixture));
    fixture->device = device;
    take_region(&fixture->region, options->memory == 0 ? MEMORY_DEFAULT : options->memory,
                options->memory_end);
    area.address = fixture->region.bytes;
    area.size = fixture->region.size;

    config.port = options->port != NULL ? options->port
                  : is_greedy()         ? greedy_port()
                                        : strict_port();
    config.ciphers = coffer_linux_ciphers();
    config.device = memory_device_attach(device);
    config.areas = &area;
    config.area_count = 1;
    config.key = &key;
    config.create = options->create;
    config.read_only = options->read_only;
    config.cache_frames = options->cache_frames;
    if (config.cache_frames == 0 && block_entries() != 0)
        config.cache_frames = TREE_CACHE_MIN;
    config.cache_policy = options->cache_policy;
    config.cached_objects = options->cached_objects;
    if (getenv("COFFER_COLLECTOR") != NULL) {
        config.collector_thread = true;
        config.collect_interval_ms = 1;
        config.cache_timeout_ms = 2;
    }
    config.trace = options->trace;
    config.trace_context = options->trace_context;
    config.notice = keep_notice;
    config.notice_context = fixture;
    if (options->memory_settings != NULL)
        status = engine_open(&config, options->memory_settings, &fixture->store);
    else
        status = coffer_open(&config, &fixture->store);
    if (status == COFFER_OK && block_entries() != 0)
        bound_blocks(fixture->store, block_entries());
    if (status == COFFER_OK && config.port == greedy_port())
        greedy_begin(fixture->store);
    if (status != COFFER_OK) {
        must(fixture->store == NULL);
        memory_device_detach(device);
        give_region(&fixture->region);
    }
    return status;
}

void store_fixture_close(struct store_fixture *fixture)
{
    if (fixture->store == NULL)
        return;
    if (fixture->store->port == greedy_port())
        greedy_end();
    coffer_close(fixture->store);
    fixture->store = NULL;
    must(!memory_device_is_attached(fixture->device));
    must(guarded_is_wiped(&fixture->region));
    give_region(&fixture->region);
}

void store_fixture_stop_collector(struct store_fixture *fixture)
{
    if (getenv("COFFER_COLLECTOR") != NULL)
        reclaim_stop(&fixture->store->reclaim);
}

void store_fixture_start_collector(struct store_fixture *fixture)
{
    if (getenv("COFFER_COLLECTOR") != NULL)
        must(engine_start_collector(fixture->store, true) == COFFER_OK);
}
