/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking a store: every hash and tag that the committed version rests on. With repair, what can
 * be mended is mended, and what can't goes to quarantine.
 */
#include "store/store.h"

/* Blocks between two words about progress. */
#define PROGRESS_BLOCKS 256u

static void report(struct check *check, struct coffer_finding *finding)
{
    if (!finding->damage)
        check->summary.notes++;
    else
        check->summary.damaged++;
    if (finding->damage && finding->repaired)
        check->summary.repaired++;
    check->each(check->context, finding);
}

static bool go_on(struct check *check, uint32_t slot)
{
    return check->progress == NULL ||
           check->progress(check->context, slot, check->store->catalogue.slot_count);
}

/* A commit that changes nothing but writes a new version. */
static enum coffer_status renew_catalogue(struct store *store)
{
    struct entry entry;
    struct change change = {.slot = 0, .after = &entry};
    enum coffer_status status = store_may_change(store);

    /* Any slot written as it is will do. */
    for (; status == COFFER_OK && change.slot < store->catalogue.slot_count; change.slot++) {
        status = catalogue_get(&store->catalogue, change.slot, &entry);
        if (status == COFFER_OK) {
            change.before = &entry;
            return store_publish(store, &change);
        }
        if (status == COFFER_NOT_FOUND)
            status = COFFER_OK;
    }
    if (status != COFFER_OK)
        return status;
    /* There are no objects: free the first slot, which is free. */
    change = (struct change){NULL, 0, NULL, NULL};
    return store_publish(store, &change);
}

static enum coffer_status check_spare(struct check *check, bool *whole)
{
    struct store *store = check->store;
    struct tree_opening opening = {.name = CATALOGUE_FILE, .version = TREE_SPARE};
    struct tree *tree;
    enum coffer_status status;
    uint64_t blocks;

    *whole = false;
    status = tree_open(store->environment, &opening, NULL, &tree);
    if (status == COFFER_CORRUPT)
        return COFFER_OK;
    if (status != COFFER_OK)
        return status;
    blocks = layout_blocks(tree_length(tree));
    for (uint64_t i = 0; i < blocks && status == COFFER_OK; i++)
        status = tree_verify_block(tree, (struct block){(uint32_t)i});
    tree_close(tree);
    *whole = status == COFFER_OK;
    return status == COFFER_CORRUPT ? COFFER_OK : status;
}

static enum coffer_status check_catalogue(struct check *check)
{
    struct catalogue *catalogue = &check->store->catalogue;
    struct coffer_finding finding = {
        .kind = COFFER_FINDING_CATALOGUE, .damage = catalogue->fell_back, .file = CATALOGUE_FILE};
    enum coffer_status status = COFFER_OK;
    bool whole = true;

    if (catalogue->fell_back)
        finding.text = "the newest version is damaged; the one before it is in use";
    else if (catalogue->spare_damaged)
        finding.text = "the version before the current one is damaged; nothing is lost";
    else if (check->flags & COFFER_CHECK_DEEP && tree_counter(catalogue->tree) > 1)
        status = check_spare(check, &whole);
    if (status != COFFER_OK)
        return status;
    if (!whole)
        finding.text = "the version before the current one is damaged; nothing is lost";
    if (finding.text == NULL)
        return COFFER_OK;
    if (check->flags & COFFER_CHECK_REPAIR) {
        status = renew_catalogue(check->store);
        finding.repaired = status == COFFER_OK;
        if (finding.repaired)
            catalogue->spare_damaged = false;
    }
    report(check, &finding);
    return status;
}

/* Repair what one finding tells, if asked to; a finding that can't be repaired now is damage that
 * remains, not an error of the check, unless the store itself is at an end. */
static enum coffer_status settle_finding(struct check *check, struct coffer_finding *finding,
                                         uint32_t slot, const struct entry *entry)
{
    enum coffer_status status = COFFER_OK;

    if (check->flags & COFFER_CHECK_REPAIR) {
        if (finding->kind == COFFER_FINDING_TOLERATED)
            status = object_mend(check->store, &entry->name);
        else
            status = quarantine_object(check->store, slot, entry);
        finding->repaired = status == COFFER_OK;
    }
    report(check, finding);
    return status == COFFER_FAILED ? status : COFFER_OK;
}

/* Damaged blocks of an object, from the first to behind the last; none: equal. */
struct damage {
    uint64_t from;
    uint64_t to;
};

/* In a finding, the range of the object's data that blocks stand for. */
static void set_range(struct coffer_finding *finding, const struct damage *damage,
                      uint64_t data_start, uint64_t length)
{
    uint64_t from = damage->from * LAYOUT_BLOCK_SIZE;
    uint64_t to = damage->to * LAYOUT_BLOCK_SIZE;

    if (to > length)
        to = length;
    finding->offset = from > data_start ? from - data_start : 0;
    finding->size = to > data_start ? to - data_start - finding->offset : 0;
}

/*
 * Verify all blocks of an opened object. Each range of damaged ones is a finding; but when damage
 * is to be repaired the object goes as a whole, and *whole, from the first to the last of them, is
 * left to the caller.
 */
static enum coffer_status check_blocks(struct check *check, struct tree *tree, uint32_t slot,
                                       struct coffer_finding *finding, uint64_t data_start,
                                       struct damage *whole)
{
    uint64_t length = tree_length(tree);
    uint64_t blocks = layout_blocks(length);
    struct damage run = {0, 0};

    *whole = run;
    for (uint64_t i = 0; i <= blocks; i++) {
        enum coffer_status status = COFFER_OK;

        if (i < blocks)
            status = tree_verify_block(tree, (struct block){(uint32_t)i});
        if (status != COFFER_OK && status != COFFER_CORRUPT)
            return status;
        if (i % PROGRESS_BLOCKS == 0 && !go_on(check, slot))
            return COFFER_BUSY;
        if (status == COFFER_CORRUPT) {
            if (run.to != i || run.to == run.from)
                run.from = i;
            run.to = i + 1;
            whole->from = whole->to == 0 ? i : whole->from;
            whole->to = i + 1;
            continue;
        }
        check->summary.bytes += i < blocks ? LAYOUT_BLOCK_SIZE : 0;
        /* A run has just ended. */
        if (run.to == i && run.to > run.from && !(check->flags & COFFER_CHECK_REPAIR)) {
            set_range(finding, &run, data_start, length);
            report(check, finding);
        }
    }
    return COFFER_OK;
}

/* Nodes that no block of this length needs, but the format has: COFFER_CORRUPT when one is bad. */
static enum coffer_status check_spare_nodes(struct tree *tree)
{
    enum coffer_status status = COFFER_OK;

    for (uint64_t id = layout_blocks(tree_length(tree)) + 1;
         id <= tree_max_node(tree) && status == COFFER_OK; id++)
        status = tree_verify_node(tree, (struct node){(uint32_t)id});
    return status;
}

/* What there is to say of an object that opens: the kind and the range of its damage. *told: it was
 * said already, range by range. */
static enum coffer_status judge(struct check *check, struct tree *tree, uint32_t slot,
                                uint64_t data_start, struct coffer_finding *finding, bool *told)
{
    struct damage whole;
    enum coffer_status status;

    *told = false;
    finding->kind = COFFER_FINDING_DATA;
    finding->text = "this range of the data is damaged";
    status = check_blocks(check, tree, slot, finding, data_start, &whole);
    if (status != COFFER_OK)
        return status;
    if (whole.to > 0) {
        set_range(finding, &whole, data_start, tree_length(tree));
        *told = (check->flags & COFFER_CHECK_REPAIR) == 0;
        return COFFER_CORRUPT;
    }
    finding->offset = 0;
    finding->size = 0;
    status = check_spare_nodes(tree);
    if (status == COFFER_CORRUPT)
        finding->text = "a node beyond the data is damaged; the data is good";
    if (status != COFFER_OK || !tree_is_tolerated(tree))
        return status;
    finding->kind = COFFER_FINDING_TOLERATED;
    finding->text = "cut by OP-TEE, which left node hashes out of date: readable here, but OP-TEE "
                    "would delete it";
    return COFFER_CORRUPT;
}

static enum coffer_status check_open_object(struct check *check, struct tree *tree, uint32_t slot,
                                            const struct entry *entry,
                                            const struct object_head *head,
                                            struct coffer_finding *finding)
{
    uint64_t data_start = (uint64_t)OBJECT_HEAD_SIZE + head->attributes_size;
    enum coffer_status status;
    bool told;

    status = judge(check, tree, slot, data_start, finding, &told);
    check->summary.nodes += tree_max_node(tree);
    tree_close(tree);
    if (status != COFFER_CORRUPT)
        return status;
    if (finding->damage)
        object_doubt(check->store, &entry->name);
    return told ? COFFER_OK : settle_finding(check, finding, slot, entry);
}

static enum coffer_status check_object(struct check *check, uint32_t slot,
                                       const struct entry *entry)
{
    struct coffer_finding finding = {
        .damage = true, .has_object = true, .object = store_public_entry(entry)};
    struct object_head head;
    enum coffer_status status;
    struct tree *tree;
    char file_name[9];

    catalogue_file_name(entry->file, file_name);
    finding.file = file_name;
    check->summary.objects++;
    status = object_open_entry(check->store, entry, &tree, &head);
    if (status == COFFER_OK)
        return check_open_object(check, tree, slot, entry, &head, &finding);
    if (status == COFFER_NOT_FOUND) {
        finding.kind = COFFER_FINDING_MISSING;
        finding.text = "the object's file is missing";
    } else if (status == COFFER_CORRUPT) {
        finding.kind = COFFER_FINDING_OBJECT;
        finding.text = "the object's head, root or first block is damaged, or not of this version";
        if (device_size(check->store->environment->device, file_name, &finding.size) != COFFER_OK)
            finding.size = 0;
    } else {
        return status;
    }
    object_doubt(check->store, &entry->name);
    return settle_finding(check, &finding, slot, entry);
}

/* An entry that doesn't count, because an earlier one names the same file. Its slot can be freed;
 * the file belongs to the other. */
static enum coffer_status check_duplicate(struct check *check, uint32_t slot,
                                          const struct entry *entry)
{
    struct coffer_finding finding = {.kind = COFFER_FINDING_CATALOGUE,
                                     .damage = true,
                                     .file = CATALOGUE_FILE,
                                     .has_object = true,
                                     .object = store_public_entry(entry),
                                     .text = "this entry names the file of an earlier one and "
                                             "doesn't count"};
    struct change change = {NULL, slot, NULL, NULL};
    enum coffer_status status = COFFER_OK;

    if (check->flags & COFFER_CHECK_REPAIR) {
        status = store_may_change(check->store);
        if (status == COFFER_OK)
            status = store_publish(check->store, &change);
        finding.repaired = status == COFFER_OK;
    }
    report(check, &finding);
    return status == COFFER_FAILED ? status : COFFER_OK;
}

static enum coffer_status check_slot(struct check *check, uint32_t slot)
{
    struct catalogue *catalogue = &check->store->catalogue;
    enum coffer_status status;
    struct entry entry;
    bool counts;

    status = catalogue_get(catalogue, slot, &entry);
    if (status == COFFER_NOT_FOUND)
        return COFFER_OK;
    if (status == COFFER_OK)
        status = catalogue_counts(catalogue, slot, &entry, &counts);
    if (status != COFFER_OK)
        return status;
    return counts ? check_object(check, slot, &entry) : check_duplicate(check, slot, &entry);
}

static enum coffer_status check_orphan(struct check *check, uint32_t file)
{
    struct coffer_finding finding = {.kind = COFFER_FINDING_ORPHAN,
                                     .text = "no object uses this file"};
    enum coffer_status status = COFFER_OK;
    char name[9];

    catalogue_file_name(file, name);
    finding.file = name;
    if (device_size(check->store->environment->device, name, &finding.size) != COFFER_OK)
        finding.size = 0;
    if (check->flags & COFFER_CHECK_REPAIR) {
        status = store_may_change(check->store);
        if (status == COFFER_OK)
            status = quarantine_move(check->store, name, NULL);
        finding.repaired = status == COFFER_OK;
    }
    report(check, &finding);
    return status;
}

static enum coffer_status check_orphans(struct check *check)
{
    enum coffer_status status = COFFER_OK;
    struct orphans orphans;

    for (uint64_t from = 0; from != ORPHANS_END && status == COFFER_OK; from = orphans.next) {
        status = orphans_find(check->store, from, &orphans);
        for (size_t i = 0; i < orphans.count && status == COFFER_OK; i++)
            status = check_orphan(check, orphans.files[i]);
    }
    return status;
}

enum coffer_status store_check(struct check *check)
{
    struct catalogue *catalogue = &check->store->catalogue;
    enum coffer_status status;

    store_lock(check->store);
    status = check_catalogue(check);
    for (uint32_t slot = 0; slot < catalogue->slot_count && status == COFFER_OK; slot++) {
        status = check_slot(check, slot);
        if (status == COFFER_OK && !go_on(check, slot + 1))
            status = COFFER_BUSY;
    }
    if (status == COFFER_OK && check->flags & COFFER_CHECK_DEEP)
        status = check_orphans(check);
    if (check->flags & COFFER_CHECK_REPAIR)
        books_doubt(check->store, NULL);
    store_unlock(check->store);
    return status;
}
