/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of ranges, which is read without a lock; and the count of mappings. */
#include "ranges.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"

#define KERNEL_LIMIT_DEFAULT 65530u

/* A reader takes what it read only if `sequence` was even and the same before and after. */
struct range {
    atomic_uint sequence; /* odd: being changed */
    atomic_uintptr_t base;
    atomic_size_t size; /* 0: free */
    _Atomic(struct range_owner *) owner;
};

static struct range ranges[RANGES_MAX];
static atomic_uint ranges_end; /* no range in use lies there or behind */
static atomic_size_t mappings_reserved;
static atomic_size_t mappings_limit; /* 0: not known yet */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of those who change ranges */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void take_lock(void)
{
    int error = pthread_mutex_lock(&lock);

    assert_cheap(error == 0);
    (void)error;
}

static void give_lock(void)
{
    int error = pthread_mutex_unlock(&lock);

    assert_cheap(error == 0);
    (void)error;
}

/* Release: who sees a new value sees the odd sequence as well. */
static void set_range(struct range *range, uintptr_t base, size_t size, struct range_owner *owner)
{
    (void)atomic_fetch_add_explicit(&range->sequence, 1, memory_order_relaxed);
    atomic_store_explicit(&range->base, base, memory_order_release);
    atomic_store_explicit(&range->size, size, memory_order_release);
    atomic_store_explicit(&range->owner, owner, memory_order_release);
    (void)atomic_fetch_add_explicit(&range->sequence, 1, memory_order_release);
}

/* The child of a fork: only this thread is left, and it has the lock. */
static void forget_in_child(void)
{
    unsigned end = atomic_load_explicit(&ranges_end, memory_order_relaxed);

    for (unsigned i = 0; i < end; i++) {
        size_t size = atomic_load_explicit(&ranges[i].size, memory_order_relaxed);

        if (size == 0)
            continue;
        (void)syscall(SYS_munmap, atomic_load_explicit(&ranges[i].base, memory_order_relaxed),
                      size);
        set_range(&ranges[i], 0, 0, NULL);
    }
    atomic_store_explicit(&mappings_reserved, 0, memory_order_relaxed);
    give_lock();
}

static void watch_forks(void)
{
    int error = pthread_atfork(take_lock, give_lock, forget_in_child);

    assert_cheap(error == 0);
    (void)error;
}

enum coffer_status ranges_add(uintptr_t base, size_t size, struct range_owner *owner)
{
    enum coffer_status status = COFFER_NO_MEMORY;

    (void)pthread_once(&once, watch_forks);
    take_lock();
    for (unsigned i = 0; i < RANGES_MAX && status != COFFER_OK; i++) {
        if (atomic_load_explicit(&ranges[i].size, memory_order_relaxed) != 0)
            continue;
        set_range(&ranges[i], base, size, owner);
        if (i >= atomic_load_explicit(&ranges_end, memory_order_relaxed))
            atomic_store_explicit(&ranges_end, i + 1, memory_order_release);
        status = COFFER_OK;
    }
    give_lock();
    return status;
}

void ranges_remove(struct range_owner *owner)
{
    unsigned end;

    take_lock();
    end = atomic_load_explicit(&ranges_end, memory_order_relaxed);
    for (unsigned i = 0; i < end; i++) {
        if (atomic_load_explicit(&ranges[i].owner, memory_order_relaxed) == owner)
            set_range(&ranges[i], 0, 0, NULL);
    }
    while (end > 0 && atomic_load_explicit(&ranges[end - 1].size, memory_order_relaxed) == 0)
        end--;
    atomic_store_explicit(&ranges_end, end, memory_order_release);
    give_lock();
}

/* The owner of a range with any of `size` addresses from `address` on; their last is one, too. */
static struct range_owner *find(uintptr_t address, size_t size)
{
    unsigned end = atomic_load_explicit(&ranges_end, memory_order_acquire);

    for (unsigned i = 0; i < end; i++) {
        struct range *range = &ranges[i];

        for (;;) {
            unsigned before = atomic_load_explicit(&range->sequence, memory_order_acquire);
            uintptr_t base = atomic_load_explicit(&range->base, memory_order_acquire);
            size_t range_size = atomic_load_explicit(&range->size, memory_order_acquire);
            struct range_owner *owner = atomic_load_explicit(&range->owner, memory_order_acquire);

            if (range_size == 0 || (address - base >= range_size && base - address >= size))
                break; /* a mix of two ranges may miss the address, but an access to it can't: the
                          range was there before anybody had an address in it */
            if (before % 2 == 0 &&
                atomic_load_explicit(&range->sequence, memory_order_relaxed) == before)
                return owner;
        }
    }
    return NULL;
}

struct range_owner *ranges_find(uintptr_t address)
{
    return find(address, 1);
}

bool ranges_overlap(uintptr_t address, size_t size)
{
    if (size == 0)
        return false;
    if (size - 1 > UINTPTR_MAX - address) /* up to the end of all addresses */
        size = UINTPTR_MAX - address + 1;
    return find(address, size) != NULL;
}

/* The kernel's limit, less an eighth for the rest of the process. */
static size_t kernel_limit(void)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    unsigned long limit = 0;
    char line[32];

    if (file != NULL) {
        if (fgets(line, sizeof(line), file) != NULL)
            limit = strtoul(line, NULL, 10);
        (void)fclose(file);
    }
    if (limit == 0)
        limit = KERNEL_LIMIT_DEFAULT;
    return limit - limit / 8;
}

bool ranges_reserve_mappings(size_t count)
{
    size_t limit = atomic_load_explicit(&mappings_limit, memory_order_relaxed);
    size_t reserved = atomic_load_explicit(&mappings_reserved, memory_order_relaxed);

    if (limit == 0) {
        limit = kernel_limit();
        atomic_store_explicit(&mappings_limit, limit, memory_order_relaxed);
    }
    do {
        if (reserved >= limit || count > limit - reserved)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&mappings_reserved, &reserved, reserved + count,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void ranges_return_mappings(size_t count)
{
    size_t before = atomic_fetch_sub_explicit(&mappings_reserved, count, memory_order_relaxed);

    assert_cheap(before >= count);
    (void)before;
}

void ranges_limit_mappings(size_t limit)
{
    atomic_store_explicit(&mappings_limit, limit, memory_order_relaxed);
}
