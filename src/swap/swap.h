/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backing store of evicted pages: sealed, in an untrusted medium.
 *
 * A slot of the medium holds one page's ciphertext, SWAP_SLOT_SIZE bytes at a multiple of that: a
 * page of the page cache when the medium is a file, whole blocks when it is a device. (With the tag
 * beside it a slot touches two of them, and writing and reading one take half as long again.) The
 * tags stay in secure memory, CIPHER_GCM_TAG_SIZE bytes for each slot there is.
 *
 * A page is sealed with AES-128-GCM under the IV
 *
 *     slot (4 bytes, little endian) || version (8 bytes, little endian) || 0 (4 bytes)
 *
 * where the version comes from one counter that never repeats while the swap lives; so no IV does.
 * The version is the stamp that paging keeps in secure memory (backing.h): a page that was changed,
 * put into another slot or replaced by an older version of itself doesn't authenticate.
 *
 * Keys. A master key is random, made at open, never stored, and known to the provider alone from
 * then on. Of it and the upper 32 bits of the version, the *epoch*, comes the key that a page is
 * sealed with: 16 zero bytes, encrypted (AES-128-GCM) with the master key under the IV
 *
 *     epoch (4 bytes, little endian) || 0 (12 bytes)
 *
 * So a key seals 2^32 pages at most, as NIST SP 800-38D, 8.3, wants for IVs of 16 bytes. (Not a
 * hash: providers take memory for one, and a page fault can come at any time.)
 *
 * Invariants
 *   W1 No IV is used twice under one key.
 *   W2 No plaintext and no key byte leaves secure memory (the provider's contexts apart).
 *   W3 read answers COFFER_OK only with the very page that was last written to the slot.
 *
 * Locking: as backing.h says. A call has a *lane* for itself, a buffer and a state of the provider,
 * and waits when all of them are in use. No lock is held over ciphers or I/O.
 */
#ifndef COFFER_SWAP_SWAP_H
#define COFFER_SWAP_SWAP_H

#include "coffer/space.h"
#include "memory/memory.h"
#include "memory/paging/backing.h"
#include "port/cipher.h"
#include "port/port.h"

#define SWAP_SLOT_SIZE COFFER_SWAP_SLOT_SIZE

struct swap;

/* COFFER_MISUSE: settings; COFFER_NO_MEMORY; COFFER_IO: entropy. Its owner is "swap". */
COFFER_MUST_CHECK enum coffer_status swap_open(struct memory *memory,
                                               const struct coffer_port *port,
                                               const struct coffer_swap_settings *settings,
                                               struct swap **out);

/* The interface for paging; its `close` closes the swap. write answers COFFER_NO_SPACE, and no
 * other call is possible any more, when 2^64 - 1 versions are used up. What goes wrong in the
 * medium is COFFER_NO_SPACE or COFFER_IO. */
const struct backing *swap_backing(const struct swap *swap);

struct owner swap_owner(const struct swap *swap);

/* Are the slots' numbers what the bitmap says? Walks it. With the paging lock held. */
bool swap_is_valid(const struct swap *swap);

#endif
