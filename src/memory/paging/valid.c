/* SPDX-License-Identifier: BSD-2-Clause */
/* Does everything hold together? Walks all pages. */
#include "memory/paging/pages.h"

/* How many objects of its family have a page, and whether `first` is the first of them. */
static unsigned count_shares(const struct page *page, const struct object_private *first,
                             bool *is_first)
{
    unsigned shares = 0;

    list_each (link, &page->family->objects) {
        const struct object_private *object = list_entry(link, struct object_private, of_family);

        if (slots_get(&object->slots, page->index) != page)
            continue;
        if (shares++ == 0)
            *is_first = object == first;
    }
    return shares;
}

static bool has_own_frame(const struct paging *paging, const struct page *page)
{
    struct frame_info info = frames_query(paging->memory->frames, page_frame(paging, page));

    return info.found && !info.free && !info.reserved && info.run == 1 && info.references == 1 &&
           info.owner.index == page->family->owner.index;
}

static bool page_is_valid(const struct paging *paging, const struct page *page)
{
    bool has_slot = page->slot != BACKING_NO_SLOT;
    bool is_file = page_pager(page) != NULL;

    if ((page_is_resident(page) || page_in_transit(page)) && !has_own_frame(paging, page))
        return false;
    if (is_file && (has_slot || page->shares > 1))
        return false;
    if (page->wanted && page->state != PAGE_WRITING)
        return false;
    switch ((enum page_state)page->state) {
    case PAGE_PINNED:
        return page->pins > 0 && page->shares == 1 && !(page->dirty && has_slot);
    case PAGE_INACTIVE:
    case PAGE_ACTIVE:
        return page->pins == 0 && !(page->dirty && has_slot);
    case PAGE_LOADING:
        return page->pins == 0 && !page->dirty && has_slot == !is_file;
    case PAGE_WRITING:
        return page->dirty && has_slot == !is_file;
    case PAGE_SWAPPED:
        return page->pins == 0 && !page->dirty && has_slot && !is_file;
    case PAGE_LOST:
        return page->pins == 0 && !has_slot;
    default:
        return false;
    }
}

static bool object_is_valid(const struct paging *paging, const struct object_private *object,
                            uint64_t counts[PAGE_STATES])
{
    const struct page *page;
    uint32_t index = 0;

    if (!slots_is_valid(&object->slots) || object->object.paging != paging ||
        object->object.owner.index != object->family->owner.index)
        return false;
    while ((page = slots_next(&object->slots, index, &index)) != NULL) {
        bool is_first = false;

        if (index >= object->object.page_count || page->index != index ||
            page->family != object->family ||
            count_shares(page, object, &is_first) != page->shares || !page_is_valid(paging, page))
            return false;
        counts[page->state] += is_first;
        if (index++ == UINT32_MAX)
            break;
    }
    return true;
}

static bool list_is_valid(const struct paging *paging, enum page_state state)
{
    uint64_t count = 0;

    list_each (link, &paging->lists[state]) {
        if (list_entry(link, struct page, link)->state != (unsigned)state)
            return false;
        count++;
    }
    return count == paging->counts[state];
}

bool paging_is_valid(struct paging *paging)
{
    uint64_t counts[PAGE_STATES] = {0};

    list_each (link, &paging->families) {
        struct family *family = list_entry(link, struct family, link);

        if (list_is_empty(&family->objects))
            return false;
        list_each (member, &family->objects) {
            if (!object_is_valid(paging, list_entry(member, struct object_private, of_family),
                                 counts))
                return false;
        }
    }
    for (unsigned state = 0; state < PAGE_STATES; state++) {
        if (counts[state] != paging->counts[state])
            return false;
    }
    return list_is_valid(paging, PAGE_INACTIVE) && list_is_valid(paging, PAGE_ACTIVE);
}
