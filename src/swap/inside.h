/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the swap, shared by the files of this folder:
 *   swap.c   slots, opening and closing, the interface for paging
 *   lanes.c  who may seal: buffers and states of the provider, keys by epoch
 */
#ifndef COFFER_SWAP_INSIDE_H
#define COFFER_SWAP_INSIDE_H

#include <stdatomic.h>

#include "base/bitmap.h"
#include "port/cipher.h"
#include "swap/swap.h"

#define SWAP_LANES_MAX 4u /* threads that seal or unseal at one time */

/* Each lane seals under the newest key it has met and unseals under the one it met last: pages of
 * an epoch before are rare, and so are changes of either. */
enum lane_slot { LANE_SEAL, LANE_UNSEAL, LANE_MASTER, LANE_SLOTS };

struct lane {
    void *state; /* the provider's; NULL: not started */
    bool has_key[LANE_MASTER];
    uint32_t epoch[LANE_MASTER];
    uint8_t *buffer; /* SWAP_SLOT_SIZE bytes */
};

struct lanes {
    const struct coffer_port *port;
    const struct coffer_ciphers *ciphers;
    struct port_lock lock; /* of those who wait, and who wakes them */
    struct port_condition freed;
    bool waits; /* the port has threads, and so `freed` is one */
    unsigned count;
    atomic_uint waiters;
    atomic_uint_fast64_t free;    /* bits */
    atomic_uint_fast64_t version; /* the last one used */
    struct lane lane[SWAP_LANES_MAX];
};

struct swap {
    struct memory *memory;
    struct owner owner;
    struct coffer_swap_medium medium;
    struct backing backing;
    struct lanes lanes;

    struct bitmap released; /* slots below `fresh` that are free */
    uint32_t fresh;         /* slots from here on were never reserved */
    uint32_t slot_count;
    uint8_t (*tags)[CIPHER_GCM_TAG_SIZE]; /* of what is in the slots: whose write or read it is */
    atomic_uint_fast32_t used; /* changed under the paging lock; the statistics may come without */
    size_t size; /* bytes in use of its frames, which hold words, tags and buffers, too */
};

/* `lanes` is zeroed but for its buffers; on failure nothing is left. */
COFFER_MUST_CHECK enum coffer_status lanes_init(struct lanes *lanes, const struct coffer_port *port,
                                                const struct coffer_ciphers *ciphers,
                                                unsigned count);
void lanes_fini(struct lanes *lanes);

/* How many lanes there are with a port. */
unsigned lanes_count_for(const struct coffer_port *port);

/* A lane for the calling thread alone; waits until one is free. */
struct lane *lanes_take(struct lanes *lanes);
void lanes_give(struct lanes *lanes, struct lane *lane);

/* A version that was never used before. COFFER_NO_SPACE: there are no more. */
COFFER_MUST_CHECK enum coffer_status lanes_next_version(struct lanes *lanes, uint64_t *version);

/* A page into the lane's buffer, and out of it (COFFER_CORRUPT; the page is then zeroed). */
COFFER_MUST_CHECK enum coffer_status lane_seal(const struct lanes *lanes, struct lane *lane,
                                               uint32_t slot, uint64_t version, const void *page,
                                               uint8_t tag[CIPHER_GCM_TAG_SIZE]);
COFFER_MUST_CHECK enum coffer_status lane_unseal(const struct lanes *lanes, struct lane *lane,
                                                 uint32_t slot, uint64_t version, void *page,
                                                 const uint8_t tag[CIPHER_GCM_TAG_SIZE]);

#endif
