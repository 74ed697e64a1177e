/* SPDX-License-Identifier: BSD-2-Clause */
/* What only Linux has: secure memory as a sealed file, and what a child and a core dump see. */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

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
        char *behind;
        uintptr_t start = strtoul(line, &behind, 16);

        if (behind != line && *behind == '-')
            here = (uintptr_t)address >= start &&
                   (uintptr_t)address < strtoul(behind + 1, NULL, 16);
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

static void test_null_is_misuse_and_closing_it_nothing(void **state)
{
    const struct coffer_linux_mmu_options options = {.size = PAGE};
    struct coffer_linux_mmu *mmu = NULL;

    (void)state;
    assert_status(coffer_linux_memory_open(NULL, NULL), COFFER_MISUSE);
    assert_status(coffer_linux_memory_make(PAGE, NULL, NULL), COFFER_MISUSE);
    assert_status(coffer_linux_mmu_make(&options, NULL), COFFER_MISUSE);
    assert_status(coffer_linux_mmu_make(NULL, &mmu), COFFER_MISUSE);
    assert_status(coffer_linux_swap_file(NULL, NULL), COFFER_MISUSE);
    assert_status(coffer_linux_swap_memory(PAGE, NULL), COFFER_MISUSE);
    assert_null(mmu);
    coffer_linux_memory_unmake(NULL);
    coffer_linux_mmu_unmake(NULL);
    coffer_linux_swap_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_misuse_and_closing_it_nothing),
        cmocka_unit_test(test_secure_memory_is_sealed_and_zero),
        cmocka_unit_test(test_secure_memory_is_not_dumped_nor_inherited),
        cmocka_unit_test(test_pages_of_spaces_are_not_dumped),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_secret_memory_works_where_there_is_any),
        cmocka_unit_test(test_the_limit_of_locked_memory_is_told),
        cmocka_unit_test(test_a_child_has_nothing_of_its_parents_spaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
