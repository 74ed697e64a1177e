/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/files.h"

#include <string.h>

#include "base/assert.h"

#define SHARE_FLAGS (TEE_DATA_FLAG_SHARE_READ | TEE_DATA_FLAG_SHARE_WRITE)

static void lock(struct gp_tee *tee)
{
    tee->port->lock_take(tee->port->context, &tee->files_lock);
}

static bool files_are_valid(const struct gp_tee *tee);

static void unlock(struct gp_tee *tee)
{
    assert_deep(files_are_valid(tee));
    tee->port->lock_give(tee->port->context, &tee->files_lock);
}

TEE_Result gp_store_result(enum coffer_status status)
{
    /* The arguments were looked at before: what a store refuses then is a change, being read
     * only. */
    return status == COFFER_MISUSE ? TEE_ERROR_STORAGE_NOT_AVAILABLE : gp_result(status);
}

/* --- Names --- */

/* Does any of it lie in a buffer that the client shares? */
static bool is_clients(const struct gp_instance *instance, const void *bytes, size_t size)
{
    uintptr_t start = (uintptr_t)bytes;

    for (unsigned i = 0; i < TEE_NUM_PARAMS; i++) {
        const struct gp_shared *shared = &instance->shared[i];

        if (size > 0 && shared->size > 0 && start < (uintptr_t)shared->buffer + shared->size &&
            (uintptr_t)shared->buffer < start + size)
            return true;
    }
    return false;
}

TEE_Result gp_file_set_id(const struct gp_instance *instance, const void *id, size_t id_size,
                          struct gp_file_name *name)
{
    if (id_size > TEE_OBJECT_ID_MAX_LEN || (id == NULL && id_size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    if (is_clients(instance, id, id_size))
        return TEE_ERROR_ACCESS_DENIED;
    memset(name->id, 0, sizeof(name->id));
    if (id_size > 0)
        memcpy(name->id, id, id_size);
    name->id_size = id_size;
    return TEE_SUCCESS;
}

TEE_Result gp_file_name(const struct gp_instance *instance, uint32_t storage, const void *id,
                        size_t id_size, struct gp_file_name *out)
{
    TEE_Result result = gp_file_set_id(instance, id, id_size, out);

    out->store = gp_store(instance->tee, storage);
    out->ta = gp_uuid(&instance->uuid);
    if (result == TEE_SUCCESS && out->store == NULL)
        result = TEE_ERROR_ITEM_NOT_FOUND;
    return result;
}

struct coffer_name gp_store_name(const struct gp_file_name *name)
{
    return (struct coffer_name){.ta = name->ta, .id = name->id, .id_size = name->id_size};
}

static bool is_same_ta(const struct coffer_uuid *a, const struct coffer_uuid *b)
{
    return a->time_low == b->time_low && a->time_mid == b->time_mid &&
           a->time_hi_and_version == b->time_hi_and_version &&
           memcmp(a->clock_seq_and_node, b->clock_seq_and_node, sizeof(a->clock_seq_and_node)) == 0;
}

static bool is_same_name(const struct gp_file_name *a, const struct gp_file_name *b)
{
    return a->store == b->store && a->id_size == b->id_size &&
           memcmp(a->id, b->id, a->id_size) == 0 && is_same_ta(&a->ta, &b->ta);
}

static struct gp_file *find(struct gp_tee *tee, const struct gp_file_name *name)
{
    list_each (link, &tee->files) {
        struct gp_file *file = list_entry(link, struct gp_file, link);

        if (is_same_name(&file->name, name))
            return file;
    }
    return NULL;
}

/* --- Sharing --- */

static const uint32_t flags_by_place[GP_FILE_FLAGS] = {
    TEE_DATA_FLAG_ACCESS_READ, TEE_DATA_FLAG_ACCESS_WRITE, TEE_DATA_FLAG_ACCESS_WRITE_META,
    TEE_DATA_FLAG_SHARE_READ,  TEE_DATA_FLAG_SHARE_WRITE,
};

bool gp_flags_agree(enum gp_profile profile, uint32_t flags, uint32_t any, uint32_t all)
{
    if (flags == 0 || any == 0 || ((flags | any) & TEE_DATA_FLAG_ACCESS_WRITE_META) != 0)
        return false;
    if (profile == GP_OPTEE_4 && ((flags ^ any) & SHARE_FLAGS) != 0)
        return false;
    any |= flags;
    all &= flags;
    if ((any & TEE_DATA_FLAG_ACCESS_READ) != 0 && (all & TEE_DATA_FLAG_SHARE_READ) == 0)
        return false;
    return (any & TEE_DATA_FLAG_ACCESS_WRITE) == 0 || (all & TEE_DATA_FLAG_SHARE_WRITE) != 0;
}

/* The flags that at least so many handles have. */
static uint32_t flags_of(const struct gp_file *file, unsigned handles)
{
    uint32_t flags = 0;

    for (unsigned i = 0; i < GP_FILE_FLAGS; i++)
        flags |= file->having[i] >= handles ? flags_by_place[i] : 0;
    return flags;
}

static bool may_join(const struct gp_tee *tee, const struct gp_file *file, uint32_t flags)
{
    return gp_flags_agree(tee->profile, flags, flags_of(file, 1), flags_of(file, file->handles));
}

static void add_handle(struct gp_file *file, uint32_t flags)
{
    file->handles++;
    for (unsigned i = 0; i < GP_FILE_FLAGS; i++)
        file->having[i] += (flags & flags_by_place[i]) != 0;
}

static void remove_handle(struct gp_file *file, uint32_t flags)
{
    assert_cheap(file->handles > 0);
    file->handles--;
    for (unsigned i = 0; i < GP_FILE_FLAGS; i++)
        file->having[i] -= (flags & flags_by_place[i]) != 0;
}

/* --- Files --- */

static struct gp_file *make_file(struct gp_tee *tee, const struct gp_file_name *name)
{
    struct gp_file *file = gp_alloc(tee->pool, sizeof(*file));

    if (file == NULL)
        return NULL;
    file->name = *name;
    list_init(&file->link);
    return file;
}

static void first_handle(struct gp_tee *tee, struct gp_file *file, uint32_t flags)
{
    add_handle(file, flags);
    list_insert_after(&tee->files, &file->link);
}

/* When neither a handle nor a call needs it any more. What was put away is on no list by then,
 * which list_remove takes for an empty one. */
static void drop_if_unused(struct gp_tee *tee, struct gp_file *file)
{
    if (file->handles > 0 || file->calls > 0)
        return;
    list_remove(&file->link);
    coffer_object_close(file->object);
    gp_free(tee->pool, file);
}

/* Nobody works on the object any more: it leaves the TA's sight, and its name is free. Where the
 * store can't do that now it is tried again when the damage is met next. */
static void put_away(struct gp_file *file)
{
    struct coffer_name name = gp_store_name(&file->name);

    file->corrupt = true;
    list_remove(&file->link);
    coffer_object_close(file->object);
    file->object = NULL;
    (void)!coffer_quarantine(file->name.store, &name);
}

static TEE_Result use_locked(struct gp_file *file)
{
    struct coffer_name name = gp_store_name(&file->name);
    enum coffer_status status = COFFER_OK;

    if (!file->corrupt && file->object == NULL)
        status = coffer_object_open(file->name.store, &name, &file->object);
    if (status == COFFER_CORRUPT || status == COFFER_NOT_FOUND)
        put_away(file);
    if (file->corrupt)
        return TEE_ERROR_CORRUPT_OBJECT;
    if (status == COFFER_OK)
        file->calls++;
    return gp_store_result(status);
}

static TEE_Result done_locked(struct gp_file *file, enum coffer_status status)
{
    assert_cheap(file->calls > 0);
    file->calls--;
    file->corrupt = file->corrupt || status == COFFER_CORRUPT;
    if (file->corrupt && file->calls == 0)
        put_away(file);
    return gp_store_result(status);
}

/* With the first handle. */
static TEE_Result open_first(struct gp_tee *tee, struct gp_file *fresh, uint32_t flags,
                             const struct gp_loader *loader)
{
    struct coffer_name name = gp_store_name(&fresh->name);
    enum coffer_status status = coffer_object_open(fresh->name.store, &name, &fresh->object);

    if (status == COFFER_OK)
        status = loader->load(loader->argument, fresh->object);
    if (status == COFFER_OK)
        first_handle(tee, fresh, flags);
    else if (status == COFFER_CORRUPT)
        put_away(fresh);
    else
        coffer_object_close(fresh->object);
    return gp_store_result(status);
}

/* Beside other handles. */
static TEE_Result join(struct gp_tee *tee, struct gp_file *file, uint32_t flags,
                       const struct gp_loader *loader)
{
    TEE_Result result;

    if (!file->corrupt && !may_join(tee, file, flags))
        return TEE_ERROR_ACCESS_CONFLICT;
    result = use_locked(file);
    if (result == TEE_SUCCESS)
        result = done_locked(file, loader->load(loader->argument, file->object));
    if (result == TEE_SUCCESS)
        add_handle(file, flags);
    return result;
}

TEE_Result gp_file_open(struct gp_tee *tee, const struct gp_file_name *name, uint32_t flags,
                        const struct gp_loader *loader, struct gp_file **out)
{
    struct gp_file *fresh = make_file(tee, name);
    struct gp_file *file;
    TEE_Result result;

    if (fresh == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    lock(tee);
    file = find(tee, name);
    if (file != NULL) {
        result = join(tee, file, flags, loader);
    } else {
        file = fresh;
        result = open_first(tee, file, flags, loader);
    }
    unlock(tee);
    if (result != TEE_SUCCESS || file != fresh)
        gp_free(tee->pool, fresh);
    if (result == TEE_SUCCESS)
        *out = file;
    return result;
}

static TEE_Result create_locked(struct gp_tee *tee, const struct gp_file_name *name, uint32_t flags,
                                struct coffer_writer *writer, struct gp_file *fresh)
{
    struct coffer_name stored = gp_store_name(name);
    enum coffer_status status;

    if (find(tee, name) != NULL) {
        coffer_writer_abort(writer);
        return TEE_ERROR_ACCESS_CONFLICT;
    }
    status = coffer_writer_commit(writer);
    if (status != COFFER_OK)
        return gp_store_result(status);
    if (fresh == NULL)
        return TEE_SUCCESS;
    /* It is made: not to be able to open it now is no failure of this call. */
    if (coffer_object_open(name->store, &stored, &fresh->object) != COFFER_OK)
        fresh->object = NULL;
    first_handle(tee, fresh, flags);
    return TEE_SUCCESS;
}

TEE_Result gp_file_create(struct gp_tee *tee, const struct gp_file_name *name, uint32_t flags,
                          struct coffer_writer *writer, struct gp_file **out)
{
    struct gp_file *fresh = out != NULL ? make_file(tee, name) : NULL;
    TEE_Result result;

    if (out != NULL && fresh == NULL) {
        coffer_writer_abort(writer);
        return TEE_ERROR_OUT_OF_MEMORY;
    }
    lock(tee);
    result = create_locked(tee, name, flags, writer, fresh);
    unlock(tee);
    if (out != NULL && result == TEE_SUCCESS)
        *out = fresh;
    else if (out != NULL)
        gp_free(tee->pool, fresh);
    return result;
}

void gp_file_close(struct gp_tee *tee, struct gp_file *file, uint32_t flags)
{
    lock(tee);
    remove_handle(file, flags);
    drop_if_unused(tee, file);
    unlock(tee);
}

static TEE_Result delete_locked(struct gp_file *file)
{
    struct coffer_name name = gp_store_name(&file->name);
    enum coffer_status status;

    if (file->corrupt)
        return TEE_SUCCESS; /* it is out of sight as it is */
    coffer_object_close(file->object);
    file->object = NULL;
    status = coffer_delete(file->name.store, &name);
    /* Somebody has it open who is no TA; or what lists objects is damaged, not this one. */
    if (status == COFFER_BUSY || status == COFFER_CORRUPT)
        return TEE_ERROR_STORAGE_NOT_AVAILABLE;
    return status == COFFER_NOT_FOUND ? TEE_SUCCESS : gp_store_result(status);
}

TEE_Result gp_file_delete(struct gp_tee *tee, struct gp_file *file)
{
    TEE_Result result;

    lock(tee);
    assert_cheap(file->handles == 1 && file->calls == 0);
    result = delete_locked(file);
    file->handles = 0;
    drop_if_unused(tee, file);
    unlock(tee);
    return result;
}

static TEE_Result rename_locked(struct gp_tee *tee, struct gp_file *file,
                                const struct gp_file_name *to)
{
    struct coffer_name from = gp_store_name(&file->name);
    enum coffer_status status;

    if (file->corrupt)
        return TEE_ERROR_CORRUPT_OBJECT;
    if (find(tee, to) != NULL) /* the object itself, too: its name is taken */
        return TEE_ERROR_ACCESS_CONFLICT;
    status = coffer_rename(file->name.store, &from, to->id, to->id_size);
    if (status == COFFER_OK)
        file->name = *to;
    return gp_store_result(status);
}

TEE_Result gp_file_rename(struct gp_tee *tee, struct gp_file *file, const struct gp_file_name *to)
{
    TEE_Result result;

    lock(tee);
    result = rename_locked(tee, file, to);
    unlock(tee);
    return result;
}

/* --- Using --- */

TEE_Result gp_file_use(struct gp_tee *tee, struct gp_file *file, struct coffer_object **out)
{
    TEE_Result result;

    lock(tee);
    result = use_locked(file);
    if (result == TEE_SUCCESS)
        *out = file->object;
    unlock(tee);
    return result;
}

TEE_Result gp_file_done(struct gp_tee *tee, struct gp_file *file, enum coffer_status status)
{
    TEE_Result result;

    lock(tee);
    result = done_locked(file, status);
    unlock(tee);
    return result;
}

void gp_file_put_away(struct gp_tee *tee, const struct gp_file_name *name)
{
    struct coffer_name stored = gp_store_name(name);
    struct coffer_info info;

    lock(tee);
    /* Another may have taken its place since. What is open has been found sound. */
    if (find(tee, name) == NULL && coffer_stat(name->store, &stored, &info) == COFFER_CORRUPT)
        (void)!coffer_quarantine(name->store, &stored);
    unlock(tee);
}

TEE_Result gp_file_info(struct gp_tee *tee, struct gp_file *file, struct coffer_info *out)
{
    struct coffer_object *object;
    TEE_Result result = gp_file_use(tee, file, &object);

    return result == TEE_SUCCESS ? gp_file_done(tee, file, coffer_object_info(object, out))
                                 : result;
}

TEE_Result gp_file_restrict(struct gp_tee *tee, struct gp_file *file, uint32_t usage)
{
    struct coffer_object *object;
    enum coffer_status status;
    struct coffer_info info;
    TEE_Result result;

    lock(tee);
    result = use_locked(file);
    if (result == TEE_SUCCESS) {
        object = file->object;
        status = coffer_object_info(object, &info);
        if (status == COFFER_OK)
            status = coffer_object_set_usage(object, info.usage & usage);
        result = done_locked(file, status);
    }
    unlock(tee);
    return result;
}

uint32_t gp_file_flags(struct gp_tee *tee, const struct gp_file_name *name)
{
    const struct gp_file *file;
    uint32_t flags;

    lock(tee);
    file = find(tee, name);
    flags = file != NULL ? flags_of(file, 1) : 0;
    unlock(tee);
    return flags;
}

static bool file_is_valid(const struct gp_tee *tee, const struct gp_file *file)
{
    unsigned same = 0;

    list_each (link, &tee->files)
        same += is_same_name(&list_entry(link, struct gp_file, link)->name, &file->name);
    return same == 1 && (file->handles > 0 || file->calls > 0) && file->name.store != NULL &&
           file->name.id_size <= COFFER_ID_MAX && (file->calls == 0 || file->object != NULL);
}

static bool files_are_valid(const struct gp_tee *tee)
{
    bool is_valid = true;

    list_each (link, &tee->files)
        is_valid = is_valid && file_is_valid(tee, list_entry(link, struct gp_file, link));
    return is_valid;
}

bool gp_files_are_valid(struct gp_tee *tee)
{
    bool is_valid;

    lock(tee);
    is_valid = files_are_valid(tee);
    unlock(tee);
    return is_valid;
}
