/* SPDX-License-Identifier: BSD-2-Clause */
/* The public view of tree/layout.h: for people and tools that look at a file from outside. */
#include "coffer/inspect.h"

#include <string.h>

#include "base/bytes.h"
#include "tree/layout.h"

_Static_assert(COFFER_INSPECT_BLOCK_SIZE == LAYOUT_BLOCK_SIZE, "one block size");
_Static_assert(COFFER_INSPECT_HEAD_SIZE == LAYOUT_HEAD_SIZE, "one head size");
_Static_assert(COFFER_INSPECT_NODE_SIZE == LAYOUT_NODE_SIZE, "one node size");
_Static_assert(COFFER_INSPECT_NODE_MAX == LAYOUT_NODE_MAX, "one largest node");
_Static_assert(COFFER_INSPECT_FLAG_BLOCK == NODE_FLAG_BLOCK, "one set of flags");
_Static_assert(COFFER_INSPECT_FLAG_CHILD_0 == NODE_FLAG_CHILD_0, "one set of flags");
_Static_assert(COFFER_INSPECT_FLAG_CHILD_1 == NODE_FLAG_CHILD_1, "one set of flags");

enum coffer_status coffer_inspect_newest(uint32_t counter_0, uint32_t counter_1, unsigned *slot)
{
    /* A head lies in slot counter % 2: an odd counter in slot 0 or an even one in slot 1 was never
     * committed there (a new file's slot 0 carries counter 0, its slot 1 counter 1). */
    bool fits_0 = (counter_0 & 1) == 0;
    bool fits_1 = (counter_1 & 1) == 1;

    if (!fits_0 && !fits_1)
        return COFFER_CORRUPT;
    if (fits_0 && fits_1)
        *slot = counter_1 > counter_0 ? 1 : 0;
    else
        *slot = fits_1 ? 1 : 0;
    return COFFER_OK;
}

static struct node node_number(uint32_t node)
{
    return (struct node){node == 0 ? 1 : node};
}

uint64_t coffer_inspect_head_offset(unsigned slot)
{
    return layout_head_offset(slot & 1);
}

uint64_t coffer_inspect_node_offset(uint32_t node, unsigned slot)
{
    return layout_node_offset(node_number(node), slot & 1);
}

uint64_t coffer_inspect_block_offset(uint32_t block, unsigned slot)
{
    return layout_block_offset((struct block){block}, slot & 1);
}

uint32_t coffer_inspect_nodes(uint64_t file_size)
{
    uint32_t fits = 0;
    uint32_t beyond = LAYOUT_NODE_MAX + 1;

    /* Offsets grow with the node's number: halve the range in which the last one lies. */
    while (beyond - fits > 1) {
        uint32_t middle = fits + (beyond - fits) / 2;
        uint64_t end = layout_node_offset((struct node){middle}, 1) + LAYOUT_NODE_SIZE;

        if (end <= file_size)
            fits = middle;
        else
            beyond = middle;
    }
    return fits;
}

unsigned coffer_inspect_child_slot(uint16_t flags, uint32_t child)
{
    return (flags & node_flag_in_parent(node_number(child))) != 0 ? 1 : 0;
}

unsigned coffer_inspect_block_slot(uint16_t flags)
{
    return (flags & NODE_FLAG_BLOCK) != 0 ? 1 : 0;
}

void coffer_inspect_head(const uint8_t image[COFFER_INSPECT_HEAD_SIZE],
                         struct coffer_inspect_head *out)
{
    memcpy(out->iv, image + HEAD_IV, sizeof(out->iv));
    memcpy(out->tag, image + HEAD_TAG, sizeof(out->tag));
    memcpy(out->wrapped_key, image + HEAD_WRAPPED, sizeof(out->wrapped_key));
    memcpy(out->meta, image + HEAD_META, sizeof(out->meta));
    out->counter = load_le32(image + HEAD_COUNTER);
    out->blank = out->counter == 0 && bytes_are_zero(out->tag, sizeof(out->tag));
}

void coffer_inspect_node(const uint8_t image[COFFER_INSPECT_NODE_SIZE],
                         struct coffer_inspect_node *out)
{
    memcpy(out->hash, image + NODE_HASH, sizeof(out->hash));
    memcpy(out->iv, image + NODE_IV, sizeof(out->iv));
    memcpy(out->tag, image + NODE_TAG, sizeof(out->tag));
    out->flags = load_le16(image + NODE_FLAGS);
    out->blank = bytes_are_zero(image, LAYOUT_NODE_SIZE);
}
