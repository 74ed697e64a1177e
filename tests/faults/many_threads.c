/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More threads than the port has numbers for (PORT_SLOTS_MAX). What they lack is a magazine and a
 * cache of their own, nothing else: no two of them are taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "coffer/linux_memory.h"
#include "memory/account/account.h"
#include "memory/paging/paging.h"
#include "memory/system/system.h"
#include "port/port.h"
#include "support/must.h"
#include "support/space_fixture.h"

#define PG    ((uintptr_t)COFFER_PAGE_SIZE)
#define IDLE  (PORT_SLOTS_MAX + 4) /* threads that have all numbers */
#define PAGES (4 * MIB / PG)
#define TAKES 170u /* frames at one time, of 256 */

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

/* Threads that hold all numbers until they are told to end, and two that find none left. */
struct crowd {
    const struct coffer_port *port;
    struct port_thread idle[IDLE];
    struct port_thread others[2];
    atomic_uint ready;
    atomic_bool over;
};

static void wait_for(const struct crowd *crowd, atomic_uint *count, unsigned wanted)
{
    while (atomic_load(count) < wanted)
        crowd->port->thread_yield(crowd->port->context);
}

static void idle(void *argument)
{
    struct crowd *crowd = argument;
    const struct timespec a_while = {.tv_nsec = 1000000};

    (void)crowd->port->thread_slot(crowd->port->context);
    atomic_fetch_add(&crowd->ready, 1);
    while (!atomic_load(&crowd->over))
        (void)nanosleep(&a_while, NULL);
}

static void crowd_open(struct crowd *crowd)
{
    crowd->port = coffer_linux_port();
    atomic_init(&crowd->ready, 0);
    atomic_init(&crowd->over, false);
    for (unsigned i = 0; i < IDLE; i++)
        must(crowd->port->thread_start(crowd->port->context, &crowd->idle[i], idle, crowd) ==
             COFFER_OK);
    wait_for(crowd, &crowd->ready, IDLE);
}

static void crowd_start(struct crowd *crowd, unsigned which, void (*body)(void *), void *argument)
{
    must(crowd->port->thread_start(crowd->port->context, &crowd->others[which], body, argument) ==
         COFFER_OK);
}

static void crowd_join(struct crowd *crowd, unsigned which)
{
    crowd->port->thread_join(crowd->port->context, &crowd->others[which]);
}

static void crowd_close(struct crowd *crowd)
{
    atomic_store(&crowd->over, true);
    for (unsigned i = 0; i < IDLE; i++)
        crowd->port->thread_join(crowd->port->context, &crowd->idle[i]);
}

static void have_no_number(const struct crowd *crowd)
{
    must(crowd->port->thread_slot(crowd->port->context) == PORT_SLOTS_MAX);
}

static void open_system(struct space_fixture *f, enum space_mmu mmu,
                        const struct space_fixture_settings *settings)
{
    space_fixture_open(f, mmu, settings);
    /* It counts, and frames that are taken without the paging lock would be counted at once. */
    account_set_refuse(&f->memory->core->account, NULL, NULL);
}

/* --- The paging lock --------------------------------------------------------------------- */

struct lock_scene {
    struct crowd crowd;
    struct paging *paging;
    atomic_uint step; /* 1: it is taken; 2: the other has looked */
};

static void hold_lock(void *argument)
{
    struct lock_scene *scene = argument;

    have_no_number(&scene->crowd);
    must(!paging_is_locked_here(scene->paging));
    paging_lock(scene->paging);
    must(paging_is_locked_here(scene->paging));
    atomic_store(&scene->step, 1);
    wait_for(&scene->crowd, &scene->step, 2);
    paging_unlock(scene->paging);
    must(!paging_is_locked_here(scene->paging));
}

static void look_at_lock(void *argument)
{
    struct lock_scene *scene = argument;
    bool is_mine;

    have_no_number(&scene->crowd);
    wait_for(&scene->crowd, &scene->step, 1);
    is_mine = paging_is_locked_here(scene->paging);
    atomic_store(&scene->step, 2);
    must(!is_mine);
}

static void test_no_lock_is_taken_for_ones_own(void **state)
{
    static const struct space_fixture_settings settings = {.memory = MIB, .swap_pages = 64};
    struct lock_scene scene;
    struct space_fixture f;

    (void)state;
    open_system(&f, SPACE_SOFTWARE, &settings);
    scene.paging = f.memory->paging;
    atomic_init(&scene.step, 0);
    crowd_open(&scene.crowd);
    crowd_start(&scene.crowd, 0, hold_lock, &scene);
    crowd_start(&scene.crowd, 1, look_at_lock, &scene);
    crowd_join(&scene.crowd, 0);
    crowd_join(&scene.crowd, 1);
    crowd_close(&scene.crowd);
    space_fixture_close(&f);
}

/* --- Pressure ---------------------------------------------------------------------------- */

struct pressure_scene {
    struct crowd crowd;
    struct coffer_memory *memory;
    atomic_uint asked;
    atomic_uint refused; /* takes that have ended */
};

/* The one who is asked first waits for the other to be asked, too. */
static bool wait_for_both(void *context, enum coffer_pressure level)
{
    struct pressure_scene *scene = context;

    if (level != COFFER_PRESSURE_NONE)
        return false;
    atomic_fetch_add(&scene->asked, 1);
    while (atomic_load(&scene->asked) < 2 && atomic_load(&scene->refused) == 0)
        scene->crowd.port->thread_yield(scene->crowd.port->context);
    return false;
}

static void take_too_much(void *argument)
{
    struct pressure_scene *scene = argument;
    void *run;

    have_no_number(&scene->crowd);
    must(coffer_frames_take(scene->memory, (struct coffer_owner){0}, MIB / PG, 1, &run) ==
         COFFER_NO_MEMORY);
    atomic_fetch_add(&scene->refused, 1);
}

static void test_each_is_asked_before_it_is_refused(void **state)
{
    struct pressure_scene scene;
    const struct space_fixture_settings settings = {
        .memory = MIB, .config = {.pressure = wait_for_both, .pressure_context = &scene}};
    struct space_fixture f;

    (void)state;
    atomic_init(&scene.asked, 0);
    atomic_init(&scene.refused, 0);
    crowd_open(&scene.crowd);
    open_system(&f, SPACE_SOFTWARE, &settings);
    scene.memory = f.memory;
    crowd_start(&scene.crowd, 0, take_too_much, &scene);
    crowd_start(&scene.crowd, 1, take_too_much, &scene);
    crowd_join(&scene.crowd, 0);
    crowd_join(&scene.crowd, 1);
    assert_int_equal(atomic_load(&scene.asked), 2);
    crowd_close(&scene.crowd);
    space_fixture_close(&f);
}

/* --- Both -------------------------------------------------------------------------------- */

struct eviction_scene {
    struct crowd crowd;
    struct coffer_memory *memory;
    struct coffer_space *space;
    uintptr_t start;
    uint8_t *bytes;
    atomic_uint writes;
    atomic_bool over;
    unsigned refused;
};

/* Has the paging lock nearly always. */
static void write_pages(void *argument)
{
    struct eviction_scene *scene = argument;

    have_no_number(&scene->crowd);
    while (!atomic_load(&scene->over)) {
        must(coffer_space_write(scene->space, scene->start, scene->bytes, 600 * KIB) == COFFER_OK);
        atomic_fetch_add(&scene->writes, 1);
    }
}

static void take_frames(void *argument)
{
    struct eviction_scene *scene = argument;
    const struct coffer_owner owner = {0};
    void *frames[TAKES];

    have_no_number(&scene->crowd);
    wait_for(&scene->crowd, &scene->writes, 1);
    for (unsigned round = 0; round < 200; round++) {
        unsigned count = 0;

        while (count < TAKES &&
               coffer_frames_take(scene->memory, owner, 1, 1, &frames[count]) == COFFER_OK)
            count++;
        scene->refused += count < TAKES;
        while (count > 0)
            must(coffer_frames_give(scene->memory, frames[--count]) == COFFER_OK);
    }
    atomic_store(&scene->over, true);
}

static void evict(enum space_mmu mmu)
{
    static const struct space_fixture_settings settings = {.memory = MIB, .swap_pages = 2 * PAGES};
    struct eviction_scene scene = {.bytes = must_alloc(600 * KIB)};
    struct space_fixture f;

    memset(scene.bytes, 1, 600 * KIB);
    open_system(&f, mmu, &settings);
    scene.memory = f.memory;
    scene.space = space_make(&f, PAGES * PG);
    scene.start = space_map(scene.space, PAGES * PG, COFFER_WRITE);
    assert_ok(coffer_space_fill(scene.space, scene.start, 1, PAGES * PG));
    atomic_init(&scene.writes, 0);
    atomic_init(&scene.over, false);
    crowd_open(&scene.crowd);
    crowd_start(&scene.crowd, 0, write_pages, &scene);
    crowd_start(&scene.crowd, 1, take_frames, &scene);
    crowd_join(&scene.crowd, 1);
    crowd_join(&scene.crowd, 0);
    crowd_close(&scene.crowd);
    assert_int_equal(scene.refused, 0);
    coffer_space_close(scene.space);
    space_fixture_close(&f);
    free(scene.bytes);
}

static void test_pages_are_evicted_for_them(void **state)
{
    (void)state;
    evict(SPACE_SOFTWARE);
    evict(SPACE_LINUX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_lock_is_taken_for_ones_own),
        cmocka_unit_test(test_each_is_asked_before_it_is_refused),
        cmocka_unit_test(test_pages_are_evicted_for_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
