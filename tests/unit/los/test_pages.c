/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_ calls on pages: what LiteOS's manual says, and the defects of its code that aren't here. */
#include "fixture.h"

#include <unistd.h>

#include "los_vm.h"

#define PAGE ((size_t)PAGE_SIZE)

static void test_pages_in_a_row_are_had_and_given_back(void **state)
{
    uint8_t *pages = LOS_PhysPagesAllocContiguous(3);

    (void)state;
    assert_non_null(pages);
    assert_int_equal((uintptr_t)pages % PAGE, 0);
    for (size_t i = 0; i < 3 * PAGE; i++)
        assert_int_equal(pages[i], 0);
    assert_int_equal(LOS_PaddrQuery(pages + 5), (PADDR_T)pages + 5);
    assert_ptr_equal(LOS_PaddrToKVaddr((PADDR_T)pages), pages);
    LOS_PhysPagesFreeContiguous(pages, 3);
    assert_null(LOS_PhysPagesAllocContiguous(0));
}

static void test_a_page_is_had_and_given_back(void **state)
{
    LosVmPage *page = LOS_PhysPageAlloc();
    LosVmPage *other = LOS_PhysPageAlloc();
    VOID *run = LOS_PhysPagesAllocContiguous(2);
    int local;

    (void)state;
    assert_non_null(page);
    assert_non_null(other);
    assert_ptr_not_equal(page, other);
    for (size_t i = 0; i < PAGE; i++)
        assert_int_equal(((uint8_t *)page)[i], 0);
    assert_ptr_equal(LOS_VmPageGet((PADDR_T)page + 77), page);
    assert_null(LOS_VmPageGet((PADDR_T)&local));
    LOS_PhysPageFree(page);
    LOS_PhysPageFree(page); /* refused, as these are */
    LOS_PhysPageFree(NULL);
    LOS_PhysPageFree((LosVmPage *)run);
    memset(run, 0x61, 2 * PAGE);
    assert_ptr_not_equal(LOS_PhysPageAlloc(), run);
    assert_int_equal(((uint8_t *)run)[2 * PAGE - 1], 0x61);
    LOS_PhysPageFree(other);
    LOS_PhysPagesFreeContiguous(run, 2);
}

/* The log goes to stderr. */
static void test_the_log_names_the_call_and_the_address(void **state)
{
    char name[] = "/tmp/coffer-los-XXXXXX";
    int fd = mkstemp(name);
    int shown = dup(STDERR_FILENO);
    char text[200] = {0};

    (void)state;
    assert_true(fd >= 0 && shown >= 0);
    (void)unlink(name);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    LOS_PhysPageFree(NULL);
    LOS_PhysPagesFreeContiguous((VOID *)0x123, 2);
    assert_true(dup2(shown, STDERR_FILENO) >= 0);
    assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
    assert_non_null(strstr(text, "LOS_PhysPageFree: not a page: 0x0\n"));
    assert_non_null(strstr(text, "LOS_PhysPagesFreeContiguous: no run of so many pages: 0x123\n"));
    (void)close(fd);
    (void)close(shown);
}

static void test_defect_runs_of_more_than_a_mebibyte_cannot_be_had(void **state)
{
    VOID *pages = LOS_PhysPagesAllocContiguous(700);

    (void)state;
    assert_non_null(pages);
    LOS_PhysPagesFreeContiguous(pages, 700);
}

static void test_defect_a_double_free_of_pages_hands_them_out_twice(void **state)
{
    uint8_t *pages = LOS_PhysPagesAllocContiguous(4);
    uint8_t *one;
    uint8_t *two;

    (void)state;
    LOS_PhysPagesFreeContiguous(pages, 4);
    LOS_PhysPagesFreeContiguous(pages, 4);
    one = LOS_PhysPagesAllocContiguous(4);
    two = LOS_PhysPagesAllocContiguous(4);
    assert_non_null(one);
    assert_non_null(two);
    assert_true(one + 4 * PAGE <= two || two + 4 * PAGE <= one);
    LOS_PhysPagesFreeContiguous(one, 4);
    LOS_PhysPagesFreeContiguous(two, 4);
}

static void test_defect_the_callers_number_of_pages_is_trusted(void **state)
{
    uint8_t *pages = LOS_PhysPagesAllocContiguous(4);
    uint8_t *other;

    (void)state;
    memset(pages, 0x77, 4 * PAGE);
    LOS_PhysPagesFreeContiguous(pages, 2);
    LOS_PhysPagesFreeContiguous(pages + PAGE, 3);
    LOS_PhysPagesFreeContiguous(pages, 8);
    other = LOS_PhysPagesAllocContiguous(4);
    assert_true(other + 4 * PAGE <= pages || pages + 4 * PAGE <= other);
    assert_int_equal(pages[4 * PAGE - 1], 0x77);
    LOS_PhysPagesFreeContiguous(other, 4);
    LOS_PhysPagesFreeContiguous(pages, 4);
}

static void test_defect_a_foreign_physical_address_has_a_kernel_address(void **state)
{
    int local;

    (void)state;
    assert_null(LOS_PaddrToKVaddr((PADDR_T)&local));
    assert_null(LOS_PaddrToKVaddr(0));
    assert_int_equal(LOS_PaddrQuery(&local), 0);
    assert_null(LOS_SpaceGet((VADDR_T)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages_in_a_row_are_had_and_given_back),
        TEST(test_a_page_is_had_and_given_back),
        TEST(test_the_log_names_the_call_and_the_address),
        TEST(test_defect_runs_of_more_than_a_mebibyte_cannot_be_had),
        TEST(test_defect_a_double_free_of_pages_hands_them_out_twice),
        TEST(test_defect_the_callers_number_of_pages_is_trusted),
        TEST(test_defect_a_foreign_physical_address_has_a_kernel_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
