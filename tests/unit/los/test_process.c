/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How processes with LOS_ calls end and fork. Each test runs its program in a child, whose status
 * tells: a signal, or what it exits with.
 */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "los_memory.h"
#include "los_vm.h"

#define PAGE ((size_t)PAGE_SIZE)

/* The status of a child that runs `body` and exits with 0. */
static int run(void (*body)(void *argument), void *argument)
{
    int status = -1;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(20);
        body(argument);
        exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* In a child, where cmocka can't tell of it. */
static void demand(bool condition, int code)
{
    if (!condition)
        _exit(code);
}

/* Where no memory system is open: what cmocka does about a fault is nothing for a child. */
static void take_faults(void)
{
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGBUS, SIG_DFL);
}

/* --- Ends -------------------------------------------------------------------------------- */

/* The array is gone when the process ends. */
static void leave_a_pool_on_the_stack(void *argument)
{
    UINT8 pool[16384];

    (void)argument;
    take_faults();
    demand(LOS_MemInit(pool, sizeof(pool)) == LOS_OK, 1);
    demand(LOS_MemAlloc(pool, 100) != NULL, 2);
}

static void leave_a_pool_in_memory_that_goes(void *argument)
{
    const size_t size = (size_t)1 << 20;
    VOID *pool = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)argument;
    take_faults();
    demand(pool != MAP_FAILED, 1);
    demand(LOS_MemInit(pool, (UINT32)size) == LOS_OK, 2);
    demand(LOS_MemAlloc(pool, 100) != NULL, 3);
    demand(munmap(pool, size) == 0, 4);
}

static void leave_a_pool_in_pages_that_go(void *argument)
{
    VOID *pool;

    (void)argument;
    take_faults();
    pool = LOS_VMalloc(4 * PAGE);
    demand(pool != NULL, 1);
    demand(LOS_MemInit(pool, 4 * PAGE_SIZE) == LOS_OK, 2);
    LOS_VFree(pool);
}

static void test_a_process_ends_whose_regions_are_gone(void **state)
{
    (void)state;
    assert_int_equal(run(leave_a_pool_on_the_stack, NULL), 0);
    assert_int_equal(run(leave_a_pool_in_memory_that_goes, NULL), 0);
    assert_int_equal(run(leave_a_pool_in_pages_that_go, NULL), 0);
}

struct work {
    VADDR_T user;
    atomic_uint rounds;
};

static void *work(void *argument)
{
    struct work *work = argument;
    UINT8 byte = 7;

    for (;;) {
        VOID *block = LOS_MemAlloc(OS_SYS_MEM_ADDR, 100);

        if (block != NULL)
            (void)LOS_MemFree(OS_SYS_MEM_ADDR, block);
        (void)LOS_ArchCopyToUser((VOID *)work->user, &byte, 1);
        LOS_PhysPageFree(LOS_PhysPageAlloc());
        atomic_fetch_add(&work->rounds, 1);
    }
    return NULL;
}

/* A thread is at it all the time, also while the process ends. */
static void leave_a_thread_working(void *argument)
{
    static struct work shared;
    pthread_t thread;

    (void)argument;
    take_faults();
    shared.user = LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    demand(LOS_IsUserAddress(shared.user), 1);
    demand(pthread_create(&thread, NULL, work, &shared) == 0, 2);
    while (atomic_load(&shared.rounds) < 100)
        (void)usleep(100);
}

static void test_a_process_ends_while_a_thread_works(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(run(leave_a_thread_working, NULL), 0);
}

static void leave_a_file_mapped(void *argument)
{
    int fd = *(const int *)argument;
    VADDR_T address;

    take_faults();
    address = LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    demand(LOS_IsUserAddress(address), 1);
    demand(LOS_ArchCopyToUser((VOID *)(address + 7), "kept", 4) == 0, 2);
}

static void test_a_process_ends_and_what_it_mapped_is_written(void **state)
{
    char name[] = "/tmp/coffer-los-XXXXXX";
    int fd = mkstemp(name);
    char text[5] = {0};

    (void)state;
    assert_true(fd >= 0);
    (void)unlink(name);
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    assert_int_equal(run(leave_a_file_mapped, &fd), 0);
    assert_int_equal(pread(fd, text, 4, 7), 4);
    assert_string_equal(text, "kept");
    (void)close(fd);
}

/* --- Forks ------------------------------------------------------------------------------- */

static void do_nothing(void *argument)
{
    (void)argument;
}

static void stop_what_is_not_there(void *argument)
{
    (void)argument;
    LOS_Stop();
}

static void write_byte(void *argument)
{
    *(UINT8 *)argument = 8;
}

static void use_memory(VOID *pool)
{
    VADDR_T address = LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    UINT8 byte = 7;

    demand(LOS_MemAlloc(pool, 100) == NULL, 10); /* the parent's is none here */
    demand(LOS_MemInit(pool, 4096) == LOS_OK, 11);
    demand(LOS_MemAlloc(pool, 100) != NULL, 12);
    demand(LOS_ArchCopyToUser((VOID *)address, &byte, 1) == 0, 13);
    demand(LOS_KernelMalloc(5000) != NULL, 14);
    if (getenv("COFFER_LOS_POINTERS") == NULL)
        return;
    demand(LOS_UserCall(write_byte, (VOID *)address) == 0, 15);
    demand(LOS_ArchCopyFromUser(&byte, (VOID *)address, 1) == 0 && byte == 8, 16);
}

static void use_a_system_of_its_own(void *argument)
{
    use_memory(argument);
}

static void start_a_system_of_its_own(void *argument)
{
    demand(LOS_Start(NULL) == LOS_OK, 1);
    demand(LOS_Start(NULL) == LOS_NOK, 2);
    use_memory(argument);
    LOS_Stop();
}

static void fork_again(void *argument)
{
    demand(run(start_a_system_of_its_own, argument) == 0, 1);
    use_memory(argument);
    demand(run(start_a_system_of_its_own, argument) == 0, 2);
}

static void test_a_child_has_nothing_of_its_parents_system(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *block;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    block = LOS_MemAlloc(place.region, 100);
    assert_non_null(block);
    assert_int_equal(run(do_nothing, NULL), 0);
    assert_int_equal(run(stop_what_is_not_there, NULL), 0);
    assert_int_equal(run(use_a_system_of_its_own, place.region), 0);
    assert_int_equal(run(start_a_system_of_its_own, place.region), 0);
    assert_int_equal(run(fork_again, place.region), 0);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_ends_whose_regions_are_gone),
        cmocka_unit_test(test_a_process_ends_while_a_thread_works),
        cmocka_unit_test(test_a_process_ends_and_what_it_mapped_is_written),
        TEST(test_a_child_has_nothing_of_its_parents_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
