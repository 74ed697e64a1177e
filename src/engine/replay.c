/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of a trace, and what is kept between them. */
#include "engine/replay.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "cache/frame.h"
#include "coffer.h"
#include "engine/plan.h"
#include "engine/trace.h"
#include "store/catalogue.h"
#include "store/store.h"

/* A machine with one thread and no clock: the caches' order of use goes by their own count. */
static enum coffer_status init_nothing(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
    return COFFER_OK;
}

static void do_nothing(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
}

static const struct coffer_port one_thread = {.lock_init = init_nothing,
                                              .lock_fini = do_nothing,
                                              .lock_take = do_nothing,
                                              .lock_give = do_nothing};

/* --- Entries --- */

static struct cache_entry *make_entry(void *context)
{
    struct coffer_replay *replay = context;
    void *block;

    if (memory_alloc(replay->memory, replay->owner, sizeof(struct replay_open_object), &block) ==
        COFFER_OK)
        return block;
    replay->starved = true;
    return NULL;
}

static void unmake_entry(void *context, struct cache_entry *entry)
{
    struct coffer_replay *replay = context;

    memory_free(replay->memory, entry);
}

/* An object leaves the object cache: its tree is closed. */
static void let_go_object(void *context, struct cache_entry *entry)
{
    struct replay_open_object *opened = (struct replay_open_object *)entry;

    if (opened->object == NULL)
        return;
    opened->object->opened = NULL;
    replay_file_forget(context, &opened->object->file);
    opened->object = NULL;
}

static const struct cache_type frame_types[2] = {
    {.name = "nodes", .entry_bytes = FRAME_ENTRY_BYTES, .make = make_entry, .unmake = unmake_entry},
    {.name = "blocks",
     .entry_bytes = FRAME_ENTRY_BYTES,
     .make = make_entry,
     .unmake = unmake_entry},
};

static const struct cache_type object_type = {.name = "objects",
                                              .entry_bytes = sizeof(struct replay_open_object),
                                              .make = make_entry,
                                              .unmake = unmake_entry,
                                              .let_go = let_go_object};

/* --- Opening and closing --- */

/* The plan of a store in so much memory. Areas are only measured for it, so that any will do. */
static enum coffer_status make_plan(const struct coffer_replay_config *wanted, struct plan *out)
{
    const struct coffer_area area = {(void *)(uintptr_t)FRAME_SIZE, (size_t)wanted->memory};
    const struct coffer_config config = {.port = &one_thread,
                                         .areas = &area,
                                         .area_count = 1,
                                         .cache_frames = wanted->cache_frames,
                                         .cached_objects = wanted->cached_objects,
                                         .cache_policy = wanted->cache_policy};
    const struct memory_settings settings = {.keep_contents = false};
    enum coffer_status status = plan_make(&config, &settings, out);

    if (status == COFFER_OK && !out->shown.fits)
        status = COFFER_NO_MEMORY;
    return status;
}

static enum coffer_status open_caches(struct coffer_replay *replay, const struct plan *plan)
{
    const struct cache_bounds of_objects = {.idle_max = plan->cached_objects};
    enum coffer_status status;

    for (unsigned i = 0; i < 2; i++) {
        replay->types[i] = frame_types[i];
        replay->types[i].policy = plan->policy;
    }
    replay->cache_frames = (unsigned)plan->cache_frames;
    replay->staging_blocks = plan->staging_blocks;
    cache_share_init(&replay->share, &one_thread, plan->cache_bytes);
    cache_share_init(&replay->object_share, &one_thread, 0);
    cache_share_follow(&replay->object_share, &replay->share);
    status = cache_open(&replay->share, replay->memory, replay->owner, &replay->types[0], replay,
                        &plan->nodes, &replay->nodes);
    if (status == COFFER_OK)
        status = cache_open(&replay->share, replay->memory, replay->owner, &replay->types[1],
                            replay, &plan->blocks, &replay->blocks);
    if (status == COFFER_OK)
        status = cache_open(&replay->object_share, replay->memory, replay->owner, &object_type,
                            replay, &of_objects, &replay->open_objects);
    return status;
}

enum coffer_status coffer_replay_open(const struct coffer_replay_config *config,
                                      struct coffer_replay **out)
{
    struct memory_area areas[FRAMES_AREAS_MAX];
    const struct memory_settings settings = {.keep_contents = true};
    struct coffer_replay *replay;
    enum coffer_status status;
    struct memory *memory;
    struct owner owner;
    struct plan plan;
    void *block;

    if (config == NULL || out == NULL || config->areas == NULL || config->area_count < 1 ||
        config->area_count > FRAMES_AREAS_MAX || config->memory > SIZE_MAX / 2)
        return COFFER_MISUSE;
    status = make_plan(config, &plan);
    if (status != COFFER_OK)
        return status;
    for (size_t i = 0; i < config->area_count; i++)
        areas[i] = (struct memory_area){config->areas[i].address, config->areas[i].size};
    status = memory_open(areas, config->area_count, &settings, &memory);
    if (status != COFFER_OK)
        return status;
    status = account_open_owner(&memory->account, "replay", &owner);
    if (status == COFFER_OK)
        status = memory_alloc(memory, owner, sizeof(*replay), &block);
    if (status != COFFER_OK)
        return status;
    replay = block;
    replay->memory = memory;
    replay->owner = owner;
    rbtree_init(&replay->objects, NULL);
    list_init(&replay->spare);
    list_init(&replay->formers);
    replay_file_init(&replay->catalogue);
    status = open_caches(replay, &plan);
    if (status == COFFER_OK)
        *out = replay;
    return status;
}

/* --- Objects --- */

static struct replay_object *object_at(struct rbnode *node)
{
    return rbtree_entry(node, struct replay_object, by_number);
}

static struct replay_object *find(const struct coffer_replay *replay, uint64_t number)
{
    struct rbnode *node = replay->objects.root;

    while (node != NULL && object_at(node)->number != number)
        node = node->child[number < object_at(node)->number ? RB_LEFT : RB_RIGHT];
    return node == NULL ? NULL : object_at(node);
}

/* It isn't there yet. */
static void insert(struct coffer_replay *replay, struct replay_object *object)
{
    struct rbnode *node = replay->objects.root;
    struct rbnode *parent = NULL;
    enum rbside side = RB_LEFT;

    while (node != NULL) {
        parent = node;
        side = object->number < object_at(node)->number ? RB_LEFT : RB_RIGHT;
        node = node->child[side];
    }
    rbtree_insert(&replay->objects, parent, side, &object->by_number);
}

/* The object of a number, known from here on. */
static enum coffer_status know(struct coffer_replay *replay, uint64_t number,
                               struct replay_object **out)
{
    struct replay_object *object = find(replay, number);
    enum coffer_status status;
    void *block;

    if (object == NULL && !list_is_empty(&replay->spare)) {
        object = list_entry(replay->spare.next, struct replay_object, spare);
        list_remove(&object->spare);
    } else if (object == NULL) {
        status = memory_alloc(replay->memory, replay->owner, sizeof(*object), &block);
        if (status != COFFER_OK)
            return status;
        object = block;
        list_init(&object->spare);
        cache_group_init(&object->place);
        replay_file_init(&object->file);
        object->slot = replay->slots++;
    } else {
        *out = object;
        return COFFER_OK;
    }
    replay->result.objects++;
    object->number = number;
    insert(replay, object);
    *out = object;
    return COFFER_OK;
}

/* The handles of an object that were opened by a number that it hasn't any more; NULL: none. */
static struct replay_former *find_former(const struct coffer_replay *replay, uint64_t number)
{
    list_each (link, &replay->formers) {
        struct replay_former *former = list_entry(link, struct replay_former, link);

        if (former->number == number)
            return former;
    }
    return NULL;
}

static void forget_former(struct coffer_replay *replay, struct replay_former *former)
{
    list_remove(&former->link);
    memory_free(replay->memory, former);
}

/* Handles of an object keep the number that it is about to lose. */
static enum coffer_status keep_former(struct coffer_replay *replay, struct replay_object *object)
{
    unsigned handles = object->handles - object->former_handles;
    struct replay_former *former;
    enum coffer_status status;
    void *block;

    if (handles == 0)
        return COFFER_OK;
    status = memory_alloc(replay->memory, replay->owner, sizeof(*former), &block);
    if (status != COFFER_OK)
        return status;
    former = block;
    former->number = object->number;
    former->object = object;
    former->handles = handles;
    list_insert_after(&replay->formers, &former->link);
    object->former_handles = object->handles;
    return COFFER_OK;
}

static void drop_formers(struct coffer_replay *replay, struct replay_object *object)
{
    struct list *link = replay->formers.next;

    while (object->former_handles > 0) {
        struct replay_former *former = list_entry(link, struct replay_former, link);

        link = link->next;
        if (former->object != object)
            continue;
        object->former_handles -= former->handles;
        forget_former(replay, former);
    }
}

/* It leaves the object cache, if it is there. Handles of it are forgotten; it goes with the last of
 * them, as one that nobody uses it could push another one out. */
static void drop(struct coffer_replay *replay, struct replay_object *object)
{
    drop_formers(replay, object);
    for (; object->handles > 1; object->handles--)
        cache_unpin(replay->open_objects, &object->opened->core);
    if (object->handles == 1)
        cache_forget(replay->open_objects, &object->opened->core);
    else
        cache_forget_group(replay->open_objects, &object->place);
    object->handles = 0;
    replay_file_forget(replay, &object->file);
}

/* One handle more on an object: found in the object cache, or opened. */
static enum coffer_status open_object(struct coffer_replay *replay, struct replay_object *object)
{
    const struct cache_key key = {.group = &object->place};
    struct cache_entry *entry;
    enum coffer_status status;
    bool claimed;

    status = cache_get(replay->open_objects, &key, CACHE_NO_WAIT, &entry, &claimed);
    if (status != COFFER_OK)
        return status;
    object->handles++;
    if (!claimed)
        return COFFER_OK;
    object->opened = (struct replay_open_object *)entry;
    object->opened->object = object;
    /* Its entry of the catalogue says where it is. */
    replay_file_read(replay, &replay->catalogue, (uint64_t)object->slot * CATALOGUE_SLOT_SIZE,
                     CATALOGUE_SLOT_SIZE);
    replay_file_open(replay, &object->file);
    cache_loaded(replay->open_objects, entry, COFFER_OK);
    return COFFER_OK;
}

/* One handle less, which was opened by the number. */
static void close_object(struct coffer_replay *replay, struct replay_object *object,
                         uint64_t number)
{
    struct replay_former *former;

    if (object->handles > object->former_handles && object->number == number) {
        object->handles--;
    } else {
        former = find_former(replay, number);
        if (former == NULL)
            return;
        object->handles--;
        object->former_handles--;
        if (--former->handles == 0)
            forget_former(replay, former);
    }
    cache_unpin(replay->open_objects, &object->opened->core);
}

/* The catalogue's part of a commit, with its two barriers. */
static void publish(struct coffer_replay *replay, const struct replay_object *object)
{
    replay_file_write(replay, &replay->catalogue, (uint64_t)object->slot * CATALOGUE_SLOT_SIZE,
                      CATALOGUE_SLOT_SIZE);
    replay->result.device_writes++; /* its head comes behind the barrier */
    replay->result.device_barriers += 2;
}

/* --- Calls --- */

/* The trace of another run: nothing is cached. */
static void start(struct coffer_replay *replay)
{
    for (struct rbnode *node = rbtree_first(&replay->objects); node != NULL;
         node = rbtree_next(node))
        drop(replay, object_at(node));
    replay_file_forget(replay, &replay->catalogue);
}

/* Objects are met first as they are opened, with their length, or are made. */
static enum coffer_status meet(struct coffer_replay *replay,
                               const struct coffer_trace_record *record, bool stays)
{
    struct replay_object *object;
    enum coffer_status status = know(replay, record->object, &object);
    uint64_t slots = (uint64_t)replay->slots * CATALOGUE_SLOT_SIZE;

    if (status != COFFER_OK)
        return status;
    if (replay->catalogue.length < slots)
        replay->catalogue.length = slots;
    object->front = (uint32_t)record->offset;
    object->file.length = record->offset + record->size;
    status = open_object(replay, object);
    if (status == COFFER_OK && !stays)
        close_object(replay, object, record->object);
    return status;
}

static enum coffer_status make(struct coffer_replay *replay,
                               const struct coffer_trace_record *record, uint64_t front)
{
    struct replay_object *object;
    enum coffer_status status = know(replay, record->object, &object);

    if (status != COFFER_OK)
        return status;
    drop(replay, object);
    object->front = (uint32_t)front;
    replay_file_make(replay, &object->file, front + record->size);
    publish(replay, object);
    replay_file_forget(replay, &object->file);
    return COFFER_OK;
}

/* There is no object of its name any more. */
static void lose(struct coffer_replay *replay, struct replay_object *object)
{
    drop(replay, object);
    rbtree_erase(&replay->objects, &object->by_number);
    list_insert_after(&replay->spare, &object->spare);
}

/* What a reader asks for, which may be any number. */
static void read_range(struct coffer_replay *replay, struct replay_object *object,
                       const struct coffer_trace_record *record)
{
    uint64_t at;

    if (add_fits(object->front, record->offset, &at))
        replay_file_read(replay, &object->file, at, record->size);
}

/* All of them, whatever room there was for more. */
static void read_attributes(struct coffer_replay *replay, struct replay_object *object)
{
    if (object->front > OBJECT_HEAD_SIZE)
        replay_file_read(replay, &object->file, OBJECT_HEAD_SIZE, object->front - OBJECT_HEAD_SIZE);
}

static bool is_by_handle(enum coffer_trace_call call)
{
    return call == COFFER_TRACE_CLOSE || call == COFFER_TRACE_READ ||
           call == COFFER_TRACE_ATTRIBUTES || call == COFFER_TRACE_WRITE ||
           call == COFFER_TRACE_CUT || call == COFFER_TRACE_USAGE;
}

/* Whose handle, opened by such a number, is it? If the object that has it is open, that one's: one
 * that had it before can't be told from it then. */
static struct replay_object *find_user(const struct coffer_replay *replay, uint64_t number)
{
    struct replay_object *object = find(replay, number);
    const struct replay_former *former;

    if (object != NULL && object->handles > object->former_handles)
        return object;
    former = find_former(replay, number);
    return former != NULL ? former->object : object;
}

/* Calls on an object that the trace has named before. */
static void use(struct coffer_replay *replay, const struct coffer_trace_record *record,
                struct replay_object *object)
{
    uint64_t at = object->front + record->offset; /* reads may wrap it, and have their own */

    switch (record->call) {
    case COFFER_TRACE_CLOSE:
        close_object(replay, object, record->object);
        break;
    case COFFER_TRACE_READ:
        read_range(replay, object, record);
        break;
    case COFFER_TRACE_ATTRIBUTES:
        read_attributes(replay, object);
        break;
    case COFFER_TRACE_WRITE:
        if (record->size == 0)
            break;
        replay_file_write(replay, &object->file, at, record->size);
        publish(replay, object);
        break;
    case COFFER_TRACE_CUT:
        at = object->front + record->size;
        replay_file_write(replay, &object->file, at > 0 ? at - 1 : 0, 1);
        object->file.length = at;
        publish(replay, object);
        break;
    case COFFER_TRACE_USAGE:
        replay_file_write(replay, &object->file, 0, OBJECT_HEAD_SIZE);
        publish(replay, object);
        break;
    case COFFER_TRACE_RENAME:
        publish(replay, object);
        break;
    case COFFER_TRACE_DELETE:
    case COFFER_TRACE_QUARANTINE:
        publish(replay, object);
        lose(replay, object);
        break;
    default:
        break;
    }
}

/* The record before, of `rename`, has the old name. What had the new one went without a record. */
static enum coffer_status take_name(struct coffer_replay *replay, uint64_t before, uint64_t after)
{
    struct replay_object *object = find(replay, before);
    struct replay_object *other = find(replay, after);
    enum coffer_status status;

    if (object == NULL || object == other)
        return COFFER_OK;
    status = keep_former(replay, object);
    if (status != COFFER_OK)
        return status;
    if (other != NULL)
        lose(replay, other);
    rbtree_erase(&replay->objects, &object->by_number);
    object->number = after;
    insert(replay, object);
    return COFFER_OK;
}

static enum coffer_status replay_call(struct coffer_replay *replay,
                                      const struct coffer_trace_record *record)
{
    struct replay_object *object;

    switch (record->call) {
    case COFFER_TRACE_START:
        start(replay);
        return COFFER_OK;
    case COFFER_TRACE_OPEN:
    case COFFER_TRACE_STAT:
        return meet(replay, record, record->call == COFFER_TRACE_OPEN);
    case COFFER_TRACE_PUT:
        return make(replay, record, record->offset);
    case COFFER_TRACE_COMMIT:
        /* What stands in front was told when the writer was opened, and will be when the object
         * is; it is little. */
        return make(replay, record, OBJECT_HEAD_SIZE);
    case COFFER_TRACE_AS:
        return take_name(replay, replay->renamed, record->object);
    case COFFER_TRACE_LIST:
        replay_file_read(replay, &replay->catalogue, 0, replay->catalogue.length);
        return COFFER_OK;
    default:
        object = is_by_handle(record->call) ? find_user(replay, record->object)
                                            : find(replay, record->object);
        if (object != NULL)
            use(replay, record, object);
        return COFFER_OK;
    }
}

enum coffer_status coffer_replay_record(struct coffer_replay *replay,
                                        const struct coffer_trace_record *record)
{
    enum coffer_status status;

    if (replay == NULL || record == NULL)
        return COFFER_MISUSE;
    if (!trace_is_possible(record))
        return COFFER_MISUSE;
    /* A call is one line, but for a rename's second. */
    replay->result.calls += record->call != COFFER_TRACE_START &&
                            record->call != COFFER_TRACE_END && record->call != COFFER_TRACE_AS;
    if (record->status != COFFER_OK)
        return COFFER_OK;
    status = replay_call(replay, record);
    replay->renamed = record->call == COFFER_TRACE_RENAME ? record->object : 0;
    return replay->starved ? COFFER_NO_MEMORY : status;
}

/* --- What comes out --- */

static struct coffer_replay_cache counts_of(struct cache *cache)
{
    struct cache_statistics now;

    cache_statistics(cache, &now);
    return (struct coffer_replay_cache){now.counters.hits, now.counters.misses};
}

void coffer_replay_get(const struct coffer_replay *replay, struct coffer_replay_result *out)
{
    *out = replay->result;
    out->cache_frames = replay->cache_frames;
    out->object_cache = counts_of(replay->open_objects);
    out->node_cache = counts_of(replay->nodes);
    out->block_cache = counts_of(replay->blocks);
}

void coffer_replay_costs_default(struct coffer_replay_costs *out)
{
    *out = (struct coffer_replay_costs){.call_ns = 500,
                                        .device_ns = 6000,
                                        .kib_ns = 100,
                                        .barrier_ns = 270000,
                                        .block_ns = 2500,
                                        .hash_ns = 400};
}

uint64_t coffer_replay_ns(const struct coffer_replay_result *result,
                          const struct coffer_replay_costs *costs)
{
    uint64_t bytes = result->device_read_bytes + result->device_written_bytes;

    return result->calls * costs->call_ns +
           (result->device_reads + result->device_writes) * costs->device_ns +
           bytes / 1024 * costs->kib_ns + result->device_barriers * costs->barrier_ns +
           result->blocks * costs->block_ns + result->hashes * costs->hash_ns;
}
