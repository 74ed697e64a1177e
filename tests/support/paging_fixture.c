/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/paging_fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/must.h"

#define WORDS (FRAME_SIZE / sizeof(uint64_t))

void page_fill(void *page, uint64_t value)
{
    uint64_t *words = page;

    for (size_t i = 0; i < WORDS; i++)
        words[i] = value;
}

bool page_is_filled(const void *page, uint64_t *value)
{
    const uint64_t *words = page;

    for (size_t i = 1; i < WORDS; i++) {
        if (words[i] != words[0])
            return false;
    }
    *value = words[0];
    return true;
}

/* --- Failing and standing still ---------------------------------------------------------- */

void fake_arm(struct paging_fixture *f, enum fake_call call, uint64_t at, bool sticky,
              enum coffer_status status)
{
    struct fake_plan *plan = &f->plans[call];

    plan->at = at;
    plan->sticky = sticky;
    plan->status = status;
    atomic_store(&plan->calls, 0);
    atomic_store(&plan->fired, false);
}

void fake_disarm(struct paging_fixture *f, enum fake_call call)
{
    f->plans[call].at = 0;
}

uint64_t fake_calls(struct paging_fixture *f, enum fake_call call)
{
    return atomic_load(&f->plans[call].calls);
}

static enum coffer_status strike(struct paging_fixture *f, enum fake_call call)
{
    struct fake_plan *plan = &f->plans[call];
    uint64_t number = atomic_fetch_add(&plan->calls, 1) + 1;

    if (plan->at == 0 || (plan->sticky ? number < plan->at : number != plan->at))
        return COFFER_OK;
    atomic_store(&plan->fired, true);
    return plan->status;
}

static void gate_init(struct fake_gate *gate)
{
    must(pthread_mutex_init(&gate->mutex, NULL) == 0);
    must(pthread_cond_init(&gate->changed, NULL) == 0);
}

static void gate_fini(struct fake_gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

void fake_gate_close(struct fake_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->closed = true;
    pthread_mutex_unlock(&gate->mutex);
}

void fake_gate_open(struct fake_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->closed = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

void fake_gate_await(struct fake_gate *gate, unsigned count)
{
    pthread_mutex_lock(&gate->mutex);
    while (gate->standing < count)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

static void gate_pass(struct fake_gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->standing++;
    pthread_cond_broadcast(&gate->changed);
    while (gate->closed)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    gate->standing--;
    pthread_mutex_unlock(&gate->mutex);
}

/* What holds for every read and write. */
static void enter_io(struct paging_fixture *f, atomic_bool *busy)
{
    must(!paging_is_locked_here(f->paging));
    must(!atomic_exchange(busy, true));
    gate_pass(&f->gate);
    if (f->yields)
        sched_yield();
}

static void leave_io(struct paging_fixture *f, atomic_bool *busy)
{
    if (f->yields)
        sched_yield();
    atomic_store(busy, false);
}

static void must_be_unmapped(struct paging_fixture *f, const void *frame)
{
    if (f->maps_nothing)
        return;
    /* Of other pages the mappings may change. */
    paging_lock(f->paging);
    for (const struct fake_maps *maps = f->maps; maps != NULL; maps = maps->next) {
        for (uint64_t i = 0; i < maps->count; i++)
            must(maps->pages[i].frame != frame);
    }
    paging_unlock(f->paging);
}

/* --- The backing store ------------------------------------------------------------------- */

static enum coffer_status store_reserve(void *context, uint32_t *slot)
{
    struct paging_fixture *f = context;
    enum coffer_status status = strike(f, FAKE_RESERVE);

    must(paging_is_locked_here(f->paging));
    if (status != COFFER_OK)
        return status;
    for (uint32_t i = 0; i < f->settings.slots; i++) {
        if (!f->slots[i].used) {
            f->slots[i].used = true;
            f->slots[i].stamp = 0;
            f->slots_used++;
            *slot = i;
            return COFFER_OK;
        }
    }
    return COFFER_NO_SPACE;
}

static struct fake_slot *slot_at(struct paging_fixture *f, uint32_t slot)
{
    must(slot < f->settings.slots && f->slots[slot].used);
    return &f->slots[slot];
}

static void store_release(void *context, uint32_t slot)
{
    struct paging_fixture *f = context;

    must(paging_is_locked_here(f->paging));
    must(!atomic_load(&slot_at(f, slot)->busy));
    f->slots[slot].used = false;
    f->slots_used--;
}

static enum coffer_status store_write(void *context, uint32_t slot, const void *frame,
                                      uint64_t *stamp)
{
    struct paging_fixture *f = context;
    struct fake_slot *at;
    enum coffer_status status = strike(f, FAKE_WRITE);

    /* Only the fields of this slot: others change beside it. */
    must(slot < f->settings.slots);
    at = &f->slots[slot];
    enter_io(f, &at->busy);
    must_be_unmapped(f, frame);
    if (status == COFFER_OK) {
        memcpy(at->bytes, frame, FRAME_SIZE);
        at->stamp = atomic_fetch_add(&f->stamp, 1) + 1;
        *stamp = at->stamp;
    } else {
        memset(at->bytes, 0xdd, FRAME_SIZE); /* torn */
    }
    leave_io(f, &at->busy);
    return status;
}

static enum coffer_status store_read(void *context, uint32_t slot, uint64_t stamp, void *frame)
{
    struct paging_fixture *f = context;
    struct fake_slot *at;
    enum coffer_status status = strike(f, FAKE_READ);

    must(slot < f->settings.slots);
    at = &f->slots[slot];
    enter_io(f, &at->busy);
    must_be_unmapped(f, frame);
    must(stamp != 0 && at->stamp == stamp);
    if (status == COFFER_OK)
        memcpy(frame, at->bytes, FRAME_SIZE);
    else
        memset(frame, 0, FRAME_SIZE);
    leave_io(f, &at->busy);
    return status;
}

static void store_count(void *context, uint64_t *slots, uint64_t *used)
{
    struct paging_fixture *f = context;

    *slots = f->settings.slots;
    *used = f->slots_used;
}

static void store_close(void *context)
{
    struct paging_fixture *f = context;

    must(!f->closed);
    f->closed = true;
}

static void store_init(struct paging_fixture *f)
{
    f->backing = (struct backing){
        .context = f,
        .reserve = store_reserve,
        .release = store_release,
        .write = store_write,
        .read = store_read,
        .count = store_count,
        .close = store_close,
    };
    f->slots = must_alloc(f->settings.slots * sizeof(*f->slots));
    memset(f->slots, 0, f->settings.slots * sizeof(*f->slots));
    for (uint32_t i = 0; i < f->settings.slots; i++)
        f->slots[i].bytes = must_alloc(FRAME_SIZE);
    paging_lock(f->paging);
    paging_set_backing(f->paging, &f->backing);
    paging_unlock(f->paging);
}

/* --- Files ------------------------------------------------------------------------------- */

static enum coffer_status file_read(void *context, uint64_t index, void *page)
{
    struct fake_file *file = context;
    enum coffer_status status = strike(file->fixture, FAKE_PAGER_READ);

    must(index < file->count);
    enter_io(file->fixture, &file->busy[index]);
    must_be_unmapped(file->fixture, page);
    if (status == COFFER_OK)
        memcpy(page, file->bytes + index * FRAME_SIZE, FRAME_SIZE);
    leave_io(file->fixture, &file->busy[index]);
    file->reads++;
    return status;
}

static enum coffer_status file_write(void *context, uint64_t index, const void *page)
{
    struct fake_file *file = context;
    enum coffer_status status = strike(file->fixture, FAKE_PAGER_WRITE);

    must(index < file->count);
    enter_io(file->fixture, &file->busy[index]);
    must_be_unmapped(file->fixture, page);
    if (status == COFFER_OK)
        memcpy(file->bytes + index * FRAME_SIZE, page, FRAME_SIZE);
    leave_io(file->fixture, &file->busy[index]);
    file->writes++;
    return status;
}

static void file_close(void *context)
{
    struct fake_file *file = context;

    must(!paging_is_locked_here(file->fixture->paging));
    file->closes++;
}

struct fake_file *fake_file_make(struct paging_fixture *f, uint64_t count, bool read_only)
{
    struct fake_file *file = must_alloc(sizeof(*file));

    memset(file, 0, sizeof(*file));
    file->fixture = f;
    file->count = count;
    file->bytes = must_alloc(count * FRAME_SIZE);
    file->busy = must_alloc(count * sizeof(*file->busy));
    for (uint64_t i = 0; i < count; i++) {
        page_fill(file->bytes + i * FRAME_SIZE, FILE_VALUE(i));
        atomic_init(&file->busy[i], false);
    }
    file->pager = (struct coffer_pager){
        .context = file,
        .read = file_read,
        .write = read_only ? NULL : file_write,
        .close = file_close,
    };
    return file;
}

void fake_file_free(struct fake_file *file)
{
    free(file->busy);
    free(file->bytes);
    free(file);
}

uint64_t fake_file_value(const struct fake_file *file, uint64_t index)
{
    uint64_t value;

    must(page_is_filled(file->bytes + index * FRAME_SIZE, &value));
    return value;
}

/* --- Mappings ---------------------------------------------------------------------------- */

struct fake_map *fake_map_of(struct object *object, uint64_t index)
{
    struct fake_maps *maps = object->client;

    must(maps != NULL && index < maps->count);
    return &maps->pages[index];
}

static unsigned client_unmap(void *context, struct object *object, uint64_t index)
{
    struct paging_fixture *f = context;
    unsigned bits = 0;

    must(paging_is_locked_here(f->paging));
    if (object->client != NULL) {
        struct fake_map *map = fake_map_of(object, index);

        bits = map->bits;
        *map = (struct fake_map){.frame = NULL};
    }
    return bits;
}

static unsigned client_write_protect(void *context, struct object *object, uint64_t index)
{
    struct paging_fixture *f = context;
    unsigned bits = 0;

    must(paging_is_locked_here(f->paging));
    if (object->client != NULL) {
        struct fake_map *map = fake_map_of(object, index);

        bits = map->bits;
        map->bits = 0;
        map->writable = false;
    }
    return bits;
}

static unsigned client_bits(void *context, struct object *object, uint64_t index)
{
    struct paging_fixture *f = context;
    unsigned bits = f->always_referenced ? PAGING_REFERENCED : 0;

    must(paging_is_locked_here(f->paging));
    f->referenced_calls++;
    if (object->client != NULL)
        bits |= fake_map_of(object, index)->bits;
    return bits;
}

static unsigned client_age(void *context, struct object *object, uint64_t index)
{
    unsigned bits = client_bits(context, object, index);

    if (object->client != NULL)
        fake_map_of(object, index)->bits &= ~PAGING_REFERENCED;
    return bits;
}

static void add_maps(struct paging_fixture *f, struct object *object)
{
    struct fake_maps *maps;

    if (f->maps_nothing)
        return;
    maps = must_alloc(sizeof(*maps) + object->page_count * sizeof(maps->pages[0]));
    memset(maps, 0, sizeof(*maps) + object->page_count * sizeof(maps->pages[0]));
    maps->object = object;
    maps->count = object->page_count;
    maps->next = f->maps;
    f->maps = maps;
    object->client = maps;
}

static void remove_maps(struct paging_fixture *f, struct object *object)
{
    struct fake_maps **at = &f->maps;

    if (object->client == NULL)
        return;
    while (*at != object->client)
        at = &(*at)->next;
    *at = (*at)->next;
    free(object->client);
    object->client = NULL;
}

struct object *fake_object(struct paging_fixture *f, uint64_t pages,
                           const struct coffer_pager *pager)
{
    struct object *object = NULL;

    paging_lock(f->paging);
    if (object_make(f->paging, f->owner, pages, pager, &object) == COFFER_OK)
        add_maps(f, object);
    paging_unlock(f->paging);
    return object;
}

enum coffer_status fake_clone(struct paging_fixture *f, struct object *object, struct object **out)
{
    enum coffer_status status;

    paging_lock(f->paging);
    status = object_clone(object, out);
    if (status == COFFER_OK)
        add_maps(f, *out);
    paging_unlock(f->paging);
    return status;
}

void fake_drop(struct paging_fixture *f, struct object *object)
{
    paging_lock(f->paging);
    remove_maps(f, object);
    object_drop(object);
    paging_unlock(f->paging);
}

void fake_age(struct paging_fixture *f)
{
    for (struct fake_maps *maps = f->maps; maps != NULL; maps = maps->next) {
        for (uint64_t i = 0; i < maps->count; i++)
            maps->pages[i].bits &= ~PAGING_REFERENCED;
    }
}

/* --- Programs ---------------------------------------------------------------------------- */

/* With the lock held. */
static enum coffer_status touch(struct object *object, uint64_t index, bool write)
{
    struct object_page page;
    enum coffer_status status;
    struct fake_map *map;

    while ((status = object_get(object, index, write, &page)) == COFFER_BUSY)
        ;
    if (status != COFFER_OK)
        return status;
    must(!write || page.writable);
    map = fake_map_of(object, index);
    must(map->frame == NULL || map->frame == page.frame);
    map->frame = page.frame;
    map->writable = write || (map->writable && page.writable);
    return COFFER_OK;
}

enum coffer_status fake_touch(struct paging_fixture *f, struct object *object, uint64_t index,
                              bool write)
{
    enum coffer_status status;

    paging_lock(f->paging);
    status = touch(object, index, write);
    paging_unlock(f->paging);
    return status;
}

enum coffer_status fake_store(struct paging_fixture *f, struct object *object, uint64_t index,
                              uint64_t value)
{
    struct fake_map *map = fake_map_of(object, index);
    enum coffer_status status = COFFER_OK;

    paging_lock(f->paging);
    if (map->frame == NULL || !map->writable)
        status = touch(object, index, true);
    if (status == COFFER_OK) {
        must(map->frame != NULL);
        page_fill(map->frame, value);
        map->bits |= PAGING_REFERENCED | PAGING_DIRTY;
    }
    paging_unlock(f->paging);
    return status;
}

enum coffer_status fake_load(struct paging_fixture *f, struct object *object, uint64_t index,
                             uint64_t *value)
{
    struct fake_map *map = fake_map_of(object, index);
    enum coffer_status status = COFFER_OK;

    paging_lock(f->paging);
    if (map->frame == NULL)
        status = touch(object, index, false);
    if (status == COFFER_OK) {
        map->bits |= PAGING_REFERENCED;
        must(page_is_filled(map->frame, value));
    }
    paging_unlock(f->paging);
    return status;
}

enum coffer_status fake_discard(struct paging_fixture *f, struct object *object, uint64_t first,
                                uint64_t count)
{
    enum coffer_status status;

    paging_lock(f->paging);
    do {
        for (uint64_t i = first; i < first + count; i++) {
            if (object->client != NULL)
                *fake_map_of(object, i) = (struct fake_map){.frame = NULL};
        }
        status = object_discard(object, first, count);
    } while (status == COFFER_BUSY);
    paging_unlock(f->paging);
    return status;
}

enum coffer_status fake_sync(struct paging_fixture *f, struct object *object, uint64_t first,
                             uint64_t count)
{
    enum coffer_status status;

    paging_lock(f->paging);
    while ((status = object_sync(object, first, count)) == COFFER_BUSY)
        ;
    paging_unlock(f->paging);
    return status;
}

struct coffer_paging_statistics fake_statistics(struct paging_fixture *f)
{
    struct coffer_paging_statistics statistics;

    paging_lock(f->paging);
    paging_statistics(f->paging, &statistics);
    paging_unlock(f->paging);
    return statistics;
}

bool fake_is_valid(struct paging_fixture *f)
{
    bool valid;

    paging_lock(f->paging);
    valid = paging_is_valid(f->paging);
    paging_unlock(f->paging);
    return valid;
}

struct object_page_info fake_query(struct paging_fixture *f, struct object *object, uint64_t index)
{
    struct object_page_info info;

    paging_lock(f->paging);
    info = object_query(object, index);
    paging_unlock(f->paging);
    return info;
}

enum coffer_status fake_pin(struct paging_fixture *f, struct object *object, uint64_t index)
{
    enum coffer_status status;

    paging_lock(f->paging);
    status = object_pin(object, index);
    paging_unlock(f->paging);
    return status;
}

void fake_unpin(struct paging_fixture *f, struct object *object, uint64_t index)
{
    paging_lock(f->paging);
    object_unpin(object, index);
    paging_unlock(f->paging);
}

/* --- All of it --------------------------------------------------------------------------- */

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct paging_fixture *f = argument;

    (void)size;
    return owner.index == f->owner.index && owner.index != 0 && strike(f, FAKE_ALLOC) != COFFER_OK;
}

void paging_fixture_open(struct paging_fixture *f, const struct paging_fixture_settings *settings)
{
    struct memory_settings memory_settings = {
        .keep_contents = settings->keep_contents,
        .port = settings->port,
        .refuse = refuse,
        .refuse_argument = f,
    };
    struct memory_area area = {.size = settings->frames * FRAME_SIZE};
    struct paging_settings paging = {
        .port = settings->port,
        .client = {.context = f,
                   .unmap = client_unmap,
                   .write_protect = client_write_protect,
                   .bits = client_bits,
                   .age = client_age},
        .keep_contents = settings->keep_contents,
        .batch = settings->batch > 0 ? settings->batch : 4,
        .low = settings->low,
        .high = settings->high,
    };

    memset(f, 0, sizeof(*f));
    f->settings = *settings;
    gate_init(&f->gate);
    f->area = aligned_alloc(FRAME_SIZE, area.size);
    must(f->area != NULL);
    memset(f->area, 0xa5, area.size);
    area.address = f->area;
    must(memory_open(&area, 1, &memory_settings, &f->memory) == COFFER_OK);
    must(account_open_owner(&f->memory->account, "objects", &f->owner) == COFFER_OK);
    must(account_open_owner(&f->memory->account, "other", &f->other) == COFFER_OK);
    paging.memory = f->memory;
    paging.owner = f->other;
    must(paging_open(&paging, &f->paging) == COFFER_OK);
    if (settings->slots > 0)
        store_init(f);
}

static bool has_nothing(const struct account_line *line)
{
    return line->bytes == 0 && line->frames == line->frames_kept; /* what a pool keeps for itself */
}

/* After paging is closed. */
static bool is_all_back(const struct paging_fixture *f)
{
    const struct account_line *lines = f->memory->account.lines;

    return f->closed == (f->settings.slots > 0) && has_nothing(&lines[f->owner.index]) &&
           has_nothing(&lines[f->other.index]) && frames_is_valid(f->memory->frames);
}

bool paging_fixture_end(struct paging_fixture *f)
{
    struct coffer_paging_statistics statistics = fake_statistics(f);
    uint64_t pages = statistics.active + statistics.inactive + statistics.pinned +
                     statistics.swapped;

    paging_fixture_give_back(f);
    if (!fake_is_valid(f) || pages != 0 || f->maps != NULL || f->slots_used != 0) {
        fprintf(stderr, "%s, %llu pages, %u slots, %s\n",
                fake_is_valid(f) ? "valid" : "paging is not valid any more",
                (unsigned long long)pages, f->slots_used,
                f->maps != NULL ? "objects that were not dropped" : "no objects");
        return false;
    }
    paging_close(f->paging);
    if (!is_all_back(f)) {
        fprintf(stderr, "not everything came back from paging\n");
        return false;
    }
    memory_close(f->memory);
    for (uint32_t i = 0; i < f->settings.slots; i++)
        free(f->slots[i].bytes);
    free(f->slots);
    free(f->area);
    gate_fini(&f->gate);
    return true;
}

void paging_fixture_close(struct paging_fixture *f)
{
    must(paging_fixture_end(f));
}

uint64_t paging_fixture_free(const struct paging_fixture *f)
{
    return frames_statistics(f->memory->frames).free;
}

void paging_fixture_leave(struct paging_fixture *f, size_t free)
{
    f->ballast = must_realloc(f->ballast, f->settings.frames * sizeof(*f->ballast));
    while (paging_fixture_free(f) > free)
        must(frames_take(f->memory->frames, f->other, 1, &f->ballast[f->ballast_count++]) ==
             COFFER_OK);
}

void paging_fixture_give_back(struct paging_fixture *f)
{
    while (f->ballast_count > 0)
        must(frames_give(f->memory->frames, f->ballast[--f->ballast_count]) == COFFER_OK);
    free(f->ballast);
    f->ballast = NULL;
}
