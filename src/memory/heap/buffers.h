/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared buffers for what is on its way between a cipher, a cache and a device: whoever has one may
 * give it to others by one more reference, so that nothing is copied, and the last to give it back
 * sends it home.
 *
 * There are three classes, of 1, 4 and 16 KiB; four of the smallest share a frame. What is larger
 * is a run of frames of its own. Idle buffers of the classes stay for whoever comes next, up to a
 * bound for each class, and all of them go under pressure (buffers_trim, and by itself when a take
 * finds no frames). A fourth kind has bytes that are somebody else's, lent with a function that
 * takes them back.
 *
 * Contents. Buffers hold plaintext or ciphertext of whatever object comes along, so they are wiped
 * as the last reference is given, before anyone else can have them. Whoever gives it and knows that
 * there is nothing but ciphertext, which is on the device anyway, may leave it there: then the next
 * one finds that, or zeros. Lent bytes aren't touched.
 *
 * Records (struct buffer) lie apart from the bytes, in frames of their own, which stay until the
 * end: 64 bytes for each buffer that there was at once. So a wrong give, by whatever address and
 * however late, finds a record or none, never bytes that are somebody's; as with pools, one of a
 * buffer that has been taken anew can't be told from a right one.
 *
 * Invariants
 *   U1 A record with references is held and on no list. Without, it is idle, unused, or in the
 *      hands of the one call that brought its references to 0.
 *   U2 Records whose bytes share a frame stand in one ring, and the lead of it counts those that
 *      are idle. The lead is on the list `partial` of its class if some are, on `whole` if all.
 *   U3 Bytes of idle buffers are zero, or what was given as ciphertext (`left`).
 *   U4 When a unit (a frame or a run, with its records) becomes wholly idle and its class has more
 *      idle bytes than the bound, it goes home at once.
 *
 * Complexity: O(1), but for the frames below and for what is wiped. Locking: one spin lock around
 * lists and numbers, never held while frames are taken or given, bytes are wiped or lent ones taken
 * back. References are atomic: holding, and giving any but the last one, takes no lock.
 */
#ifndef COFFER_MEMORY_HEAP_BUFFERS_H
#define COFFER_MEMORY_HEAP_BUFFERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/list.h"
#include "base/spin.h"
#include "coffer/status.h"
#include "memory/frames/frames.h"

#define BUFFERS_CLASS_COUNT 3u
#define BUFFERS_SMALL       1024u
#define BUFFERS_MEDIUM      4096u
#define BUFFERS_LARGE       16384u

struct buffers;

struct buffer {
    uint8_t *bytes;
    size_t size; /* that can be used: at least what was asked for */
    struct buffers *home;

    /* What follows is for buffers.c. */
    _Atomic uint32_t references;
    uint8_t kind;       /* the class, or what else it is */
    uint8_t idle_count; /* of a lead: how many of its ring */
    bool idle;
    bool left; /* what it holds wasn't wiped */
    struct buffer *lead;
    struct buffer *next; /* of the ring, or of the unused ones */
    union {
        struct list list; /* of a lead */
        struct {
            void (*take_back)(void *context, uint8_t *bytes, size_t size);
            void *context;
        } lent;
    };
};

struct buffers_settings {
    struct frames *frames;
    struct owner owner;                   /* charged; refused frames are counted there */
    const struct coffer_port *port;       /* that of the frames; NULL: one thread */
    size_t idle_max[BUFFERS_CLASS_COUNT]; /* bytes that may be idle, see U4 */
};

struct buffers_statistics {
    uint64_t hits;   /* taken from idle ones */
    uint64_t misses; /* of a class, and none was idle */
    uint64_t large;  /* beyond the classes */
    uint64_t lent;
    uint64_t refusals;    /* no memory */
    uint64_t wrong_gives; /* and holds */
    uint64_t trimmed_bytes;
    size_t held, held_peak; /* buffers of all kinds */
    size_t idle[BUFFERS_CLASS_COUNT];
    size_t frames; /* taken from the frames, those of records included */
    size_t record_frames;
};

struct buffers {
    struct buffers_settings settings;
    struct counter refusals;
    struct counter wrong_gives;
    struct spin lock; /* of what follows */
    struct buffers_statistics numbers;
    struct list partial[BUFFERS_CLASS_COUNT];
    struct list whole[BUFFERS_CLASS_COUNT];
    struct buffer *unused; /* records, by `next` */
    size_t unused_count;
    struct chunk *chunks;
};

/* Nothing is taken yet. COFFER_MISUSE: no frames, or no owner. */
COFFER_MUST_CHECK enum coffer_status buffers_init(struct buffers *buffers,
                                                  const struct buffers_settings *settings);

/* All frames go home. Nothing may be held. */
void buffers_fini(struct buffers *buffers);

/* A buffer of at least `size` (> 0) bytes with one reference, that holds zeros or old ciphertext;
 * at a frame's boundary, the smallest class at a multiple of 1 KiB. COFFER_NO_MEMORY: not even
 * after all idle ones went; COFFER_MISUSE. */
COFFER_MUST_CHECK enum coffer_status buffers_take(struct buffers *buffers, size_t size,
                                                  struct buffer **out);

/* Lending and holding (buffers_hold) are for devices whose calls outlive the one that made them.
 * The files of today have ended when they return, and trees seal a caller's whole blocks from where
 * they lie. Users to come are the device of an RPMB partition, whose requests and answers lie in
 * memory that the normal world shares (lent, and given back to it), and the journal, which holds a
 * record's buffers until what is behind it is written.
 *
 * The same for bytes that are somebody's already. When the last reference has been given,
 * `take_back` is called, without locks, by the thread that gave it. COFFER_NO_MEMORY (there is no
 * record for it), COFFER_MISUSE. */
COFFER_MUST_CHECK enum coffer_status
buffers_lend(struct buffers *buffers, uint8_t *bytes, size_t size,
             void (*take_back)(void *context, uint8_t *bytes, size_t size), void *context,
             struct buffer **out);

/* One more reference, for whoever has one. COFFER_MISUSE, counted: it isn't a buffer of these that
 * is held. COFFER_NO_MEMORY: there are as many references as can be counted. */
COFFER_MUST_CHECK enum coffer_status buffers_hold(struct buffers *buffers, struct buffer *buffer);

/* One fewer. COFFER_MISUSE, counted, as above: nothing has happened then. */
COFFER_MUST_CHECK enum coffer_status buffers_give(struct buffers *buffers, struct buffer *buffer);

/* The same; if it was the last, the buffer has no plaintext in it, whoever wrote it, and needs no
 * wiping. */
COFFER_MUST_CHECK enum coffer_status buffers_give_sealed(struct buffers *buffers,
                                                         struct buffer *buffer);

/* Give at least `bytes` of idle buffers back to the frames, the largest class and what was used
 * longest ago first, as far as there are units that are wholly idle. How many bytes it was. May be
 * called from the frames' watermark function. */
uint64_t buffers_trim(struct buffers *buffers, uint64_t bytes);

/* Is there a unit that is wholly idle? */
bool buffers_can_trim(struct buffers *buffers);

/* Of one moment. */
void buffers_statistics(struct buffers *buffers, struct buffers_statistics *out);

/* Do U1 to U3 and all numbers hold? Walks everything; nobody may be at work: for tests. */
bool buffers_are_valid(struct buffers *buffers);

#endif
