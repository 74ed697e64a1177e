/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance: what every MMU with pointers does when they are used (memory/space/mmu.h): loads and
 * stores reach the frames that are mapped, and nothing else; what isn't allowed is a fault.
 */
#include "bench.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/must.h"
#include "support/threads.h"

#define SPACE (1024 * PAGE)

/* What the accesses of a body may expect, and what became of them. */
struct scene {
    struct bench bench;
    struct mmu_table *table;
    uintptr_t base;
    uint8_t *run; /* 8 frames */

    /* The answer to a fault: `repair` does something and it is COFFER_OK, or `answer` it is. */
    void (*repair)(struct scene *scene, uintptr_t address, unsigned access);
    enum coffer_status answer;
    unsigned faults;
    uintptr_t address; /* of the last one */
    unsigned access;

    /* For bodies. */
    volatile uint8_t *at;
    uint8_t value;
    bool finished;
};

static struct scene *playing;

static enum coffer_status take_fault(void *cookie, uintptr_t address, unsigned access)
{
    struct scene *scene = playing;

    must(cookie == &scene->bench);
    must(++scene->faults < 1000); /* the answer OK must have changed something */
    scene->address = address;
    scene->access = access;
    if (scene->repair == NULL)
        return scene->answer;
    scene->repair(scene, address, access);
    return COFFER_OK;
}

static void scene_open(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    bench_open(&scene->bench);
    scene->bench.host.host.fault = take_fault;
    scene->answer = COFFER_NOT_FOUND;
    scene->table = bench_table(&scene->bench, 0, SPACE, &scene->base);
    scene->run = mmu_host_take(&scene->bench.host, 8);
    playing = scene;
}

static void scene_close(struct scene *scene)
{
    bench_drop(&scene->bench, scene->table);
    mmu_host_give(&scene->bench.host, scene->run);
    bench_close(&scene->bench);
    playing = NULL;
}

static void map_page(struct scene *scene, unsigned page, unsigned frame, unsigned rights)
{
    bench_map(&scene->bench, scene->table, scene->base + page * PAGE,
              scene->run + frame * (size_t)FRAME_SIZE, 1, rights);
}

static unsigned harvest(struct scene *scene, unsigned page, unsigned mask)
{
    return scene->bench.mmu->harvest(scene->table, scene->base + page * PAGE, mask);
}

static void load(void *argument)
{
    struct scene *scene = argument;

    scene->value = *scene->at;
    scene->finished = true;
}

static void store(void *argument)
{
    struct scene *scene = argument;

    *scene->at = scene->value;
    scene->finished = true;
}

/* One access at a byte of a page; what `enter` says. */
static enum coffer_status access_at(struct scene *scene, unsigned page, unsigned offset,
                                    void (*body)(void *argument))
{
    enum coffer_status status;

    scene->at = (volatile uint8_t *)(scene->base + page * PAGE + offset);
    scene->finished = false;
    scene->faults = 0;
    status = scene->bench.mmu->enter(scene->table, body, scene);
    assert_int_equal(scene->finished, status == COFFER_OK);
    return status;
}

/* One that must fault, and be refused. */
static void assert_refused(struct scene *scene, unsigned page, unsigned offset,
                           void (*body)(void *argument))
{
    static const enum coffer_status answers[] = {COFFER_NOT_FOUND, COFFER_MISUSE, COFFER_NO_MEMORY,
                                                 COFFER_CORRUPT};

    for (unsigned i = 0; i < 4; i++) {
        scene->answer = answers[i];
        assert_int_equal(access_at(scene, page, offset, body), answers[i]);
        assert_int_equal(scene->faults, 1);
        assert_int_equal(scene->address / PAGE, scene->base / PAGE + page);
        assert_int_equal(scene->access, body == load ? COFFER_READ : COFFER_WRITE);
    }
}

static void test_loads_and_stores_reach_the_frame(void **state)
{
    static const unsigned offsets[] = {0, 1, 2048, 4095};
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    for (unsigned i = 0; i < 8; i++)
        map_page(&scene, 3 + 5 * i, 7 - i, BOTH);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *frame = scene.run + (7 - i) * (size_t)FRAME_SIZE;

        for (unsigned k = 0; k < 4; k++) {
            scene.value = (uint8_t)(1 + 16 * i + k);
            assert_int_equal(access_at(&scene, 3 + 5 * i, offsets[k], store), COFFER_OK);
            assert_int_equal(frame[offsets[k]], 1 + 16 * i + k);
            frame[offsets[k]] ^= 0x80;
            assert_int_equal(access_at(&scene, 3 + 5 * i, offsets[k], load), COFFER_OK);
            assert_int_equal(scene.value, (1 + 16 * i + k) ^ 0x80);
            assert_int_equal(scene.faults, 0);
        }
    }
    scene_close(&scene);
}

static void test_two_pages_on_one_frame_are_the_same_bytes(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    map_page(&scene, 1, 2, BOTH);
    map_page(&scene, 9, 2, READ);
    scene.value = 77;
    assert_int_equal(access_at(&scene, 1, 100, store), COFFER_OK);
    scene.value = 0;
    assert_int_equal(access_at(&scene, 9, 100, load), COFFER_OK);
    assert_int_equal(scene.value, 77);
    assert_refused(&scene, 9, 100, store);
    scene_close(&scene);
}

static void test_K16_what_is_not_mapped_faults(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    map_page(&scene, 4, 0, BOTH);
    memset(scene.run, 0x11, 8 * (size_t)FRAME_SIZE);
    scene.value = 0xee;
    assert_refused(&scene, 3, 4095, load);
    assert_refused(&scene, 3, 4095, store);
    assert_refused(&scene, 5, 0, load);
    assert_refused(&scene, 5, 0, store);
    assert_refused(&scene, 0, 0, load);
    assert_refused(&scene, SPACE / PAGE - 1, 4095, store);
    for (size_t i = 0; i < 8 * (size_t)FRAME_SIZE; i++)
        assert_int_equal(scene.run[i], 0x11);
    scene_close(&scene);
}

static void test_K16_rights_are_kept(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    map_page(&scene, 0, 0, 0);
    map_page(&scene, 1, 1, READ);
    map_page(&scene, 2, 2, BOTH);
    scene.value = 9;
    assert_refused(&scene, 0, 8, load);
    assert_refused(&scene, 0, 8, store);
    assert_int_equal(access_at(&scene, 1, 8, load), COFFER_OK);
    assert_refused(&scene, 1, 8, store);
    scene.value = 9;
    assert_int_equal(access_at(&scene, 2, 8, store), COFFER_OK);
    assert_int_equal(scene.run[FRAME_SIZE + 8], 0);

    /* And when they change, from the next access on: down and up again. */
    scene.bench.mmu->protect(scene.table, scene.base, 3, READ);
    assert_int_equal(access_at(&scene, 0, 8, load), COFFER_OK);
    assert_int_equal(access_at(&scene, 2, 8, load), COFFER_OK);
    assert_refused(&scene, 2, 8, store);
    scene.bench.mmu->protect(scene.table, scene.base, 3, 0);
    assert_refused(&scene, 1, 8, load);
    assert_refused(&scene, 2, 8, load);
    assert_refused(&scene, 2, 8, store);
    scene.bench.mmu->protect(scene.table, scene.base, 3, BOTH);
    for (unsigned page = 0; page < 3; page++) {
        scene.value = 5;
        assert_int_equal(access_at(&scene, page, 8, store), COFFER_OK);
        assert_int_equal(scene.run[page * FRAME_SIZE + 8], 5);
    }
    scene_close(&scene);
}

static void test_V3_after_unmap_nothing_is_reached(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    for (unsigned i = 0; i < 8; i++) {
        map_page(&scene, i, i, BOTH);
        scene.value = 1;
        assert_int_equal(access_at(&scene, i, 0, store), COFFER_OK);
    }
    scene.bench.mmu->unmap(scene.table, scene.base + 2 * PAGE, 3);
    for (unsigned i = 0; i < 8; i++) {
        scene.value = 2;
        if (i >= 2 && i < 5) {
            assert_refused(&scene, i, 0, store);
            assert_refused(&scene, i, 0, load);
            assert_int_equal(scene.run[i * FRAME_SIZE], 1);
        } else {
            assert_int_equal(access_at(&scene, i, 0, store), COFFER_OK);
            assert_int_equal(scene.run[i * FRAME_SIZE], 2);
        }
    }
    /* Another frame in its place shows its own bytes. */
    memset(scene.run + 6 * (size_t)FRAME_SIZE, 0x66, FRAME_SIZE);
    map_page(&scene, 3, 6, READ);
    assert_int_equal(access_at(&scene, 3, 9, load), COFFER_OK);
    assert_int_equal(scene.value, 0x66);
    scene_close(&scene);
}

static void test_accesses_set_the_bits(void **state)
{
    const unsigned all = MMU_REFERENCED | MMU_DIRTY;
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    map_page(&scene, 0, 0, BOTH);
    map_page(&scene, 1, 1, BOTH);
    assert_int_equal(harvest(&scene, 0, 0), 0);

    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(access_at(&scene, 0, 1, load), COFFER_OK);
        assert_int_equal(scene.faults, 0); /* soft ones aren't the core's */
        assert_int_equal(harvest(&scene, 0, 0), MMU_REFERENCED);
        assert_int_equal(access_at(&scene, 0, 1, store), COFFER_OK);
        assert_int_equal(harvest(&scene, 0, 0), all);

        /* Each is told once, and set anew by the next access of its kind. */
        assert_int_equal(harvest(&scene, 0, MMU_REFERENCED), all);
        assert_int_equal(harvest(&scene, 0, 0) & MMU_DIRTY, MMU_DIRTY);
        assert_int_equal(access_at(&scene, 0, 1, load), COFFER_OK);
        assert_int_equal(harvest(&scene, 0, MMU_DIRTY), all);
        assert_int_equal(harvest(&scene, 0, 0), MMU_REFERENCED);
        assert_int_equal(access_at(&scene, 0, 1, load), COFFER_OK);
        assert_int_equal(harvest(&scene, 0, 0), MMU_REFERENCED);
        assert_int_equal(access_at(&scene, 0, 1, store), COFFER_OK);
        assert_int_equal(harvest(&scene, 0, all), all);
        assert_int_equal(harvest(&scene, 0, 0), 0);
    }
    assert_int_equal(harvest(&scene, 1, all), 0); /* nobody was there */
    assert_int_equal(access_at(&scene, 1, 0, store), COFFER_OK);
    assert_int_equal(scene.bench.mmu->unmap(scene.table, scene.base, 2), all);
    scene_close(&scene);
}

static void repair_by_map(struct scene *scene, uintptr_t address, unsigned access)
{
    unsigned page = (unsigned)((address - scene->base) / PAGE);
    unsigned rights = access == COFFER_WRITE ? BOTH : READ;
    unsigned bits = MMU_REFERENCED | (access == COFFER_WRITE ? MMU_DIRTY : 0);
    struct mmu_entry entry;

    if (scene->bench.mmu->query(scene->table, address, &entry))
        scene->bench.mmu->protect(scene->table, scene->base + page * PAGE, 1, rights);
    else
        must(scene->bench.mmu->map(scene->table, scene->base + page * PAGE,
                                   scene->run + page * (size_t)FRAME_SIZE, 1, rights,
                                   bits) == COFFER_OK);
}

static void test_a_fault_that_is_answered_is_not_noticed(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    scene.repair = repair_by_map;
    memset(scene.run, 0x42, 8 * (size_t)FRAME_SIZE);
    for (unsigned page = 0; page < 8; page++) {
        assert_int_equal(access_at(&scene, page, 50, load), COFFER_OK);
        assert_int_equal(scene.value, 0x42);
        assert_int_equal(scene.faults, 1);
        assert_int_equal(scene.access, COFFER_READ);
        assert_int_equal(harvest(&scene, page, 0), MMU_REFERENCED);
        assert_int_equal(access_at(&scene, page, 51, load), COFFER_OK);
        assert_int_equal(scene.faults, 0);

        scene.value = 0x43;
        assert_int_equal(access_at(&scene, page, 50, store), COFFER_OK);
        assert_int_equal(scene.faults, 1);
        assert_int_equal(scene.access, COFFER_WRITE);
        assert_int_equal(scene.run[page * FRAME_SIZE + 50], 0x43);
        assert_true((harvest(&scene, page, 0) & MMU_DIRTY) != 0);
        assert_int_equal(access_at(&scene, page, 50, store), COFFER_OK);
        assert_int_equal(scene.faults, 0);
    }
    scene_close(&scene);
}

/* All faults at once, in one body, on pages in any order. */
static void copy_about(void *argument)
{
    struct scene *scene = argument;
    volatile uint8_t *space = (volatile uint8_t *)scene->base;

    for (unsigned i = 0; i < 8 * PAGE; i++)
        space[(i * 2741) % (8 * PAGE)] = (uint8_t)i;
    for (unsigned i = 0; i < 8 * PAGE; i++)
        must(space[(i * 2741) % (8 * PAGE)] == (uint8_t)i);
    scene->finished = true;
}

static void test_a_body_with_many_faults(void **state)
{
    static struct scene scene;

    (void)state;
    scene_open(&scene);
    scene.repair = repair_by_map;
    assert_int_equal(scene.bench.mmu->enter(scene.table, copy_about, &scene), COFFER_OK);
    assert_true(scene.finished);
    assert_int_equal(scene.faults, 8);
    scene_close(&scene);
}

/* --- Threads ----------------------------------------------------------------------------- */

struct reader {
    struct scene *scene;
    atomic_bool reading;
    enum coffer_status status;
};

static void read_on(void *argument)
{
    struct reader *reader = argument;
    volatile uint8_t *page = (volatile uint8_t *)reader->scene->base;

    for (;;) {
        (void)*page;
        atomic_store(&reader->reading, true);
    }
}

static void reader_body(void *argument)
{
    struct reader *reader = argument;

    reader->status = reader->scene->bench.mmu->enter(reader->scene->table, read_on, reader);
}

static void test_V3_holds_for_other_threads(void **state)
{
    static struct scene scene;
    struct reader reader = {.scene = &scene, .status = COFFER_OK};
    struct thread thread;

    (void)state;
    scene_open(&scene);
    map_page(&scene, 0, 0, READ);
    thread_start(&thread, reader_body, &reader);
    while (!atomic_load(&reader.reading))
        ;
    scene.bench.mmu->unmap(scene.table, scene.base, 1);
    thread_join(&thread); /* it would read on for ever */
    assert_int_equal(reader.status, COFFER_NOT_FOUND);
    assert_int_equal(scene.faults, 1);
    scene_close(&scene);
}

/* --- Outside of enter -------------------------------------------------------------------- */

static void test_an_access_outside_of_enter_is_a_bad_one(void **state)
{
    static struct scene scene;
    void (*segv)(int signal);
    void (*bus)(int signal);
    int how;
    pid_t child;

    (void)state;
    /* The machine may pass on what isn't its own to whom it found: not to the test library. */
    segv = signal(SIGSEGV, SIG_DFL);
    bus = signal(SIGBUS, SIG_DFL);
    scene_open(&scene);
    child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        alarm(20); /* it must not hang either */
        *(volatile uint8_t *)scene.base = 1;
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    assert_int_not_equal(WTERMSIG(how), SIGALRM);
    scene_close(&scene);
    signal(SIGSEGV, segv);
    signal(SIGBUS, bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_and_stores_reach_the_frame),
        cmocka_unit_test(test_two_pages_on_one_frame_are_the_same_bytes),
        cmocka_unit_test(test_K16_what_is_not_mapped_faults),
        cmocka_unit_test(test_K16_rights_are_kept),
        cmocka_unit_test(test_V3_after_unmap_nothing_is_reached),
        cmocka_unit_test(test_accesses_set_the_bits),
        cmocka_unit_test(test_a_fault_that_is_answered_is_not_noticed),
        cmocka_unit_test(test_a_body_with_many_faults),
        cmocka_unit_test(test_V3_holds_for_other_threads),
        cmocka_unit_test(test_an_access_outside_of_enter_is_a_bad_one),
    };

    return bench_run(tests, true);
}
