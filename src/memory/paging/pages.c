/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of pages: states, lists, what they hold, and who maps them. */
#include "memory/paging/pages.h"

#include <string.h>

static struct object_private *object_of(struct list *link)
{
    return list_entry(link, struct object_private, of_family);
}

const struct coffer_pager *page_pager(const struct page *page)
{
    /* Files have no clones: theirs is the only object. */
    return object_of(page->family->objects.next)->object.pager;
}

enum coffer_status page_make(struct family *family, uint32_t index, struct page **out)
{
    struct page *page;
    void *block;
    enum coffer_status status = memory_alloc(family->paging->memory, family->owner, sizeof(*page),
                                             &block);

    if (status != COFFER_OK)
        return status;
    page = memset(block, 0, sizeof(*page));
    list_init(&page->link);
    page->family = family;
    page->index = index;
    page->slot = BACKING_NO_SLOT;
    page->state = PAGE_STATES;
    *out = page;
    return COFFER_OK;
}

void page_set_state(struct paging *paging, struct page *page, enum page_state state)
{
    if (page->state != PAGE_STATES)
        paging->counts[page->state]--;
    list_remove(&page->link);
    page->state = (unsigned)state & 7u;
    if (state != PAGE_STATES)
        paging->counts[state]++;
    if (state <= PAGE_ACTIVE)
        list_insert_after(&paging->lists[state], &page->link);
}

static void release_slot(struct paging *paging, struct page *page)
{
    if (page->slot == BACKING_NO_SLOT)
        return;
    paging->backing->release(paging->backing->context, page->slot);
    page->slot = BACKING_NO_SLOT;
}

void page_set_dirty(struct paging *paging, struct page *page)
{
    page->dirty = 1;
    release_slot(paging, page);
}

void page_give_frame(struct paging *paging, struct page *page)
{
    enum coffer_status status = frames_give(paging->memory->frames, page_frame(paging, page));

    assert_cheap(status == COFFER_OK);
}

void page_free(struct paging *paging, struct page *page)
{
    assert_debug(page->shares == 0);
    if (page_is_resident(page) || page_in_transit(page))
        page_give_frame(paging, page);
    release_slot(paging, page);
    page_set_state(paging, page, PAGE_STATES);
    memory_free(paging->memory, page);
}

void page_forget(struct paging *paging, struct page *page)
{
    list_each (link, &page->family->objects) {
        struct object_private *object = object_of(link);

        if (page->shares == 0)
            break;
        if (slots_get(&object->slots, page->index) == page) {
            slots_clear(&object->slots, paging->memory, page->index);
            page->shares--;
        }
    }
    page_free(paging, page);
}

/* Ask for all mappings of a page, by a function of the client; the bits together. */
static unsigned ask(struct paging *paging, struct page *page,
                    unsigned (*question)(void *context, struct object *object, uint64_t index))
{
    unsigned left = page->shares;
    unsigned bits = 0;

    list_each (link, &page->family->objects) {
        struct object_private *object = object_of(link);

        if (left == 0)
            break;
        if (!object_has(object, page))
            continue;
        left--;
        bits |= question(paging->client.context, &object->object, page->index);
    }
    return bits;
}

void page_unmap(struct paging *paging, struct page *page)
{
    if ((ask(paging, page, paging->client.unmap) & PAGING_DIRTY) != 0)
        page_set_dirty(paging, page);
}

void page_age(struct paging *paging, struct page *page)
{
    (void)ask(paging, page, paging->client.age);
}

bool page_is_referenced(struct paging *paging, struct page *page)
{
    return (ask(paging, page, paging->client.bits) & PAGING_REFERENCED) != 0;
}
