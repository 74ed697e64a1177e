/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked circular lists whose links lie inside the elements. A head is a link of its own;
 * an element that is on no list points to itself, so that it can be taken off twice harmlessly.
 */
#ifndef COFFER_BASE_LIST_H
#define COFFER_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *previous;
};

/* The element of `type` whose member `member` is at `link`. */
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Over all links of a list; the list may not change under way. */
/* NOLINTBEGIN(bugprone-macro-parentheses): `link` is a name that is declared here */
#define list_each(link, head)                                                                      \
    for (struct list *link = (head)->next; link != (head); link = link->next)
/* NOLINTEND(bugprone-macro-parentheses) */

static inline void list_init(struct list *head)
{
    head->next = head;
    head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_after(struct list *place, struct list *link)
{
    link->next = place->next;
    link->previous = place;
    place->next->previous = link;
    place->next = link;
}

static inline void list_insert_before(struct list *place, struct list *link)
{
    list_insert_after(place->previous, link);
}

static inline void list_remove(struct list *link)
{
    link->next->previous = link->previous;
    link->previous->next = link->next;
    list_init(link);
}

#endif
