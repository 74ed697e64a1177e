/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of alloc and free that pools with options share with those without. */
#ifndef COFFER_MEMORY_HEAP_ALLOC_H
#define COFFER_MEMORY_HEAP_ALLOC_H

#include "memory/heap/find.h"

/* What is asked for. */
struct request {
    size_t size;
    size_t alignment; /* a power of two, natural_alignment(size) at least */
};

/* The smallest class whose blocks all lie at multiples of the alignment; CLASS_COUNT: spans are not
 * what it should come from. */
unsigned request_kind(const struct coffer_pool *pool, const struct request *request);

/* For whoever is in the magazine. NULL: no memory. */
void *alloc_in(struct coffer_pool *pool, struct magazine *magazine, const struct request *request);

/* A request found nothing: tell of it, if frames are short. True: it may be tried again (see
 * frames_ask). In no lock. */
bool alloc_asks(struct coffer_pool *pool, struct owner owner, size_t size,
                struct frames_plea *plea);

/* The whole of an allocation. */
COFFER_MUST_CHECK enum coffer_status pool_alloc_request(struct coffer_pool *pool,
                                                        const struct request *request, void **out);

/* The same for a size alone. */
COFFER_MUST_CHECK enum coffer_status alloc_any(struct coffer_pool *pool, size_t size, void **out);

/* Counted. COFFER_NO_MEMORY and COFFER_MISUSE. */
enum coffer_status alloc_refused(struct coffer_pool *pool);
enum coffer_status free_refused(struct coffer_pool *pool);

/* An allocated block of a span, by whoever is in its magazine. */
void free_small(struct magazine *magazine, struct part *part, size_t index);

/* Set the pool's calls, when it is open otherwise. */
void pool_choose_calls(struct coffer_pool *pool);

/* A block of an area or a run. COFFER_MISUSE, counted: it isn't one. */
enum coffer_status free_large(struct coffer_pool *pool, struct part *part, void *block);

#endif
