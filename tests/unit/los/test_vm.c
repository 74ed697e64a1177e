/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LOS_ calls on spaces, over both MMUs: what LiteOS's manual says, and, named after them,
 * the defects of its code that aren't here.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "los_memory.h"
#include "los_start.h"
#include "los_vm.h"

#define PAGE          ((size_t)PAGE_SIZE)
#define EINVAL_NUMBER 22
#define ENOMEM_NUMBER 12
#define EEXIST_NUMBER 17
#define EFAULT_NUMBER 14
#define ERANGE_NUMBER 34
#define ANONYMOUS     (MAP_PRIVATE | MAP_ANONYMOUS)

static bool is_error(VADDR_T address, int error_number)
{
    return (INTPTR)address == -error_number;
}

static VADDR_T map(size_t size)
{
    VADDR_T address = LOS_MMap(0, size, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);

    assert_true(LOS_IsUserAddressRange(address, size));
    return address;
}

static void poke(VADDR_T address, uint8_t value)
{
    assert_int_equal(LOS_ArchCopyToUser((VOID *)address, &value, 1), 0);
}

static uint8_t peek(VADDR_T address)
{
    uint8_t value = 0;

    assert_int_equal(LOS_ArchCopyFromUser(&value, (const VOID *)address, 1), 0);
    return value;
}

static bool reaches(VADDR_T address)
{
    uint8_t value;

    return LOS_ArchCopyFromUser(&value, (const VOID *)address, 1) == 0;
}

/* --- Spaces ------------------------------------------------------------------------------ */

static void test_addresses_belong_to_their_spaces(void **state)
{
    VOID *pages = LOS_PhysPagesAllocContiguous(1);
    VOID *scattered = LOS_VMalloc(3 * PAGE);
    VADDR_T user = map(PAGE);

    (void)state;
    assert_non_null(scattered);
    assert_ptr_equal(LOS_SpaceGet((VADDR_T)pages), LOS_GetKVmSpace());
    assert_ptr_equal(LOS_SpaceGet((VADDR_T)scattered), LOS_GetVmallocSpace());
    assert_ptr_equal(LOS_SpaceGet(user), LOS_CurrSpaceGet());
    assert_true(LOS_IsKernelAddress((VADDR_T)pages));
    assert_true(LOS_IsVmallocAddress((VADDR_T)scattered));
    assert_true(LOS_IsUserAddress(user));
    assert_false(LOS_IsUserAddress((VADDR_T)pages));
    assert_true(LOS_IsRangeInSpace(LOS_CurrSpaceGet(), user, PAGE));
    assert_true(LOS_IsRangeInSpace(LOS_GetVmallocSpace(), (VADDR_T)scattered, 3 * PAGE));
    assert_false(LOS_IsRangeInSpace(LOS_GetKVmSpace(), user, PAGE));
    assert_false(LOS_IsRangeInSpace(LOS_CurrSpaceGet(), user, (size_t)0 - PAGE)); /* wraps */
    assert_false(LOS_IsRangeInSpace(NULL, user, PAGE));
    assert_int_not_equal(LOS_PaddrQuery(scattered), 0);
    assert_int_equal(LOS_PaddrQuery((VOID *)user), 0); /* not touched yet */
    poke(user, 1);
    assert_int_not_equal(LOS_PaddrQuery((VOID *)user), 0);
    assert_int_equal(LOS_UnMMap(user, PAGE), 0);
    LOS_VFree(scattered);
    assert_int_equal(LOS_PaddrQuery(scattered), 0);
    LOS_VFree(scattered); /* refused */
    LOS_PhysPagesFreeContiguous(pages, 1);
}

static void test_memory_is_mapped_and_unmapped(void **state)
{
    VADDR_T address = map(4 * PAGE);

    (void)state;
    assert_int_equal(peek(address + 3 * PAGE), 0);
    poke(address + 3 * PAGE, 5);
    assert_int_equal(LOS_UnMMap(address + PAGE, PAGE), 0);
    assert_false(reaches(address + PAGE));
    assert_int_equal(peek(address + 3 * PAGE), 5);
    assert_int_equal(LOS_UnMMap(address, 4 * PAGE), 0);
    assert_false(reaches(address + 3 * PAGE));
}

static void test_a_place_can_be_asked_for(void **state)
{
    VADDR_T address = map(4 * PAGE);

    (void)state;
    poke(address, 9);
    assert_true(is_error(LOS_MMap(address, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
                         EEXIST_NUMBER));
    assert_int_equal(peek(address), 9);
    assert_int_equal(LOS_MMap(address, PAGE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0), address);
    assert_int_equal(peek(address), 0);
    assert_int_equal(LOS_UnMMap(address, 4 * PAGE), 0);
}

static void test_wrong_arguments_are_refused(void **state)
{
    (void)state;
    assert_true(is_error(LOS_MMap(0, 0, PROT_READ, ANONYMOUS, -1, 0), EINVAL_NUMBER));
    assert_true(is_error(LOS_MMap(0, SIZE_MAX, PROT_READ, ANONYMOUS, -1, 0), EINVAL_NUMBER));
    assert_true(is_error(LOS_MMap(0, PAGE, 64, ANONYMOUS, -1, 0), EINVAL_NUMBER));
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL_NUMBER));
    assert_true(is_error(LOS_MMap(0, (size_t)1 << 40, PROT_READ, ANONYMOUS, -1, 0), ENOMEM_NUMBER));
    assert_int_equal(LOS_UnMMap(0, 0), -EINVAL_NUMBER);
    assert_int_equal(LOS_UnMMap(0, PAGE), -EINVAL_NUMBER);
}

static void test_writing_includes_reading(void **state)
{
    VADDR_T address = LOS_MMap(0, PAGE, PROT_WRITE, ANONYMOUS, -1, 0);

    (void)state;
    poke(address, 6);
    assert_int_equal(peek(address), 6);
    assert_int_equal(LOS_UnMMap(address, PAGE), 0);
}

static void test_defect_a_partial_overlap_is_not_found(void **state)
{
    VADDR_T address = map(8 * PAGE);

    (void)state;
    assert_int_equal(LOS_UnMMap(address, 2 * PAGE), 0);
    assert_int_equal(LOS_UnMMap(address + 6 * PAGE, 2 * PAGE), 0);
    poke(address + 2 * PAGE, 1);
    poke(address + 5 * PAGE, 2);
    /* Over the front, over the end, around, inside. */
    for (size_t first = 1; first <= 5; first++) {
        for (size_t end = first < 2 ? 3 : first + 1; end <= 8; end++)
            assert_true(is_error(LOS_MMap(address + first * PAGE, (end - first) * PAGE, PROT_READ,
                                          ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
                                 EEXIST_NUMBER));
    }
    assert_int_equal(peek(address + 2 * PAGE), 1);
    assert_int_equal(peek(address + 5 * PAGE), 2);
    assert_int_equal(LOS_UnMMap(address, 8 * PAGE), 0);
}

static void test_defect_a_failed_map_breaks_the_tree_of_regions(void **state)
{
    char name[] = "/tmp/coffer-los-XXXXXX";
    int made = mkstemp(name);
    int fd = open(name, O_RDONLY);
    VADDR_T address = map(4 * PAGE);

    (void)state;
    assert_true(made >= 0 && fd >= 0);
    (void)unlink(name);
    assert_int_equal(ftruncate(made, PAGE_SIZE), 0);
    poke(address, 5);
    for (size_t i = 0; i < 50; i++) {
        /* Not to be written, beyond the file's end, no room: none takes the place of another. */
        assert_true(is_error(
            LOS_MMap(address, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0), 13));
        assert_true(is_error(LOS_MMap(address, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 7),
                             EINVAL_NUMBER));
        assert_true(
            is_error(LOS_MMap(0, (size_t)1 << 40, PROT_READ, ANONYMOUS, -1, 0), ENOMEM_NUMBER));
    }
    assert_int_equal(peek(address), 5);
    assert_int_equal(LOS_UnMMap(address, 4 * PAGE), 0);
    assert_int_equal(map(4 * PAGE), address);
    assert_int_equal(LOS_UnMMap(address, 4 * PAGE), 0);
    (void)close(made);
    (void)close(fd);
}

static void test_defect_a_failed_remap_leaves_both_halves(void **state)
{
    VADDR_T address = map(8 * PAGE);

    (void)state;
    /* The range may not move, and what lies behind it is another's. */
    assert_int_equal(LOS_DoMprotect(address + 4 * PAGE, 4 * PAGE, PROT_READ), 0);
    poke(address + 3 * PAGE, 3);
    assert_true(is_error(LOS_DoMremap(address, 4 * PAGE, 6 * PAGE, 0, 0), ENOMEM_NUMBER));
    assert_true(is_error(LOS_DoMremap(address, 4 * PAGE, (size_t)1 << 40, MREMAP_MAYMOVE, 0),
                         ENOMEM_NUMBER));
    assert_int_equal(peek(address + 3 * PAGE), 3);
    assert_int_equal(peek(address + 4 * PAGE), 0);
    assert_int_equal(LOS_UnMMap(address, 8 * PAGE), 0);
    assert_false(reaches(address));
    assert_false(LOS_DoMremap(address, PAGE, PAGE, 0, 0) == address);
}

static void test_defect_an_unaligned_unmap_is_rounded_up(void **state)
{
    VADDR_T address = map(2 * PAGE);

    (void)state;
    assert_int_equal(LOS_UnMMap(address + 1, PAGE), -EINVAL_NUMBER);
    assert_true(reaches(address));
    assert_true(reaches(address + PAGE));
    assert_int_equal(LOS_UnMMap(address, 2 * PAGE), 0);
}

static void test_defect_protecting_several_regions_is_refused(void **state)
{
    VADDR_T address = map(4 * PAGE);
    uint8_t byte = 1;

    (void)state;
    assert_int_equal(LOS_DoMprotect(address + PAGE, PAGE, PROT_READ), 0);
    assert_int_equal(LOS_DoMprotect(address, 4 * PAGE, PROT_READ), 0);
    assert_int_equal(LOS_ArchCopyToUser((VOID *)address, &byte, 1), 1);
    assert_int_equal(LOS_DoMprotect(address, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
    poke(address + PAGE, 3);
    /* Over a hole nothing changes. */
    assert_int_equal(LOS_UnMMap(address + 2 * PAGE, PAGE), 0);
    assert_int_equal(LOS_DoMprotect(address, 4 * PAGE, PROT_READ), -ENOMEM_NUMBER);
    poke(address, 3);
    assert_int_equal(LOS_UnMMap(address, 4 * PAGE), 0);
}

static void test_memory_is_remapped_with_its_contents(void **state)
{
    VADDR_T address = map(2 * PAGE);
    VADDR_T moved;

    (void)state;
    poke(address + PAGE, 42);
    moved = LOS_DoMremap(address, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE, 0);
    assert_true(LOS_IsUserAddressRange(moved, 64 * PAGE));
    assert_int_equal(peek(moved + PAGE), 42);
    assert_int_equal(peek(moved + 63 * PAGE), 0);
    assert_int_equal(LOS_DoMremap(moved, 64 * PAGE, 2 * PAGE, 0, 0), moved);
    assert_false(reaches(moved + 2 * PAGE));
    assert_true(is_error(LOS_DoMremap(moved, 2 * PAGE, 2 * PAGE, MREMAP_FIXED, moved + PAGE),
                         EINVAL_NUMBER));
    assert_int_equal(LOS_UnMMap(moved, 2 * PAGE), 0);
}

static void test_the_break_moves(void **state)
{
    VADDR_T start = (VADDR_T)LOS_DoBrk(NULL);

    (void)state;
    assert_ptr_equal(LOS_DoBrk((VOID *)(start + 10000)), (VOID *)(start + 10000));
    poke(start + 9999, 1);
    assert_ptr_equal(LOS_DoBrk((VOID *)start), (VOID *)start);
    assert_false(reaches(start + 9999));
    assert_true(is_error((VADDR_T)LOS_DoBrk((VOID *)(start - PAGE)), ENOMEM_NUMBER));
    assert_ptr_equal(LOS_DoBrk(NULL), (VOID *)start);
}

static void test_defect_the_break_grows_over_the_next_region(void **state)
{
    VADDR_T start = (VADDR_T)LOS_DoBrk(NULL);
    VADDR_T next = start + 4 * PAGE;

    (void)state;
    assert_int_equal(
        LOS_MMap(next, PAGE, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), next);
    poke(next, 8);
    assert_true(is_error((VADDR_T)LOS_DoBrk((VOID *)(start + 8 * PAGE)), ENOMEM_NUMBER));
    assert_ptr_equal(LOS_DoBrk(NULL), (VOID *)start);
    assert_int_equal(peek(next), 8);
    assert_int_equal(LOS_UnMMap(next, PAGE), 0);
}

static void test_defect_a_map_in_the_heap_frees_its_pages(void **state)
{
    VADDR_T start = (VADDR_T)LOS_DoBrk(NULL);

    (void)state;
    assert_ptr_equal(LOS_DoBrk((VOID *)(start + 2 * PAGE)), (VOID *)(start + 2 * PAGE));
    poke(start, 4);
    /* A hint that is taken is no place; the heap stays as it is. */
    (void)LOS_UnMMap(LOS_MMap(start, PAGE, PROT_READ, ANONYMOUS, -1, 0), PAGE);
    assert_int_equal(peek(start), 4);
    assert_ptr_equal(LOS_DoBrk((VOID *)start), (VOID *)start);
}

static void test_defect_copies_take_any_address_for_the_kernels(void **state)
{
    VADDR_T address = map(PAGE);
    uint8_t local[16] = {1};
    VOID *pages = LOS_PhysPagesAllocContiguous(1);

    (void)state;
    /* The user's side must be the process's, the other side must not. */
    assert_int_equal(LOS_ArchCopyFromUser(local, pages, 16), 16);
    assert_int_equal(LOS_ArchCopyToUser(pages, local, 16), 16);
    assert_int_equal(LOS_ArchCopyToUser(local, local, 16), 16);
    assert_int_equal(LOS_ArchCopyFromUser((VOID *)address, (VOID *)address, 16), 16);
    assert_int_equal(LOS_ArchCopyFromUser(local, (VOID *)address, 0), 0);
    assert_int_equal(LOS_ArchCopyFromUser(local, (VOID *)(address + PAGE - 8), 16), 16);
    assert_int_equal(LOS_ArchCopyFromUser(local, (VOID *)address, 16), 0);
    assert_int_equal(LOS_CopyFromKernel(pages, 16, local, 16), -EFAULT_NUMBER);
    assert_int_equal(LOS_CopyToKernel(local, 16, pages, 16), -EFAULT_NUMBER);
    assert_int_equal(LOS_CopyToKernel((VOID *)address, 16, (VOID *)address, 16), -EFAULT_NUMBER);
    assert_int_equal(LOS_UserMemClear(pages, 16), -EFAULT_NUMBER);
    assert_int_equal(LOS_UserMemClear(local, 16), -EFAULT_NUMBER);
    LOS_PhysPagesFreeContiguous(pages, 1);
    assert_int_equal(LOS_UnMMap(address, PAGE), 0);
}

/* Wherever memory lies, it isn't taken for the process's. */
static void test_memory_at_low_addresses_is_copied(void **state)
{
    VADDR_T address = map(PAGE);
    uint8_t *low = mmap((void *)0x10000000, PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    (void)state;
    assert_ptr_equal(low, (void *)0x10000000);
    assert_false(LOS_IsUserAddress((VADDR_T)low));
    assert_null(LOS_SpaceGet((VADDR_T)low));
    memset(low, 0x42, 16);
    assert_int_equal(LOS_ArchCopyToUser((VOID *)address, low, 16), 0);
    assert_int_equal(peek(address + 15), 0x42);
    assert_int_equal(LOS_ArchCopyFromUser(low + 16, (VOID *)address, 16), 0);
    assert_memory_equal(low, low + 16, 16);
    (void)munmap(low, PAGE);
    assert_int_equal(LOS_UnMMap(address, PAGE), 0);
}

static void test_bytes_go_to_the_process_and_back(void **state)
{
    VADDR_T address = map(PAGE);
    uint8_t there[16] = {1, 2, 3};
    uint8_t back[16] = {0};

    (void)state;
    assert_int_equal(LOS_CopyFromKernel((VOID *)address, 15, there, 16), -ERANGE_NUMBER);
    assert_int_equal(peek(address), 0);
    assert_int_equal(LOS_CopyFromKernel((VOID *)address, 16, there, 16), 0);
    assert_int_equal(LOS_CopyToKernel(back, 15, (VOID *)address, 16), -ERANGE_NUMBER);
    assert_int_equal(back[0], 0);
    assert_int_equal(LOS_CopyToKernel(back, 16, (VOID *)address, 16), 0);
    assert_memory_equal(back, there, 16);
    assert_int_equal(LOS_UserMemClear((unsigned char *)address + 1, 1), 0);
    assert_int_equal(peek(address), 1);
    assert_int_equal(peek(address + 1), 0);
    assert_int_equal(peek(address + 2), 3);
    assert_int_equal(LOS_UserMemClear((unsigned char *)(address + PAGE - 1), 2), -EFAULT_NUMBER);
    assert_int_equal(LOS_UserMemClear(NULL, 0), 0);
    assert_int_equal(LOS_UnMMap(address, PAGE), 0);
}

/* --- Files ------------------------------------------------------------------------------- */

static void test_a_shared_file_is_mapped(void **state)
{
    char name[] = "/tmp/coffer-los-XXXXXX";
    int fd = mkstemp(name);
    char text[16] = {0};
    VADDR_T address;

    (void)state;
    assert_true(fd >= 0);
    (void)unlink(name);
    assert_int_equal(ftruncate(fd, 5000), 0);
    assert_int_equal(pwrite(fd, "hello", 5, 4990), 5);
    address = LOS_MMap(0, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(LOS_IsUserAddressRange(address, 5000));
    assert_int_equal(LOS_ArchCopyFromUser(text, (VOID *)(address + 4990), 5), 0);
    assert_string_equal(text, "hello");
    assert_int_equal(LOS_ArchCopyToUser((VOID *)(address + 4990), "HELLO", 5), 0);
    assert_int_equal(LOS_UnMMap(address, 5000), 0);
    assert_int_equal(pread(fd, text, sizeof(text), 4990), 10);
    assert_memory_equal(text, "HELLO", 5);
    assert_int_equal(lseek(fd, 0, SEEK_END), 5000); /* no longer than it was */
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), 19));
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_SHARED, -1, 0), 9));
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_SHARED, fd, 2), EINVAL_NUMBER));
    /* So many pages that their bytes would be a small number again. */
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_SHARED, fd, 1ul << 52), EINVAL_NUMBER));
    assert_true(
        is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_SHARED, fd, (1ul << 52) + 1), EINVAL_NUMBER));
    (void)close(fd);
}

static void test_maps_of_one_file_see_each_other(void **state)
{
    char name[] = "/tmp/coffer-los-XXXXXX";
    int fd = mkstemp(name);
    int again = open(name, O_RDWR);
    int reading = open(name, O_RDONLY);
    char text[8] = {0};
    VADDR_T one;
    VADDR_T two;

    (void)state;
    assert_true(fd >= 0 && again >= 0 && reading >= 0);
    (void)unlink(name);
    assert_int_equal(ftruncate(fd, 2 * PAGE_SIZE), 0);
    one = LOS_MMap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    two = LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 1);
    assert_true(LOS_IsUserAddress(one) && LOS_IsUserAddress(two));
    assert_int_equal(LOS_ArchCopyToUser((VOID *)(two + 8), "new", 4), 0);
    assert_int_equal(LOS_ArchCopyFromUser(text, (VOID *)(one + PAGE + 8), 4), 0);
    assert_string_equal(text, "new");
    assert_int_equal(LOS_ArchCopyToUser((VOID *)(one + PAGE), "also", 5), 0);
    assert_int_equal(LOS_UnMMap(one, 2 * PAGE), 0);
    assert_int_equal(LOS_UnMMap(two, PAGE), 0);
    assert_int_equal(pread(fd, text, 5, PAGE_SIZE), 5);
    assert_string_equal(text, "also");
    assert_int_equal(pread(fd, text, 4, PAGE_SIZE + 8), 4);
    assert_string_equal(text, "new");
    /* A file that is open for reading can't be mapped for writing. */
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reading, 0), 13));
    (void)close(fd);
    (void)close(again);
    (void)close(reading);
}

/* What a file is mapped with first holds for all maps of it, until the last is gone. */
static void test_a_file_stays_as_it_was_mapped_first(void **state)
{
    char name[] = "/tmp/coffer-los-XXXXXX";
    int fd = mkstemp(name);
    int reading = open(name, O_RDONLY);
    VADDR_T one;
    VADDR_T two;

    (void)state;
    assert_true(fd >= 0 && reading >= 0);
    (void)unlink(name);
    assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
    one = LOS_MMap(0, PAGE, PROT_READ, MAP_SHARED, reading, 0);
    assert_true(LOS_IsUserAddress(one));
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), 13));
    assert_int_equal(ftruncate(fd, 2 * (off_t)PAGE), 0);
    assert_true(is_error(LOS_MMap(0, PAGE, PROT_READ, MAP_SHARED, fd, 1), EINVAL_NUMBER));
    assert_int_equal(LOS_UnMMap(one, PAGE), 0);
    two = LOS_MMap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 1);
    assert_true(LOS_IsUserAddress(two));
    assert_int_equal(LOS_UnMMap(two, PAGE), 0);
    (void)close(fd);
    (void)close(reading);
}

/* Twice as many as there is memory, so that most of them leave it while they are dirty. */
static void test_defect_dirty_pages_go_before_they_are_written(void **state)
{
    const size_t size = (size_t)16 << 20;
    char name[] = "/tmp/coffer-los-XXXXXX";
    int fd = mkstemp(name);
    VADDR_T address;

    (void)state;
    assert_true(fd >= 0);
    (void)unlink(name);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    address = LOS_MMap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(LOS_IsUserAddressRange(address, size));
    for (size_t at = 0; at < size; at += PAGE)
        assert_int_equal(LOS_ArchCopyToUser((VOID *)(address + at + 8), &at, sizeof(at)), 0);
    assert_int_equal(LOS_UnMMap(address, size), 0);
    for (size_t at = 0; at < size; at += PAGE) {
        size_t value = 1;

        assert_int_equal(pread(fd, &value, sizeof(value), (off_t)at + 8), sizeof(value));
        assert_int_equal(value, at);
    }
    (void)close(fd);
}

static void test_defect_anonymous_memory_is_never_paged_out(void **state)
{
    const struct coffer_linux_memory_options options = {
        .memory = (size_t)1 << 20, .software = true, .swap_pages = 2048, .swap_in_memory = true};
    const size_t size = (size_t)4 << 20;
    VADDR_T address;
    size_t value;

    (void)state;
    assert_int_equal(LOS_Start(&options), LOS_OK);
    address = map(size);
    for (size_t at = 0; at < size; at += PAGE)
        assert_int_equal(LOS_ArchCopyToUser((VOID *)(address + at), &at, sizeof(at)), 0);
    for (size_t at = 0; at < size; at += PAGE) {
        assert_int_equal(LOS_ArchCopyFromUser(&value, (VOID *)(address + at), sizeof(value)), 0);
        assert_int_equal(value, at);
    }
    assert_int_equal(LOS_UnMMap(address, size), 0);
    LOS_Stop();
}

/* --- Pointers ---------------------------------------------------------------------------- */

static void fill_half(void *argument)
{
    memset(argument, 0x3C, PAGE / 2);
}

static void fill_through_pointers(void *argument)
{
    memset(argument, 0x3C, PAGE);
}

static void test_the_process_uses_its_addresses_as_pointers(void **state)
{
    const struct coffer_linux_memory_options options = {.memory = (size_t)2 << 20,
                                                        .swap_pages = 4096};
    VADDR_T address;

    (void)state;
    assert_int_equal(LOS_Start(&options), LOS_OK);
    address = map(PAGE);
    assert_int_equal(LOS_UserCall(fill_half, (VOID *)address), 0);
    assert_int_equal(peek(address + PAGE / 2 - 1), 0x3C);
    assert_int_equal(peek(address + PAGE / 2), 0);
    assert_int_equal(LOS_DoMprotect(address, PAGE, PROT_READ), 0);
    assert_int_equal(LOS_UserCall(fill_through_pointers, (VOID *)address),
                     LOS_ERRNO_VM_ACCESS_DENIED);
    assert_int_equal(LOS_UnMMap(address, PAGE), 0);
    assert_int_equal(LOS_UserCall(fill_through_pointers, (VOID *)address), LOS_ERRNO_VM_NOT_FOUND);
    LOS_Stop();
}

static int start(void **state)
{
    const struct coffer_linux_memory_options options = {
        .memory = (size_t)8 << 20, .software = getenv("COFFER_LOS_POINTERS") == NULL};

    (void)state;
    return LOS_Start(&options) == LOS_OK ? 0 : -1;
}

/* Nothing of a test may be left: the same frames are free as before. */
static int stop(void **state)
{
    (void)state;
    LOS_Stop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, and started by itself: cmocka puts the handlers of signals back after a setup. */
        cmocka_unit_test(test_the_process_uses_its_addresses_as_pointers),
        TEST(test_addresses_belong_to_their_spaces),
        TEST(test_memory_is_mapped_and_unmapped),
        TEST(test_a_place_can_be_asked_for),
        TEST(test_wrong_arguments_are_refused),
        TEST(test_writing_includes_reading),
        TEST(test_defect_a_partial_overlap_is_not_found),
        TEST(test_defect_a_failed_map_breaks_the_tree_of_regions),
        TEST(test_defect_a_failed_remap_leaves_both_halves),
        TEST(test_defect_an_unaligned_unmap_is_rounded_up),
        TEST(test_defect_protecting_several_regions_is_refused),
        TEST(test_memory_is_remapped_with_its_contents),
        TEST(test_the_break_moves),
        TEST(test_defect_the_break_grows_over_the_next_region),
        TEST(test_defect_a_map_in_the_heap_frees_its_pages),
        TEST(test_defect_copies_take_any_address_for_the_kernels),
        TEST(test_memory_at_low_addresses_is_copied),
        TEST(test_bytes_go_to_the_process_and_back),
        TEST(test_a_shared_file_is_mapped),
        TEST(test_maps_of_one_file_see_each_other),
        TEST(test_a_file_stays_as_it_was_mapped_first),
        TEST(test_defect_dirty_pages_go_before_they_are_written),
        cmocka_unit_test(test_defect_anonymous_memory_is_never_paged_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
