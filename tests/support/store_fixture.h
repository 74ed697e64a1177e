/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store on a memory device, with the key of the golden stores (HUK 00 01 .. 0f), the Linux port
 * and its ciphers, secure memory between guard pages, and the notices kept. With
 * COFFER_BLOCK_CACHE=n in the environment all stores have caches as small as can be, and n blocks
 * in them at most.
 */
#ifndef TESTS_SUPPORT_STORE_FIXTURE_H
#define TESTS_SUPPORT_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer.h"
#include "support/guarded.h"
#include "support/memory_device.h"

#define STORE_FIXTURE_NOTICE_KINDS 8
#define STORE_FIXTURE_HUK_SIZE     16

struct memory_settings;

struct store_options {
    size_t memory; /* bytes of secure memory; 0: 512 KiB */
    enum guarded_end memory_end;
    unsigned cache_frames;
    enum coffer_policy cache_policy;
    unsigned cached_objects;
    bool create;
    bool read_only;
    const struct coffer_port *port;                /* NULL: Linux's */
    const struct memory_settings *memory_settings; /* NULL: none; reaches engine_open */
    bool (*trace)(void *context, const char *line, size_t size);
    void *trace_context;
};

struct store_fixture {
    struct coffer *store; /* NULL: not open */
    struct memory_device *device;
    struct guarded region;
    unsigned notices[STORE_FIXTURE_NOTICE_KINDS]; /* how many of each kind since the open */
    char last_notice[160];
};

extern const uint8_t store_fixture_huk[STORE_FIXTURE_HUK_SIZE];

/* On an error the device is given back and nothing is open. `options` NULL: all zero. */
enum coffer_status store_fixture_open(struct store_fixture *fixture, struct memory_device *device,
                                      const struct store_options *options);
/* Close, and check that the device came back and that secure memory was wiped. Closed: nothing. */
void store_fixture_close(struct store_fixture *fixture);

/* The collector's thread (COFFER_COLLECTOR), if there is one, ends, and begins anew: between them
 * nobody changes what is looked at. */
void store_fixture_stop_collector(struct store_fixture *fixture);
void store_fixture_start_collector(struct store_fixture *fixture);

#endif
