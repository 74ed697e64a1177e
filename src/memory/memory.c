/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory system in one piece. */
#include "memory/memory.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/frames/boot.h"

enum coffer_status memory_open(const struct memory_area *areas, size_t count,
                               const struct memory_settings *settings, struct memory **out)
{
    const struct frames_settings frames_settings = {
        .keep_contents = settings->keep_contents,
        .port = settings->port,
        .cache_frames = settings->cache_frames,
    };
    unsigned owner_max = settings->owner_max > 0 ? settings->owner_max : ACCOUNT_OWNERS_DEFAULT;
    struct boot boot;
    struct memory *memory;
    struct account_line *lines;
    struct owner self;
    enum coffer_status status = boot_init(&boot, areas, count);

    if (status != COFFER_OK)
        return status;
    if (owner_max < 3 || owner_max > ACCOUNT_OWNERS_MAX)
        return COFFER_MISUSE;
    memory = boot_cut(&boot, sizeof(*memory));
    lines = boot_cut(&boot, owner_max * sizeof(*lines));
    if (memory == NULL || lines == NULL)
        return COFFER_NO_MEMORY;

    account_init(&memory->account, lines, owner_max);
    account_set_refuse(&memory->account, settings->refuse, settings->refuse_argument);
    status = frames_start(&boot, &frames_settings, &memory->account, &memory->frames);
    if (status != COFFER_OK) {
        wipe(lines, owner_max * sizeof(*lines));
        wipe(memory, sizeof(*memory));
        return status;
    }

    status = account_open_owner(&memory->account, "heap", &self);
    if (status == COFFER_OK)
        status = heap_init(memory->frames, &memory->account, self, &memory->heap);
    if (status != COFFER_OK) {
        frames_fini(memory->frames);
        return status;
    }
    *out = memory;
    return COFFER_OK;
}

void memory_close(struct memory *memory)
{
    /* The heap's frames are wiped with all others, this structure's among them. */
    frames_fini(memory->frames);
}

enum coffer_status memory_alloc(struct memory *memory, struct owner owner, size_t size, void **out)
{
    return heap_alloc(memory->heap, owner, size, out);
}

void memory_free(struct memory *memory, void *block)
{
    enum coffer_status status = heap_free(memory->heap, block);

    assert_cheap(status == COFFER_OK);
}
