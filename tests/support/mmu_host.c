/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/mmu_host.h"

#include "base/bytes.h"
#include "support/frames.h"
#include "support/must.h"

static void *take_table_frame(void *context, struct owner owner)
{
    struct mmu_test_host *test = context;
    void *frame;

    must(owner.index == test->tables.index);
    if (test->grant == 0)
        return NULL;
    if (frames_take(test->frames, owner, 1, &frame) != COFFER_OK)
        return NULL;
    must(bytes_are_zero(frame, FRAME_SIZE));
    if (test->grant != MMU_HOST_NEVER)
        test->grant--;
    test->table_frames++;
    test->takes++;
    return frame;
}

static void give_table_frame(void *context, struct owner owner, void *frame)
{
    struct mmu_test_host *test = context;

    must(owner.index == test->tables.index);
    must(frames_query(test->frames, frame).owner.index == owner.index);
    must(frames_give(test->frames, frame) == COFFER_OK);
    test->table_frames--;
}

/* A test that expects faults puts its own answer here. */
static enum coffer_status no_fault(void *cookie, uintptr_t address, unsigned access)
{
    (void)cookie;
    (void)address;
    (void)access;
    must_fail("a fault that nobody expects", __FILE__, __LINE__);
}

void mmu_host_open(struct mmu_test_host *test, const struct memory_area *areas, size_t count)
{
    *test = (struct mmu_test_host){.grant = MMU_HOST_NEVER};
    account_init(&test->account, test->lines, ACCOUNT_OWNERS_DEFAULT);
    must(start_frames(areas, count, &(struct frames_settings){.keep_contents = false},
                      &test->account, &test->frames) == COFFER_OK);
    must(account_open_owner(&test->account, "tables", &test->tables) == COFFER_OK);
    must(account_open_owner(&test->account, "data", &test->data) == COFFER_OK);
    test->host = (struct mmu_host){
        .frames = test->frames,
        .context = test,
        .take_table_frame = take_table_frame,
        .give_table_frame = give_table_frame,
        .fault = no_fault,
    };
}

void mmu_host_close(struct mmu_test_host *test)
{
    must(test->table_frames == 0);
    must(test->lines[test->tables.index].frames == 0);
    must(test->lines[test->data.index].frames == 0);
    must(test->account.wrong_frees == 0);
    must(frames_is_valid(test->frames));
    frames_fini(test->frames);
}

void *mmu_host_take(struct mmu_test_host *test, size_t count)
{
    void *run;

    must(frames_take(test->frames, test->data, count, &run) == COFFER_OK);
    return run;
}

void mmu_host_give(struct mmu_test_host *test, void *run)
{
    must(frames_give(test->frames, run) == COFFER_OK);
}
