/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be written, in the order of the file and with as few device calls as that takes. */
#include "tree/inside.h"

#include "base/assert.h"

_Static_assert(2 * OUTGOING_MAX <= DEVICE_PIECES_MAX, "a gap before each part fits one call");

enum coffer_status outgoing_add(struct outgoing *out, uint64_t offset, void *data, size_t size)
{
    size_t place = out->count;

    if (place == OUTGOING_MAX) {
        enum coffer_status status = outgoing_write(out);

        if (status != COFFER_OK)
            return status;
        place = 0;
    }
    /* Most come in order. */
    for (; place > 0 && out->parts[place - 1].offset > offset; place--)
        out->parts[place] = out->parts[place - 1];
    out->parts[place] = (struct outgoing_part){offset, data, size};
    out->count++;
    return COFFER_OK;
}

enum coffer_status outgoing_write(struct outgoing *out)
{
    struct tree *tree = out->tree;
    struct device_piece pieces[2 * OUTGOING_MAX];
    enum coffer_status status = COFFER_OK;
    size_t first = 0;

    while (first < out->count && status == COFFER_OK) {
        uint64_t at = out->parts[first].offset;
        size_t count = 0;
        size_t i;

        for (i = first; i < out->count; i++) {
            const struct outgoing_part *part = &out->parts[i];
            uint64_t gap = part->offset - at;

            assert_cheap(part->offset >= at); /* parts lie apart */
            if (gap > SIZE_MAX / 2)
                break;
            if (gap > 0)
                pieces[count++] = (struct device_piece){NULL, (size_t)gap};
            pieces[count++] = (struct device_piece){part->data, part->size};
            at = part->offset + part->size;
        }
        status = device_write(tree->environment->device, tree->name, out->parts[first].offset,
                              pieces, count);
        first = i;
    }
    out->count = 0;
    return status == COFFER_NOT_FOUND ? COFFER_IO : status;
}
