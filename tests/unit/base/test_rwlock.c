/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers/writer locks: who may be in together, that a writer gets in past any number of readers,
 * that several locks of one lot don't disturb each other, and a port without conditions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rwlock.h"
#include "coffer/linux.h"
#include "support/must.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS 8u
#define LOCKS   3u
#define ROUNDS  4000u

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

static const struct coffer_port *port;
static struct rwlock_lot lot;

/* --- Everybody at once --- */

struct guarded {
    struct rwlock lock;
    uint64_t a, b; /* equal whenever nobody writes; plain, so that the thread sanitizer looks */
    atomic_uint readers, writers;
};

struct crowd {
    struct guarded guarded[LOCKS];
    atomic_uint together; /* readers that met another one */
    atomic_uint writes;
};

struct member {
    struct crowd *crowd;
    unsigned index;
};

static void read_one(struct crowd *crowd, struct guarded *guarded)
{
    rwlock_take_read(&lot, &guarded->lock);
    if (atomic_fetch_add(&guarded->readers, 1) > 0)
        atomic_fetch_add(&crowd->together, 1);
    must(atomic_load(&guarded->writers) == 0);
    must(guarded->a == guarded->b);
    port->thread_yield(port->context);
    must(guarded->a == guarded->b);
    atomic_fetch_sub(&guarded->readers, 1);
    rwlock_give_read(&lot, &guarded->lock);
}

static void write_one(struct crowd *crowd, struct guarded *guarded)
{
    rwlock_take_write(&lot, &guarded->lock);
    must(atomic_fetch_add(&guarded->writers, 1) == 0);
    must(atomic_load(&guarded->readers) == 0);
    guarded->a++;
    port->thread_yield(port->context);
    guarded->b++;
    atomic_fetch_add(&crowd->writes, 1);
    atomic_fetch_sub(&guarded->writers, 1);
    rwlock_give_write(&lot, &guarded->lock);
}

static void mill(void *argument)
{
    const struct member *member = argument;
    struct crowd *crowd = member->crowd;
    struct random random;

    random_init(&random, "rwlock");
    for (unsigned i = 0; i < ROUNDS * (member->index + 1) / THREADS + ROUNDS / 2; i++) {
        struct guarded *guarded = &crowd->guarded[random_below(&random, LOCKS)];

        if (random_below(&random, 4) == 0)
            write_one(crowd, guarded);
        else
            read_one(crowd, guarded);
    }
}

static void test_a_writer_is_alone_and_readers_are_not(void **state)
{
    struct crowd crowd = {0};
    struct member members[THREADS];
    uint64_t sum = 0;

    (void)state;
    port = coffer_linux_port();
    assert_ok(rwlock_lot_init(&lot, port));
    for (unsigned i = 0; i < LOCKS; i++)
        rwlock_init(&crowd.guarded[i].lock);
    for (unsigned i = 0; i < THREADS; i++)
        members[i] = (struct member){&crowd, i};
    threads_run(mill, members, THREADS);
    for (unsigned i = 0; i < LOCKS; i++) {
        assert_true(crowd.guarded[i].a == crowd.guarded[i].b);
        assert_int_equal(atomic_load(&crowd.guarded[i].lock.state), 0);
        sum += crowd.guarded[i].a;
    }
    assert_int_equal(sum, atomic_load(&crowd.writes));
    assert_true(atomic_load(&crowd.together) > 0);
    rwlock_lot_fini(&lot);
}

/* --- No reader keeps a writer out --- */

struct relay {
    struct rwlock lock;
    atomic_uint inside; /* the readers in turn: there is always one at least */
    atomic_bool stop;
    atomic_bool written;
};

/* Hands over to the other one inside the lock, so that it is never free of readers. */
static void relay(void *argument)
{
    struct relay *race = argument;

    while (!atomic_load(&race->stop)) {
        rwlock_take_read(&lot, &race->lock);
        atomic_fetch_add(&race->inside, 1);
        for (unsigned i = 0; i < 1000 && atomic_load(&race->inside) < 2; i++)
            port->thread_yield(port->context);
        atomic_fetch_sub(&race->inside, 1);
        rwlock_give_read(&lot, &race->lock);
    }
}

static void writer(void *argument)
{
    struct relay *race = argument;

    rwlock_take_write(&lot, &race->lock);
    must(atomic_load(&race->inside) == 0);
    atomic_store(&race->written, true);
    rwlock_give_write(&lot, &race->lock);
}

static void test_readers_never_starve_a_writer(void **state)
{
    struct relay race = {0};
    struct thread threads[4];
    struct thread last;

    (void)state;
    port = coffer_linux_port();
    assert_ok(rwlock_lot_init(&lot, port));
    rwlock_init(&race.lock);
    for (unsigned i = 0; i < 4; i++)
        thread_start(&threads[i], relay, &race);
    for (unsigned i = 0; i < 20; i++) {
        atomic_store(&race.written, false);
        thread_start(&last, writer, &race);
        thread_join(&last); /* comes back, or the test runs into its time-out */
        assert_true(atomic_load(&race.written));
    }
    atomic_store(&race.stop, true);
    for (unsigned i = 0; i < 4; i++)
        thread_join(&threads[i]);
    rwlock_lot_fini(&lot);
}

/* A writer that waits keeps new readers out, and is let in by the last of the old ones. */
static void test_who_comes_after_a_writer_waits_for_it(void **state)
{
    struct relay race = {0};
    struct thread last;

    (void)state;
    port = coffer_linux_port();
    assert_ok(rwlock_lot_init(&lot, port));
    rwlock_init(&race.lock);
    rwlock_take_read(&lot, &race.lock);
    thread_start(&last, writer, &race);
    while (!(atomic_load(&race.lock.state) & RWLOCK_WRITER))
        port->thread_yield(port->context);
    assert_int_equal(atomic_load(&race.lock.state), RWLOCK_WRITER | 1);
    assert_false(atomic_load(&race.written));
    rwlock_give_read(&lot, &race.lock);
    rwlock_take_read(&lot, &race.lock);
    assert_true(atomic_load(&race.written));
    rwlock_give_read(&lot, &race.lock);
    thread_join(&last);
    rwlock_lot_fini(&lot);
}

/* --- A port without conditions --- */

static unsigned held;

static void only_take(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
    must(held == 0);
    held = 1;
}

static void only_give(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
    must(held == 1);
    held = 0;
}

static enum coffer_status only_init(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
    return COFFER_OK;
}

static void only_fini(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
}

static void test_without_conditions_everybody_is_alone(void **state)
{
    const struct coffer_port only = {.lock_init = only_init,
                                     .lock_fini = only_fini,
                                     .lock_take = only_take,
                                     .lock_give = only_give};
    struct rwlock lock;

    (void)state;
    assert_ok(rwlock_lot_init(&lot, &only));
    rwlock_init(&lock);
    rwlock_take_read(&lot, &lock);
    assert_int_equal(held, 1);
    rwlock_give_read(&lot, &lock);
    rwlock_take_write(&lot, &lock);
    assert_int_equal(held, 1);
    rwlock_give_write(&lot, &lock);
    assert_int_equal(held, 0);
    rwlock_lot_fini(&lot);
}

/* --- Errors of the port --- */

static unsigned inits, finis;

static enum coffer_status counting_init(void *context, struct port_lock *lock)
{
    const unsigned *refuse = context;

    (void)lock;
    return ++inits == *refuse ? COFFER_NO_MEMORY : COFFER_OK;
}

static void counting_fini(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
    finis++;
}

static enum coffer_status counting_condition_init(void *context, struct port_condition *condition)
{
    const unsigned *refuse = context;

    (void)condition;
    return ++inits == *refuse ? COFFER_NO_MEMORY : COFFER_OK;
}

static void counting_condition_fini(void *context, struct port_condition *condition)
{
    (void)context;
    (void)condition;
    finis++;
}

static void test_a_lot_that_cannot_be_made_leaves_nothing(void **state)
{
    unsigned refuse;
    const struct coffer_port counting = {.context = &refuse,
                                         .lock_init = counting_init,
                                         .lock_fini = counting_fini,
                                         .condition_init = counting_condition_init,
                                         .condition_fini = counting_condition_fini};

    (void)state;
    for (refuse = 1; refuse <= 2; refuse++) {
        inits = finis = 0;
        assert_int_equal(rwlock_lot_init(&lot, &counting), COFFER_NO_MEMORY);
        assert_int_equal(inits - 1, finis);
    }
    inits = finis = 0;
    assert_ok(rwlock_lot_init(&lot, &counting));
    rwlock_lot_fini(&lot);
    assert_int_equal(inits, finis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_writer_is_alone_and_readers_are_not),
        cmocka_unit_test(test_readers_never_starve_a_writer),
        cmocka_unit_test(test_who_comes_after_a_writer_waits_for_it),
        cmocka_unit_test(test_without_conditions_everybody_is_alone),
        cmocka_unit_test(test_a_lot_that_cannot_be_made_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
