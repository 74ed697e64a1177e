/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-1-3 (Aumasson and Bernstein): a short keyed hash for tables. Who doesn't know the key
 * can't make keys of a table collide on purpose. Nothing secret or stored may rest on it.
 */
#ifndef COFFER_BASE_SIP_H
#define COFFER_BASE_SIP_H

#include <stddef.h>
#include <stdint.h>

#define SIP_KEY_SIZE 16u

uint64_t sip_hash(const uint8_t key[SIP_KEY_SIZE], const void *data, size_t size);

#endif
