/* SPDX-License-Identifier: BSD-2-Clause */
/* A pool begins and ends. */
#include <string.h>

#include "base/bytes.h"
#include "memory/frames/boot.h"
#include "memory/heap/careful.h"
#include "memory/heap/patches.h"

#define LINES 3 /* of a region's own account: none, frames, pool */

#define MAGAZINES_MAX (MAGAZINE_SHARED + 1)
#define LITTLE_LEAST  128u /* bytes: always enough for a block of the little policy */

static bool host_is_valid(const struct pool_host *host, const struct coffer_pool_settings *settings)
{
    bool outside = settings->region == NULL || settings->expand;

    if (outside && (host->frames == NULL || !account_has(host->account, host->owner)))
        return false;
    if (settings->region == NULL && settings->region_size != 0)
        return false;
    if (host->spare && (settings->region != NULL || settings->poison || settings->quarantine > 0 ||
                        settings->random || settings->guards))
        return false;
    return !settings->random || host->port != NULL;
}

bool pool_settings_are_valid(const struct coffer_pool_settings *settings)
{
    switch (settings->policy) {
    case COFFER_POOL_FAST:
        break;
    case COFFER_POOL_LITTLE:
        if (settings->region == NULL || settings->expand || settings->random || settings->guards)
            return false;
        break;
    default:
        return false;
    }
    return !(settings->zero && settings->poison) && settings->quarantine <= POOL_QUARANTINE_MAX;
}

/* Frames of its own inside of the region. */
static enum coffer_status start_region(const struct coffer_pool_settings *settings,
                                       struct pool_source *out)
{
    const struct memory_area area = {settings->region, settings->region_size};
    const struct frames_settings none = {.keep_contents = false};
    struct boot boot;
    struct account *account;
    struct account_line *lines;
    enum coffer_status status = boot_init(&boot, &area, 1);

    if (status != COFFER_OK)
        return status;
    account = boot_cut(&boot, sizeof(*account));
    lines = boot_cut(&boot, LINES * sizeof(*lines));
    if (account == NULL || lines == NULL)
        return COFFER_NO_MEMORY;

    account_init(account, lines, LINES);
    status = frames_start(&boot, &none, account, &out->frames);
    if (status != COFFER_OK) {
        wipe(lines, LINES * sizeof(*lines));
        wipe(account, sizeof(*account));
        return status;
    }
    if (account_open_owner(account, "pool", &out->owner) != COFFER_OK)
        assert_cheap(false);
    out->account = account;
    out->frame_max = UINT64_MAX;
    return COFFER_OK;
}

static void find_short_path(struct coffer_pool *pool)
{
    const struct frames *frames = pool->home->frames;
    const struct segment *segment = &frames->segments[0];

    if (frames->segment_count > 1)
        return;
    pool->start = (uintptr_t)segment->start;
    pool->frame_count = segment->frame_count;
    pool->tags = segment->tags;
    pool->slot_limit = SLOT_OUTER;
    if (segment->frame_count < SLOT_FRAME_MAX)
        pool->slot_limit = (uint32_t)segment->frame_count * CHUNK_SLOTS;
    pool->slots = pool->start - (uintptr_t)FRAMES_TAG_KEPT * SLOT_SIZE;
}

static bool has_options(const struct coffer_pool_settings *settings)
{
    return settings->zero || settings->poison || settings->quarantine > 0 || settings->random ||
           settings->guards;
}

static enum coffer_status open_magazines(struct coffer_pool *pool, const struct pool_host *host)
{
    unsigned last;

    pool->bin_count = host->spare ? SPARE_CLASS_COUNT : BIN_COUNT;
    pool->full.head = LINK_END;
    pool->none.current = &pool->full;
    if (host->spare)
        return COFFER_OK;

    /* That of whoever has none of their own comes first. */
    last = pool->magazine_count - 1;
    pool->magazines[last] = magazine_open(pool, pool->home->owner, (uint16_t)last);
    if (pool->magazines[last] == NULL)
        return COFFER_NO_MEMORY;
    for (unsigned i = 0; i < last; i++)
        pool->magazines[i] = pool->magazines[last];
    if (!pool->careful && pool->port == NULL)
        pool->solo = pool->magazines[0];
    return COFFER_OK;
}

static enum coffer_status open_options(struct coffer_pool *pool, const struct pool_host *host)
{
    uint32_t limit = (uint32_t)pool->settings.quarantine;
    size_t frames;
    uint64_t seed;

    if (pool->settings.random) {
        if (host->port->entropy(host->port->context, &seed, sizeof(seed)) != COFFER_OK)
            return COFFER_IO;
        pool->random = seed | 1;
    }
    if (limit == 0)
        return COFFER_OK;
    frames = (quarantine_size(limit) + FRAME_SIZE - 1) / FRAME_SIZE;
    pool->quarantine = source_take(pool, pool->home, pool->home->owner, FRAMES_CHUNK, frames,
                                   (struct part *)(void *)((char *)pool - SLOT_SIZE));
    if (pool->quarantine == NULL)
        return COFFER_NO_MEMORY;
    quarantine_init(pool->quarantine, limit);
    pool->extra_frames = frames;
    return COFFER_OK;
}

static size_t part_frames(const struct part *part)
{
    if (part_is_span(part))
        return span_frames(part);
    if (kind_load(part) == PART_AREA)
        return part->area.frame_count;
    if (kind_load(part) == PART_PATCH)
        return part->patch.frame_count;
    return kind_load(part) == PART_RUN ? part->run.frame_count : 0;
}

/* All frames of a source: of the parts first, then the chunks, the pool's own last. */
static void give_source(struct coffer_pool *pool, unsigned which)
{
    struct frames *frames = pool->sources[which].frames;
    struct parts_cursor cursor = {.source = which};
    struct part *part;

    while ((part = parts_next(pool, &cursor)) != NULL && cursor.source == which) {
        if (kind_load(part) != PART_UNUSED && part_frames(part) > 0)
            frames_give_kept(frames, part->base - (kind_load(part) == PART_RUN
                                                       ? (size_t)part->run.lead * FRAME_SIZE
                                                       : 0));
    }
    for (unsigned i = 0; i < 2; i++) {
        uint32_t name = pool->sources[which].chunks[i];

        while (name != SLOT_NONE) {
            struct part *chunk = part_at(pool, name);

            name = chunk->next;
            if ((uintptr_t)chunk / FRAME_SIZE != (uintptr_t)pool / FRAME_SIZE)
                frames_give_kept(frames, chunk);
        }
    }
}

/* What the pool has of the memory; with a region of its own, its frames go with the region. */
static void give_all(struct coffer_pool *pool)
{
    if (pool->sources[1].frames != NULL)
        give_source(pool, 1);
    if (pool->settings.region == NULL) {
        struct frames *frames = pool->home->frames;

        if (pool->quarantine != NULL)
            frames_give_kept(frames, pool->quarantine);
        give_source(pool, 0);
        frames_give_kept(frames, (char *)pool - SLOT_SIZE);
    }
}

static void begin(struct coffer_pool *pool, const struct pool_host *host,
                  const struct coffer_pool_settings *settings)
{
    pool->settings = *settings;
    pool->careful = has_options(settings) && !host->spare;
    spin_init(&pool->lock, host->port);
}

static unsigned magazines_wanted(const struct coffer_pool *pool, const struct pool_host *host)
{
    if (host->spare)
        return host->account->owner_max;
    return pool->port != NULL ? MAGAZINES_MAX : 1;
}

static enum coffer_status open_fast(const struct pool_host *host,
                                    const struct coffer_pool_settings *settings,
                                    struct pool_source source, struct coffer_pool **out)
{
    struct coffer_pool *pool;
    void *home;
    enum coffer_status status;

    if (!account_allows(source.account, source.owner, FRAME_SIZE))
        return COFFER_NO_MEMORY;
    status = frames_try_kept(source.frames, source.owner, 1, 1, FRAMES_CHUNK, 0, &home);
    if (status != COFFER_OK)
        return status;

    pool = (struct coffer_pool *)(void *)((char *)home + SLOT_SIZE);
    begin(pool, host, settings);
    source.frame_count = 1;
    pool->sources[0] = source;
    pool->home = &pool->sources[0];
    if (settings->expand && settings->region != NULL)
        pool->sources[1] = (struct pool_source){
            .frames = host->frames,
            .account = host->account,
            .owner = host->owner,
            .bit = SLOT_OUTER,
            .frame_max = settings->frames_max > 0 ? settings->frames_max : UINT64_MAX,
        };
    pool->spare = host->spare;
    if (host->port != NULL && host->port->thread_slot != NULL && !pool->careful && !pool->spare)
        pool->port = host->port;
    find_short_path(pool);
    pool->token = slot_name(pool->home, pool) / CHUNK_SLOTS * OWNER_NUMBERS + 1;
    pool->magazine_count = magazines_wanted(pool, host);
    chunk_begin(pool, pool->home, home,
                (unsigned)((sizeof(*pool) + pool->magazine_count * sizeof(struct magazine *) +
                            SLOT_SIZE - 1) /
                           SLOT_SIZE));
    frames_tag_kept(source.frames, home, 1, slot_name(pool->home, home));

    status = open_magazines(pool, host);
    if (status == COFFER_OK)
        status = open_options(pool, host);
    if (status == COFFER_OK && settings->region != NULL && !settings->expand &&
        !pool_can_begin(pool))
        status = COFFER_NO_MEMORY;
    if (status != COFFER_OK) {
        give_all(pool);
        return status;
    }
    if (pool->port != NULL)
        pool->slot_offset = pool->port->thread_slot_offset;
    pool_choose_calls(pool);
    *out = pool;
    return COFFER_OK;
}

/* In front of a little pool's region lie as much of the structure as it needs, and the quarantine.
 * Nothing is written before it is sure that there is room. */
static enum coffer_status open_little(const struct pool_host *host,
                                      const struct coffer_pool_settings *settings,
                                      struct coffer_pool **out)
{
    uintptr_t region = (uintptr_t)settings->region;
    size_t head = (size_t)(-region % 16);
    size_t quarantine = head + offsetof(struct coffer_pool, sources);
    size_t front = quarantine;
    uint8_t *bytes = settings->region;
    struct coffer_pool *pool;

    if (settings->region_size > LITTLE_REGION_MAX || UINTPTR_MAX - region < settings->region_size)
        return COFFER_MISUSE;
    if (settings->quarantine > 0)
        front += quarantine_size((uint32_t)settings->quarantine);
    if (front + LITTLE_LEAST > settings->region_size)
        return COFFER_NO_MEMORY;

    if (settings->zero || settings->poison)
        memset(bytes + front, settings->poison ? COFFER_POOL_POISON : 0,
               settings->region_size - front);
    memset(bytes, 0, front);
    pool = (struct coffer_pool *)(void *)(bytes + head);
    begin(pool, host, settings);
    if (settings->quarantine > 0) {
        pool->quarantine = (struct quarantine *)(void *)(bytes + quarantine);
        quarantine_init(pool->quarantine, (uint32_t)settings->quarantine);
    }
    pool_choose_calls(pool);
    *out = pool;
    return little_init(bytes + front, settings->region_size - front, &pool->little);
}

static bool quota_is_left(const struct pool_host *host)
{
    const struct account_line *line = &host->account->lines[host->owner.index];
    bool left;

    spin_take(&host->account->lock);
    left = account_line_quota(line) > line->frames;
    spin_give(&host->account->lock);
    return left;
}

enum coffer_status pool_open(const struct pool_host *host,
                             const struct coffer_pool_settings *settings, struct coffer_pool **out)
{
    struct pool_source source = {
        .frames = host->frames,
        .account = host->account,
        .owner = host->owner,
        .frame_max = settings->frames_max > 0 ? settings->frames_max : UINT64_MAX,
    };
    struct frames_plea plea = {.count = 0};
    enum coffer_status status;

    if (!pool_settings_are_valid(settings) || !host_is_valid(host, settings))
        return COFFER_MISUSE;
    if (settings->policy == COFFER_POOL_LITTLE)
        return open_little(host, settings, out);
    if (settings->region != NULL) {
        source = (struct pool_source){.frames = NULL};
        status = start_region(settings, &source);
        if (status != COFFER_OK)
            return status;
    }
    status = open_fast(host, settings, source, out);
    while (status == COFFER_NO_MEMORY && settings->region == NULL && quota_is_left(host) &&
           frames_ask(host->frames, 1, &plea))
        status = open_fast(host, settings, source, out);
    if (status != COFFER_OK && settings->region != NULL)
        frames_fini(source.frames);
    return status;
}

void pool_close(struct coffer_pool *pool)
{
    struct frames *home = NULL;

    if (pool->little != NULL) {
        wipe(pool->settings.region, pool->settings.region_size);
        return;
    }
    if (pool->settings.region != NULL)
        home = pool->home->frames;
    give_all(pool);
    if (home != NULL)
        frames_fini(home);
}

void pool_set_keeper(struct coffer_pool *pool, void *keeper)
{
    pool->keeper = keeper;
}

void *pool_keeper(const struct coffer_pool *pool)
{
    return pool->keeper;
}

enum coffer_status coffer_pool_set_frames_max(struct coffer_pool *pool, uint64_t frames)
{
    if (pool->settings.policy == COFFER_POOL_LITTLE ||
        (pool->settings.region != NULL && !pool->settings.expand))
        return COFFER_MISUSE;
    spin_take(&pool->lock);
    pool->sources[pool->settings.region != NULL ? 1 : 0].frame_max = frames;
    spin_give(&pool->lock);
    return COFFER_OK;
}
