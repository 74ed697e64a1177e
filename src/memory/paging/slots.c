/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of one object by number: a radix tree. */
#include "memory/paging/slots.h"

#include <string.h>

#include "base/assert.h"

#define HEIGHT_MAX 6u /* 36 bits, of which 32 are used */

_Static_assert(HEIGHT_MAX *SLOTS_BITS >= 32, "a path for every number");

/* The place of a number in a node of some level; 0 is the lowest. */
static unsigned place_of(uint32_t index, unsigned level)
{
    return (unsigned)((uint64_t)index >> level * SLOTS_BITS) % SLOTS_FAN;
}

/* Is a number within what the tree's height covers? */
static bool covers(const struct slots *slots, uint32_t index)
{
    return (uint64_t)index >> slots->height * SLOTS_BITS == 0;
}

static bool node_is_empty(const struct slots_node *node)
{
    for (unsigned i = 0; i < SLOTS_FAN; i++) {
        if (node->places[i] != NULL)
            return false;
    }
    return true;
}

struct page *slots_get(const struct slots *slots, uint32_t index)
{
    const struct slots_node *node = slots->root;

    if (node == NULL || !covers(slots, index))
        return NULL;
    for (unsigned level = slots->height - 1; level > 0; level--) {
        node = node->places[place_of(index, level)];
        if (node == NULL)
            return NULL;
    }
    return node->places[place_of(index, 0)];
}

/* The first page at or after `from` below a node of `level`, whose first number is `base`. */
static struct page *next_below(const struct slots_node *node, unsigned level, uint64_t base,
                               uint64_t from, uint32_t *index)
{
    uint64_t step = (uint64_t)1 << level * SLOTS_BITS;

    for (unsigned i = from > base ? (unsigned)((from - base) / step) : 0; i < SLOTS_FAN; i++) {
        struct page *page = NULL;

        if (node->places[i] == NULL)
            continue;
        if (level > 0) {
            page = next_below(node->places[i], level - 1, base + i * step, from, index);
        } else {
            page = node->places[i];
            *index = (uint32_t)(base + i);
        }
        if (page != NULL)
            return page;
    }
    return NULL;
}

struct page *slots_next(const struct slots *slots, uint32_t from, uint32_t *index)
{
    if (slots->root == NULL || !covers(slots, from))
        return NULL;
    return next_below(slots->root, slots->height - 1, 0, from, index);
}

static enum coffer_status make_node(struct memory *memory, struct owner owner,
                                    struct slots_node **out)
{
    void *block;
    enum coffer_status status = memory_alloc(memory, owner, sizeof(**out), &block);

    if (status != COFFER_OK)
        return status;
    *out = memset(block, 0, sizeof(**out));
    return COFFER_OK;
}

/* One level more on top. */
static enum coffer_status grow(struct slots *slots, struct memory *memory, struct owner owner)
{
    struct slots_node *root;
    enum coffer_status status = make_node(memory, owner, &root);

    if (status != COFFER_OK)
        return status;
    root->places[0] = slots->root;
    slots->root = root;
    slots->height++;
    return COFFER_OK;
}

enum coffer_status slots_prepare(struct slots *slots, struct memory *memory, struct owner owner,
                                 uint32_t index)
{
    struct slots_node *node;
    enum coffer_status status = COFFER_OK;

    /* An empty tree starts as high as it must be: there is nothing to stand on. */
    if (slots->root == NULL) {
        status = make_node(memory, owner, &slots->root);
        if (status != COFFER_OK)
            return status;
        for (slots->height = 1; !covers(slots, index); slots->height++)
            ;
    }
    while (status == COFFER_OK && !covers(slots, index))
        status = grow(slots, memory, owner);

    node = slots->root;
    for (unsigned level = slots->height - 1; status == COFFER_OK && level > 0; level--) {
        void **place = &node->places[place_of(index, level)];

        if (*place == NULL) {
            status = make_node(memory, owner, &node);
            if (status == COFFER_OK)
                *place = node;
        }
        node = *place;
    }
    if (status != COFFER_OK)
        slots_clear(slots, memory, index);
    return status;
}

void slots_set(struct slots *slots, uint32_t index, struct page *page)
{
    struct slots_node *node = slots->root;

    assert_debug(node != NULL && covers(slots, index));
    for (unsigned level = slots->height - 1; level > 0; level--)
        node = node->places[place_of(index, level)];
    node->places[place_of(index, 0)] = page;
}

/* Levels whose root has nothing but its first place are not needed. */
static void shrink(struct slots *slots, struct memory *memory)
{
    while (slots->height > 1) {
        struct slots_node *root = slots->root;

        for (unsigned i = 1; i < SLOTS_FAN; i++) {
            if (root->places[i] != NULL)
                return;
        }
        slots->root = root->places[0];
        slots->height--;
        memory_free(memory, root);
    }
}

void slots_clear(struct slots *slots, struct memory *memory, uint32_t index)
{
    struct slots_node *path[HEIGHT_MAX + 1];
    struct slots_node *node = slots->root;
    unsigned level = slots->height;

    if (node != NULL && covers(slots, index)) {
        /* Down as far as there are nodes, the page out, and up again while nodes are empty. */
        while (node != NULL && level > 0) {
            path[--level] = node;
            node = level > 0 ? node->places[place_of(index, level)] : NULL;
        }
        if (level == 0)
            path[0]->places[place_of(index, 0)] = NULL;
        for (; level < slots->height && node_is_empty(path[level]); level++) {
            memory_free(memory, path[level]);
            if (level + 1 < slots->height)
                path[level + 1]->places[place_of(index, level + 1)] = NULL;
            else
                *slots = (struct slots){.root = NULL};
            if (slots->root == NULL)
                return;
        }
    }
    if (slots->root != NULL)
        shrink(slots, memory);
}

static bool node_is_valid(const struct slots_node *node, unsigned level)
{
    if (node_is_empty(node))
        return false;
    for (unsigned i = 0; level > 0 && i < SLOTS_FAN; i++) {
        if (node->places[i] != NULL && !node_is_valid(node->places[i], level - 1))
            return false;
    }
    return true;
}

bool slots_is_valid(const struct slots *slots)
{
    if (slots->root == NULL)
        return slots->height == 0;
    if (slots->height == 0 || slots->height > HEIGHT_MAX)
        return false;
    if (slots->height > 1) {
        unsigned taken = 0;

        for (unsigned i = 1; i < SLOTS_FAN; i++)
            taken += slots->root->places[i] != NULL;
        if (taken == 0)
            return false;
    }
    return node_is_valid(slots->root, slots->height - 1);
}
