/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of every call on spaces is refused: each one alone, and from each one on all
 * that follow. The call then fails with COFFER_NO_MEMORY, and the space is as it was, to the byte;
 * or it got over it. At the end nothing is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/must.h"
#include "support/space_fixture.h"

#define PG    ((uintptr_t)COFFER_PAGE_SIZE)
#define RW    (COFFER_READ | COFFER_WRITE)
#define PAGES 256u

/* A space with some of everything; a call may leave more behind. */
struct scene {
    struct space_fixture fixture;
    struct coffer_space *space;
    struct coffer_segment *shared;
    struct coffer_segment *file;
    uintptr_t base;
    uint64_t file_value[8];

    struct coffer_space *made; /* by the call */
    struct coffer_segment *segment;
    uintptr_t block;
};

/* Pages of the scene, from the base. */
#define HEAP     0u  /* 8, of which the break has reached 3 */
#define ANON     8u  /* 12, written */
#define READABLE 20u /* 4, of other rights */
#define SHARED   24u /* 4, anonymous, shared */
#define SEGMENT  28u /* 4 */
#define A_FILE   32u /* 4, written */
#define PINNED   36u /* 4 */
#define TOUCHED  40u /* 4, never touched */
#define FREE     48u

static uintptr_t at(const struct scene *s, unsigned page)
{
    return s->base + page * PG;
}

static enum coffer_status file_read(void *context, uint64_t index, void *page)
{
    struct scene *s = context;

    memset(page, 0, PG);
    memcpy(page, &s->file_value[index], sizeof(uint64_t));
    return COFFER_OK;
}

static enum coffer_status file_write(void *context, uint64_t index, const void *page)
{
    struct scene *s = context;

    memcpy(&s->file_value[index], page, sizeof(uint64_t));
    return COFFER_OK;
}

static void add(struct scene *s, unsigned page, unsigned count, unsigned rights, unsigned flags,
                struct coffer_segment *segment)
{
    const struct coffer_map map = {.address = at(s, page),
                                   .size = count * PG,
                                   .rights = rights,
                                   .flags = flags | COFFER_MAP_FIXED,
                                   .segment = segment};

    (void)space_map_with(s->space, &map);
    for (unsigned i = 0; (rights & COFFER_WRITE) != 0 && page != TOUCHED && i < count; i++)
        space_put(s->space, at(s, page + i), 1000 + page + i);
}

static void scene_open(struct scene *s, enum space_mmu mmu, bool evicted)
{
    static const struct space_fixture_settings settings = {.memory = MIB, .swap_pages = 512};
    const struct coffer_space_settings space = {.size = PAGES * PG, .heap_size = 8 * PG};
    const struct coffer_pager pager = {.context = s, .read = file_read, .write = file_write};
    struct coffer_space_info info;
    uintptr_t now;

    *s = (struct scene){.file_value = {1, 2, 3, 4, 5, 6, 7, 8}};
    space_fixture_open(&s->fixture, mmu, &settings);
    must(coffer_space_open(s->fixture.memory, &space, &s->space) == COFFER_OK);
    must(coffer_segment_open(s->fixture.memory, (struct coffer_owner){0}, 8 * PG, NULL,
                             &s->shared) == COFFER_OK);
    must(coffer_segment_open(s->fixture.memory, (struct coffer_owner){0}, 8 * PG, &pager,
                             &s->file) == COFFER_OK);
    coffer_space_info(s->space, &info);
    s->base = info.base;
    must(coffer_space_break(s->space, s->base + 3 * PG - 100, &now) == COFFER_OK);
    space_put(s->space, s->base + PG, 77);
    add(s, ANON, 12, RW, 0, NULL);
    add(s, READABLE, 4, COFFER_READ, 0, NULL);
    add(s, SHARED, 4, RW, COFFER_MAP_SHARED, NULL);
    add(s, SEGMENT, 4, RW, 0, s->shared);
    add(s, A_FILE, 4, RW, 0, s->file);
    add(s, PINNED, 4, RW, COFFER_MAP_PINNED, NULL);
    add(s, TOUCHED, 4, RW, 0, NULL);
    if (evicted)
        (void)coffer_reclaim(s->fixture.memory, 200);
}

static void scene_close(struct scene *s)
{
    coffer_space_close(s->made);
    if (s->block != 0)
        must(coffer_vfree(s->fixture.memory, s->block) == COFFER_OK);
    must(coffer_segment_close(s->segment) == COFFER_OK);
    coffer_space_close(s->space);
    must(coffer_segment_close(s->shared) == COFFER_OK);
    must(coffer_segment_close(s->file) == COFFER_OK);
    space_fixture_close(&s->fixture);
}

/* --- The calls --------------------------------------------------------------------------- */

static enum coffer_status map(struct scene *s, unsigned page, unsigned count, unsigned flags,
                              struct coffer_segment *segment)
{
    const struct coffer_map map = {.address = page == 0 ? 0 : at(s, page),
                                   .size = count * PG,
                                   .rights = RW,
                                   .flags = flags,
                                   .segment = segment};
    uintptr_t address;

    return coffer_space_map(s->space, &map, &address);
}

static enum coffer_status map_apart(struct scene *s)
{
    return map(s, 60, 4, COFFER_MAP_FIXED | COFFER_MAP_KEEP, NULL);
}

static enum coffer_status map_next_to_another(struct scene *s)
{
    return map(s, 0, 4, 0, NULL);
}

static enum coffer_status map_over_several(struct scene *s)
{
    return map(s, ANON + 5, 24, COFFER_MAP_FIXED, NULL);
}

static enum coffer_status map_inside_of_one(struct scene *s)
{
    return map(s, ANON + 5, 2, COFFER_MAP_FIXED, s->shared);
}

static enum coffer_status map_populated(struct scene *s)
{
    return map(s, 100, 6, COFFER_MAP_POPULATE, NULL);
}

static enum coffer_status map_pinned(struct scene *s)
{
    return map(s, 100, 6, COFFER_MAP_PINNED, NULL);
}

static enum coffer_status map_pinned_over_pinned(struct scene *s)
{
    return map(s, PINNED - 2, 4, COFFER_MAP_FIXED | COFFER_MAP_PINNED, NULL);
}

static enum coffer_status map_file_populated(struct scene *s)
{
    return map(s, FREE, 8, COFFER_MAP_POPULATE, s->file);
}

static enum coffer_status unmap_inside(struct scene *s)
{
    return coffer_space_unmap(s->space, at(s, ANON + 3), 5 * PG);
}

static enum coffer_status unmap_over_several(struct scene *s)
{
    return coffer_space_unmap(s->space, at(s, ANON + 3), 35 * PG);
}

static enum coffer_status protect_inside(struct scene *s)
{
    return coffer_space_protect(s->space, at(s, ANON + 3), 5 * PG, COFFER_READ);
}

static enum coffer_status protect_over_several(struct scene *s)
{
    return coffer_space_protect(s->space, at(s, ANON + 3), 30 * PG, COFFER_READ);
}

static enum coffer_status remap(struct scene *s, unsigned page, unsigned count, unsigned wanted,
                                unsigned flags, unsigned target)
{
    uintptr_t address = at(s, target);

    return coffer_space_remap(s->space, at(s, page), count * PG, wanted * PG, flags, &address);
}

static enum coffer_status remap_grow(struct scene *s)
{
    return remap(s, TOUCHED, 4, 8, 0, 0);
}

static enum coffer_status remap_shrink(struct scene *s)
{
    return remap(s, ANON + 2, 6, 3, 0, 0);
}

static enum coffer_status remap_move_a_part(struct scene *s)
{
    return remap(s, ANON + 2, 6, 20, COFFER_REMAP_MOVE, 0);
}

static enum coffer_status remap_over_others(struct scene *s)
{
    return remap(s, ANON + 2, 6, 10, COFFER_REMAP_MOVE | COFFER_REMAP_FIXED, READABLE + 2);
}

static enum coffer_status remap_less_over_others(struct scene *s)
{
    return remap(s, ANON + 2, 6, 3, COFFER_REMAP_MOVE | COFFER_REMAP_FIXED, READABLE + 1);
}

static enum coffer_status remap_segment(struct scene *s)
{
    return remap(s, SEGMENT + 1, 2, 5, COFFER_REMAP_MOVE, 0);
}

static enum coffer_status break_up(struct scene *s)
{
    uintptr_t now;

    return coffer_space_break(s->space, s->base + 7 * PG, &now);
}

static enum coffer_status break_down(struct scene *s)
{
    uintptr_t now;

    return coffer_space_break(s->space, s->base + PG, &now);
}

static enum coffer_status pin_inside(struct scene *s)
{
    return coffer_space_pin(s->space, at(s, ANON + 3), 5 * PG);
}

static enum coffer_status pin_over_several(struct scene *s)
{
    return coffer_space_pin(s->space, at(s, ANON + 3), 33 * PG);
}

static enum coffer_status unpin_inside(struct scene *s)
{
    return coffer_space_unpin(s->space, at(s, PINNED + 1), 2 * PG);
}

static enum coffer_status sync_all(struct scene *s)
{
    return coffer_space_sync(s->space, s->base, PAGES * PG);
}

static enum coffer_status clone(struct scene *s)
{
    return coffer_space_clone(s->space, "clone", &s->made);
}

static enum coffer_status open_another(struct scene *s)
{
    const struct coffer_space_settings settings = {.size = 1024 * PG};

    return coffer_space_open(s->fixture.memory, &settings, &s->made);
}

static enum coffer_status open_segment(struct scene *s)
{
    return coffer_segment_open(s->fixture.memory, (struct coffer_owner){0}, 16 * PG, NULL,
                               &s->segment);
}

static enum coffer_status vmalloc(struct scene *s)
{
    return coffer_vmalloc(s->fixture.memory, 5 * PG, &s->block);
}

static enum coffer_status read_one(struct scene *s)
{
    uint64_t value;

    return coffer_space_read(s->space, at(s, ANON + 1), &value, sizeof(value));
}

static enum coffer_status touch_first(struct scene *s)
{
    return coffer_space_fault(s->space, at(s, TOUCHED + 1), COFFER_WRITE);
}

static enum coffer_status touch_file(struct scene *s)
{
    return coffer_space_fault(s->space, at(s, A_FILE + 1), COFFER_READ);
}

static const struct {
    const char *name;
    enum coffer_status (*call)(struct scene *s);
} calls[] = {
    {"map apart", map_apart},
    {"map next to another", map_next_to_another},
    {"map over several", map_over_several},
    {"map inside of one", map_inside_of_one},
    {"map populated", map_populated},
    {"map pinned", map_pinned},
    {"map pinned over pinned", map_pinned_over_pinned},
    {"map file populated", map_file_populated},
    {"unmap inside", unmap_inside},
    {"unmap over several", unmap_over_several},
    {"protect inside", protect_inside},
    {"protect over several", protect_over_several},
    {"remap grow", remap_grow},
    {"remap shrink", remap_shrink},
    {"remap, move a part", remap_move_a_part},
    {"remap over others", remap_over_others},
    {"remap less over others", remap_less_over_others},
    {"remap segment", remap_segment},
    {"break up", break_up},
    {"break down", break_down},
    {"pin inside", pin_inside},
    {"pin over several", pin_over_several},
    {"unpin inside", unpin_inside},
    {"sync", sync_all},
    {"clone", clone},
    {"open", open_another},
    {"open a segment", open_segment},
    {"vmalloc", vmalloc},
    {"read", read_one},
    {"touch", touch_first},
    {"touch a file", touch_file},
};

/* Refuse from the `number`-th allocation on; false: there were fewer. */
static bool try_call(unsigned i, enum space_mmu mmu, bool evicted, uint64_t number, uint64_t count,
                     unsigned *failures)
{
    static struct scene scene;
    struct space_picture *before;
    struct space_picture *after;
    enum coffer_status status;
    bool fired;

    scene_open(&scene, mmu, evicted);
    before = space_picture(scene.space);
    if (evicted)
        (void)coffer_reclaim(scene.fixture.memory, 200);
    space_fixture_refuse(&scene.fixture, number, count);
    status = calls[i].call(&scene);
    fired = scene.fixture.refusals.fired;
    space_fixture_refuse(&scene.fixture, 0, 0);
    must(space_fixture_is_valid(&scene.fixture));
    if (status != COFFER_OK) {
        if (status != COFFER_NO_MEMORY || !fired)
            fprintf(stderr, "%s, refused %d: status %d\n", calls[i].name, (int)number, status);
        must(status == COFFER_NO_MEMORY && fired);
        must(scene.made == NULL && scene.segment == NULL && scene.block == 0);
        after = space_picture(scene.space);
        if (!space_pictures_are_equal(before, after))
            fprintf(stderr, "%s, refused %d: not as it was\n", calls[i].name, (int)number);
        must(space_pictures_are_equal(before, after));
        space_picture_free(after);
        ++*failures;
    }
    space_picture_free(before);
    scene_close(&scene);
    return fired;
}

static void run(enum space_mmu mmu)
{
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (unsigned evicted = 0; evicted < 2; evicted++) {
            unsigned failures = 0;
            uint64_t number = 0;

            while (try_call(i, mmu, evicted == 1, ++number, 1, &failures))
                ;
            number = 0;
            while (try_call(i, mmu, evicted == 1, ++number, UINT64_MAX, &failures))
                ;
            fprintf(stderr, "%s: %u allocations, %u failures\n", calls[i].name,
                    (unsigned)number - 1, failures);
        }
    }
}

static void test_each_refused_allocation_changes_nothing_in_software(void **state)
{
    (void)state;
    run(SPACE_SOFTWARE);
}

static void test_each_refused_allocation_changes_nothing_on_linux(void **state)
{
    (void)state;
    run(SPACE_LINUX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_refused_allocation_changes_nothing_in_software),
        cmocka_unit_test(test_each_refused_allocation_changes_nothing_on_linux),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
