/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine on Linux: getrandom, CLOCK_MONOTONIC, pthreads, a line on stderr.
 *
 * A pthread call that fails although we kept its rules means that memory was overwritten or that
 * the core broke the contract of locks; such a failure traps, it is no status to hand around.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "coffer/linux.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "port/port.h"
#include "port/slot.h"

#define NS_PER_S 1000000000u

struct thread {
    pthread_t id;
    void (*body)(void *argument);
    void *argument;
};

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct port_lock), "room for a mutex");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(struct port_condition), "room for a condition");
_Static_assert(sizeof(struct thread) <= sizeof(struct port_thread), "room for a thread");

static pthread_mutex_t *mutex_of(struct port_lock *lock)
{
    return (pthread_mutex_t *)(void *)lock->storage;
}

static pthread_cond_t *cond_of(struct port_condition *condition)
{
    return (pthread_cond_t *)(void *)condition->storage;
}

static enum coffer_status entropy(void *context, void *out, size_t n)
{
    uint8_t *at = out;
    size_t left = n;

    (void)context;
    while (left > 0) {
        ssize_t got = getrandom(at, left, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            wipe(out, n);
            return COFFER_IO;
        }
        at += got;
        left -= (size_t)got;
    }
    return COFFER_OK;
}

static struct timespec now(void)
{
    struct timespec time;
    int error = clock_gettime(CLOCK_MONOTONIC, &time);

    assert_cheap(error == 0);
    return time;
}

static uint64_t clock_ns(void *context)
{
    struct timespec time = now();

    (void)context;
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* One write of one line, so that lines of several threads don't mix. Text may hold bytes of
 * untrusted origin (names of files): nothing in it may steer a terminal. */
#ifdef COFFER_LEAK_RECORDS
static void *records_take(void *context, size_t size)
{
    (void)context;
    return calloc(1, size);
}

static void records_give(void *context, void *memory)
{
    (void)context;
    free(memory);
}
#endif

static void log_line(void *context, enum port_log_level level, const char *text)
{
    const char *head = level == PORT_LOG_WARNING ? "coffer: warning: " : "coffer: ";
    char line[512];
    size_t size = strlen(head);
    ssize_t written;

    (void)context;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): written by its size, it is no string */
    memcpy(line, head, size);
    for (; *text != '\0' && size < sizeof(line) - 1; text++)
        line[size++] = *text >= ' ' && *text <= '~' ? *text : '?';
    line[size++] = '\n';
    written = write(STDERR_FILENO, line, size);
    (void)written; /* a line that can't be written is dropped */
}

/* Most locks of the core are held for a few instructions: a moment of spinning is shorter than
 * sleeping and being woken. */
static enum coffer_status lock_init(void *context, struct port_lock *lock)
{
    pthread_mutexattr_t attributes;
    int error;

    (void)context;
    if (pthread_mutexattr_init(&attributes) != 0)
        return COFFER_NO_MEMORY;
    error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    if (error == 0)
        error = pthread_mutex_init(mutex_of(lock), &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return error == 0 ? COFFER_OK : COFFER_NO_MEMORY;
}

static void lock_fini(void *context, struct port_lock *lock)
{
    int error = pthread_mutex_destroy(mutex_of(lock));

    (void)context;
    assert_cheap(error == 0);
}

static void lock_take(void *context, struct port_lock *lock)
{
    int error = pthread_mutex_lock(mutex_of(lock));

    (void)context;
    assert_cheap(error == 0);
}

static void lock_give(void *context, struct port_lock *lock)
{
    int error = pthread_mutex_unlock(mutex_of(lock));

    (void)context;
    assert_cheap(error == 0);
}

/* On the monotonic clock: a change of the wall clock must neither end nor prolong a wait. */
static enum coffer_status condition_init(void *context, struct port_condition *condition)
{
    pthread_condattr_t attributes;
    int error;

    (void)context;
    if (pthread_condattr_init(&attributes) != 0)
        return COFFER_NO_MEMORY;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(cond_of(condition), &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return error == 0 ? COFFER_OK : COFFER_NO_MEMORY;
}

static void condition_fini(void *context, struct port_condition *condition)
{
    int error = pthread_cond_destroy(cond_of(condition));

    (void)context;
    assert_cheap(error == 0);
}

static enum coffer_status condition_wait(void *context, struct port_condition *condition,
                                         struct port_lock *lock, uint64_t timeout_ns)
{
    int cancel;
    int error;

    (void)context;
    /* Who is cancelled here would go with the lock taken. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    if (timeout_ns == UINT64_MAX) {
        error = pthread_cond_wait(cond_of(condition), mutex_of(lock));
    } else {
        struct timespec until = now();
        uint64_t ns = (uint64_t)until.tv_nsec + timeout_ns % NS_PER_S;

        until.tv_sec += (time_t)(timeout_ns / NS_PER_S + ns / NS_PER_S);
        until.tv_nsec = (long)(ns % NS_PER_S);
        error = pthread_cond_timedwait(cond_of(condition), mutex_of(lock), &until);
    }
    (void)pthread_setcancelstate(cancel, NULL);
    assert_cheap(error == 0 || error == ETIMEDOUT);
    return error == 0 ? COFFER_OK : COFFER_BUSY;
}

static void condition_signal(void *context, struct port_condition *condition)
{
    int error = pthread_cond_signal(cond_of(condition));

    (void)context;
    assert_cheap(error == 0);
}

static void condition_broadcast(void *context, struct port_condition *condition)
{
    int error = pthread_cond_broadcast(cond_of(condition));

    (void)context;
    assert_cheap(error == 0);
}

/*
 * Numbers of threads: bits of one word, taken at a thread's first question and given back by the
 * destructor of a key, which runs in the thread itself as it ends. Release and acquire on that word
 * make what the old thread did visible to the next that has its number.
 */
static atomic_uint_fast64_t slots_taken;
static pthread_key_t slot_key;
static pthread_once_t slot_once = PTHREAD_ONCE_INIT;
/* Plus 1; 0: not asked for yet. Read with each allocation, so it lies where one instruction finds
 * it, which is given to libraries that are loaded with the program. */
static _Thread_local unsigned own_slot __attribute__((tls_model("initial-exec")));

static void slot_return(void *value)
{
    unsigned slot = (unsigned)(uintptr_t)value - 1;

    own_slot = PORT_SLOTS_MAX + 1;
    (void)atomic_fetch_and_explicit(&slots_taken, ~((uint_fast64_t)1 << slot),
                                    memory_order_release);
}

static void slot_start(void)
{
    int error = pthread_key_create(&slot_key, slot_return);

    assert_cheap(error == 0);
    (void)error;
}

/* Out of the way of the short path. */
__attribute__((noinline, cold)) static unsigned slot_find(void)
{
    uint_fast64_t taken = atomic_load_explicit(&slots_taken, memory_order_relaxed);
    unsigned slot;

    (void)pthread_once(&slot_once, slot_start);
    own_slot = PORT_SLOTS_MAX + 1;
    do {
        if (taken == UINT64_MAX)
            return PORT_SLOTS_MAX;
        slot = (unsigned)__builtin_ctzll(~taken);
    } while (!atomic_compare_exchange_weak_explicit(&slots_taken, &taken,
                                                    taken | (uint_fast64_t)1 << slot,
                                                    memory_order_acquire, memory_order_relaxed));
    if (pthread_setspecific(slot_key, (void *)(uintptr_t)(slot + 1)) != 0) {
        /* It could not be given back at the thread's end. */
        (void)atomic_fetch_and_explicit(&slots_taken, ~((uint_fast64_t)1 << slot),
                                        memory_order_release);
        return PORT_SLOTS_MAX;
    }
    own_slot = slot + 1;
    return slot;
}

static unsigned linux_thread_slot(void *context)
{
    unsigned slot = own_slot;

    (void)context;
    return slot != 0 ? slot - 1 : slot_find();
}

static const void *thread_self(void *context)
{
    (void)context;
    return &own_slot;
}

static void linux_thread_yield(void *context)
{
    (void)context;
    (void)sched_yield();
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;

    thread->body(thread->argument);
    return NULL;
}

/* The application's signals are the business of its own threads: ours start with all of them
 * blocked, except those that report a fault of the thread itself. */
static enum coffer_status thread_start(void *context, struct port_thread *port_thread,
                                       void (*body)(void *argument), void *argument)
{
    struct thread *thread = (struct thread *)(void *)port_thread->storage;
    sigset_t blocked;
    sigset_t before;
    int error;

    (void)context;
    thread->body = body;
    thread->argument = argument;
    (void)sigfillset(&blocked);
    (void)sigdelset(&blocked, SIGSEGV);
    (void)sigdelset(&blocked, SIGBUS);
    (void)sigdelset(&blocked, SIGILL);
    (void)sigdelset(&blocked, SIGFPE);
    (void)sigdelset(&blocked, SIGTRAP);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
    error = pthread_create(&thread->id, NULL, thread_main, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? COFFER_OK : COFFER_NO_MEMORY;
}

static void thread_join(void *context, struct port_thread *port_thread)
{
    struct thread *thread = (struct thread *)(void *)port_thread->storage;
    int error = pthread_join(thread->id, NULL);

    (void)context;
    assert_cheap(error == 0);
}

static struct coffer_port linux_port = {
    .entropy = entropy,
    .clock_ns = clock_ns,
    .log = log_line,
#ifdef COFFER_LEAK_RECORDS
    .records_take = records_take,
    .records_give = records_give,
#endif
    .lock_init = lock_init,
    .lock_fini = lock_fini,
    .lock_take = lock_take,
    .lock_give = lock_give,
    .condition_init = condition_init,
    .condition_fini = condition_fini,
    .condition_wait = condition_wait,
    .condition_signal = condition_signal,
    .condition_broadcast = condition_broadcast,
    .thread_start = thread_start,
    .thread_join = thread_join,
    .thread_slot = linux_thread_slot,
    .thread_self = thread_self,
    .thread_yield = linux_thread_yield,
};

static pthread_once_t port_once = PTHREAD_ONCE_INIT;

/* In the initial-exec model a variable is at the same distance from every thread's pointer. */
static void port_start(void)
{
#if PORT_SLOT_NEAR
    linux_port.thread_slot_offset = (char *)&own_slot - (char *)__builtin_thread_pointer();
#endif
}

const struct coffer_port *coffer_linux_port(void)
{
    (void)pthread_once(&port_once, port_start);
    return &linux_port;
}
