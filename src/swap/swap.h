/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backing store of evicted pages: sealed, in an untrusted medium.
 *
 * A slot of the medium holds one page's ciphertext and its tag. The key is random, made at open,
 * never stored. A page is sealed with AES-128-GCM under the IV
 *
 *     slot (4 bytes, little endian) || version (8 bytes, little endian) || 0 (4 bytes)
 *
 * where the version comes from one counter that never repeats while the key lives; so no IV does.
 * The version is the stamp that paging keeps in secure memory (backing.h): a page that was changed,
 * put into another slot or replaced by an older version of itself doesn't authenticate.
 *
 * Invariants
 *   W1 No IV is used twice under one key.
 *   W2 No plaintext and no key byte leaves secure memory (the provider's contexts apart).
 *   W3 read answers COFFER_OK only with the very page that was last written to the slot.
 *
 * Locking: as backing.h says. Ciphers are used under a lock of their own (contexts of the provider
 * are few), I/O under none.
 */
#ifndef COFFER_SWAP_SWAP_H
#define COFFER_SWAP_SWAP_H

#include "coffer/space.h"
#include "memory/memory.h"
#include "memory/paging/backing.h"
#include "port/port.h"

struct swap;

/* COFFER_MISUSE: settings; COFFER_NO_MEMORY; COFFER_IO: entropy. */
COFFER_MUST_CHECK enum coffer_status swap_open(struct memory *memory,
                                               const struct coffer_port *port,
                                               const struct coffer_swap_settings *settings,
                                               struct swap **out);

/* The interface for paging; its `close` closes the swap. */
const struct backing *swap_backing(const struct swap *swap);

#endif
