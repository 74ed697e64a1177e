/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared buffers: units, references, and what is idle. */
#include "memory/heap/buffers.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/frames/lookup.h"
#include "memory/heap/buffer_records.h"

#define REFERENCES_MAX UINT32_MAX

static unsigned kind_of(size_t size)
{
    for (unsigned kind = 0; kind < BUFFERS_CLASS_COUNT; kind++) {
        if (size <= buffer_class_sizes[kind])
            return kind;
    }
    return KIND_RUN;
}

enum coffer_status buffers_init(struct buffers *buffers, const struct buffers_settings *settings)
{
    if (settings->frames == NULL || settings->owner.index == 0)
        return COFFER_MISUSE;
    *buffers = (struct buffers){.settings = *settings};
    spin_init(&buffers->lock, settings->port);
    for (unsigned kind = 0; kind < BUFFERS_CLASS_COUNT; kind++) {
        list_init(&buffers->partial[kind]);
        list_init(&buffers->whole[kind]);
    }
    return COFFER_OK;
}

static void give_frames(struct buffers *buffers, void *frames)
{
    enum coffer_status status = frames_give(buffers->settings.frames, frames);

    assert_cheap(status == COFFER_OK);
    (void)status;
}

void buffers_fini(struct buffers *buffers)
{
    (void)buffers_trim(buffers, UINT64_MAX);
    assert_cheap(buffers->numbers.held == 0);
    while (buffers->chunks != NULL) {
        struct chunk *chunk = buffers->chunks;

        buffers->chunks = chunk->next;
        wipe(chunk, FRAME_SIZE);
        give_frames(buffers, chunk);
    }
    wipe(buffers, sizeof(*buffers));
}

/* --- Units: a frame or a run, with its records ------------------------------------------- */

/* The lead stands where its idle records want it to. */
static void settle_locked(struct buffers *buffers, struct buffer *lead)
{
    list_remove(&lead->list);
    if (lead->idle_count > 0)
        list_insert_after(is_whole(lead) ? &buffers->whole[lead->kind]
                                         : &buffers->partial[lead->kind],
                          &lead->list);
}

static void add_idle_locked(struct buffers *buffers, struct buffer *buffer)
{
    buffer->idle = true;
    buffer->lead->idle_count++;
    buffers->numbers.idle[buffer->kind]++;
    settle_locked(buffers, buffer->lead);
}

static void begin_locked(struct buffers *buffers, struct buffer *buffer)
{
    struct buffers_statistics *numbers = &buffers->numbers;

    atomic_store_explicit(&buffer->references, 1, memory_order_relaxed);
    if (++numbers->held > numbers->held_peak)
        numbers->held_peak = numbers->held;
}

/* An idle one of the class; first of frames that are in use anyway. */
static struct buffer *take_idle_locked(struct buffers *buffers, unsigned kind)
{
    const struct list *list = list_is_empty(&buffers->partial[kind]) ? &buffers->whole[kind]
                                                                     : &buffers->partial[kind];
    struct buffer *buffer;

    if (list_is_empty(list))
        return NULL;
    buffer = list_entry(list->next, struct buffer, list);
    while (!buffer->idle)
        buffer = buffer->next;
    buffer->idle = false;
    buffer->lead->idle_count--;
    buffers->numbers.idle[kind]--;
    settle_locked(buffers, buffer->lead);
    begin_locked(buffers, buffer);
    return buffer;
}

/* A wholly idle unit is in nobody's reach any more. */
static void detach_locked(struct buffers *buffers, struct buffer *lead)
{
    struct buffer *record = lead;

    assert_debug(is_whole(lead));
    list_remove(&lead->list);
    do {
        record->idle = false;
        buffers->numbers.idle[lead->kind]--;
        record = record->next;
    } while (record != lead);
    lead->idle_count = 0;
}

/* Frames first: while they are being given the records are still no one else's. */
static size_t send_home(struct buffers *buffers, struct buffer *lead)
{
    size_t count = frames_for(lead->size);

    give_frames(buffers, lead->bytes);
    spin_take(&buffers->lock);
    buffers->numbers.frames -= count;
    buffer_records_give(buffers, lead);
    spin_give(&buffers->lock);
    return count * FRAME_SIZE;
}

/* The records get their bytes; the lead's buffer is the caller's. */
static void furnish(struct buffers *buffers, struct buffer *lead, uint8_t *bytes, size_t size)
{
    struct buffer *record;

    lead->bytes = bytes;
    lead->size = size;
    spin_take(&buffers->lock);
    buffers->numbers.frames += frames_for(size);
    for (record = lead->next; record != lead; record = record->next) {
        bytes += size;
        record->bytes = bytes;
        record->size = size;
        add_idle_locked(buffers, record);
    }
    begin_locked(buffers, lead);
    spin_give(&buffers->lock);
}

static enum coffer_status make_unit(struct buffers *buffers, unsigned kind, size_t size,
                                    struct buffer **out)
{
    size_t count = frames_for(kind < BUFFERS_CLASS_COUNT ? buffer_class_sizes[kind] : size);
    struct buffer *lead;
    void *bytes;
    enum coffer_status status;

    size = kind < BUFFERS_CLASS_COUNT ? buffer_class_sizes[kind] : count * FRAME_SIZE;
    status = buffer_records_take(buffers, kind, pieces_of(kind), &lead);
    if (status != COFFER_OK)
        return status;
    status = buffers_take_frames(buffers, count, &bytes);
    if (status != COFFER_OK) {
        spin_take(&buffers->lock);
        buffer_records_give(buffers, lead);
        spin_give(&buffers->lock);
        return status;
    }
    if (buffers->settings.frames->keep_contents)
        wipe(bytes, count * FRAME_SIZE);
    furnish(buffers, lead, bytes, size);
    *out = lead;
    return COFFER_OK;
}

static enum coffer_status refused(struct buffers *buffers, enum coffer_status status)
{
    counter_add(&buffers->refusals, 1);
    return status;
}

enum coffer_status buffers_take(struct buffers *buffers, size_t size, struct buffer **out)
{
    unsigned kind = kind_of(size);
    struct buffer *buffer = NULL;
    enum coffer_status status;

    if (size == 0)
        return COFFER_MISUSE;
    if (size > FRAMES_TOTAL_MAX * FRAME_SIZE)
        return refused(buffers, COFFER_NO_MEMORY);
    spin_take(&buffers->lock);
    if (kind == KIND_RUN)
        buffers->numbers.large++;
    else if ((buffer = take_idle_locked(buffers, kind)) != NULL)
        buffers->numbers.hits++;
    else
        buffers->numbers.misses++;
    spin_give(&buffers->lock);
    if (buffer != NULL) {
        assert_deep(buffer->left || bytes_are_zero(buffer->bytes, buffer->size));
        *out = buffer;
        return COFFER_OK;
    }
    status = make_unit(buffers, kind, size, out);
    if (status == COFFER_NO_MEMORY && buffers_trim(buffers, UINT64_MAX) > 0)
        status = make_unit(buffers, kind, size, out);
    return status == COFFER_OK ? COFFER_OK : refused(buffers, status);
}

enum coffer_status buffers_lend(struct buffers *buffers, uint8_t *bytes, size_t size,
                                void (*take_back)(void *context, uint8_t *bytes, size_t size),
                                void *context, struct buffer **out)
{
    struct buffer *record;
    enum coffer_status status;

    if (bytes == NULL || size == 0 || take_back == NULL)
        return COFFER_MISUSE;
    status = buffer_records_take(buffers, KIND_LENT, 1, &record);
    if (status != COFFER_OK)
        return refused(buffers, status);
    record->bytes = bytes;
    record->size = size;
    record->lent.take_back = take_back;
    record->lent.context = context;
    spin_take(&buffers->lock);
    buffers->numbers.lent++;
    begin_locked(buffers, record);
    spin_give(&buffers->lock);
    *out = record;
    return COFFER_OK;
}

/* --- References -------------------------------------------------------------------------- */

static enum coffer_status wrong(struct buffers *buffers)
{
    counter_add(&buffers->wrong_gives, 1);
    return COFFER_MISUSE;
}

enum coffer_status buffers_hold(struct buffers *buffers, struct buffer *buffer)
{
    uint32_t references;

    if (!buffer_is_record(buffers, buffer))
        return wrong(buffers);
    references = atomic_load_explicit(&buffer->references, memory_order_relaxed);
    do {
        if (references == 0)
            return wrong(buffers);
        if (references == REFERENCES_MAX)
            return COFFER_NO_MEMORY;
    } while (!atomic_compare_exchange_weak_explicit(&buffer->references, &references,
                                                    references + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return COFFER_OK;
}

/* Of a class: wiped and idle, unless that is too much. */
static void retire(struct buffers *buffers, struct buffer *buffer, bool sealed)
{
    unsigned kind = buffer->kind;
    bool goes;

    if (!sealed)
        wipe(buffer->bytes, buffer->size);
    buffer->left = sealed;
    spin_take(&buffers->lock);
    buffers->numbers.held--;
    add_idle_locked(buffers, buffer);
    goes = is_whole(buffer->lead) && buffers->numbers.idle[kind] * buffer_class_sizes[kind] >
                                         buffers->settings.idle_max[kind];
    if (goes)
        detach_locked(buffers, buffer->lead);
    spin_give(&buffers->lock);
    if (goes)
        (void)send_home(buffers, buffer->lead);
}

static void retire_run(struct buffers *buffers, struct buffer *buffer)
{
    if (buffers->settings.frames->keep_contents)
        wipe(buffer->bytes, buffer->size);
    spin_take(&buffers->lock);
    buffers->numbers.held--;
    spin_give(&buffers->lock);
    (void)send_home(buffers, buffer);
}

static void retire_lent(struct buffers *buffers, struct buffer *buffer)
{
    const struct buffer was = {.bytes = buffer->bytes, .size = buffer->size, .lent = buffer->lent};

    spin_take(&buffers->lock);
    buffers->numbers.held--;
    buffer_record_give(buffers, buffer);
    spin_give(&buffers->lock);
    was.lent.take_back(was.lent.context, was.bytes, was.size);
}

static enum coffer_status give(struct buffers *buffers, struct buffer *buffer, bool sealed)
{
    uint32_t references;

    if (!buffer_is_record(buffers, buffer))
        return wrong(buffers);
    references = atomic_load_explicit(&buffer->references, memory_order_relaxed);
    do {
        if (references == 0)
            return wrong(buffers);
        /* What each holder did with the bytes has happened before the last one's give goes on. */
    } while (!atomic_compare_exchange_weak_explicit(&buffer->references, &references,
                                                    references - 1, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (references > 1)
        return COFFER_OK;
    if (buffer->kind < BUFFERS_CLASS_COUNT)
        retire(buffers, buffer, sealed);
    else if (buffer->kind == KIND_RUN)
        retire_run(buffers, buffer);
    else
        retire_lent(buffers, buffer);
    return COFFER_OK;
}

enum coffer_status buffers_give(struct buffers *buffers, struct buffer *buffer)
{
    return give(buffers, buffer, false);
}

enum coffer_status buffers_give_sealed(struct buffers *buffers, struct buffer *buffer)
{
    return give(buffers, buffer, true);
}

/* --- Pressure, numbers ------------------------------------------------------------------- */

/* The last of the largest class. */
static struct buffer *coldest_locked(struct buffers *buffers)
{
    for (unsigned kind = BUFFERS_CLASS_COUNT; kind-- > 0;) {
        if (!list_is_empty(&buffers->whole[kind]))
            return list_entry(buffers->whole[kind].previous, struct buffer, list);
    }
    return NULL;
}

uint64_t buffers_trim(struct buffers *buffers, uint64_t bytes)
{
    uint64_t trimmed = 0;

    while (trimmed < bytes) {
        struct buffer *lead;

        spin_take(&buffers->lock);
        lead = coldest_locked(buffers);
        if (lead != NULL) {
            detach_locked(buffers, lead);
            buffers->numbers.trimmed_bytes += frames_for(lead->size) * FRAME_SIZE;
        }
        spin_give(&buffers->lock);
        if (lead == NULL)
            break;
        trimmed += send_home(buffers, lead);
    }
    return trimmed;
}

bool buffers_can_trim(struct buffers *buffers)
{
    bool can;

    spin_take(&buffers->lock);
    can = coldest_locked(buffers) != NULL;
    spin_give(&buffers->lock);
    return can;
}

void buffers_statistics(struct buffers *buffers, struct buffers_statistics *out)
{
    spin_take(&buffers->lock);
    *out = buffers->numbers;
    spin_give(&buffers->lock);
    out->refusals = counter_get(&buffers->refusals);
    out->wrong_gives = counter_get(&buffers->wrong_gives);
}
