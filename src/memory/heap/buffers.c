/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared buffers: classes, records, references. */
#include "memory/heap/buffers.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/frames/lookup.h"

#define RECORD_SIZE    64u
#define CHUNK_SLOTS    (FRAME_SIZE / RECORD_SIZE) /* the first is the chunk's head */
#define PIECES_MAX     4u
#define RECORDS_TAG    4u /* of frames with records, in the place of a page's and others' */
#define REFERENCES_MAX UINT32_MAX

/* What a record is, if not of a class. */
enum {
    KIND_UNUSED = BUFFERS_CLASS_COUNT,
    KIND_RUN,
    KIND_LENT,
};

_Static_assert(sizeof(struct buffer) == RECORD_SIZE, "a record is a cache line");
_Static_assert(BUFFERS_SMALL *PIECES_MAX == FRAME_SIZE, "four of the smallest to a frame");

struct chunk {
    struct buffers *home;
    struct chunk *next;
};

static const size_t class_sizes[BUFFERS_CLASS_COUNT] = {BUFFERS_SMALL, BUFFERS_MEDIUM,
                                                        BUFFERS_LARGE};

static unsigned kind_of(size_t size)
{
    for (unsigned kind = 0; kind < BUFFERS_CLASS_COUNT; kind++) {
        if (size <= class_sizes[kind])
            return kind;
    }
    return KIND_RUN;
}

static unsigned pieces_of(unsigned kind)
{
    return kind < BUFFERS_CLASS_COUNT && class_sizes[kind] < FRAME_SIZE
               ? (unsigned)(FRAME_SIZE / class_sizes[kind])
               : 1;
}

static size_t frames_for(size_t size)
{
    return size / FRAME_SIZE + (size % FRAME_SIZE != 0);
}

static struct chunk *chunk_of(const struct buffer *buffer)
{
    return (struct chunk *)((uintptr_t)buffer & ~(uintptr_t)(FRAME_SIZE - 1));
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

/* frames_take looks first, without the lock, whether a shorter way will do; this doesn't. */
static enum coffer_status take_frames(struct buffers *buffers, size_t count, void **out)
{
    return frames_take_aligned(buffers->settings.frames, buffers->settings.owner, count, 1, out);
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

/* --- Records ----------------------------------------------------------------------------- */

static void put_unused_locked(struct buffers *buffers, struct buffer *record)
{
    /* `references` is 0, and is left to those who give what they don't have. */
    record->bytes = NULL;
    record->size = 0;
    record->left = false;
    record->home = buffers;
    record->kind = KIND_UNUSED;
    record->lead = NULL;
    record->next = buffers->unused;
    buffers->unused = record;
    buffers->unused_count++;
}

static enum coffer_status add_chunk(struct buffers *buffers)
{
    struct chunk *chunk;
    void *frame;
    enum coffer_status status = take_frames(buffers, 1, &frame);

    if (status != COFFER_OK)
        return status;
    chunk = frame;
    wipe(chunk, FRAME_SIZE);
    chunk->home = buffers;
    status = frames_set_tag(buffers->settings.frames, frame, 1, RECORDS_TAG);
    assert_cheap(status == COFFER_OK);
    spin_take(&buffers->lock);
    for (unsigned i = CHUNK_SLOTS - 1; i > 0; i--)
        put_unused_locked(buffers, (struct buffer *)frame + i);
    chunk->next = buffers->chunks;
    buffers->chunks = chunk;
    buffers->numbers.frames++;
    buffers->numbers.record_frames++;
    spin_give(&buffers->lock);
    return COFFER_OK;
}

/* A ring of `count` records; the first is the lead. */
static enum coffer_status take_records(struct buffers *buffers, unsigned kind, unsigned count,
                                       struct buffer **out)
{
    struct buffer *lead = NULL;

    spin_take(&buffers->lock);
    while (buffers->unused_count < count) {
        enum coffer_status status;

        spin_give(&buffers->lock);
        status = add_chunk(buffers);
        if (status != COFFER_OK)
            return status;
        spin_take(&buffers->lock);
    }
    while (count-- > 0) {
        struct buffer *record = buffers->unused;

        buffers->unused = record->next;
        buffers->unused_count--;
        record->kind = (uint8_t)kind;
        list_init(&record->list);
        if (lead == NULL)
            lead = record->next = record;
        record->lead = lead;
        record->next = lead->next;
        lead->next = record;
    }
    spin_give(&buffers->lock);
    *out = lead;
    return COFFER_OK;
}

static void give_records_locked(struct buffers *buffers, struct buffer *lead)
{
    struct buffer *record = lead;

    do {
        struct buffer *next = record->next;

        put_unused_locked(buffers, record);
        record = next;
    } while (record != lead);
}

/* --- Units: a frame or a run, with its records ------------------------------------------- */

static bool is_whole(const struct buffer *lead)
{
    return lead->idle_count == pieces_of(lead->kind);
}

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
    give_records_locked(buffers, lead);
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
    size_t count = frames_for(kind < BUFFERS_CLASS_COUNT ? class_sizes[kind] : size);
    struct buffer *lead;
    void *bytes;
    enum coffer_status status;

    size = kind < BUFFERS_CLASS_COUNT ? class_sizes[kind] : count * FRAME_SIZE;
    status = take_records(buffers, kind, pieces_of(kind), &lead);
    if (status != COFFER_OK)
        return status;
    status = take_frames(buffers, count, &bytes);
    if (status != COFFER_OK) {
        spin_take(&buffers->lock);
        give_records_locked(buffers, lead);
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
    status = take_records(buffers, KIND_LENT, 1, &record);
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

/* Is there a record of these at that address, any address at all? Records stay records, so that it
 * can be looked at. */
static bool is_record(const struct buffers *buffers, const struct buffer *buffer)
{
    uintptr_t place = (uintptr_t)buffer % FRAME_SIZE;

    return place % RECORD_SIZE == 0 && place != 0 &&
           frames_tag(buffers->settings.frames, buffer) == RECORDS_TAG &&
           chunk_of(buffer)->home == buffers;
}

static enum coffer_status wrong(struct buffers *buffers)
{
    counter_add(&buffers->wrong_gives, 1);
    return COFFER_MISUSE;
}

enum coffer_status buffers_hold(struct buffers *buffers, struct buffer *buffer)
{
    uint32_t references;

    if (!is_record(buffers, buffer))
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
    goes = is_whole(buffer->lead) &&
           buffers->numbers.idle[kind] * class_sizes[kind] > buffers->settings.idle_max[kind];
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
    put_unused_locked(buffers, buffer);
    spin_give(&buffers->lock);
    was.lent.take_back(was.lent.context, was.bytes, was.size);
}

static enum coffer_status give(struct buffers *buffers, struct buffer *buffer, bool sealed)
{
    uint32_t references;

    if (!is_record(buffers, buffer))
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

/* What a walk finds. */
struct census {
    size_t held, idle[BUFFERS_CLASS_COUNT], unused, frames;
};

static bool ring_is_valid(const struct buffer *lead)
{
    const struct buffer *record = lead;
    unsigned idle = 0;
    unsigned count = 0;

    do {
        if (record->lead != lead || record->kind != lead->kind || ++count > PIECES_MAX)
            return false;
        idle += record->idle;
        record = record->next;
    } while (record != lead);
    return count == pieces_of(lead->kind) && idle == lead->idle_count &&
           (lead->kind == KIND_LENT || lead->idle_count > 0 || list_is_empty(&lead->list));
}

static bool record_is_valid(const struct buffers *buffers, const struct buffer *record,
                            struct census *census)
{
    bool held = atomic_load_explicit(&record->references, memory_order_relaxed) > 0;

    if (record->home != buffers)
        return false;
    if (record->kind == KIND_UNUSED) {
        census->unused++;
        return !held && !record->idle;
    }
    census->held += held;
    if (held == record->idle)
        return false;
    if (record->idle) {
        census->idle[record->kind]++;
        if (!record->left && !bytes_are_zero(record->bytes, record->size))
            return false;
    }
    if (record->lead == record && record->kind != KIND_LENT)
        census->frames += frames_for(record->size);
    return record->lead != record || ring_is_valid(record);
}

/* Are the leads on the right lists? */
static bool lists_are_valid(const struct buffers *buffers)
{
    for (unsigned kind = 0; kind < BUFFERS_CLASS_COUNT; kind++) {
        size_t idle = 0;

        list_each (link, &buffers->whole[kind]) {
            const struct buffer *lead = list_entry(link, struct buffer, list);

            if (lead->kind != kind || !is_whole(lead))
                return false;
            idle += lead->idle_count;
        }
        list_each (link, &buffers->partial[kind]) {
            const struct buffer *lead = list_entry(link, struct buffer, list);

            if (lead->kind != kind || is_whole(lead) || lead->idle_count == 0)
                return false;
            idle += lead->idle_count;
        }
        if (idle != buffers->numbers.idle[kind])
            return false;
    }
    return true;
}

bool buffers_are_valid(struct buffers *buffers)
{
    const struct buffers_statistics *numbers = &buffers->numbers;
    struct census census = {0};
    bool valid;

    spin_take(&buffers->lock);
    valid = lists_are_valid(buffers);
    for (const struct chunk *chunk = buffers->chunks; valid && chunk != NULL; chunk = chunk->next) {
        census.frames++;
        valid = chunk->home == buffers;
        for (unsigned i = 1; valid && i < CHUNK_SLOTS; i++)
            valid = record_is_valid(buffers, (const struct buffer *)chunk + i, &census);
    }
    valid = valid && census.held == numbers->held && census.unused == buffers->unused_count &&
            census.frames == numbers->frames;
    for (unsigned kind = 0; valid && kind < BUFFERS_CLASS_COUNT; kind++)
        valid = census.idle[kind] == numbers->idle[kind];
    spin_give(&buffers->lock);
    return valid;
}
