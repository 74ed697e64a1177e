/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as an allocator on top of them takes them. Such runs are marked: only that allocator can
 * give them back, frames_give and its like refuse them. What is counted as *bytes* for the owner
 * is the allocator's business; here only frames are counted, and the test's hook isn't asked.
 */
#ifndef COFFER_MEMORY_FRAMES_KEPT_H
#define COFFER_MEMORY_FRAMES_KEPT_H

#include "memory/frames/frames.h"
#include "memory/frames/lookup.h"

enum frames_keep {
    FRAMES_PLAIN = 0, /* an ordinary run of frames_take */
    FRAMES_CHUNK = 1, /* the heap's own descriptors */
    FRAMES_SPAN = 2, /* small blocks; like a plain run not wiped for its taker with keep_contents */
    FRAMES_BLOCK = 3, /* one large block */
};

/* Owner and count (> 0) must be good. The head gets the tag, which FRAMES_TAG_KEPT is added to;
 * the run is zero, also with keep_contents, but for FRAMES_SPAN. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status frames_take_kept(struct frames *frames, struct owner owner,
                                                      size_t count, enum frames_keep keep,
                                                      uint32_t tag, void **out);

/* The same at an address that is a multiple of `alignment` frames, a power of two; and a failure is
 * nothing that anybody is told: for an allocator that may find memory elsewhere. */
COFFER_MUST_CHECK enum coffer_status frames_try_kept(struct frames *frames, struct owner owner,
                                                     size_t count, size_t alignment,
                                                     enum frames_keep keep, uint32_t tag,
                                                     void **out);

/* What a take has asked for so far; zero at first. */
struct frames_plea {
    unsigned count;
    unsigned vain; /* of them, without any more frames being free later */
    uint64_t free; /* frames, at the last */
};

/* A run of `count` frames wasn't found, for want of frames: FRAMES_NONE is told. True: another try
 * may be worth it, and if that fails, too, another plea. It is heard as long as what is given makes
 * more frames free, with one exception (the taker may have used some), and not FRAMES_PLEA times as
 * many as are wanted. */
#define FRAMES_PLEA 8u
COFFER_MUST_CHECK bool frames_ask(struct frames *frames, size_t count, struct frames_plea *plea);

/* Mark `count` frames from `address` on, all of one kept run, with a tag below FRAMES_TAG_KEPT,
 * which is added to it: for an address in any of them, frames_tag (lookup.h) gives it. */
void frames_tag_kept(struct frames *frames, void *address, uint32_t count, uint32_t tag);

/* Give back the kept run at `address`, which must be one. */
void frames_give_kept(struct frames *frames, void *address);

#endif
