/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core needs of a machine, as contracts. A port (ports/linux) fills in the tables; the
 * core calls nothing else. Every call may come from any thread that uses a store.
 *
 *   entropy   cryptographically strong bytes, all or an error
 *   clock     monotonic nanoseconds; never goes back
 *   locks     plain mutual exclusion, not recursive; the lock lives in the core's memory
 *   log       one line of text for the operator; may be dropped; never blocks for long
 *
 * Required are entropy and the four of the lock (which do nothing where there is one thread); log
 * and clock_ns may be NULL. Threads and conditions come together: a port has all of both, or none.
 * How to make a port: docs/PORTING.md.
 */
#ifndef COFFER_PORT_PORT_H
#define COFFER_PORT_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"

/* Room for the port's own lock and condition; the port asserts at build time that it is enough. */
struct port_lock {
    _Alignas(16) uint8_t storage[64];
};

struct port_condition {
    _Alignas(16) uint8_t storage[64];
};

struct port_thread {
    _Alignas(16) uint8_t storage[32];
};

#define PORT_SLOTS_MAX 64u /* numbers for threads, see thread_slot */

enum port_log_level {
    PORT_LOG_NOTE,    /* something an operator may want to know */
    PORT_LOG_WARNING, /* something was wrong and was dealt with */
};

struct coffer_port {
    void *context; /* passed back in every call */

    /* Fill n bytes; COFFER_IO when the source fails, and then nothing in `out` counts. */
    enum coffer_status (*entropy)(void *context, void *out, size_t n);

    /* Nanoseconds since an arbitrary start. May be NULL. */
    uint64_t (*clock_ns)(void *context);

    /* May be NULL: then nobody is told. */
    void (*log)(void *context, enum port_log_level level, const char *text);

    enum coffer_status (*lock_init)(void *context, struct port_lock *lock);
    void (*lock_fini)(void *context, struct port_lock *lock);
    void (*lock_take)(void *context, struct port_lock *lock);
    void (*lock_give)(void *context, struct port_lock *lock);

    /* Conditions: the usual rules, spurious wake-ups included. All may be NULL. A wait returns
     * COFFER_BUSY when `timeout_ns` has passed without a signal; UINT64_MAX waits for ever. */
    enum coffer_status (*condition_init)(void *context, struct port_condition *condition);
    void (*condition_fini)(void *context, struct port_condition *condition);
    enum coffer_status (*condition_wait)(void *context, struct port_condition *condition,
                                         struct port_lock *lock, uint64_t timeout_ns);
    void (*condition_signal)(void *context, struct port_condition *condition);
    void (*condition_broadcast)(void *context, struct port_condition *condition);

    /* Threads: NULL in a port that has none, and then the conformance suite asks neither for them
     * nor for conditions. Every started thread is joined exactly once. */
    enum coffer_status (*thread_start)(void *context, struct port_thread *thread,
                                       void (*body)(void *argument), void *argument);
    void (*thread_join)(void *context, struct port_thread *thread);

    /* A small number of the calling thread, the same in every call of it: no two threads that live
     * at one time have the same one below PORT_SLOTS_MAX, and that of a thread that ended is given
     * out anew, only after everything that the old thread did is visible to the new one. Threads
     * that find none left get PORT_SLOTS_MAX. NULL with `thread_start`. */
    unsigned (*thread_slot)(void *context);

    /* Where the same number plus one lies as an `unsigned` in each thread: so many bytes from what
     * the compiler calls the thread pointer; there it is 0 in a thread that hasn't asked yet. 0: it
     * isn't known, thread_slot is called each time. See port/slot.h. */
    ptrdiff_t thread_slot_offset;

    /* What tells the calling thread from all others that live, however many: an address of its own,
     * never NULL, the same in every call of it. Another thread may have that of one that ended, as
     * with slots. NULL with `thread_start`. */
    const void *(*thread_self)(void *context);

#ifdef COFFER_LEAK_RECORDS
    /* Memory outside of secure memory, zeroed, for leak records (memory/leaks.h). May be NULL, and
     * give NULL: then there are none. */
    void *(*records_take)(void *context, size_t size);
    void (*records_give)(void *context, void *memory);
#endif

    /* Let another thread run: called by who spins for a lock. NULL with `thread_start`. */
    void (*thread_yield)(void *context);
};

#endif
