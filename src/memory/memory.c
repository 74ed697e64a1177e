/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory system in one piece. */
#include "memory/memory.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/frames/boot.h"

static enum coffer_status open_pool(struct memory *memory, const struct coffer_port *port)
{
    const struct coffer_pool_settings settings = {.name = "heap", .zero = true};
    struct pool_host host = {
        .frames = memory->frames,
        .account = &memory->account,
        .port = port,
        .spare = true,
    };
    enum coffer_status status = account_open_owner(&memory->account, "heap", &host.owner);

    return status == COFFER_OK ? pool_open(&host, &settings, &memory->pool) : status;
}

/* What is in front of the frames' own. */
struct start {
    struct boot boot;
    struct frames_settings frames;
    struct memory *memory;
    struct account_line *lines;
    unsigned owner_max;
};

static enum coffer_status plan_start(const struct memory_area *areas, size_t count,
                                     const struct memory_settings *settings, struct start *start)
{
    enum coffer_status status = boot_init(&start->boot, areas, count);
    unsigned owner_max = settings->owner_max > 0 ? settings->owner_max : ACCOUNT_OWNERS_DEFAULT;

    if (status != COFFER_OK)
        return status;
    if (owner_max < 3 || owner_max > ACCOUNT_OWNERS_MAX)
        return COFFER_MISUSE;
    start->frames = (struct frames_settings){
        .keep_contents = settings->keep_contents,
        .port = settings->port,
        .cache_frames = settings->cache_frames,
    };
    start->owner_max = owner_max;
    start->memory = boot_cut(&start->boot, sizeof(*start->memory));
    start->lines = boot_cut(&start->boot, owner_max * sizeof(*start->lines));
    return start->memory == NULL || start->lines == NULL ? COFFER_NO_MEMORY : COFFER_OK;
}

enum coffer_status memory_measure(const struct memory_area *areas, size_t count,
                                  const struct memory_settings *settings, uint64_t *total,
                                  uint64_t *reserved)
{
    struct start start;
    enum coffer_status status = plan_start(areas, count, settings, &start);

    return status == COFFER_OK ? frames_measure(&start.boot, &start.frames, total, reserved)
                               : status;
}

enum coffer_status memory_open(const struct memory_area *areas, size_t count,
                               const struct memory_settings *settings, struct memory **out)
{
    struct start start;
    struct memory *memory;
    struct account_line *lines;
    unsigned owner_max;
    enum coffer_status status = plan_start(areas, count, settings, &start);

    if (status != COFFER_OK)
        return status;
    memory = start.memory;
    lines = start.lines;
    owner_max = start.owner_max;
    account_init(&memory->account, lines, owner_max);
    account_set_refuse(&memory->account, settings->refuse, settings->refuse_argument);
    status = frames_start(&start.boot, &start.frames, &memory->account, &memory->frames);
    if (status != COFFER_OK) {
        wipe(lines, owner_max * sizeof(*lines));
        wipe(memory, sizeof(*memory));
        return status;
    }

    status = open_pool(memory, settings->port);
    if (status != COFFER_OK) {
        frames_fini(memory->frames);
        return status;
    }
#ifdef COFFER_LEAK_RECORDS
    memory->leaks = leaks_open(settings->tell_leaks ? settings->port : NULL);
#endif
    *out = memory;
    return COFFER_OK;
}

/* The first line is the frames' own, for their tables. */
bool memory_is_unused(const struct memory *memory)
{
    const struct account *account = &memory->account;

    for (unsigned i = 2; i < account->owner_count; i++) {
        const struct account_line *line = &account->lines[i];

        if (line->bytes != 0 || line->frames != line->frames_kept)
            return false;
    }
    return true;
}

void memory_close(struct memory *memory)
{
#ifdef COFFER_LEAK_RECORDS
    leaks_close(memory->leaks, &memory->account);
#endif
    /* The pool's frames are wiped with all others, this structure's among them. */
    frames_fini(memory->frames);
}

static enum coffer_status alloc(struct memory *memory, struct owner owner, size_t size, void **out)
{
    struct account *account = &memory->account;
    enum coffer_status status = COFFER_NO_MEMORY;

    if (size == 0 || !account_has(account, owner))
        return COFFER_MISUSE;
    if (account_allows(account, owner, size))
        status = pool_alloc_for(memory->pool, owner, size, out);
    if (status != COFFER_OK) {
        account_refused(account, owner);
        return status;
    }
    assert_deep(bytes_are_zero(*out, coffer_pool_usable_size(memory->pool, *out)));
    return COFFER_OK;
}

#ifdef COFFER_LEAK_RECORDS
enum coffer_status memory_alloc_at(struct memory *memory, struct owner owner, size_t size,
                                   void **out, const char *file, unsigned line)
{
    enum coffer_status status = alloc(memory, owner, size, out);

    if (status == COFFER_OK)
        leaks_add(memory->leaks, *out, size, owner, file, line);
    return status;
}
#else
enum coffer_status memory_alloc(struct memory *memory, struct owner owner, size_t size, void **out)
{
    return alloc(memory, owner, size, out);
}
#endif

uint64_t memory_free_frames(struct memory *memory)
{
    struct account *account = &memory->account;
    uint64_t free;

    spin_take(&account->lock);
    free = account->frames_total - account->frames_used;
    spin_give(&account->lock);
    return free;
}

void memory_free(struct memory *memory, void *block)
{
    enum coffer_status status;

#ifdef COFFER_LEAK_RECORDS
    leaks_remove(memory->leaks, block);
#endif
    status = coffer_pool_free(memory->pool, block);
    assert_cheap(status == COFFER_OK);
}
