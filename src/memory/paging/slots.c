/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of one object by number: a radix tree. */
#include "memory/paging/slots.h"

#include <string.h>

#include "base/assert.h"

#define HEIGHT_MAX 6u /* 36 bits, of which 32 are used */

_Static_assert(HEIGHT_MAX *SLOTS_BITS >= 32, "a path for every number");

/* The place of a number in a node of some level; 0 is the lowest. */
static unsigned place_of(uint64_t index, unsigned level)
{
    return (unsigned)(index >> level * SLOTS_BITS) % SLOTS_FAN;
}

/* Is a number within what the tree's height covers? */
static bool covers(const struct slots *slots, uint64_t index)
{
    return index >> slots->height * SLOTS_BITS == 0;
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

struct page *slots_next(const struct slots *slots, uint32_t from, uint32_t *index)
{
    uint64_t at = from;

    /* Down to the first page at or after `at`. A node may have none of these: then on behind it,
     * from the root. That happens once a level at most, since no node is empty. */
    while (slots->root != NULL && covers(slots, at)) {
        const struct slots_node *node = slots->root;
        unsigned level = slots->height;

        while (level-- > 0) {
            unsigned place = place_of(at, level);

            while (place < SLOTS_FAN && node->places[place] == NULL)
                place++;
            if (place != place_of(at, level))
                at = ((at >> (level + 1) * SLOTS_BITS << SLOTS_BITS) + place) << level * SLOTS_BITS;
            if (place == SLOTS_FAN)
                break;
            if (level == 0) {
                *index = (uint32_t)at;
                return node->places[place];
            }
            node = node->places[place];
        }
    }
    return NULL;
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
    /* path[i] is the i-th node from the root; behind the last one there is nothing. */
    struct slots_node *path[HEIGHT_MAX];
    struct slots_node *node = slots->root;
    unsigned count = 0;

    while (node != NULL && count < slots->height && covers(slots, index)) {
        void **place = &node->places[place_of(index, slots->height - 1 - count)];

        path[count++] = node;
        node = *place;
        if (count == slots->height)
            *place = NULL;
    }
    while (count > 0 && node_is_empty(path[count - 1])) {
        memory_free(memory, path[--count]);
        if (count > 0)
            path[count - 1]->places[place_of(index, slots->height - count)] = NULL;
        else
            *slots = (struct slots){.root = NULL};
    }
    if (slots->root != NULL)
        shrink(slots, memory);
}

/* Is every node within the height, and none of them empty? The tree is walked by places: stack[i]
 * is the i-th node from the root, next[i] the place in it to look at next. */
static bool nodes_are_valid(const struct slots *slots)
{
    const struct slots_node *stack[HEIGHT_MAX] = {slots->root};
    unsigned next[HEIGHT_MAX] = {0};
    unsigned depth = 0;

    if (node_is_empty(slots->root))
        return false;
    for (;;) {
        const struct slots_node *child;

        if (next[depth] == SLOTS_FAN || depth == slots->height - 1) {
            if (depth-- == 0)
                return true;
            continue;
        }
        child = stack[depth]->places[next[depth]++];
        if (child == NULL)
            continue;
        if (node_is_empty(child))
            return false;
        stack[++depth] = child;
        next[depth] = 0;
    }
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
    return nodes_are_valid(slots);
}
