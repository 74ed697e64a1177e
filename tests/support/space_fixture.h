/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory system for tests of spaces, on each MMU that there is; with swap, and with allocations
 * that can be refused. Whoever opens one closes it, and everything must be back by then. With page
 * tables in software the memory lies between guard pages.
 */
#ifndef TESTS_SUPPORT_SPACE_FIXTURE_H
#define TESTS_SUPPORT_SPACE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/space.h"
#include "support/guarded.h"

enum space_mmu {
    SPACE_SOFTWARE,
    SPACE_LINUX,
    SPACE_MMUS,
};

const char *space_mmu_name(enum space_mmu mmu);

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

struct space_fixture_settings {
    size_t memory; /* bytes; 0: 1 MiB */
    enum guarded_end memory_end;
    size_t swap_pages; /* 0: none */
    struct coffer_memory_config config;
};

/* Which allocations are refused: from the `at`-th (1 is the next one) on, `count` of them. */
struct refusals {
    uint64_t at;
    uint64_t count;
    uint64_t seen; /* since it was armed */
    bool fired;
};

/* What must be the same at the end as at the start. */
struct space_balance {
    uint64_t used, reserve;
    uint64_t pages, slots_used, table_frames;
    unsigned spaces;
};

struct space_fixture {
    enum space_mmu mmu;
    struct coffer_memory *memory;
    struct refusals refusals;
    struct space_balance start;
    struct guarded region; /* SPACE_SOFTWARE */
    struct coffer_swap_medium medium;
};

void space_fixture_open(struct space_fixture *f, enum space_mmu mmu,
                        const struct space_fixture_settings *settings);

/* Everything that was opened is closed; checks that all came back. */
void space_fixture_close(struct space_fixture *f);
/* The same for a test that may have failed half-way. False: not all came back, which is told; the
 * memory system is left as it is, lest its end hides what the test had to say. */
COFFER_MUST_CHECK bool space_fixture_end(struct space_fixture *f);

struct space_balance space_fixture_balance(struct space_fixture *f);
bool space_fixture_is_valid(struct space_fixture *f);

/* Refuse from the `at`-th allocation on, `count` times; 0: none. `fired` tells whether any was. */
void space_fixture_refuse(struct space_fixture *f, uint64_t at, uint64_t count);

/* A user space of `size` bytes. */
struct coffer_space *space_make(struct space_fixture *f, size_t size);

/* Map, which must succeed. */
uintptr_t space_map(struct coffer_space *space, size_t size, unsigned rights);
uintptr_t space_map_with(struct coffer_space *space, const struct coffer_map *map);

/* One number at an address; they must succeed. */
void space_put(struct coffer_space *space, uintptr_t address, uint64_t value);
uint64_t space_get(struct coffer_space *space, uintptr_t address);

/* The whole space in words and contents, to be compared with what it was before. free() it. */
struct space_picture;
struct space_picture *space_picture(struct coffer_space *space);
bool space_pictures_are_equal(const struct space_picture *a, const struct space_picture *b);
void space_picture_free(struct space_picture *picture);

#endif
