/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan of secure memory: from the configuration and the size of the areas, what each component
 * is sure to have, and how the rest floats between them. The engine is built from it, `coffer stats
 * --plan` prints it, and there is no second set of these numbers anywhere.
 *
 * Invariants
 *   Q1 When an empty store is open no component holds more than its item says, whatever the
 *      configuration, but for idle buffers. Names of objects come out of what floats.
 *   Q2 With everything that is set aside, any one operation on an object of COFFER_SIZE_MAX goes
 *      through, and a commit that has begun takes nothing more.
 *   Q3 The same configuration and the same areas give the same plan; nothing is looked at but them.
 */
#ifndef COFFER_ENGINE_PLAN_H
#define COFFER_ENGINE_PLAN_H

#include "cache/cache.h"
#include "coffer.h"
#include "memory/heap/buffers.h"
#include "memory/memory.h"

struct plan {
    struct coffer_plan shown;
    unsigned key_slots;
    size_t staging_blocks;
    size_t cache_frames;
    uint64_t cache_bytes;     /* of their entries */
    enum cache_policy policy; /* of both caches */
    struct cache_bounds nodes;
    struct cache_bounds blocks;
    size_t buffers_idle[BUFFERS_CLASS_COUNT]; /* bytes */
    size_t cached_objects;
    uint64_t low_frames, high_frames; /* free ones: the collector begins, and ends */
    uint64_t interval_ns;
    uint64_t timeout_ns;
};

/* COFFER_MISUSE: a number out of its range, no port or bad areas. COFFER_NO_MEMORY: not one frame
 * is left beside tables and books. A plan that doesn't fit is a plan. */
COFFER_MUST_CHECK enum coffer_status plan_make(const struct coffer_config *config,
                                               const struct memory_settings *settings,
                                               struct plan *out);

/* COFFER_NO_MEMORY: it doesn't fit, and the configuration's notice, or the log, was told what is
 * needed. */
COFFER_MUST_CHECK enum coffer_status plan_check(const struct plan *plan,
                                                const struct coffer_config *config);

#endif
