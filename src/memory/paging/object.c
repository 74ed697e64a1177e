/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects: opened, cloned and dropped; their pages pinned, forgotten and written back. */
#include "memory/paging/object.h"

#include <string.h>

#include "memory/paging/pages.h"

static struct page *get_page(const struct object *object, uint64_t index)
{
    return index < object->page_count ? slots_get(&private_of_const(object)->slots, (uint32_t)index)
                                      : NULL;
}

static uint64_t end_of(const struct object *object, uint64_t first, uint64_t count)
{
    return first <= object->page_count && count < object->page_count - first ? first + count
                                                                             : object->page_count;
}

/* --- Life -------------------------------------------------------------------------------- */

static enum coffer_status new_object(struct family *family, uint64_t pages,
                                     struct object_private **out)
{
    struct object_private *object;
    void *block;
    enum coffer_status status = memory_alloc(family->paging->memory, family->owner, sizeof(*object),
                                             &block);

    if (status != COFFER_OK)
        return status;
    object = memset(block, 0, sizeof(*object));
    object->object.paging = family->paging;
    object->object.owner = family->owner;
    object->object.page_count = pages;
    list_init(&object->object.regions);
    object->family = family;
    object->holds = 1;
    list_insert_before(&family->objects, &object->of_family);
    *out = object;
    return COFFER_OK;
}

enum coffer_status object_make(struct paging *paging, struct owner owner, uint64_t pages,
                               const struct coffer_pager *pager, struct object **out)
{
    struct object_private *object;
    struct family *family;
    void *block;
    enum coffer_status status;

    assert_debug(paging_is_locked_here(paging));
    if (pages > OBJECT_PAGES_MAX)
        return COFFER_NO_MEMORY;
    status = memory_alloc(paging->memory, owner, sizeof(*family), &block);
    if (status != COFFER_OK)
        return status;
    family = block;
    *family = (struct family){.paging = paging, .owner = owner};
    list_init(&family->objects);
    status = new_object(family, pages, &object);
    if (status != COFFER_OK) {
        memory_free(paging->memory, family);
        return status;
    }
    list_insert_before(&paging->families, &family->link);
    if (pager != NULL) {
        object->pager = *pager;
        object->object.pager = &object->pager;
    }
    *out = &object->object;
    return COFFER_OK;
}

void object_hold(struct object *object)
{
    private_of(object)->holds++;
}

/* The object has no such page any more. With the last that had it the page goes. */
static void unshare(struct object_private *object, struct page *page)
{
    struct paging *paging = object->object.paging;

    slots_clear(&object->slots, paging->memory, page->index);
    if (--page->shares == 0)
        page_free(paging, page);
}

/* Forget pages from `first` up to `end`. True: the lock was let go of meanwhile. */
static bool forget(struct object_private *object, uint64_t first, uint64_t end)
{
    struct paging *paging = object->object.paging;
    uint32_t index = (uint32_t)first;
    struct page *page;
    unsigned lot = 0;
    bool let_go = false;

    object->forgets++;
    while (first < end && (page = slots_next(&object->slots, index, &index)) != NULL &&
           index < end) {
        if (page_in_transit(page) && page->shares == 1) {
            paging_wait_page(paging, page);
            let_go = true;
            continue;
        }
        unshare(object, page);
        if (++lot % PAGING_LOT == 0 && paging_has_threads(paging)) {
            paging_unlock(paging);
            paging_lock(paging);
            let_go = true;
        }
    }
    return let_go;
}

void object_drop(struct object *object)
{
    struct object_private *private = private_of(object);
    struct paging *paging = object->paging;
    struct family *family = private->family;

    assert_debug(paging_is_locked_here(paging) && private->holds > 0);
    if (--private->holds > 0)
        return;
    assert_debug(list_is_empty(&object->regions));

    (void)forget(private, 0, object->page_count);
    list_remove(&private->of_family);
    if (list_is_empty(&family->objects)) {
        list_remove(&family->link);
        memory_free(paging->memory, family);
    }
    if (object->pager != NULL && object->pager->close != NULL) {
        paging_unlock(paging);
        object->pager->close(object->pager->context);
        paging_lock(paging);
    }
    memory_free(paging->memory, private);
}

enum coffer_status object_grow(struct object *object, uint64_t pages)
{
    if (pages > OBJECT_PAGES_MAX - object->page_count)
        return COFFER_NO_MEMORY;
    object->page_count += pages;
    return COFFER_OK;
}

/* --- Clones ------------------------------------------------------------------------------ */

/* Give a clone one page of the original: the same, or a copy of a pinned one. */
static enum coffer_status clone_page(struct object_private *object, struct object_private *clone,
                                     struct page *page)
{
    struct paging *paging = object->object.paging;
    const struct paging_client *client = &paging->client;
    enum coffer_status status = COFFER_OK;

    if (page->shares == UINT16_MAX)
        return COFFER_NO_MEMORY;
    status = slots_prepare(&clone->slots, paging->memory, clone->object.owner, page->index);
    if (status != COFFER_OK)
        return status;

    /* Writing shows in the bits until it is forbidden. Pinned pages may be written at any time, by
     * others than programs, too, and stay as they are mapped. */
    if (page->pins > 0 || (page_is_resident(page) && page->shares == 1 &&
                           (client->write_protect(client->context, &object->object, page->index) &
                            PAGING_DIRTY) != 0))
        page_set_dirty(paging, page);
    if (page->pins > 0) {
        status = paging_copy_page(paging, clone->family, page, &page);
        if (status != COFFER_OK) {
            slots_clear(&clone->slots, paging->memory, page->index);
            return status;
        }
        clone->object.copies++;
    } else {
        page->shares++;
    }
    slots_set(&clone->slots, page->index, page);
    return COFFER_OK;
}

static enum coffer_status try_clone(struct object_private *object, struct object_private **out)
{
    struct object_private *clone;
    struct page *page;
    uint32_t index = 0;
    enum coffer_status status = new_object(object->family, object->object.page_count, &clone);

    if (status != COFFER_OK)
        return status;
    while ((page = slots_next(&object->slots, index, &index)) != NULL) {
        status = clone_page(object, clone, page);
        if (status != COFFER_OK) {
            object_drop(&clone->object);
            return status;
        }
        if (index++ == UINT32_MAX)
            break;
    }
    *out = clone;
    return COFFER_OK;
}

enum coffer_status object_clone(struct object *object, struct object **out)
{
    struct object_private *clone = NULL;
    struct room room = {.rounds = 0};
    enum coffer_status status;

    assert_debug(paging_is_locked_here(object->paging));
    if (object->pager != NULL)
        return COFFER_MISUSE;
    object_hold(object);
    while ((status = try_clone(private_of(object), &clone)) == COFFER_NO_MEMORY) {
        status = paging_make_room(object->paging, object->owner, NULL, &room);
        if (status != COFFER_OK)
            break;
    }
    object_drop(object);
    if (status == COFFER_OK)
        *out = &clone->object;
    return status;
}

/* --- Pages ------------------------------------------------------------------------------- */

void object_mark_dirty(struct object *object, uint64_t index)
{
    struct page *page = get_page(object, index);

    assert_debug(page != NULL && page_is_resident(page) && page->shares == 1);
    if (page != NULL)
        page_set_dirty(object->paging, page);
}

enum coffer_status object_pin(struct object *object, uint64_t index)
{
    struct page *page = get_page(object, index);

    if (page == NULL || !page_is_resident(page) || page->shares > 1)
        return COFFER_MISUSE;
    if (page->pins == UINT16_MAX)
        return COFFER_NO_MEMORY;
    if (page->pins++ == 0)
        page_set_state(object->paging, page, PAGE_PINNED);
    return COFFER_OK;
}

void object_unpin(struct object *object, uint64_t index)
{
    struct page *page = get_page(object, index);

    assert_cheap(page != NULL && page->pins > 0);
    /* In transit, when it is just being synced, it finds its list at the end of that. */
    if (--page->pins == 0 && page_is_resident(page))
        page_set_state(object->paging, page, PAGE_ACTIVE);
}

enum coffer_status object_discard(struct object *object, uint64_t first, uint64_t count)
{
    bool let_go;

    assert_debug(paging_is_locked_here(object->paging));
    object_hold(object);
    let_go = forget(private_of(object), first, end_of(object, first, count));
    object_drop(object);
    return let_go ? COFFER_BUSY : COFFER_OK;
}

enum coffer_status object_sync(struct object *object, uint64_t first, uint64_t count)
{
    uint64_t end = end_of(object, first, count);
    enum coffer_status status = COFFER_OK;
    bool let_go = false;

    assert_debug(paging_is_locked_here(object->paging));
    if (object->pager == NULL)
        return COFFER_OK;
    object_hold(object);
    while (first < end)
        first = paging_write_back(object->paging, private_of(object), first, end, &status, &let_go);
    object_drop(object);
    if (status != COFFER_OK)
        return status;
    return let_go ? COFFER_BUSY : COFFER_OK;
}

/* --- Seeing them ------------------------------------------------------------------------- */

static struct object_page_info describe(const struct paging *paging, const struct page *page)
{
    struct object_page_info info = {.resident = false};

    if (page == NULL)
        return info;
    info.resident = page_is_resident(page);
    info.swapped = page->state == PAGE_SWAPPED;
    info.lost = page->state == PAGE_LOST;
    info.dirty = page->dirty && !info.lost;
    info.shared = page->shares > 1;
    info.pins = page->pins;
    info.frame = info.resident ? page_frame(paging, page) : NULL;
    return info;
}

struct object_page_info object_query(const struct object *object, uint64_t index)
{
    return describe(object->paging, get_page(object, index));
}

bool object_next(const struct object *object, uint64_t *index, struct object_page_info *out)
{
    const struct page *page;
    uint32_t at;

    if (*index >= object->page_count)
        return false;
    page = slots_next(&private_of_const(object)->slots, (uint32_t)*index, &at);
    if (page == NULL)
        return false;
    *index = at;
    *out = describe(object->paging, page);
    return true;
}
