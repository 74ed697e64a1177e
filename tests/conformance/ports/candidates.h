/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the conformance suite runs on. A port adds itself to the table in candidates.c; the tests
 * know the contracts (port/port.h, port/cipher.h, device/device.h) and nothing else. A candidate
 * leaves out what it doesn't have.
 */
#ifndef TESTS_CONFORMANCE_CANDIDATES_H
#define TESTS_CONFORMANCE_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "coffer/status.h"

struct coffer_ciphers;
struct coffer_device;
struct coffer_port;

struct candidate {
    const char *name;
    const struct coffer_port *(*port)(void);
    const struct coffer_ciphers *(*ciphers)(void);

    /* A place for the files of one device, empty at first, that outlives the device. */
    void *(*place_make)(void);
    void (*place_free)(void *place);
    enum coffer_status (*device_open)(void *place, bool read_only, struct coffer_device **out);
    bool refuses_bad_names; /* else it stops the program: a test's own device may */
    bool locks_place;       /* a second open is refused; read_only is known */
};

extern const struct candidate candidates[];
extern const size_t candidate_count;

/* A port that has threads, to use the others' ciphers and devices from several; NULL: none has. */
const struct coffer_port *candidate_threads(void);

#endif
