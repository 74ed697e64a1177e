/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's mappings: their limits, of number and of locked memory, and their rights. */
#include "machine.h"

#include "linux/ranges.h"

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
    uint8_t value = 0;
    int (*function)(void);

    (void)state;
    assert_ok(coffer_linux_memory_open(NULL, &memory));
    space = make_space(memory, 4, &start);
    assert_ok(coffer_space_write(space, (uintptr_t)start, code, sizeof(code)));
    assert_ok(coffer_space_protect(space, (uintptr_t)start, PAGE, COFFER_READ | COFFER_EXECUTE));
    memcpy(&function, &start, sizeof(function));
    assert_int_equal(function(), 42);
    assert_status(store_byte(space, start, 0), COFFER_MISUSE);
    /* Some machines can't forbid reading it then; where this one could, it is allowed, too. */
    assert_ok(coffer_space_protect(space, (uintptr_t)start, PAGE, COFFER_EXECUTE));
    assert_ok(load_byte(space, start, &value));
    assert_int_equal(value, code[0]);
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
        cmocka_unit_test(test_scarce_mappings_are_swept_and_then_refused),
        cmocka_unit_test(test_locked_pages_are_counted),
        cmocka_unit_test(test_rights_to_execute_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
