/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paging between fakes, for its tests: a memory system of few frames below, a table of mappings
 * above, a backing store and files beside it. The fakes check what paging promises them (nobody
 * holds the lock, one call for a page at a time, a page comes back only with its stamp, a frame
 * on its way out is mapped nowhere) and can be made to fail, or to stand still, at any call.
 */
#ifndef TESTS_SUPPORT_PAGING_FIXTURE_H
#define TESTS_SUPPORT_PAGING_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/memory.h"
#include "memory/paging/object.h"
#include "memory/paging/paging.h"

/* What can be made to fail. */
enum fake_call {
    FAKE_ALLOC, /* any allocation of memory: refused */
    FAKE_RESERVE,
    FAKE_WRITE,
    FAKE_READ,
    FAKE_PAGER_READ,
    FAKE_PAGER_WRITE,
    FAKE_CALLS
};

/* The `at`-th call from when it was armed fails, and all later ones too if `sticky`. */
struct fake_plan {
    atomic_uint_fast64_t calls; /* since it was armed */
    uint64_t at;                /* from 1; 0: none fails */
    bool sticky;
    enum coffer_status status;
    atomic_bool fired;
};

/* Calls that pass it one by one while it is closed stand still. */
struct fake_gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed;
    unsigned standing;
};

struct fake_slot {
    bool used;
    atomic_bool busy; /* a call for it is under way */
    uint64_t stamp;   /* 0: never written since it was reserved */
    uint8_t *bytes;
};

struct fake_map {
    void *frame; /* NULL: not mapped */
    bool writable;
    unsigned bits;
};

/* The mappings of one object, each page in one place. */
struct fake_maps {
    struct object *object;
    struct fake_maps *next;
    uint64_t count;
    struct fake_map pages[];
};

struct fake_file {
    struct paging_fixture *fixture;
    uint64_t count;
    uint8_t *bytes;
    atomic_bool *busy;
    atomic_uint reads, writes, closes;
    struct coffer_pager pager;
};

struct paging_fixture_settings {
    size_t frames;  /* of the area, metadata included */
    uint32_t slots; /* of the backing store; 0: none */
    unsigned batch; /* 0: 4 */
    size_t low, high;
    const struct coffer_port *port;
    bool keep_contents;
};

struct paging_fixture {
    struct paging_fixture_settings settings;
    uint8_t *area;
    struct memory *memory;
    struct owner owner; /* of the objects */
    struct owner other; /* of whatever else is in memory */
    struct paging *paging;

    struct backing backing;
    struct fake_slot *slots;
    uint32_t slots_used;
    atomic_uint_fast64_t stamp; /* the last that was given out */
    bool closed;

    struct fake_maps *maps; /* of all objects */
    bool maps_nothing;      /* threads: mappings would race with each other */
    bool always_referenced;
    uint64_t referenced_calls;

    struct fake_plan plans[FAKE_CALLS];
    struct fake_gate gate; /* of all reads and writes */
    bool yields;           /* reads and writes let other threads run */

    void **ballast;
    size_t ballast_count;
};

void paging_fixture_open(struct paging_fixture *f, const struct paging_fixture_settings *settings);

/* All objects must be gone; checks that everything came back. */
void paging_fixture_close(struct paging_fixture *f);
/* The same for a test that may have failed half-way. False: not all came back, which is told;
 * paging is left as it is, lest its end hides what the test had to say. */
COFFER_MUST_CHECK bool paging_fixture_end(struct paging_fixture *f);

/* Take frames away until `free` are left; give them back. */
void paging_fixture_leave(struct paging_fixture *f, size_t free);
void paging_fixture_give_back(struct paging_fixture *f);
uint64_t paging_fixture_free(const struct paging_fixture *f);

void fake_arm(struct paging_fixture *f, enum fake_call call, uint64_t at, bool sticky,
              enum coffer_status status);
void fake_disarm(struct paging_fixture *f, enum fake_call call);
/* Calls since it was armed. */
uint64_t fake_calls(struct paging_fixture *f, enum fake_call call);

void fake_gate_close(struct fake_gate *gate);
void fake_gate_open(struct fake_gate *gate);
/* Wait until `count` calls stand before it. */
void fake_gate_await(struct fake_gate *gate, unsigned count);

/* A file of `count` pages, page i filled with file_value(i) at first. */
struct fake_file *fake_file_make(struct paging_fixture *f, uint64_t count, bool read_only);
void fake_file_free(struct fake_file *file);
uint64_t fake_file_value(const struct fake_file *file, uint64_t index);
#define FILE_VALUE(index) (0xf11e000000000000u + (index))

/* An object with a table of mappings (NULL: no memory); its clone with one, too. They take the
 * lock. */
struct object *fake_object(struct paging_fixture *f, uint64_t pages,
                           const struct coffer_pager *pager);
enum coffer_status fake_clone(struct paging_fixture *f, struct object *object, struct object **out);
void fake_drop(struct paging_fixture *f, struct object *object);
struct fake_map *fake_map_of(struct object *object, uint64_t index);

/* object_get until it doesn't say COFFER_BUSY, and the mapping; with the lock taken inside. */
enum coffer_status fake_touch(struct paging_fixture *f, struct object *object, uint64_t index,
                              bool write);

/* Loads and stores of a program: they fault where there is no mapping. A page is as good as the one
 * number that it is filled with. */
enum coffer_status fake_store(struct paging_fixture *f, struct object *object, uint64_t index,
                              uint64_t value);
enum coffer_status fake_load(struct paging_fixture *f, struct object *object, uint64_t index,
                             uint64_t *value);

/* Discard with its mappings; sync; until they don't say COFFER_BUSY. */
enum coffer_status fake_discard(struct paging_fixture *f, struct object *object, uint64_t first,
                                uint64_t count);
enum coffer_status fake_sync(struct paging_fixture *f, struct object *object, uint64_t first,
                             uint64_t count);

/* Forget that pages were referenced. */
void fake_age(struct paging_fixture *f);

struct coffer_paging_statistics fake_statistics(struct paging_fixture *f);
bool fake_is_valid(struct paging_fixture *f);
struct object_page_info fake_query(struct paging_fixture *f, struct object *object, uint64_t index);
enum coffer_status fake_pin(struct paging_fixture *f, struct object *object, uint64_t index);
void fake_unpin(struct paging_fixture *f, struct object *object, uint64_t index);

/* A page filled with one number; filled with it all over? */
void page_fill(void *page, uint64_t value);
bool page_is_filled(const void *page, uint64_t *value);

#endif
