/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments: opened, closed, and what happens when their last region goes. */
#include "memory/space/segment.h"

#include "base/assert.h"

enum coffer_status segment_can_map(const struct coffer_segment *segment,
                                   const struct spaces *spaces, uint64_t offset, size_t size,
                                   unsigned rights)
{
    if (segment->spaces != spaces || offset > segment->size || size > segment->size - offset)
        return COFFER_MISUSE;
    return (rights & COFFER_WRITE) != 0 && !segment->is_writable ? COFFER_MISUSE : COFFER_OK;
}

/* A segment of `size` bytes, in whole pages, on the list. */
static enum coffer_status make(struct spaces *spaces, struct owner owner, uint64_t size,
                               const struct coffer_pager *pager, unsigned *tries,
                               struct coffer_segment **out)
{
    struct coffer_segment *segment;
    void *record;
    enum coffer_status status = spaces_take_record(spaces, owner, sizeof(*segment), tries, &record);

    if (status != COFFER_OK)
        return status;
    segment = record;
    *segment = (struct coffer_segment){
        .spaces = spaces,
        .size = size,
        .is_file = pager != NULL,
        .is_writable = pager == NULL || pager->write != NULL,
    };
    status = object_make(spaces->paging, owner, size / PAGE, pager, &segment->object);
    if (status != COFFER_OK) {
        memory_free(spaces->memory, segment);
        return status == COFFER_NO_MEMORY ? spaces_relieve(spaces, owner, tries) : status;
    }
    segment->object->client = segment;
    list_insert_before(&spaces->segments, &segment->link);
    *out = segment;
    return COFFER_OK;
}

enum coffer_status spaces_open_segment(struct spaces *spaces, struct owner owner, uint64_t size,
                                       const struct coffer_pager *pager,
                                       struct coffer_segment **out)
{
    unsigned tries = 0;
    enum coffer_status status;

    if (size == 0 || size > UINT64_MAX - PAGE || (pager != NULL && pager->read == NULL))
        return COFFER_MISUSE;
    size = (size + PAGE - 1) / PAGE * PAGE;
    spaces_lock(spaces);
    do
        status = make(spaces, owner, size, pager, &tries, out);
    while (status == COFFER_BUSY);
    spaces_unlock(spaces);
    return status;
}

/* Write the dirty pages back, as long as the segment is held by somebody. */
static enum coffer_status write_back(const struct coffer_segment *segment)
{
    if (!segment->is_file || !segment->is_writable)
        return COFFER_OK;
    return space_sync_object(segment->object, 0, segment->object->page_count);
}

/* Nobody maps it, and nobody can any more. */
static void finish(struct coffer_segment *segment)
{
    struct memory *memory = segment->spaces->memory;
    struct object *object = segment->object;

    list_remove(&segment->link);
    object_drop(object);
    memory_free(memory, segment);
}

/* Write back and finish when there is nobody to tell how it went: that is only logged. */
static void finish_unheard(struct coffer_segment *segment)
{
    struct spaces *spaces = segment->spaces;
    const struct coffer_port *port = spaces->port;

    if (write_back(segment) != COFFER_OK && port != NULL && port->log != NULL) {
        paging_unlock(spaces->paging);
        port->log(port->context, PORT_LOG_WARNING,
                  "pages of a closed segment could not be written back");
        paging_lock(spaces->paging);
    }
    finish(segment);
}

void segment_settle(struct object *object)
{
    struct coffer_segment *segment = object->client;

    if (!segment->is_closed || !list_is_empty(&object->regions))
        return;
    segment->is_closed = false; /* so that this is done once */
    finish_unheard(segment);
}

enum coffer_status coffer_segment_close(struct coffer_segment *segment)
{
    struct spaces *spaces;
    enum coffer_status status;

    if (segment == NULL)
        return COFFER_OK;
    spaces = segment->spaces;
    spaces_lock(spaces);
    status = write_back(segment);
    if (list_is_empty(&segment->object->regions))
        finish(segment);
    else
        segment->is_closed = true;
    spaces_unlock(spaces);
    return status;
}

void spaces_close_segments(struct spaces *spaces)
{
    while (!list_is_empty(&spaces->segments)) {
        struct coffer_segment *segment = list_entry(spaces->segments.next, struct coffer_segment,
                                                    link);

        assert_cheap(list_is_empty(&segment->object->regions));
        finish_unheard(segment); /* who wants to know closes his segments himself */
    }
}
