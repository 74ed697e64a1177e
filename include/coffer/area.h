/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the store (<coffer.h>) and the memory system (<coffer/memory.h>) are both opened with:
 * pieces of memory, and what a port makes.
 */
#ifndef COFFER_AREA_H
#define COFFER_AREA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct coffer_port;    /* the machine, made by a port */
struct coffer_ciphers; /* the ciphers, made by a port */

struct coffer_area {
    void *address;
    size_t size; /* bytes */
};

#ifdef __cplusplus
}
#endif

#endif
