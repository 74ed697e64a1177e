/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only Linux has: secure memory as a sealed file, what a child and a core dump see of it, the
 * process's handler of faults, the kernel's limit of mappings.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/mmu.h"
#include "linux/ranges.h"

/* --- Secure memory ----------------------------------------------------------------------- */

/* The flags of the mapping that holds an address (see proc(5), VmFlags). */
static void flags_of(const void *address, char *out, size_t size)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    bool here = false;

    must(file != NULL);
    *out = '\0';
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long start;
        unsigned long end;

        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = (uintptr_t)address >= start && (uintptr_t)address < end;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(out, size, "%s", line);
    }
    (void)fclose(file);
}

static bool has_flag(const void *address, const char *flag)
{
    char flags[512];

    flags_of(address, flags, sizeof(flags));
    return strstr(flags, flag) != NULL;
}

static struct coffer_linux_mmu *make_mmu(size_t size)
{
    const struct coffer_linux_mmu_options options = {.size = size};
    struct coffer_linux_mmu *mmu;

    must(coffer_linux_mmu_make(&options, &mmu) == COFFER_OK);
    return mmu;
}

static void test_secure_memory_is_sealed_and_zero(void **state)
{
    struct coffer_linux_mmu *mmu = make_mmu(64 * PAGE - 5);
    struct coffer_area area = coffer_linux_mmu_area(mmu);
    int file = mmu->window.file;

    (void)state;
    assert_int_equal(area.size, 64 * PAGE);
    for (size_t i = 0; i < area.size; i++)
        assert_int_equal(((uint8_t *)area.address)[i], 0);
    assert_int_equal(ftruncate(file, (off_t)(63 * PAGE)), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(file, (off_t)(65 * PAGE)), -1);
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    coffer_linux_mmu_unmake(mmu);
}

static void test_secure_memory_is_not_dumped_nor_inherited(void **state)
{
    struct coffer_linux_mmu *mmu = make_mmu(16 * PAGE);
    struct coffer_area area = coffer_linux_mmu_area(mmu);

    (void)state;
    assert_true(has_flag(area.address, " dd")); /* no dump */
    assert_true(has_flag(area.address, " dc")); /* no copy on fork */
    assert_int_equal(has_flag(area.address, " lo"), coffer_linux_mmu_is_locked(mmu));
    coffer_linux_mmu_unmake(mmu);
}

static void test_pages_of_spaces_are_not_dumped(void **state)
{
    struct coffer_memory *memory;
    struct coffer_space *space;
    uint8_t *start;

    (void)state;
    assert_ok(coffer_linux_memory_open(NULL, &memory));
    space = make_space(memory, 8, &start);
    assert_ok(store_byte(space, start + 3 * PAGE, 1));
    assert_true(has_flag(start + 3 * PAGE, " dd"));
    assert_ok(store_byte(space, start + 4 * PAGE, 1));
    assert_true(has_flag(start + 4 * PAGE, " dd"));
    coffer_memory_close(memory);
}

static void test_options_are_checked(void **state)
{
    struct coffer_linux_mmu_options options = {.size = 0};
    struct coffer_linux_memory_options all = {.software = true, .secret = true};
    struct coffer_linux_mmu *mmu;
    struct coffer_memory *memory;

    (void)state;
    assert_status(coffer_linux_mmu_make(&options, &mmu), COFFER_MISUSE);
    assert_status(coffer_linux_mmu_make(NULL, &mmu), COFFER_MISUSE);
    options.size = SIZE_MAX;
    assert_status(coffer_linux_mmu_make(&options, &mmu), COFFER_NO_MEMORY);
    options.size = (size_t)1 << 60;
    assert_int_not_equal(coffer_linux_mmu_make(&options, &mmu), COFFER_OK);
    assert_status(coffer_linux_memory_open(&all, &memory), COFFER_MISUSE);
    all = (struct coffer_linux_memory_options){.swap_in_memory = true, .swap_path = "x"};
    assert_status(coffer_linux_memory_open(&all, &memory), COFFER_MISUSE);
    all = (struct coffer_linux_memory_options){.swap_pages = 9, .swap_path = "/nowhere/at/all"};
    assert_status(coffer_linux_memory_open(&all, &memory), COFFER_NOT_FOUND);
    all = (struct coffer_linux_memory_options){.memory = PAGE};
    assert_status(coffer_linux_memory_open(&all, &memory), COFFER_NO_MEMORY);
    coffer_linux_mmu_unmake(NULL);
}

/* memfd_secret: works, or says that it can't. */
static void test_secret_memory_works_where_there_is_any(void **state)
{
    const struct coffer_linux_memory_options options = {
        .memory = 64 * PAGE, .secret = true, .swap_pages = 512, .swap_in_memory = true};
    struct coffer_memory_statistics statistics;
    struct coffer_memory *memory;
    struct coffer_space *space;
    enum coffer_status status = coffer_linux_memory_open(&options, &memory);
    uint8_t *start;

    (void)state;
    if (status != COFFER_OK) {
        assert_status(status, COFFER_UNSUPPORTED);
        skip();
    }
    coffer_memory_statistics(memory, &statistics);
    assert_true(statistics.secret && statistics.locked);
    space = make_space(memory, 256, &start);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t page = 0; page < 256; page++) {
            uint8_t value = 0;

            if (round == 0)
                assert_ok(store_byte(space, start + page * PAGE, (uint8_t)page));
            assert_ok(load_byte(space, start + page * PAGE, &value));
            assert_int_equal(value, (uint8_t)page);
        }
    }
    assert_true(has_flag(start + 255 * PAGE, " dd"));
    coffer_memory_close(memory);
}

/* Run in a child; what it returns is how it ended, as of waitpid. */
static int in_child(void (*body)(void *argument), void *argument)
{
    pid_t child = fork();
    int ended = 0;

    must(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &none);
        for (int signal = 1; signal < 32; signal++) {
            struct sigaction standard = {.sa_handler = SIG_DFL};

            (void)sigaction(signal, &standard, NULL);
        }
        body(argument);
        _exit(0);
    }
    must(waitpid(child, &ended, 0) == child);
    return ended;
}

static void few_locked_pages(void *argument)
{
    const struct rlimit few = {32 * PAGE, 32 * PAGE};
    const struct coffer_linux_mmu_options secret = {.size = 24 * PAGE, .secret = true};
    const struct coffer_linux_mmu_options plain = {.size = 64 * PAGE};
    struct coffer_linux_mmu *mmu;

    (void)argument;
    /* Without root's right to lock all there is. */
    if (setrlimit(RLIMIT_MEMLOCK, &few) != 0 || (getuid() == 0 && setuid(65534) != 0))
        _exit(1);
    if (coffer_linux_mmu_make(&secret, &mmu) != COFFER_UNSUPPORTED)
        _exit(2);
    /* Ordinary memory is had all the same, and isn't said to be locked. */
    if (coffer_linux_mmu_make(&plain, &mmu) != COFFER_OK)
        _exit(3);
    if (coffer_linux_mmu_is_locked(mmu) || coffer_linux_mmu_is_secret(mmu))
        _exit(4);
    coffer_linux_mmu_unmake(mmu);
}

static void test_the_limit_of_locked_memory_is_told(void **state)
{
    (void)state;
    assert_int_equal(in_child(few_locked_pages, NULL), 0);
}

/* --- Faults of the process --------------------------------------------------------------- */

struct scene {
    struct coffer_memory *memory;
    struct coffer_space *space;
    uint8_t *start;
    uint8_t *other; /* of another space */
};

static void open_scene(struct scene *scene)
{
    must(coffer_linux_memory_open(NULL, &scene->memory) == COFFER_OK);
    scene->space = make_space(scene->memory, 8, &scene->start);
    (void)make_space(scene->memory, 8, &scene->other);
}

static void touch_outside(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    /* Answered: faults work outside of enter, too. */
    *(volatile uint8_t *)scene.start = 1;
    must(coffer_space_unmap(scene.space, (uintptr_t)scene.start, 8 * PAGE) == COFFER_OK);
    *(volatile uint8_t *)scene.start = 1;
}

static void touch_another(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    must(coffer_space_protect(coffer_space_of(scene.memory, (uintptr_t)scene.other),
                              (uintptr_t)scene.other, PAGE, 0) == COFFER_OK);
    (void)!store_byte(scene.space, scene.other, 1); /* refused by another space: no way out */
}

static void touch_nothing(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    (void)!store_byte(scene.space, (uint8_t *)64, 1);
}

static void send_a_signal(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    (void)kill(getpid(), SIGSEGV);
}

static void bad_access_after_closing(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    coffer_memory_close(scene.memory);
    *(volatile uint8_t *)scene.start = 1;
}

static void test_bad_accesses_end_the_process_as_ever(void **state)
{
    static void (*const bodies[])(void *argument) = {touch_outside, touch_another, touch_nothing,
                                                     send_a_signal, bad_access_after_closing};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        int ended = in_child(bodies[i], NULL);

        assert_true(WIFSIGNALED(ended) || (WIFEXITED(ended) && WEXITSTATUS(ended) != 0));
        if (WIFSIGNALED(ended)) /* a sanitizer's handler reports and exits */
            assert_int_equal(WTERMSIG(ended), SIGSEGV);
    }
}

static volatile sig_atomic_t handled;
static uint8_t *nowhere; /* no access, and nobody's space */
static sigjmp_buf out_of_handler;

static void old_handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    handled = signal == SIGSEGV && info->si_addr == nowhere ? 1 : 2;
    siglongjmp(out_of_handler, 1);
}

static void test_the_handler_before_ours_gets_what_is_not_ours(void **state)
{
    struct sigaction action = {.sa_sigaction = old_handler, .sa_flags = SA_SIGINFO};
    struct sigaction saved;
    struct sigaction now;
    struct scene scene;
    uint8_t got;

    (void)state;
    nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(nowhere != MAP_FAILED && sigaction(SIGSEGV, &action, &saved) == 0);
    open_scene(&scene);
    handled = 0;
    if (sigsetjmp(out_of_handler, 1) == 0)
        *(volatile uint8_t *)nowhere = 1;
    assert_int_equal(handled, 1);
    got = 0;
    /* Ours still works. */
    assert_ok(store_byte(scene.space, scene.start, 7));
    assert_ok(load_byte(scene.space, scene.start, &got));
    assert_int_equal(got, 7);
    coffer_memory_close(scene.memory);
    must(sigaction(SIGSEGV, &saved, &now) == 0);
    assert_true(now.sa_sigaction == old_handler);
    must(munmap(nowhere, PAGE) == 0);
}

/* The last machine gone puts the old handler back, the others don't. */
static void test_the_handler_is_there_as_long_as_there_is_an_mmu(void **state)
{
    struct sigaction before;
    struct sigaction now;
    struct coffer_linux_mmu *a;
    struct coffer_linux_mmu *b;

    (void)state;
    must(sigaction(SIGSEGV, NULL, &before) == 0);
    a = make_mmu(16 * PAGE);
    b = make_mmu(16 * PAGE);
    coffer_linux_mmu_unmake(a);
    must(sigaction(SIGSEGV, NULL, &now) == 0);
    assert_true(now.sa_sigaction != before.sa_sigaction);
    coffer_linux_mmu_unmake(b);
    must(sigaction(SIGSEGV, NULL, &now) == 0);
    assert_true(now.sa_sigaction == before.sa_sigaction);
}

struct nested {
    struct scene *scene;
    enum coffer_status inner;
    bool went_on;
};

static void inner_fails(void *argument)
{
    struct nested *nested = argument;

    *(volatile uint8_t *)(nested->scene->start + PAGE) = 1; /* the outer space's: unmapped */
}

static void outer_body(void *argument)
{
    struct nested *nested = argument;
    struct coffer_space *other = coffer_space_of(nested->scene->memory,
                                                 (uintptr_t)nested->scene->other);

    nested->inner = coffer_space_enter(other, inner_fails, nested);
    nested->went_on = true;
}

/* A refused access leaves the body that entered that space, through those of others inside it. */
static void test_enter_nests(void **state)
{
    struct nested nested = {.inner = COFFER_BUSY};
    struct scene scene;

    (void)state;
    open_scene(&scene);
    nested.scene = &scene;
    assert_ok(coffer_space_unmap(scene.space, (uintptr_t)scene.start + PAGE, PAGE));
    assert_status(coffer_space_enter(scene.space, outer_body, &nested), COFFER_NOT_FOUND);
    assert_false(nested.went_on);
    assert_int_equal(nested.inner, COFFER_BUSY);
    /* In the same space the inner one is left, and the outer one goes on. */
    scene.other = scene.start;
    assert_status(coffer_space_enter(scene.space, outer_body, &nested), COFFER_OK);
    assert_true(nested.went_on);
    assert_status(nested.inner, COFFER_NOT_FOUND);
    coffer_memory_close(scene.memory);
}

static void test_errno_is_kept_by_faults(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    errno = 4711;
    *(volatile uint8_t *)scene.start = 1;
    assert_int_equal(errno, 4711);
    coffer_memory_close(scene.memory);
}

/* --- A child ----------------------------------------------------------------------------- */

/* Files of secure memory that this process has open. */
static unsigned count_windows(void)
{
    unsigned count = 0;

    for (int file = 0; file < 256; file++) {
        char name[64];
        char target[64] = "";

        snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
        if (readlink(name, target, sizeof(target) - 1) > 0)
            count += strncmp(target, "/memfd:coffer", 13) == 0;
    }
    return count;
}

static void look_at_parent(const struct scene *scene, volatile int *stage)
{
    struct coffer_memory *memory;
    struct coffer_space *space;
    uint8_t *start;

    must(count_windows() == 0);
    /* It can have a memory system of its own... */
    must(coffer_linux_memory_open(NULL, &memory) == COFFER_OK);
    space = make_space(memory, 8, &start);
    must(store_byte(space, start, 1) == COFFER_OK);
    coffer_memory_close(memory);
    *stage = 1;
    /* ... but not its parent's. */
    *(volatile uint8_t *)scene->start += 1;
    *stage = 2;
    _exit(0);
}

static void have_a_child(void *argument)
{
    volatile int *stage = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                               0);
    struct scene scene;
    uint8_t value = 0;
    pid_t child;

    (void)argument;
    must(stage != MAP_FAILED);
    open_scene(&scene);
    must(store_byte(scene.space, scene.start, 3) == COFFER_OK);
    must(count_windows() == 1);
    child = fork();
    must(child >= 0);
    if (child == 0)
        look_at_parent(&scene, stage);
    must(waitpid(child, NULL, 0) == child);
    if (*stage != 1)
        _exit(1 + *stage);
    must(load_byte(scene.space, scene.start, &value) == COFFER_OK && value == 3);
    coffer_memory_close(scene.memory);
}

static void test_a_child_has_nothing_of_its_parents_spaces(void **state)
{
    (void)state;
    assert_int_equal(in_child(have_a_child, NULL), 0);
}

/* --- Mappings ---------------------------------------------------------------------------- */

static void store_all(void *argument)
{
    uint8_t *const *range = argument;

    for (uint8_t *at = range[0]; at < range[1]; at += PAGE)
        *(volatile uint8_t *)at = (uint8_t)((size_t)at / PAGE);
}

/* With few mappings stale ones are swept, and where that isn't enough map fails; what can't fail
 * doesn't. */
static void test_scarce_mappings_are_swept_and_then_refused(void **state)
{
    const struct coffer_linux_memory_options options = {
        .memory = 128 * PAGE, .swap_pages = 1024, .swap_in_memory = true};
    struct coffer_memory *memory;
    struct coffer_space *space;
    uint8_t *range[2];
    uint8_t value = 0;

    (void)state;
    assert_ok(coffer_linux_memory_open(&options, &memory));
    space = make_space(memory, 512, &range[0]);
    range[1] = range[0] + 512 * PAGE;
    /* Enough for what is resident, not for every page that ever was. */
    ranges_limit_mappings(400);
    assert_ok(coffer_space_enter(space, store_all, range));
    assert_ok(coffer_space_enter(space, store_all, range));
    /* Not even for that: pages are evicted so that others can be mapped. */
    ranges_limit_mappings(12);
    assert_ok(coffer_space_enter(space, store_all, range));
    ranges_limit_mappings(1);
    assert_status(coffer_space_enter(space, store_all, range), COFFER_NO_MEMORY);
    /* What is mapped can be protected and unmapped all the same. */
    for (size_t page = 0; page < 512; page += 3)
        assert_ok(coffer_space_protect(space, (uintptr_t)range[0] + page * PAGE, PAGE, 1));
    for (size_t page = 0; page < 512; page += 2)
        assert_ok(coffer_space_unmap(space, (uintptr_t)range[0] + page * PAGE, PAGE));
    ranges_limit_mappings(0);
    assert_ok(load_byte(space, range[0] + 5 * PAGE, &value));
    assert_int_equal(value, (uint8_t)((size_t)(range[0] + 5 * PAGE) / PAGE));
    coffer_memory_close(memory);
}

/* Frames of secret memory count against the limit of locked memory wherever they are mapped. */
static void test_locked_pages_are_counted(void **state)
{
    const struct coffer_memory_config config = {.port = coffer_linux_port()};
    struct coffer_linux_mmu *mmu = make_mmu(64 * PAGE);
    struct coffer_area area = coffer_linux_mmu_area(mmu);
    struct coffer_memory_config use = config;
    const struct coffer_map map = {.size = PAGE, .rights = BOTH};
    struct coffer_swap_settings swap = {.ciphers = coffer_linux_ciphers(), .pages = 64};
    struct coffer_memory *memory;
    struct coffer_space *space;
    uintptr_t address;
    uint8_t *start;
    uint8_t value = 0;

    (void)state;
    mmu->window.secret = true; /* for the counting; the kernel's memory stays what it is */
    mmu->window.locked_spare = 5;
    use.areas = &area;
    use.area_count = 1;
    use.mmu = coffer_linux_mmu_operations(mmu);
    assert_ok(coffer_memory_open(&use, &memory));
    assert_ok(coffer_linux_swap_memory(64 * COFFER_SWAP_SLOT_SIZE, &swap.medium));
    assert_ok(coffer_swap_open(memory, &swap));
    space = make_space(memory, 20, &start);
    /* Pages are evicted so that others can have their mappings. */
    for (size_t page = 0; page < 20; page++) {
        assert_ok(store_byte(space, start + page * PAGE, (uint8_t)page));
        assert_true(mmu->secret_pages <= 5);
    }
    for (size_t page = 0; page < 20; page++) {
        assert_ok(load_byte(space, start + page * PAGE, &value));
        assert_int_equal(value, page);
    }
    assert_ok(coffer_space_unmap(space, (uintptr_t)start, 10 * PAGE));
    assert_ok(coffer_space_unmap(space, (uintptr_t)start + 10 * PAGE, 10 * PAGE));
    assert_int_equal(mmu->secret_pages, 0);
    mmu->window.locked_spare = 0;
    assert_ok(coffer_space_map(space, &map, &address));
    assert_status(store_byte(space, (uint8_t *)address, 1), COFFER_NO_MEMORY);
    coffer_space_close(space);
    assert_int_equal(mmu->secret_pages, 0);
    coffer_memory_close(memory);
    coffer_linux_swap_close(&swap.medium);
    coffer_linux_mmu_unmake(mmu);
}

static void test_rights_to_execute_are_kept(void **state)
{
#if defined(__x86_64__)
    static const uint8_t code[] = {0xb8, 0x2a, 0x00, 0x00, 0x00, 0xc3}; /* mov $42, %eax; ret */
    struct coffer_memory *memory;
    struct coffer_space *space;
    uint8_t *start;
    int (*function)(void);

    (void)state;
    assert_ok(coffer_linux_memory_open(NULL, &memory));
    space = make_space(memory, 4, &start);
    assert_ok(coffer_space_write(space, (uintptr_t)start, code, sizeof(code)));
    assert_ok(coffer_space_protect(space, (uintptr_t)start, PAGE, COFFER_READ | COFFER_EXECUTE));
    memcpy(&function, &start, sizeof(function));
    assert_int_equal(function(), 42);
    assert_status(store_byte(space, start, 0), COFFER_MISUSE);
    coffer_memory_close(memory);
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secure_memory_is_sealed_and_zero),
        cmocka_unit_test(test_secure_memory_is_not_dumped_nor_inherited),
        cmocka_unit_test(test_pages_of_spaces_are_not_dumped),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_secret_memory_works_where_there_is_any),
        cmocka_unit_test(test_the_limit_of_locked_memory_is_told),
        cmocka_unit_test(test_bad_accesses_end_the_process_as_ever),
        cmocka_unit_test(test_the_handler_before_ours_gets_what_is_not_ours),
        cmocka_unit_test(test_the_handler_is_there_as_long_as_there_is_an_mmu),
        cmocka_unit_test(test_enter_nests),
        cmocka_unit_test(test_errno_is_kept_by_faults),
        cmocka_unit_test(test_a_child_has_nothing_of_its_parents_spaces),
        cmocka_unit_test(test_scarce_mappings_are_swept_and_then_refused),
        cmocka_unit_test(test_locked_pages_are_counted),
        cmocka_unit_test(test_rights_to_execute_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
