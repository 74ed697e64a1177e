/* SPDX-License-Identifier: BSD-2-Clause */
/* The catalogue at work: its slots are found, listed and changed. */
#include "store/catalogue_inside.h"

#include <limits.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

/* A slot's bytes. */
#define SLOT_UUID    0u
#define SLOT_ID      16u
#define SLOT_ID_SIZE 80u
#define SLOT_HASH    84u
#define SLOT_FILE    116u

/* An empty id is told from a free slot by its first id byte. */
#define EMPTY_ID_MARK 1u

static void encode(const struct entry *entry, uint8_t bytes[CATALOGUE_SLOT_SIZE])
{
    memset(bytes, 0, CATALOGUE_SLOT_SIZE);
    memcpy(bytes + SLOT_UUID, entry->name.uuid, CRYPTO_UUID_SIZE);
    memcpy(bytes + SLOT_ID, entry->name.id, COFFER_ID_MAX);
    if (entry->name.id_size == 0)
        bytes[SLOT_ID] = EMPTY_ID_MARK;
    store_le32(bytes + SLOT_ID_SIZE, entry->name.id_size);
    memcpy(bytes + SLOT_HASH, entry->hash, CRYPTO_HASH_SIZE);
    store_le32(bytes + SLOT_FILE, entry->file);
}

enum coffer_status catalogue_decode(const uint8_t bytes[CATALOGUE_SLOT_SIZE], struct entry *entry)
{
    uint32_t id_size = load_le32(bytes + SLOT_ID_SIZE);

    if (id_size == 0 && bytes[SLOT_ID] == 0)
        return COFFER_NOT_FOUND;
    if (id_size > COFFER_ID_MAX)
        return COFFER_CORRUPT;
    *entry = (struct entry){.file = load_le32(bytes + SLOT_FILE)};
    memcpy(entry->name.uuid, bytes + SLOT_UUID, CRYPTO_UUID_SIZE);
    memcpy(entry->name.id, bytes + SLOT_ID, id_size);
    entry->name.id_size = id_size;
    memcpy(entry->hash, bytes + SLOT_HASH, CRYPTO_HASH_SIZE);
    return COFFER_OK;
}

bool name_equal(const struct name *a, const struct name *b)
{
    return a->id_size == b->id_size && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
           memcmp(a->id, b->id, a->id_size) == 0;
}

void catalogue_file_name(uint32_t file, char text[9])
{
    struct text line = {{0}, 0};

    text_add_number(&line, file, 16);
    memcpy(text, line.bytes, line.size + 1);
}

bool catalogue_file_number(const char *text, uint32_t *file)
{
    char canonical[9];
    uint32_t number = 0;

    if (strlen(text) == 0 || strlen(text) > 8)
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9')
            number = number << 4 | (uint32_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            number = number << 4 | (uint32_t)(*at - 'a' + 10);
        else
            return false;
    }
    catalogue_file_name(number, canonical);
    if (strcmp(canonical, text) != 0)
        return false;
    *file = number;
    return true;
}

_Static_assert(offsetof(struct name, id) == CRYPTO_UUID_SIZE, "a name's bytes lie together");

uint64_t catalogue_hash(const struct catalogue *catalogue, const struct name *name)
{
    return sip_hash(catalogue->seed, name, CRYPTO_UUID_SIZE + name->id_size);
}

uint32_t catalogue_tag(const struct catalogue *catalogue, const struct name *name)
{
    return (uint32_t)catalogue_hash(catalogue, name);
}

/* The abstract of a name, whose hash is known. */
static struct abstract abstract_of(const struct catalogue *catalogue, const struct name *name,
                                   uint64_t hash)
{
    uint64_t second = sip_hash(catalogue->more_seed, name, CRYPTO_UUID_SIZE + name->id_size);

    return (struct abstract){
        .name = {(uint32_t)(hash >> 32), (uint32_t)second, (uint32_t)(second >> 32)}};
}

void catalogue_keep_abstract(struct catalogue *catalogue, uint32_t slot, const struct entry *entry)
{
    struct abstract abstract = abstract_of(catalogue, &entry->name,
                                           catalogue_hash(catalogue, &entry->name));

    abstract.file = entry->file;
    memcpy(abstract.root_hash, entry->hash, sizeof(abstract.root_hash));
    abstracts_set(&catalogue->abstracts, slot, &abstract);
}

enum coffer_status catalogue_read_slots(struct catalogue *catalogue, uint32_t slot, uint32_t count,
                                        uint8_t *bytes)
{
    size_t size = (size_t)count * CATALOGUE_SLOT_SIZE;
    size_t got = 0;
    enum coffer_status status;

    status = tree_read(catalogue->tree, (uint64_t)slot * CATALOGUE_SLOT_SIZE, bytes, size, &got);
    if (status == COFFER_OK && got != size)
        return COFFER_CORRUPT;
    return status;
}

/* Does a slot below `end` name this file? */
static enum coffer_status look_below(struct catalogue *catalogue, uint32_t end, uint32_t file,
                                     bool *named)
{
    bool found = false;

    for (uint32_t at = 0; at < end && !found; at++) {
        struct entry entry;
        enum coffer_status status = catalogue_get(catalogue, at, &entry);

        if (status != COFFER_OK && status != COFFER_NOT_FOUND)
            return status;
        found = status == COFFER_OK && entry.file == file;
    }
    *named = found;
    return COFFER_OK;
}

enum coffer_status catalogue_get(struct catalogue *catalogue, uint32_t slot, struct entry *out)
{
    uint8_t bytes[CATALOGUE_SLOT_SIZE];
    enum coffer_status status = catalogue_read_slots(catalogue, slot, 1, bytes);

    return status == COFFER_OK ? catalogue_decode(bytes, out) : status;
}

enum coffer_status catalogue_counts(struct catalogue *catalogue, uint32_t slot,
                                    const struct entry *entry, bool *counts)
{
    uint32_t tag = catalogue_tag(catalogue, &entry->name);
    enum coffer_status status = COFFER_OK;
    size_t cursor = 0;
    bool named = false;
    uint32_t at;

    if (catalogue->had_duplicates) {
        /* Whatever counts is in the index, unless there was no room for it. */
        while (index_next(&catalogue->index, tag, &cursor, &at)) {
            if (at == slot) {
                *counts = true;
                return COFFER_OK;
            }
        }
        named = true;
        if (catalogue->index.partial)
            status = look_below(catalogue, slot, entry->file, &named);
    }
    if (status == COFFER_OK)
        *counts = !named;
    return status;
}

/* Slots of one read of a list: half a block, as it lies on the stack. */
#define LIST_SLOTS (WALK_SLOTS / 2)

/* One run of catalogue_list, `many` slots: *done of them were looked at. */
static enum coffer_status list_run(struct catalogue *catalogue, uint32_t slot, uint32_t many,
                                   const uint8_t *uuid, struct listed *out, size_t *found,
                                   uint32_t *done)
{
    uint8_t bytes[LIST_SLOTS * CATALOGUE_SLOT_SIZE];
    enum coffer_status status = catalogue_read_slots(catalogue, slot, many, bytes);

    if (status != COFFER_OK && many > 1) {
        many = 1; /* what is damaged may not be the first one */
        status = catalogue_read_slots(catalogue, slot, many, bytes);
    }
    for (*done = 0; *done < many && status == COFFER_OK; ++*done) {
        struct entry *entry = &out[*found].entry;
        bool counts = false;

        status = catalogue_decode(bytes + (size_t)*done * CATALOGUE_SLOT_SIZE, entry);
        if (status == COFFER_OK &&
            (uuid == NULL || memcmp(uuid, entry->name.uuid, CRYPTO_UUID_SIZE) == 0))
            status = catalogue_counts(catalogue, slot + *done, entry, &counts);
        if (status != COFFER_OK && status != COFFER_NOT_FOUND)
            return *found > 0 ? COFFER_OK : status; /* it will be the first of the next run */
        status = COFFER_OK;
        out[*found].slot = slot + *done;
        *found += counts;
    }
    return status;
}

enum coffer_status catalogue_list(struct catalogue *catalogue, uint32_t from, const uint8_t *uuid,
                                  struct listed *out, size_t room, size_t *count, uint32_t *next)
{
    enum coffer_status status = COFFER_OK;
    size_t found = 0;
    uint32_t done;

    for (; found == 0 && from < catalogue->slot_count && status == COFFER_OK; from += done) {
        uint32_t many = catalogue->slot_count - from;

        many = many < LIST_SLOTS ? many : LIST_SLOTS;
        many = many < room ? many : (uint32_t)room;
        status = list_run(catalogue, from, many, uuid, out, &found, &done);
    }
    if (status != COFFER_OK)
        return status;
    *count = found;
    *next = from;
    return COFFER_OK;
}

/* The slow way, for a partial index. */
static enum coffer_status search(struct catalogue *catalogue, const struct name *name,
                                 uint32_t *slot, struct entry *out)
{
    for (uint32_t at = 0; at < catalogue->slot_count; at++) {
        struct entry entry;
        enum coffer_status status = catalogue_get(catalogue, at, &entry);
        bool counts;

        if (status == COFFER_NOT_FOUND || (status == COFFER_OK && !name_equal(name, &entry.name)))
            continue;
        if (status == COFFER_OK)
            status = catalogue_counts(catalogue, at, &entry, &counts);
        if (status != COFFER_OK)
            return status;
        if (!counts)
            continue;
        *slot = at;
        *out = entry;
        return COFFER_OK;
    }
    return COFFER_NOT_FOUND;
}

enum coffer_status catalogue_find(struct catalogue *catalogue, const struct name *name,
                                  uint32_t *slot, struct entry *out)
{
    uint32_t tag = catalogue_tag(catalogue, name);
    size_t cursor = 0;
    uint32_t at;

    while (index_next(&catalogue->index, tag, &cursor, &at)) {
        struct entry entry;
        enum coffer_status status = catalogue_get(catalogue, at, &entry);

        if (status == COFFER_NOT_FOUND)
            continue;
        if (status != COFFER_OK)
            return status;
        if (!name_equal(name, &entry.name))
            continue;
        *slot = at;
        *out = entry;
        return COFFER_OK;
    }
    return catalogue->index.partial ? search(catalogue, name, slot, out) : COFFER_NOT_FOUND;
}

/* By abstracts alone: false where they don't tell. */
static bool find_abstract(struct catalogue *catalogue, const struct name *name, uint64_t hash,
                          uint32_t *slot, struct abstract *out)
{
    const struct abstract wanted = abstract_of(catalogue, name, hash);
    size_t cursor = 0;

    while (index_next(&catalogue->index, (uint32_t)hash, &cursor, slot)) {
        if (!abstracts_get(&catalogue->abstracts, *slot, out))
            return false; /* it may be this one */
        if (memcmp(out->name, wanted.name, sizeof(wanted.name)) == 0)
            return true;
    }
    return false;
}

enum coffer_status catalogue_find_to_open(struct catalogue *catalogue, const struct name *name,
                                          uint64_t hash, uint32_t *slot, struct entry *out,
                                          size_t *hash_size)
{
    enum coffer_status status;
    struct abstract known;
    uint32_t at;

    if (find_abstract(catalogue, name, hash, &at, &known)) {
        *slot = at;
        *out = (struct entry){.name = *name, .file = known.file};
        memcpy(out->hash, known.root_hash, sizeof(known.root_hash));
        *hash_size = sizeof(known.root_hash);
        return COFFER_OK;
    }
    status = catalogue_find(catalogue, name, slot, out);
    if (status != COFFER_OK)
        return status;
    catalogue_keep_abstract(catalogue, *slot, out);
    *hash_size = sizeof(out->hash);
    return COFFER_OK;
}

enum coffer_status catalogue_uses_file(struct catalogue *catalogue, uint32_t file, bool *uses)
{
    return look_below(catalogue, catalogue->slot_count, file, uses);
}

enum coffer_status catalogue_reserve(struct catalogue *catalogue)
{
    enum coffer_status status = numbers_reserve(&catalogue->slots);

    if (status == COFFER_OK)
        status = numbers_reserve(&catalogue->files);
    if (status == COFFER_OK && !index_try_reserve(&catalogue->index)) {
        /* Names are worth more. */
        (void)abstracts_shrink(&catalogue->abstracts, UINT64_MAX, UINT_MAX);
        index_reserve(&catalogue->index);
    }
    return status;
}

enum coffer_status catalogue_free_slot(struct catalogue *catalogue, uint32_t *slot)
{
    for (;;) {
        uint32_t at = numbers_lowest_free(&catalogue->slots);
        enum coffer_status status = COFFER_NOT_FOUND;
        struct entry unused;

        /* Within the file it is a proposal: the number may have been too large to be kept. */
        if (at < catalogue->slot_count)
            status = catalogue_get(catalogue, at, &unused);
        if (status == COFFER_NOT_FOUND) {
            *slot = at;
            return COFFER_OK;
        }
        if (status != COFFER_OK)
            return status;
        numbers_keep(&catalogue->slots, at);
    }
}

enum coffer_status catalogue_stage(struct catalogue *catalogue, uint32_t slot,
                                   const struct entry *entry)
{
    uint8_t bytes[CATALOGUE_SLOT_SIZE] = {0};
    struct tree_piece piece = {bytes, sizeof(bytes)};
    uint64_t offset = (uint64_t)slot * CATALOGUE_SLOT_SIZE;
    uint64_t end = layout_blocks(offset + CATALOGUE_SLOT_SIZE);
    uint64_t next = layout_blocks(tree_length(catalogue->tree));
    enum coffer_status status = COFFER_OK;

    if (entry != NULL)
        encode(entry, bytes);
    /* A full device must not keep anybody from deleting: what a later change of these entries needs
     * is there from the start. */
    for (; next < end && status == COFFER_OK; next++)
        status = tree_reserve_block(catalogue->tree, (struct block){(uint32_t)next});
    if (status == COFFER_OK)
        status = tree_write(catalogue->tree, offset, &piece, 1);
    return status;
}

enum coffer_status catalogue_stage_void(struct catalogue *catalogue)
{
    enum coffer_status status = COFFER_OK;

    for (uint32_t slot = 0; slot < catalogue->slot_count && status == COFFER_OK; slot++) {
        struct entry entry;
        bool counts = true;

        status = catalogue_get(catalogue, slot, &entry);
        if (status == COFFER_OK)
            status = catalogue_counts(catalogue, slot, &entry, &counts);
        if (status == COFFER_OK && !counts)
            status = catalogue_stage(catalogue, slot, NULL);
        if (status == COFFER_OK)
            status = tree_settle_if_crowded(catalogue->tree);
        if (status == COFFER_NOT_FOUND)
            status = COFFER_OK;
    }
    return status;
}

void catalogue_apply(struct catalogue *catalogue, uint32_t slot, const struct entry *before,
                     const struct entry *after)
{
    catalogue->slot_count = (uint32_t)(tree_length(catalogue->tree) / CATALOGUE_SLOT_SIZE);
    if (after != NULL)
        catalogue_keep_abstract(catalogue, slot, after);
    else
        abstracts_set(&catalogue->abstracts, slot, NULL);
    if (before != NULL && after != NULL && name_equal(&before->name, &after->name))
        return;
    if (before != NULL) {
        index_remove(&catalogue->index, catalogue_tag(catalogue, &before->name), slot);
        catalogue->object_count--;
    }
    if (after == NULL && numbers_has(&catalogue->slots, slot))
        numbers_remove(&catalogue->slots, slot);
    if (after != NULL) {
        index_insert(&catalogue->index, catalogue_tag(catalogue, &after->name), slot);
        catalogue->object_count++;
        if (before == NULL)
            (void)numbers_add(&catalogue->slots, slot);
    }
}
