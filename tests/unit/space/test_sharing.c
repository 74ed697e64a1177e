/* SPDX-License-Identifier: BSD-2-Clause */
/* Clones, segments, files; what one space can't have of another; killed spaces. */
#include "fixture.h"

/* A file in the test's memory that can be made to fail. */
struct file {
    uint64_t pages[8]; /* the first word of each */
    enum coffer_status read_status;
    enum coffer_status write_status;
    unsigned reads, writes, closes;
};

static enum coffer_status file_read(void *context, uint64_t index, void *page)
{
    struct file *file = context;

    file->reads++;
    memset(page, 0, PG);
    memcpy(page, &file->pages[index], sizeof(uint64_t));
    return file->read_status;
}

static enum coffer_status file_write(void *context, uint64_t index, const void *page)
{
    struct file *file = context;

    file->writes++;
    if (file->write_status == COFFER_OK)
        memcpy(&file->pages[index], page, sizeof(uint64_t));
    return file->write_status;
}

static void file_close(void *context)
{
    struct file *file = context;

    file->closes++;
}

static struct coffer_segment *open_file(struct file *file, bool read_only)
{
    const struct coffer_pager pager = {.context = file,
                                       .read = file_read,
                                       .write = read_only ? NULL : file_write,
                                       .close = file_close};
    struct coffer_segment *segment;

    *file = (struct file){.pages = {10, 11, 12, 13, 14, 15, 16, 17}};
    assert_ok(
        coffer_segment_open(fixture.memory, (struct coffer_owner){0}, 8 * PG, &pager, &segment));
    return segment;
}

static struct coffer_segment *open_shared(size_t pages)
{
    struct coffer_segment *segment;

    assert_ok(
        coffer_segment_open(fixture.memory, (struct coffer_owner){0}, pages * PG, NULL, &segment));
    return segment;
}

static uintptr_t map_segment(struct coffer_space *space, struct coffer_segment *segment,
                             size_t first, size_t pages, unsigned rights)
{
    return space_map_with(
        space, &(struct coffer_map){
                   .size = pages * PG, .rights = rights, .segment = segment, .offset = first * PG});
}

static struct coffer_page_info page_info(struct coffer_space *space, uintptr_t address)
{
    struct coffer_page_info info;

    assert_ok(coffer_space_query(space, address, &info));
    return info;
}

/* --- Clones ------------------------------------------------------------------------------ */

static void test_a_clone_shares_pages_until_either_side_writes(void **state)
{
    struct coffer_space *mother = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(mother, 4 * PG, RW);
    struct coffer_space_info info;
    struct coffer_space *child;
    uintptr_t there;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        space_put(mother, at + i * PG, i + 1);
    assert_ok(coffer_space_clone(mother, "child", &child));
    coffer_space_info(child, &info);
    assert_string_equal(info.name, "child");
    assert_string_equal(regions_text(child), "0-4:rw");
    if (fixture_mmu == SPACE_SOFTWARE)
        assert_int_equal(info.base, space_base(mother));
    there = at - space_base(mother) + info.base;

    assert_int_equal(space_get(child, there), 1);
    assert_ptr_equal(page_info(child, there).frame, page_info(mother, at).frame);
    assert_true(page_info(child, there).shared);
    space_put(child, there, 100);
    space_put(mother, at + PG, 200);
    assert_int_equal(space_get(mother, at), 1);
    assert_int_equal(space_get(child, there), 100);
    assert_int_equal(space_get(mother, at + PG), 200);
    assert_int_equal(space_get(child, there + PG), 2);
    assert_ptr_not_equal(page_info(child, there).frame, page_info(mother, at).frame);
    coffer_space_info(child, &info);
    assert_int_equal(info.copies, 1);
    coffer_space_info(mother, &info);
    assert_int_equal(info.copies, 1);
    assert_true(space_fixture_is_valid(&fixture));

    /* The child's child, and the mother gone. */
    coffer_space_close(mother);
    assert_ok(coffer_space_clone(child, NULL, &mother));
    coffer_space_close(child);
    at = space_base(mother);
    assert_int_equal(space_get(mother, at), 100);
    assert_int_equal(space_get(mother, at + PG), 2);
    assert_int_equal(space_get(mother, at + 3 * PG), 4);
    coffer_space_close(mother);
}

static void test_a_clone_has_shared_pages_in_common_and_split_regions_apart(void **state)
{
    const struct coffer_space_settings settings = {.size = 64 * PG, .heap_size = 4 * PG};
    struct coffer_segment *segment = open_shared(4);
    struct coffer_space *mother;
    struct coffer_space *child;
    uintptr_t at;
    uintptr_t shift;
    uintptr_t now;

    (void)state;
    assert_ok(coffer_space_open(fixture.memory, &settings, &mother));
    assert_ok(coffer_space_break(mother, space_base(mother) + 100, &now));
    at = space_map_with(
        mother, &(struct coffer_map){.size = 2 * PG, .rights = RW, .flags = COFFER_MAP_SHARED});
    (void)map_segment(mother, segment, 0, 2, RW);
    (void)space_map(mother, 6 * PG, RW);
    assert_ok(coffer_space_protect(mother, at + 6 * PG, 2 * PG, COFFER_READ));
    assert_string_equal(regions_text(mother), "0-1:rwH 4-6:rwS 6-8:rwS 8-10:rw 10-12:r 12-14:rw");
    space_put(mother, at + 4 * PG, 5);
    space_put(mother, at + 9 * PG, 6);
    assert_ok(coffer_space_clone(mother, NULL, &child));
    shift = space_base(child) - space_base(mother);
    assert_string_equal(regions_text(child), "0-1:rwH 4-6:rwS 6-8:rwS 8-10:rw 10-12:r 12-14:rw");
    assert_ok(coffer_space_break(child, 0, &now));
    assert_int_equal(now, space_base(child) + 100);

    space_put(mother, at, 7);
    space_put(child, at + PG + shift, 8);
    space_put(child, at + 2 * PG + shift, 9);
    assert_int_equal(space_get(child, at + shift), 7);
    assert_int_equal(space_get(mother, at + PG), 8);
    assert_int_equal(space_get(mother, at + 2 * PG), 9);
    space_put(child, at + 4 * PG + shift, 10);
    assert_int_equal(space_get(mother, at + 4 * PG), 5);
    assert_int_equal(space_get(child, at + 9 * PG + shift), 6);

    /* The pieces of one object are pieces of one object there, too: they merge. */
    assert_ok(coffer_space_protect(child, at + 6 * PG + shift, 2 * PG, RW));
    assert_string_equal(regions_text(child), "0-1:rwH 4-6:rwS 6-8:rwS 8-14:rw");
    assert_true(space_fixture_is_valid(&fixture));
    assert_ok(coffer_segment_close(segment));
    coffer_space_close(mother);
    coffer_space_close(child);
}

static void test_the_right_to_write_is_no_right_to_anothers_page(void **state)
{
    struct coffer_space *mother = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(mother, 2 * PG, RW);
    struct coffer_space *child;
    uintptr_t there;

    (void)state;
    space_put(mother, at, 1);
    assert_ok(coffer_space_clone(mother, NULL, &child));
    there = at - space_base(mother) + space_base(child);
    assert_int_equal(space_get(child, there), 1); /* mapped, and shared */
    assert_ok(coffer_space_protect(child, there, 2 * PG, COFFER_READ));
    assert_ok(coffer_space_protect(child, there, 2 * PG, RW));
    space_put(child, there, 2);
    assert_int_equal(space_get(mother, at), 1);
    coffer_space_close(child);
    coffer_space_close(mother);
}

static void test_pinned_pages_stay_with_who_pinned_them(void **state)
{
    struct coffer_space *mother = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(mother, 4 * PG, RW);
    struct coffer_space *child;
    void *frame;
    uintptr_t there;

    (void)state;
    space_put(mother, at, 1);
    assert_ok(coffer_space_pin(mother, at, 2 * PG));
    frame = page_info(mother, at).frame;
    assert_ok(coffer_space_clone(mother, NULL, &child));
    there = at - space_base(mother) + space_base(child);
    assert_string_equal(regions_text(child), "0-4:rw");
    space_put(mother, at, 2);
    assert_ptr_equal(page_info(mother, at).frame, frame);
    assert_int_equal(space_get(child, there), 1);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(child);
    coffer_space_close(mother);
}

/* --- Segments ---------------------------------------------------------------------------- */

static void test_shared_memory_is_one_wherever_it_is_mapped(void **state)
{
    struct coffer_segment *segment = open_shared(8);
    struct coffer_space *a = space_make(&fixture, 64 * PG);
    struct coffer_space *b = space_make(&fixture, 64 * PG);
    uintptr_t in_a = map_segment(a, segment, 0, 8, RW);
    uintptr_t in_b = map_segment(b, segment, 4, 4, COFFER_READ);
    uintptr_t again = map_segment(a, segment, 2, 4, RW);
    struct coffer_map beyond = {.size = 2 * PG, .rights = RW, .segment = segment, .offset = 7 * PG};
    uintptr_t address;

    (void)state;
    space_put(a, in_a + 5 * PG, 55);
    assert_int_equal(space_get(b, in_b + PG), 55);
    assert_int_equal(space_get(a, again + 3 * PG), 55);
    assert_status(coffer_space_fill(b, in_b, 1, 8), COFFER_MISUSE);
    assert_status(coffer_space_map(a, &beyond, &address), COFFER_MISUSE);
    beyond.offset = 8 * PG;
    assert_status(coffer_space_map(a, &beyond, &address), COFFER_MISUSE);
    beyond.offset = UINT64_MAX - PG + 1;
    assert_status(coffer_space_map(a, &beyond, &address), COFFER_MISUSE);
    assert_status(coffer_space_remap(a, in_a, 8 * PG, 9 * PG, COFFER_REMAP_MOVE, &(uintptr_t){0}),
                  COFFER_NO_MEMORY);

    /* It lives as long as it is mapped, and its pages are not forgotten with a mapping. */
    assert_ok(coffer_space_unmap(a, in_a, 8 * PG));
    assert_ok(coffer_segment_close(segment));
    assert_int_equal(space_get(b, in_b + PG), 55);
    coffer_space_close(a);
    assert_int_equal(space_get(b, in_b + PG), 55);
    coffer_space_close(b);
}

static void test_neighbouring_parts_of_a_segment_are_one_region(void **state)
{
    struct coffer_segment *segment = open_shared(8);
    struct coffer_space *space = space_make(&fixture, 64 * PG);

    (void)state;
    (void)map_segment(space, segment, 0, 2, RW);
    (void)map_segment(space, segment, 2, 3, RW);
    assert_string_equal(regions_text(space), "0-5:rwS");
    (void)map_segment(space, segment, 0, 1, RW);
    assert_string_equal(regions_text(space), "0-5:rwS 5-6:rwS");
    coffer_space_close(space);
    assert_ok(coffer_segment_close(segment));
}

static void test_files_are_read_when_touched_and_written_back(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, false);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = map_segment(space, segment, 0, 8, RW);

    (void)state;
    assert_string_equal(regions_text(space), "0-8:rwSF");
    assert_int_equal(file.reads, 0);
    assert_int_equal(space_get(space, at + 3 * PG), 13);
    assert_int_equal(file.reads, 1);
    space_put(space, at + 3 * PG, 33);
    space_put(space, at + 4 * PG, 44);
    assert_int_equal(file.writes, 0);
    assert_true(page_info(space, at + 3 * PG).dirty);
    assert_ok(coffer_space_sync(space, at + 3 * PG, PG));
    assert_int_equal(file.writes, 1);
    assert_int_equal(file.pages[3], 33);
    assert_int_equal(file.pages[4], 14);

    /* Pages that go for want of frames are written, too, and unmapping loses nothing. */
    (void)coffer_reclaim(fixture.memory, 200);
    assert_int_equal(file.pages[4], 44);
    assert_int_equal(space_get(space, at + 4 * PG), 44);
    space_put(space, at + 5 * PG, 55);
    assert_ok(coffer_space_unmap(space, at, 7 * PG));
    assert_true(coffer_segment_is_mapped(segment));
    assert_ok(coffer_space_unmap(space, at, 8 * PG));
    assert_false(coffer_segment_is_mapped(segment));
    assert_ok(coffer_segment_close(segment));
    assert_int_equal(file.pages[5], 55);
    assert_int_equal(file.closes, 1);
    coffer_space_close(space);
}

static void test_a_closed_file_is_written_back_by_the_last_unmap(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, false);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = map_segment(space, segment, 0, 8, RW);

    (void)state;
    assert_true(coffer_segment_is_mapped(segment));
    assert_ok(coffer_segment_close(segment));
    space_put(space, at + 2 * PG, 22);
    assert_int_equal(file.closes, 0);
    assert_ok(coffer_space_unmap(space, at, 4 * PG));
    assert_int_equal(file.closes, 0);
    coffer_space_close(space);
    assert_int_equal(file.pages[2], 22);
    assert_int_equal(file.closes, 1);
}

static void test_what_a_file_answers_is_told(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, false);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = map_segment(space, segment, 0, 8, RW);
    uint64_t value;

    (void)state;
    file.read_status = COFFER_IO;
    assert_status(coffer_space_read(space, at, &value, 8), COFFER_IO);
    file.read_status = COFFER_OK;
    assert_int_equal(space_get(space, at), 10);
    space_put(space, at, 1);
    file.write_status = COFFER_NO_SPACE;
    assert_status(coffer_space_sync(space, at, 8 * PG), COFFER_NO_SPACE);
    assert_int_equal(space_get(space, at), 1);
    file.write_status = COFFER_OK;
    assert_ok(coffer_space_sync(space, at, 8 * PG));
    assert_int_equal(file.pages[0], 1);
    space_put(space, at, 2);
    file.write_status = COFFER_IO;
    coffer_space_close(space);
    assert_status(coffer_segment_close(segment), COFFER_IO);
    assert_int_equal(file.closes, 1);
}

static void test_read_only_files_are_never_writable(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, true);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    const struct coffer_map map = {.size = PG, .rights = RW, .segment = segment};
    uintptr_t at = map_segment(space, segment, 0, 8, COFFER_READ);
    uintptr_t address;

    (void)state;
    assert_status(coffer_space_map(space, &map, &address), COFFER_MISUSE);
    assert_status(coffer_space_protect(space, at, PG, RW), COFFER_MISUSE);
    assert_int_equal(space_get(space, at + 7 * PG), 17);
    assert_status(coffer_space_fill(space, at, 0, 8), COFFER_MISUSE);
    coffer_space_close(space);
    assert_ok(coffer_segment_close(segment));
    assert_int_equal(file.writes, 0);
}

static void test_pinned_pages_of_files_stay_mapped(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, false);
    struct coffer_space *a = space_make(&fixture, 64 * PG);
    struct coffer_space *b = space_make(&fixture, 64 * PG);
    uintptr_t in_a = map_segment(a, segment, 0, 8, RW);
    uintptr_t in_b = map_segment(b, segment, 0, 8, RW);

    (void)state;
    assert_ok(coffer_space_pin(a, in_a, 2 * PG));
    space_put(b, in_b, 99);
    assert_ok(coffer_space_sync(b, in_b, 8 * PG));
    assert_int_equal(file.pages[0], 99);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(b);
    assert_ok(coffer_space_unpin(a, in_a, 2 * PG));
    coffer_space_close(a);
    assert_ok(coffer_segment_close(segment));
}

/* --- Isolation --------------------------------------------------------------------------- */

static void test_a_space_reaches_only_its_own_pages(void **state)
{
    struct coffer_space *a = space_make(&fixture, 64 * PG);
    struct coffer_space *b = space_make(&fixture, 64 * PG);
    uintptr_t in_a = space_map(a, 4 * PG, RW);
    uintptr_t in_b = space_map(b, 2 * PG, RW);
    uint64_t value = 1;

    (void)state;
    if (fixture_mmu == SPACE_SOFTWARE)
        assert_int_equal(in_a, in_b); /* equal addresses, other pages */
    space_put(a, in_a, 1);
    space_put(b, in_b, 2);
    assert_int_equal(space_get(a, in_a), 1);
    assert_int_equal(space_get(b, in_b), 2);
    assert_ptr_not_equal(page_info(a, in_a).frame, page_info(b, in_b).frame);

    /* Faults that must happen. */
    assert_status(coffer_space_read(b, in_b + 2 * PG, &value, 1), COFFER_NOT_FOUND);
    assert_status(coffer_space_write(b, in_b + 2 * PG - 1, &value, 2), COFFER_NOT_FOUND);
    assert_status(coffer_space_write(b, in_b - 1, &value, 1), COFFER_NOT_FOUND);
    assert_status(coffer_space_read(b, UINTPTR_MAX, &value, 1), COFFER_NOT_FOUND);
    assert_status(coffer_space_read(b, UINTPTR_MAX - 1, &value, 8), COFFER_NOT_FOUND);
    assert_status(coffer_space_read(b, in_b, &value, SIZE_MAX), COFFER_NOT_FOUND);
    assert_status(coffer_space_read(b, in_b, (void *)in_a, SIZE_MAX), COFFER_NOT_FOUND);
    assert_status(coffer_space_read(a, (uintptr_t)page_info(a, in_a).frame, &value, 1),
                  COFFER_NOT_FOUND);
    assert_status(coffer_space_fault(b, in_b + 63 * PG, COFFER_READ), COFFER_NOT_FOUND);
    assert_status(coffer_space_fault(b, in_b, 0), COFFER_MISUSE);
    assert_status(coffer_space_read(a, in_a + 60 * PG, &value, 0), COFFER_OK);
    assert_int_equal(space_get(b, in_b), 2);
    coffer_space_close(a);

    /* A frame that was another's is zero. */
    for (unsigned i = 1; i < 2; i++)
        assert_int_equal(space_get(b, in_b + i * PG), 0);
    coffer_space_close(b);
}

static void test_addresses_belong_to_spaces_and_back(void **state)
{
    struct coffer_space *kernel = coffer_space_kernel(fixture.memory);
    struct coffer_space *vmalloc = coffer_space_vmalloc(fixture.memory);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 4 * PG, RW);
    struct coffer_page_info page;
    struct coffer_area area;
    uintptr_t block;
    uintptr_t back;
    uint8_t *frame;
    uint64_t value;

    (void)state;
    space_put(space, at + 2 * PG, 77);
    assert_ok(coffer_space_query(space, at + 2 * PG + 5, &page));
    assert_true(page.mapped && page.resident && page.dirty && !page.pinned && !page.shared);
    frame = page.frame;
    assert_ok(coffer_space_address_of(space, frame + 8, &back));
    assert_int_equal(back, at + 2 * PG + 8);

    /* The kernel sees all frames where they are. */
    assert_ptr_equal(coffer_space_of(fixture.memory, (uintptr_t)frame), kernel);
    assert_int_equal(space_get(kernel, (uintptr_t)frame), 77);
    assert_ok(coffer_space_address_of(kernel, frame + 1, &back));
    assert_int_equal(back, (uintptr_t)frame + 1);
    assert_ok(coffer_space_query(kernel, (uintptr_t)frame + 3, &page));
    assert_true(page.mapped && page.frame == frame);
    assert_true(coffer_memory_area(fixture.memory, 0, &area));
    assert_false(coffer_memory_area(fixture.memory, 1, &area));
    assert_status(coffer_space_read(kernel, (uintptr_t)area.address - 1, &value, 1),
                  COFFER_NOT_FOUND);
    assert_ok(coffer_space_read(kernel, (uintptr_t)area.address + area.size - 8, &value, 8));
    assert_status(coffer_space_read(kernel, (uintptr_t)area.address + area.size - 7, &value, 8),
                  COFFER_NOT_FOUND);

    /* vmalloc: zero, with guards, freed by its address alone. */
    assert_ok(coffer_vmalloc(fixture.memory, 3 * PG - 5, &block));
    assert_ptr_equal(coffer_space_of(fixture.memory, block), vmalloc);
    assert_int_equal(space_get(vmalloc, block + 2 * PG), 0);
    assert_status(coffer_space_read(vmalloc, block + 3 * PG, &value, 1), COFFER_NOT_FOUND);
    assert_status(coffer_space_read(vmalloc, block - 1, &value, 1), COFFER_NOT_FOUND);
    assert_true(page_info(vmalloc, block).pinned);
    assert_status(coffer_vfree(fixture.memory, block + PG), COFFER_MISUSE);
    assert_status(coffer_vfree(fixture.memory, block + 1), COFFER_MISUSE);
    assert_status(coffer_vfree(fixture.memory, 0), COFFER_MISUSE);
    assert_ok(coffer_vfree(fixture.memory, block));
    assert_status(coffer_vfree(fixture.memory, block), COFFER_MISUSE);
    assert_status(coffer_vmalloc(fixture.memory, 0, &block), COFFER_MISUSE);
    assert_status(coffer_vmalloc(fixture.memory, 4 * MIB, &block), COFFER_NO_MEMORY);
    assert_status(coffer_vmalloc(fixture.memory, SIZE_MAX, &block), COFFER_NO_MEMORY);

    assert_null(coffer_space_of(fixture.memory, 1));
    assert_status(coffer_space_address_of(space, &value, &back), COFFER_NOT_FOUND);
    if (fixture_mmu == SPACE_LINUX)
        assert_ptr_equal(coffer_space_of(fixture.memory, at), space);
    assert_ptr_equal(coffer_space_next(fixture.memory, NULL), kernel);
    assert_ptr_equal(coffer_space_next(fixture.memory, kernel), vmalloc);
    assert_ptr_equal(coffer_space_next(fixture.memory, vmalloc), space);
    assert_null(coffer_space_next(fixture.memory, space));
    coffer_space_close(space);
}

/* Also one that is put into the hole that another has left. */
static void test_blocks_of_vmalloc_never_touch(void **state)
{
    struct coffer_space *vmalloc = coffer_space_vmalloc(fixture.memory);
    uintptr_t blocks[3];
    uint64_t value;

    (void)state;
    assert_ok(coffer_vmalloc(fixture.memory, 5 * PG, &blocks[0]));
    assert_ok(coffer_vmalloc(fixture.memory, PG, &blocks[1]));
    assert_ok(coffer_vfree(fixture.memory, blocks[0]));
    for (unsigned pages = 4; pages <= 7; pages++) {
        assert_ok(coffer_vmalloc(fixture.memory, pages * PG, &blocks[2]));
        assert_status(coffer_space_read(vmalloc, blocks[2] + pages * PG, &value, 1),
                      COFFER_NOT_FOUND);
        assert_status(coffer_space_read(vmalloc, blocks[2] - 1, &value, 1), COFFER_NOT_FOUND);
        assert_ok(coffer_vfree(fixture.memory, blocks[2]));
    }
    assert_ok(coffer_vfree(fixture.memory, blocks[1]));
}

static void test_a_corrupt_page_kills_its_space_alone(void **state)
{
    struct file file;
    struct coffer_segment *segment = open_file(&file, false);
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    struct coffer_space *other = space_make(&fixture, 64 * PG);
    uintptr_t at = map_segment(space, segment, 0, 8, RW);
    uintptr_t in_other = map_segment(other, segment, 0, 8, RW);
    uintptr_t own = space_map(space, 4 * PG, RW);
    struct coffer_page_info page;
    struct coffer_region_info region;
    struct coffer_space_info info;
    struct coffer_space *child;
    uint64_t value;

    (void)state;
    space_put(space, at + PG, 101);
    space_put(space, own, 1);
    file.read_status = COFFER_CORRUPT;
    assert_status(coffer_space_read(space, at, &value, 8), COFFER_CORRUPT);
    file.read_status = COFFER_OK;
    assert_status(coffer_space_status(space), COFFER_CORRUPT);
    assert_status(coffer_space_read(space, own, &value, 8), COFFER_CORRUPT);
    assert_status(coffer_space_fault(space, own, COFFER_READ), COFFER_CORRUPT);
    assert_status(coffer_space_unmap(space, own, PG), COFFER_CORRUPT);
    assert_status(coffer_space_map(space, &(struct coffer_map){.size = PG}, &own), COFFER_CORRUPT);
    assert_status(coffer_space_protect(space, own, PG, RW), COFFER_CORRUPT);
    assert_status(coffer_space_clone(space, NULL, &child), COFFER_CORRUPT);
    assert_status(coffer_space_query(space, own, &page), COFFER_CORRUPT);
    assert_status(coffer_space_region(space, own, &region), COFFER_CORRUPT);
    coffer_space_info(space, &info);
    assert_int_equal(info.status, COFFER_CORRUPT);

    /* The other space has what was written before. */
    assert_ok(coffer_space_status(other));
    assert_int_equal(space_get(other, in_other + PG), 101);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
    coffer_space_close(other);
    assert_ok(coffer_segment_close(segment));
    assert_int_equal(file.pages[1], 101);
}

static void test_swapped_pages_come_back(void **state)
{
    struct coffer_space *space = space_make(&fixture, 1024 * PG);
    uintptr_t at = space_map(space, 600 * PG, RW);
    struct coffer_space_info info;

    (void)state;
    for (unsigned i = 0; i < 600; i++)
        space_put(space, at + i * PG, i + 1);
    coffer_space_info(space, &info);
    assert_int_equal(info.resident + info.swapped, 600);
    assert_true(info.swapped > 300);
    assert_int_equal(info.zero_fills, 600);
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(space_get(space, at + i * PG), i + 1);
    coffer_space_info(space, &info);
    assert_true(info.page_ins > 300 && info.page_outs > 300);
    assert_true(space_fixture_is_valid(&fixture));

    /* Into another place, and into a clone. */
    assert_ok(coffer_space_remap(space, at, 600 * PG, 600 * PG, COFFER_REMAP_MOVE, &at));
    assert_int_equal(space_get(space, at + 599 * PG), 600);
    coffer_space_close(space);
}

/* Who is at his quota evicts his own pages, and nobody else's. */
static void test_a_space_lives_within_its_owners_quota(void **state)
{
    struct coffer_space_settings settings = {.size = 1024 * PG};
    struct coffer_space *other = space_make(&fixture, 64 * PG);
    uintptr_t in_other = space_map(other, 32 * PG, RW);
    struct coffer_space_info info;
    struct coffer_owner owner;
    struct coffer_space *space;
    uintptr_t at;

    (void)state;
    assert_ok(coffer_space_fill(other, in_other, 1, 32 * PG));
    assert_ok(coffer_owner_open(fixture.memory, "small", &owner));
    assert_ok(coffer_owner_set_quota(fixture.memory, owner, 24));
    settings.owner = owner;
    assert_ok(coffer_space_open(fixture.memory, &settings, &space));
    at = space_map(space, 200 * PG, RW);
    for (unsigned i = 0; i < 200; i++)
        space_put(space, at + i * PG, i + 1);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(space_get(space, at + i * PG), i + 1);
    coffer_space_info(space, &info);
    assert_true(info.resident < 24 && info.swapped > 176);
    coffer_space_info(other, &info);
    assert_int_equal(info.resident, 32);
    assert_status(coffer_space_pin(space, at, 30 * PG), COFFER_NO_MEMORY);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
    coffer_space_close(other);
    assert_true(space_fixture_balance(&fixture).pages == 0);
    assert_ok(coffer_owner_close(fixture.memory, owner));
}

static const struct CMUnitTest tests[] = {
    space_test(test_a_clone_shares_pages_until_either_side_writes),
    space_test(test_a_clone_has_shared_pages_in_common_and_split_regions_apart),
    space_test(test_the_right_to_write_is_no_right_to_anothers_page),
    space_test(test_pinned_pages_stay_with_who_pinned_them),
    space_test(test_shared_memory_is_one_wherever_it_is_mapped),
    space_test(test_neighbouring_parts_of_a_segment_are_one_region),
    space_test(test_files_are_read_when_touched_and_written_back),
    space_test(test_a_closed_file_is_written_back_by_the_last_unmap),
    space_test(test_what_a_file_answers_is_told),
    space_test(test_read_only_files_are_never_writable),
    space_test(test_pinned_pages_of_files_stay_mapped),
    space_test(test_a_space_reaches_only_its_own_pages),
    space_test(test_addresses_belong_to_spaces_and_back),
    space_test(test_blocks_of_vmalloc_never_touch),
    space_test(test_a_corrupt_page_kills_its_space_alone),
    space_test(test_swapped_pages_come_back),
    space_test(test_a_space_lives_within_its_owners_quota),
};

run_on_every_mmu(tests)
