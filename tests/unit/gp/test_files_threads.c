/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances of one TA, each in a thread of its own, that make, open, read, write, rename, delete,
 * list and lose the same few objects. Data is written and made whole, one letter throughout: so is
 * what is read. The thread sanitizer runs it too.
 */
#include "unit/gp/persistent.h"

#include "support/must.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS 4u
#define NAMES   3u
#define SIZE    5000u

struct worker {
    struct gp_instance *instance;
    struct random random;
    unsigned index, rounds;
    unsigned reads, conflicts, losses;
    uint8_t bytes[SIZE];
};

/* What may be answered when others are at it. */
static bool went_well(struct worker *worker, TEE_Result result)
{
    must(result == TEE_SUCCESS || result == TEE_ERROR_ITEM_NOT_FOUND ||
         result == TEE_ERROR_ACCESS_CONFLICT || result == TEE_ERROR_CORRUPT_OBJECT);
    worker->conflicts += result == TEE_ERROR_ACCESS_CONFLICT;
    worker->losses += result == TEE_ERROR_CORRUPT_OBJECT;
    return result == TEE_SUCCESS;
}

static const char *some_id(struct worker *worker)
{
    static const char *const ids[NAMES] = {"a", "b", "c"};

    return ids[random_below(&worker->random, NAMES)];
}

static TEE_Result open_some(struct worker *worker, uint32_t flags, TEE_ObjectHandle *out)
{
    return gp_persistent_open(worker->instance, TEE_STORAGE_PRIVATE, some_id(worker), 1, flags,
                              out);
}

static void use(struct worker *worker)
{
    TEE_ObjectHandle handle;
    size_t count;

    if (!went_well(worker, open_some(worker, R | W | SR | SW, &handle)))
        return;
    for (unsigned i = 0; i < 3; i++) {
        if (!went_well(worker, gp_stream_seek(worker->instance, handle, 0, TEE_DATA_SEEK_SET)))
            return;
        memset(worker->bytes, 'a' + (int)worker->index, SIZE);
        if (i == 1 &&
            !went_well(worker, gp_stream_write(worker->instance, handle, worker->bytes, SIZE)))
            return;
        if (!went_well(worker, gp_stream_seek(worker->instance, handle, 0, TEE_DATA_SEEK_SET)) ||
            !went_well(worker,
                       gp_stream_read(worker->instance, handle, worker->bytes, SIZE, &count)))
            return;
        must(count == SIZE);
        for (size_t at = 1; at < SIZE; at++)
            must(worker->bytes[at] == worker->bytes[0]);
        worker->reads++;
    }
    if (went_well(worker, gp_object_restrict(worker->instance, handle, ~worker->index)))
        gp_object_close(worker->instance, handle);
}

static void make_one(struct worker *worker)
{
    uint32_t flags = random_below(&worker->random, 2) == 0 ? TEE_DATA_FLAG_OVERWRITE : 0;
    TEE_ObjectHandle handle;

    memset(worker->bytes, 'A' + (int)worker->index, SIZE);
    if (went_well(worker,
                  gp_persistent_create(worker->instance, TEE_STORAGE_PRIVATE, some_id(worker), 1,
                                       flags | M, TEE_HANDLE_NULL, worker->bytes, SIZE, &handle)))
        gp_object_close(worker->instance, handle);
}

/* Alone with it: renamed, and deleted now and then. */
static void change_name(struct worker *worker)
{
    TEE_ObjectHandle handle;
    TEE_Result result;

    if (!went_well(worker, open_some(worker, M, &handle)))
        return;
    result = gp_persistent_rename(worker->instance, handle, some_id(worker), 1);
    if (!went_well(worker, result) && result == TEE_ERROR_CORRUPT_OBJECT)
        return;
    if (random_below(&worker->random, 3) == 0)
        (void)went_well(worker, gp_persistent_delete(worker->instance, handle));
    else
        gp_object_close(worker->instance, handle);
}

static void list(struct worker *worker)
{
    TEE_ObjectEnumHandle handle;
    TEE_ObjectInfo info;
    char id[TEE_OBJECT_ID_MAX_LEN];
    TEE_Result result;
    size_t size;

    must(gp_enumerator_make(worker->instance, &handle) == TEE_SUCCESS);
    result = gp_enumerator_start(worker->instance, handle, TEE_STORAGE_PRIVATE);
    while (went_well(worker, result)) {
        result = gp_enumerator_next(worker->instance, handle, &info, id, &size);
        must(result != TEE_SUCCESS || (size == 1 && info.dataSize == SIZE));
    }
    must(gp_enumerator_free(worker->instance, handle) == TEE_SUCCESS);
}

/* As if damage had been met, while others have the object open, or work on it. */
static void lose(struct worker *worker)
{
    struct gp_tee *tee = worker->instance->tee;
    struct coffer_object *object;
    TEE_ObjectHandle handle;
    struct gp_file *file;
    TEE_Result result;

    if (!went_well(worker, open_some(worker, R | SR | SW, &handle)))
        return;
    file = gp_object_find(worker->instance, handle)->file;
    result = gp_file_use(tee, file, &object);
    if (result == TEE_SUCCESS)
        result = gp_file_done(tee, file, COFFER_CORRUPT);
    (void)went_well(worker, result);
    gp_object_close(worker->instance, handle);
}

static void work(void *argument)
{
    struct worker *worker = argument;

    for (unsigned round = 0; round < worker->rounds; round++) {
        switch (random_below(&worker->random, 16)) {
        case 0:
        case 1:
        case 2:
            make_one(worker);
            break;
        case 3:
            change_name(worker);
            break;
        case 4:
            list(worker);
            break;
        case 5:
            lose(worker);
            break;
        default:
            use(worker);
            break;
        }
        must(gp_files_are_valid(worker->instance->tee));
    }
}

static void test_instances_in_threads(void **state)
{
    static struct worker workers[THREADS];
    unsigned reads = 0, conflicts = 0, losses = 0;

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        char name[24];

        workers[i] = (struct worker){.instance = gp_fixture_instance(&gp_fixture_uuid),
                                     .index = i,
                                     .rounds = getenv("COFFER_DEEP") != NULL ? 20000 : 2000};
        snprintf(name, sizeof(name), "files threads %u", i);
        random_init(&workers[i].random, name);
    }
    threads_run(work, workers, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        reads += workers[i].reads;
        conflicts += workers[i].conflicts;
        losses += workers[i].losses;
        assert_true(gp_handles_are_valid(workers[i].instance));
        assert_int_equal(workers[i].instance->handles.used, 0);
    }
    printf("%u reads, %u conflicts, %u losses\n", reads, conflicts, losses);
    assert_true(reads > 0 && conflicts > 0 && losses > 0);
    assert_true(list_is_empty(&gp_fixture.tee.files));
    for (unsigned i = 0; i < THREADS; i++)
        gp_instance_close(workers[i].instance);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_instances_in_threads),
};

run_in_every_profile(tests)
