/* SPDX-License-Identifier: BSD-2-Clause */
/* Does a pool's metadata hold together? Nothing that is found here is taken for true before. */
#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/patches.h"

/* What the walk over all parts adds up to. */
struct sums {
    uint64_t frames[2];
    uint64_t runs, run_size;
    uint64_t areas;
    uint64_t patches;
};

static bool frames_are_tagged(struct coffer_pool *pool, struct part *part, const uint8_t *first,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pool_part(pool, first + i * FRAME_SIZE) != part)
            return false;
    }
    return true;
}

/* The list of free blocks leads through all that aren't in use, once each; none are left to be
 * taken for used behind the last. */
static bool links_are_valid(struct coffer_pool *pool, struct part *part)
{
    const struct magazine *magazine = magazine_at(pool, part_number(part));
    bool current = magazine->bins[bin_index(pool, kind_load(part))]->current == part;
    unsigned count = 0;
    unsigned used = 0;

    for (unsigned at = part->head; at != LINK_END; at = link_load(part, at)) {
        if (at > part->last || ++count > part->last + 1u)
            return false;
    }
    for (unsigned i = 0; i <= part->last; i++) {
        unsigned link = link_load(part, i);

        if (link != LINK_END && link > part->last && link != LINK_USED && link != LINK_REMOTE)
            return false;
        used += link == LINK_USED || link == LINK_REMOTE;
    }
    for (unsigned i = part->last + 1u; i < part_links(part); i++) {
        if (link_load(part, i) != LINK_END)
            return false;
    }
    return count + used == part->last + 1u &&
           (current || part->left == used || (count == 0 && part->left == 1));
}

static const char *check_span(struct coffer_pool *pool, struct part *part, struct sums *sums,
                              unsigned source)
{
    size_t index;

    if (part->last == 0 || part->size != class_size(kind_load(part) & CLASS_MASK) ||
        part_number(part) >= pool->magazine_count || magazine_at(pool, part_number(part)) == NULL ||
        !span_index(part, part->base + (size_t)part->last * part->size, &index) ||
        index != part->last)
        return "a span isn't of its class";
    if (!links_are_valid(pool, part))
        return "a span's free blocks aren't on its list";
    if (!frames_are_tagged(pool, part, part->base, span_frames(part)))
        return "a span's frames aren't its own";
    sums->frames[source] += span_frames(part);
    return NULL;
}

static const char *check_part(struct coffer_pool *pool, struct part *part, struct sums *sums,
                              unsigned source)
{
    size_t count;

    if (kind_load(part) == PART_UNUSED)
        return NULL;
    if (!pool_owns(pool, part))
        return "a part isn't the pool's";
    if (part_is_span(part))
        return check_span(pool, part, sums, source);
    if (part->last != 0 || (!pool->spare && part_number(part) != MAGAZINE_NONE))
        return "a large part could be taken for a span";
    if (kind_load(part) == PART_RUN) {
        count = (size_t)part->run.frame_count + 2 * (size_t)part->run.lead;
        sums->runs++;
        sums->run_size += (uint64_t)part->run.frame_count * FRAME_SIZE;
        if (!frames_are_tagged(pool, part, part->base - (size_t)part->run.lead * FRAME_SIZE, count))
            return "a run's frames aren't its own";
    } else if (kind_load(part) == PART_AREA) {
        count = part->area.frame_count;
        sums->areas++;
        if (!frames_are_tagged(pool, part, part->base, count))
            return "an area's frames aren't its own";
    } else if (kind_load(part) == PART_PATCH) {
        count = part->patch.frame_count;
        sums->patches++;
        if (!frames_are_tagged(pool, part, part->base, count))
            return "a patch's frames aren't its own";
    } else {
        return "a part is of no kind";
    }
    sums->frames[source] += count;
    return NULL;
}

/* A bin's list leads through spans of its class, of its magazine, all marked as listed. */
static bool bin_is_valid(struct coffer_pool *pool, const struct magazine *magazine,
                         const struct bin *bin, uint64_t *listed)
{
    uint32_t previous = SLOT_NONE;

    if (*bin->shown[0] != bin->current || *bin->shown[1] != bin->current)
        return false;
    if (bin->current != &pool->full &&
        (kind_load(bin->current) != bin->kind || bin->current->previous != SLOT_UNLISTED))
        return false;
    for (uint32_t name = bin->head; name != SLOT_NONE;) {
        const struct part *part = part_at(pool, name);

        if (!slot_exists(pool, name) || !pool_owns(pool, part) || kind_load(part) != bin->kind ||
            part->previous != previous || part_number(part) != magazine->number ||
            part->head == LINK_END || part == bin->current)
            return false;
        ++*listed;
        previous = name;
        name = part->next;
    }
    return bin->tail == previous;
}

static const char *check_magazines(struct coffer_pool *pool)
{
    uint64_t listed = 0;

    for (unsigned i = 0; i < pool->magazine_count; i++) {
        const struct magazine *magazine = magazine_at(pool, i);

        for (unsigned k = 0; magazine != NULL && k < pool->bin_count; k++) {
            if (magazine->bins[k] != &pool->none &&
                !bin_is_valid(pool, magazine, magazine->bins[k], &listed))
                return "a bin's list is broken";
        }
    }
    return pool->full.head == LINK_END ? NULL : "the span without free blocks has some";
}

static const char *check_chunks(struct coffer_pool *pool, unsigned which, struct sums *sums)
{
    const struct pool_source *source = &pool->sources[which];

    for (unsigned i = 0; source->frames != NULL && i < 2; i++) {
        for (uint32_t name = source->chunks[i]; name != SLOT_NONE;) {
            const struct part *chunk = part_at(pool, name);

            if (!slot_exists(pool, name) || kind_load(chunk) != PART_CHUNK || chunk->pool != pool ||
                (chunk->chunk.used == UINT64_MAX) != (i == 1) ||
                (chunk->chunk.parts & ~chunk->chunk.used) != 0)
                return "a chunk is broken";
            sums->frames[which]++;
            name = chunk->next;
        }
    }
    return NULL;
}

/* The list leads through all patches, and each holds together. Under the lock. */
static const char *check_patches(struct coffer_pool *pool, const struct sums *sums)
{
    uint32_t previous = SLOT_NONE;
    uint64_t count = 0;

    for (uint32_t name = pool->patches; name != SLOT_NONE; count++) {
        const struct part *part = part_at(pool, name);

        if (!slot_exists(pool, name) || !pool_owns(pool, part) || kind_load(part) != PART_PATCH ||
            part->previous != previous || count == sums->patches)
            return "the list of patches is broken";
        if ((const uint8_t *)part->patch.little != part->base || patch_little(part) == NULL ||
            !little_is_valid(part->patch.little, NULL))
            return "a patch is broken";
        if (little_statistics(part->patch.little).used_count != part->patch.block_count)
            return "the count of a patch's blocks is wrong";
        if (little_largest(part->patch.little) > part->patch.room)
            return "a patch has more room than is known";
        previous = name;
        name = part->next;
    }
    return count == sums->patches && count == pool->patch_count ? NULL : "a patch is on no list";
}

static const char *check_fast(struct coffer_pool *pool)
{
    struct sums sums = {.runs = 0};
    struct parts_cursor cursor = {.source = 0};
    const char *problem = check_chunks(pool, 0, &sums);
    struct part *part;

    if (problem == NULL)
        problem = check_chunks(pool, 1, &sums);
    while (problem == NULL && (part = parts_next(pool, &cursor)) != NULL)
        problem = check_part(pool, part, &sums, cursor.source);
    if (problem == NULL)
        problem = check_magazines(pool);
    if (problem == NULL) {
        spin_take(&pool->lock);
        problem = check_patches(pool, &sums);
        spin_give(&pool->lock);
    }
    if (problem != NULL)
        return problem;
    if (sums.runs != pool->run_count || sums.run_size != pool->run_size)
        return "the count of runs is wrong";
    for (unsigned i = 0; i < 2; i++) {
        uint64_t extra = i == 0 ? pool->extra_frames : 0;

        if (sums.frames[i] + extra != pool->sources[i].frame_count)
            return "the count of frames is wrong";
    }
    if (pool->settings.region != NULL && !frames_is_valid(pool->home->frames))
        return "the region's frames are broken";
    return NULL;
}

bool coffer_pool_check(struct coffer_pool *pool, const char **problem)
{
    bool locked = pool->careful || pool->little != NULL;
    const char *found = NULL;
    bool valid;

    if (locked)
        (void)careful_enter(pool);
    if (pool->little != NULL) {
        valid = little_is_valid(pool->little, problem);
    } else {
        found = check_fast(pool);
        valid = found == NULL;
        if (valid && pool->extents != NULL) {
            spin_take(&pool->lock);
            valid = extents_is_valid(pool->extents, problem);
            spin_give(&pool->lock);
        }
    }
    if (valid && pool->quarantine != NULL && !quarantine_is_valid(pool->quarantine)) {
        found = "the quarantine is broken";
        valid = false;
    }
    if (locked)
        careful_leave(pool);
    if (found != NULL && problem != NULL)
        *problem = found;
    return valid;
}
