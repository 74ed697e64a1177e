/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: entropy, clock, log, locks, conditions, threads (port/port.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "candidates.h"
#include "port/port.h"

#define THREADS  4u
#define ROUNDS   20000u
#define MS       1000000u
#define PATIENCE (10000ull * MS) /* a wait this long means that a signal was lost */
#define MESSAGES 2000u

static const struct coffer_port *port;

static void test_entropy_fills_every_byte(void **state)
{
    static uint8_t bytes[100000];
    static const size_t sizes[] = {0, 1, 15, 16, 255, 256, 257, 4096, sizeof(bytes) - 1};
    unsigned seen[256] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        /* Each byte must change in some of 64 fills, and the byte behind never. */
        memset(bytes, 0, sizeof(bytes));
        for (unsigned round = 0; round < (sizes[i] > 4096 ? 2 : 64); round++) {
            static uint8_t fill[sizeof(bytes)];

            fill[sizes[i]] = 0x5a;
            assert_int_equal(port->entropy(port->context, fill, sizes[i]), COFFER_OK);
            assert_int_equal(fill[sizes[i]], 0x5a);
            for (size_t k = 0; k < sizes[i]; k++)
                bytes[k] |= fill[k];
        }
        if (sizes[i] <= 4096) {
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_not_equal(bytes[k], 0);
        }
    }
    assert_int_equal(port->entropy(port->context, bytes, sizeof(bytes)), COFFER_OK);
    for (size_t i = 0; i < sizeof(bytes); i++)
        seen[bytes[i]]++;
    for (size_t i = 0; i < 256; i++) /* 390 expected; 200 is ten standard deviations away */
        assert_in_range(seen[i], 200, 600);
}

static void test_clock_moves_on_and_never_back(void **state)
{
    uint64_t start;
    uint64_t last;

    (void)state;
    if (port->clock_ns == NULL) {
        skip();
        return;
    }
    start = last = port->clock_ns(port->context);
    while (last - start < 5 * MS) {
        uint64_t now = port->clock_ns(port->context);

        assert_true(now >= last);
        last = now;
    }
}

static void test_log_takes_any_text_and_leaves_it(void **state)
{
    char strange[] = "a\nb\033[31m\xff%s%n";
    static char text[5000];

    (void)state;
    if (port->log == NULL) {
        skip();
        return;
    }
    memset(text, 'x', sizeof(text) - 1);
    port->log(port->context, PORT_LOG_NOTE, "");
    port->log(port->context, PORT_LOG_NOTE, "a conformance test is running");
    port->log(port->context, PORT_LOG_WARNING, strange);
    port->log(port->context, PORT_LOG_WARNING, text);
    assert_string_equal(strange, "a\nb\033[31m\xff%s%n");
    assert_int_equal(strlen(text), sizeof(text) - 1);
}

struct shared {
    struct port_lock lock;
    struct port_condition changed;
    struct port_condition other;
    uint64_t count;
    unsigned inside;
    unsigned waiting;
    unsigned awake;
    bool go;
    bool full;
    uint64_t value;
    uint64_t sum;
};

static void shared_init(struct shared *shared)
{
    memset(shared, 0, sizeof(*shared));
    assert_int_equal(port->lock_init(port->context, &shared->lock), COFFER_OK);
    assert_int_equal(port->condition_init(port->context, &shared->changed), COFFER_OK);
    assert_int_equal(port->condition_init(port->context, &shared->other), COFFER_OK);
}

static void shared_fini(struct shared *shared)
{
    port->condition_fini(port->context, &shared->other);
    port->condition_fini(port->context, &shared->changed);
    port->lock_fini(port->context, &shared->lock);
}

static void start(struct port_thread *threads, size_t count, void (*body)(void *), void *argument)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(port->thread_start(port->context, &threads[i], body, argument), COFFER_OK);
}

static void join(struct port_thread *threads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        port->thread_join(port->context, &threads[i]);
}

static void set_flag(void *argument)
{
    *(uint64_t *)argument = 42;
}

static void test_join_waits_for_the_body(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct port_thread thread;
        uint64_t flag = 0;

        start(&thread, 1, set_flag, &flag);
        join(&thread, 1);
        assert_int_equal(flag, 42);
    }
}

/* Read and write apart, so that two threads inside at once lose counts. */
static void count_up(void *argument)
{
    struct shared *shared = argument;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t count;

        port->lock_take(port->context, &shared->lock);
        shared->inside++;
        count = *(volatile uint64_t *)&shared->count;
        if (shared->inside != 1)
            abort();
        *(volatile uint64_t *)&shared->count = count + 1;
        shared->inside--;
        port->lock_give(port->context, &shared->lock);
    }
}

static void test_lock_excludes(void **state)
{
    struct port_thread threads[THREADS];
    struct shared shared;

    (void)state;
    shared_init(&shared);
    start(threads, THREADS, count_up, &shared);
    join(threads, THREADS);
    assert_int_equal(shared.count, THREADS * ROUNDS);
    shared_fini(&shared);
}

static void receive(void *argument)
{
    struct shared *shared = argument;

    for (unsigned i = 0; i < MESSAGES; i++) {
        port->lock_take(port->context, &shared->lock);
        while (!shared->full) {
            if (port->condition_wait(port->context, &shared->changed, &shared->lock, PATIENCE) !=
                COFFER_OK)
                abort();
        }
        shared->sum += shared->value;
        shared->full = false;
        port->condition_signal(port->context, &shared->other);
        port->lock_give(port->context, &shared->lock);
    }
}

static void test_signal_wakes_the_waiter(void **state)
{
    struct port_thread thread;
    struct shared shared;

    (void)state;
    shared_init(&shared);
    start(&thread, 1, receive, &shared);
    for (unsigned i = 1; i <= MESSAGES; i++) {
        port->lock_take(port->context, &shared.lock);
        while (shared.full) {
            assert_int_equal(
                port->condition_wait(port->context, &shared.other, &shared.lock, UINT64_MAX),
                COFFER_OK);
        }
        shared.value = i;
        shared.full = true;
        port->condition_signal(port->context, &shared.changed);
        port->lock_give(port->context, &shared.lock);
    }
    join(&thread, 1);
    assert_int_equal(shared.sum, (uint64_t)MESSAGES * (MESSAGES + 1) / 2);
    shared_fini(&shared);
}

static void wait_for_go(void *argument)
{
    struct shared *shared = argument;

    port->lock_take(port->context, &shared->lock);
    shared->waiting++;
    port->condition_signal(port->context, &shared->other);
    while (!shared->go) {
        if (port->condition_wait(port->context, &shared->changed, &shared->lock, PATIENCE) !=
            COFFER_OK)
            abort();
    }
    shared->awake++;
    port->lock_give(port->context, &shared->lock);
}

static void test_broadcast_wakes_all(void **state)
{
    struct port_thread threads[THREADS];
    struct shared shared;

    (void)state;
    shared_init(&shared);
    start(threads, THREADS, wait_for_go, &shared);
    port->lock_take(port->context, &shared.lock);
    while (shared.waiting < THREADS) {
        assert_int_equal(port->condition_wait(port->context, &shared.other, &shared.lock, PATIENCE),
                         COFFER_OK);
    }
    shared.go = true;
    port->condition_broadcast(port->context, &shared.changed);
    port->lock_give(port->context, &shared.lock);
    join(threads, THREADS);
    assert_int_equal(shared.awake, THREADS);
    shared_fini(&shared);
}

/* Nobody signals: a wait ends with COFFER_BUSY, never before its time (but for spurious wake-ups,
 * which are COFFER_OK), and with the lock held. */
static void test_wait_ends_in_time(void **state)
{
    static const uint64_t timeouts[] = {0, 1, 3 * MS, 20 * MS, 1100ull * MS};
    struct shared shared;

    (void)state;
    shared_init(&shared);
    port->lock_take(port->context, &shared.lock);
    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        enum coffer_status status;
        uint64_t begin;

        do {
            begin = port->clock_ns(port->context);
            status = port->condition_wait(port->context, &shared.changed, &shared.lock,
                                          timeouts[i]);
        } while (status == COFFER_OK);
        assert_int_equal(status, COFFER_BUSY);
        assert_true(port->clock_ns(port->context) - begin >= timeouts[i]);
    }
    port->lock_give(port->context, &shared.lock);
    shared_fini(&shared);
}

/* A wait of centuries must not wrap around to one of no time. */
static void test_long_timeout_waits(void **state)
{
    struct port_thread thread;
    struct shared shared;

    (void)state;
    shared_init(&shared);
    port->lock_take(port->context, &shared.lock);
    shared.go = true; /* the thread below only signals `other` */
    start(&thread, 1, wait_for_go, &shared);
    while (shared.waiting == 0) {
        assert_int_equal(
            port->condition_wait(port->context, &shared.other, &shared.lock, UINT64_MAX - 1),
            COFFER_OK);
    }
    port->lock_give(port->context, &shared.lock);
    join(&thread, 1);
    shared_fini(&shared);
}

/* More of them than there are numbers. */
#define CROWD (PORT_SLOTS_MAX + 6)

struct crowd {
    struct shared shared; /* `waiting`: threads that told who they are; `go`: they may end */
    const void *selves[CROWD];
    unsigned slots[CROWD];
};

static void tell_self(void *argument)
{
    struct crowd *crowd = argument;
    const void *self = port->thread_self(port->context);

    port->lock_take(port->context, &crowd->shared.lock);
    crowd->selves[crowd->shared.waiting] = self;
    crowd->slots[crowd->shared.waiting] = port->thread_slot(port->context);
    crowd->shared.waiting++;
    port->condition_signal(port->context, &crowd->shared.other);
    while (!crowd->shared.go) {
        if (port->condition_wait(port->context, &crowd->shared.changed, &crowd->shared.lock,
                                 PATIENCE) != COFFER_OK)
            abort();
    }
    if (port->thread_self(port->context) != self)
        abort();
    port->lock_give(port->context, &crowd->shared.lock);
}

static void test_threads_are_told_apart(void **state)
{
    struct port_thread threads[CROWD];
    struct crowd crowd;
    unsigned numberless = 0;

    (void)state;
    memset(&crowd, 0, sizeof(crowd));
    shared_init(&crowd.shared);
    start(threads, CROWD, tell_self, &crowd);
    port->lock_take(port->context, &crowd.shared.lock);
    while (crowd.shared.waiting < CROWD)
        assert_int_equal(
            port->condition_wait(port->context, &crowd.shared.other, &crowd.shared.lock, PATIENCE),
            COFFER_OK);
    crowd.shared.go = true;
    port->condition_broadcast(port->context, &crowd.shared.changed);
    port->lock_give(port->context, &crowd.shared.lock);
    join(threads, CROWD);
    for (unsigned i = 0; i < CROWD; i++) {
        assert_non_null(crowd.selves[i]);
        assert_ptr_not_equal(crowd.selves[i], port->thread_self(port->context));
        assert_true(crowd.slots[i] <= PORT_SLOTS_MAX);
        numberless += crowd.slots[i] == PORT_SLOTS_MAX;
        for (unsigned j = 0; j < i; j++) {
            assert_ptr_not_equal(crowd.selves[i], crowd.selves[j]);
            assert_true(crowd.slots[i] != crowd.slots[j] || crowd.slots[i] == PORT_SLOTS_MAX);
        }
    }
    assert_true(numberless >= CROWD - PORT_SLOTS_MAX);
    shared_fini(&crowd.shared);
}

int main(void)
{
    const struct CMUnitTest always[] = {
        cmocka_unit_test(test_entropy_fills_every_byte),
        cmocka_unit_test(test_clock_moves_on_and_never_back),
        cmocka_unit_test(test_log_takes_any_text_and_leaves_it),
    };
    const struct CMUnitTest threaded[] = {
        cmocka_unit_test(test_join_waits_for_the_body), cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_signal_wakes_the_waiter), cmocka_unit_test(test_broadcast_wakes_all),
        cmocka_unit_test(test_wait_ends_in_time),       cmocka_unit_test(test_long_timeout_waits),
        cmocka_unit_test(test_threads_are_told_apart),
    };
    int failures = 0;

    for (size_t i = 0; i < candidate_count; i++) {
        if (candidates[i].port == NULL)
            continue;
        port = candidates[i].port();
        failures += cmocka_run_group_tests_name(candidates[i].name, always, NULL, NULL);
        if (port->thread_start != NULL)
            failures += cmocka_run_group_tests_name(candidates[i].name, threaded, NULL, NULL);
    }
    return failures;
}
