/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, opening and closing the catalogue: all of its slots are taken up into the memory side. */
#include "base/bytes.h"
#include "store/catalogue_inside.h"

/* What taking in all slots needs on its way: the file numbers that the set of files is too small
 * for. OP-TEE gives the lowest free number, so there are few or none. */
struct large_files {
    uint64_t from;       /* smaller ones are in the set */
    struct index places; /* slots by file number */
};

/* Does an earlier slot name the entry's file? (A file with a large number only as far as there was
 * memory to remember it.) If not, remember it. */
static enum coffer_status look_for_file(struct catalogue *catalogue, struct large_files *large,
                                        uint32_t slot, const struct entry *entry, bool *taken)
{
    uint32_t tag = entry->file * UINT32_C(0x9E3779B1); /* spreads over the index */
    size_t cursor = 0;
    uint32_t at;

    *taken = numbers_has(&catalogue->files, entry->file);
    if (*taken || entry->file < large->from)
        return COFFER_OK;
    while (!*taken && index_next(&large->places, tag, &cursor, &at)) {
        struct entry earlier;
        enum coffer_status status = catalogue_get(catalogue, at, &earlier);

        if (status != COFFER_OK)
            return status;
        *taken = earlier.file == entry->file;
    }
    if (!*taken) {
        index_reserve(&large->places);
        index_insert(&large->places, tag, slot);
    }
    return COFFER_OK;
}

/* Take one slot up into the memory side, at open. */
static enum coffer_status take_in(struct catalogue *catalogue, struct large_files *large,
                                  uint32_t slot, const uint8_t *bytes)
{
    struct entry entry;
    enum coffer_status status = catalogue_decode(bytes, &entry);
    bool taken;

    if (status == COFFER_NOT_FOUND)
        return COFFER_OK;
    if (status == COFFER_OK)
        status = catalogue_reserve(catalogue);
    if (status == COFFER_OK)
        status = look_for_file(catalogue, large, slot, &entry, &taken);
    if (status != COFFER_OK)
        return status;
    (void)numbers_add(&catalogue->slots, slot);
    if (taken) {
        /* As OP-TEE does: of two entries with one file the later doesn't count. */
        catalogue->had_duplicates = true;
        return COFFER_OK;
    }
    (void)numbers_add(&catalogue->files, entry.file);
    index_insert(&catalogue->index, catalogue_tag(catalogue, &entry.name), slot);
    catalogue_keep_abstract(catalogue, slot, &entry);
    catalogue->object_count++;
    return COFFER_OK;
}

static enum coffer_status take_in_all(struct catalogue *catalogue)
{
    struct memory *memory = catalogue->environment->memory;
    struct owner owner = catalogue->environment->owner;
    uint64_t slot_count = tree_length(catalogue->tree) / CATALOGUE_SLOT_SIZE;
    enum coffer_status status = COFFER_OK;
    struct large_files large;
    uint32_t slot = 0;
    uint8_t *bytes;
    void *block;

    if (slot_count > UINT32_MAX - 1)
        return COFFER_CORRUPT;
    catalogue->slot_count = (uint32_t)slot_count;
    numbers_expect(&catalogue->slots, catalogue->slot_count);
    numbers_expect(&catalogue->files, catalogue->slot_count);
    index_expect(&catalogue->index, (size_t)slot_count);
    abstracts_open(&catalogue->abstracts);
    status = memory_alloc(memory, owner, (size_t)WALK_SLOTS * CATALOGUE_SLOT_SIZE, &block);
    if (status != COFFER_OK)
        return status;
    bytes = block;
    large.from = numbers_capacity(&catalogue->files);
    index_init(&large.places, memory, owner);
    while (slot < slot_count && status == COFFER_OK) {
        uint32_t count = WALK_SLOTS;

        if (count > slot_count - slot)
            count = (uint32_t)slot_count - slot;
        status = catalogue_read_slots(catalogue, slot, count, bytes);
        for (uint32_t i = 0; i < count && status == COFFER_OK; i++)
            status = take_in(catalogue, &large, slot + i, bytes + (size_t)i * CATALOGUE_SLOT_SIZE);
        slot += count;
    }
    index_fini(&large.places);
    memory_free(memory, block);
    return status;
}

static void forget(struct catalogue *catalogue)
{
    tree_close(catalogue->tree);
    catalogue->tree = NULL;
    index_fini(&catalogue->index);
    abstracts_fini(&catalogue->abstracts);
    numbers_fini(&catalogue->slots);
    numbers_fini(&catalogue->files);
    catalogue->object_count = 0;
    catalogue->had_duplicates = false;
}

/* What is there to say about the version that was not chosen? A head that doesn't authenticate may
 * be of any version, and only one thing makes it the older one: that it still has the counter
 * before the chosen one. (Its root is overwritten by a commit that is cut off, while the head is
 * not.) */
static void judge_other_head(struct catalogue *catalogue)
{
    const struct tree_heads *heads = &catalogue->heads;
    unsigned other = heads->chosen ^ 1;
    uint32_t chosen_counter = heads->counter[heads->chosen];
    bool unwritten = heads->blank[other] && chosen_counter == 1;

    if (heads->authentic[other] || unwritten)
        return;
    if (heads->counter[other] == chosen_counter - 1)
        catalogue->spare_damaged = true;
    else
        catalogue->fell_back = true;
}

enum coffer_status catalogue_open(struct catalogue *catalogue, struct tree_environment *environment,
                                  struct owner owner)
{
    struct tree_opening opening = {.name = CATALOGUE_FILE, .version = TREE_BY_COUNTER};
    enum coffer_status status;

    *catalogue = (struct catalogue){.environment = environment};
    index_init(&catalogue->index, environment->memory, owner);
    abstracts_init(&catalogue->abstracts, environment->memory, owner, environment->port,
                   environment->nodes->frames.free_min);
    numbers_init(&catalogue->slots, environment->memory, owner);
    numbers_init(&catalogue->files, environment->memory, owner);
    status = crypto_random(environment->crypto, catalogue->seed, sizeof(catalogue->seed));
    if (status == COFFER_OK)
        status = crypto_random(environment->crypto, catalogue->more_seed,
                               sizeof(catalogue->more_seed));
    if (status != COFFER_OK)
        return status;
    status = tree_open(environment, &opening, &catalogue->heads, &catalogue->tree);
    if (status != COFFER_OK)
        return status;
    status = take_in_all(catalogue);
    if (status == COFFER_OK)
        judge_other_head(catalogue);
    if (status == COFFER_CORRUPT) {
        /* The head and its root are good, but not all that is below. */
        struct tree_heads heads = catalogue->heads;

        forget(catalogue);
        opening.version = TREE_SPARE;
        status = tree_open(environment, &opening, NULL, &catalogue->tree);
        if (status == COFFER_OK)
            status = take_in_all(catalogue);
        if (status == COFFER_OK) {
            catalogue->fell_back = true;
            catalogue->heads = heads;
            catalogue->heads.chosen ^= 1;
        }
        /* No such spare version: the answer is still that the catalogue is damaged. */
    }
    if (status != COFFER_OK)
        forget(catalogue);
    return status;
}

enum coffer_status catalogue_create(struct tree_environment *environment, bool sync)
{
    const char *before = CATALOGUE_NEW_FILE;
    const char *after = CATALOGUE_FILE;
    enum coffer_status status;
    struct tree *tree;

    status = tree_create(environment, before, NULL, &tree);
    if (status == COFFER_EXISTS) {
        /* What an interrupted creation left. */
        status = device_remove(environment->device, before);
        if (status == COFFER_OK)
            status = tree_create(environment, before, NULL, &tree);
    }
    if (status != COFFER_OK)
        return status;
    status = tree_prepare(tree, true);
    if (status == COFFER_OK && sync)
        status = device_sync(environment->device, &before, 1);
    if (status == COFFER_OK)
        status = device_rename(environment->device, before, after);
    if (status == COFFER_OK && sync)
        status = device_sync(environment->device, &after, 1);
    tree_close(tree);
    return status;
}

void catalogue_close(struct catalogue *catalogue)
{
    forget(catalogue);
    wipe(catalogue->seed, sizeof(catalogue->seed));
    wipe(catalogue->more_seed, sizeof(catalogue->more_seed));
}
