/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GlobalPlatform's calls, each beside the call of the engine (or of libgcrypt) that does the same
 * work beneath it, in the same run. The TA is linked in; its workloads are commands that repeat one
 * thing, so that what the client's side costs is in none but its own.
 */
#include <gcrypt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "coffer/linux_tee.h"
#include "must.h"
#include "report.h"
#include "samples.h"
#include "tee_client_api.h"
#include "tee_internal_api.h"

#define LARGE ((size_t)1024 * 1024) /* bytes of the object that is read in parts */
#define PIECE ((size_t)4096)
#define UUID                                                                                       \
    {                                                                                              \
        0xc0ffe700, 0xbe4c, 0x4000,                                                                \
        {                                                                                          \
            0x80, 0, 0, 0, 0, 0, 0, 3                                                              \
        }                                                                                          \
    }

static const uint8_t key_bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static uint8_t bytes[LARGE];

/* --- The TA's side: `count` times, and the first thing that fails is the answer --- */

static TEE_Result get(uint32_t count)
{
    TEE_Result result = TEE_SUCCESS;

    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++) {
        TEE_ObjectHandle object;
        size_t got;

        result = TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, "small", 5,
                                          TEE_DATA_FLAG_ACCESS_READ, &object);
        if (result != TEE_SUCCESS)
            break;
        result = TEE_ReadObjectData(object, bytes, SMALL_SIZE, &got);
        TEE_CloseObject(object);
    }
    return result;
}

static TEE_Result read_pieces(uint32_t count)
{
    TEE_ObjectHandle object;
    TEE_Result result = TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, "large", 5,
                                                 TEE_DATA_FLAG_ACCESS_READ, &object);
    size_t got;

    if (result != TEE_SUCCESS)
        return result;
    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++) {
        result = TEE_SeekObjectData(object, (intmax_t)(i * 13 % 16 * PIECE), TEE_DATA_SEEK_SET);
        if (result == TEE_SUCCESS)
            result = TEE_ReadObjectData(object, bytes, PIECE, &got);
    }
    TEE_CloseObject(object);
    return result;
}

static TEE_Result put(const char *id, size_t size, TEE_ObjectHandle *object)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id),
                                      TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE_META |
                                          TEE_DATA_FLAG_OVERWRITE,
                                      TEE_HANDLE_NULL, bytes, size, object);
}

static TEE_Result create_and_delete(uint32_t count)
{
    TEE_Result result = TEE_SUCCESS;

    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++) {
        TEE_ObjectHandle object;

        result = put("passing", SMALL_SIZE, &object);
        if (result == TEE_SUCCESS)
            result = TEE_CloseAndDeletePersistentObject1(object);
    }
    return result;
}

static TEE_Result make_key(TEE_ObjectHandle *key)
{
    TEE_Attribute secret;
    TEE_Result result = TEE_AllocateTransientObject(TEE_TYPE_AES, 128, key);

    if (result != TEE_SUCCESS)
        return result;
    TEE_InitRefAttribute(&secret, TEE_ATTR_SECRET_VALUE, key_bytes, sizeof(key_bytes));
    return TEE_PopulateTransientObject(*key, &secret, 1);
}

static TEE_Result keys(uint32_t count)
{
    TEE_Result result = TEE_SUCCESS;

    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++) {
        TEE_ObjectHandle key = TEE_HANDLE_NULL;

        result = make_key(&key);
        TEE_FreeTransientObject(key);
    }
    return result;
}

static TEE_Result gcm(uint32_t count)
{
    TEE_OperationHandle operation = TEE_HANDLE_NULL;
    TEE_ObjectHandle key = TEE_HANDLE_NULL;
    uint8_t nonce[12] = {0}, tag[16];
    TEE_Result result = make_key(&key);

    if (result == TEE_SUCCESS)
        result = TEE_AllocateOperation(&operation, TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, 128);
    if (result == TEE_SUCCESS)
        result = TEE_SetOperationKey(operation, key);
    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++) {
        size_t size = PIECE, tag_size = sizeof(tag);

        memcpy(nonce, &i, sizeof(i));
        result = TEE_AEInit(operation, nonce, sizeof(nonce), 128, 0, 0);
        if (result == TEE_SUCCESS)
            result = TEE_AEEncryptFinal(operation, bytes, PIECE, bytes, &size, tag, &tag_size);
    }
    TEE_FreeOperation(operation);
    TEE_FreeTransientObject(key);
    return result;
}

static TEE_Result digest(uint32_t count)
{
    TEE_OperationHandle operation;
    TEE_Result result = TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t hash[32];

    if (result != TEE_SUCCESS)
        return result;
    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++) {
        size_t size = sizeof(hash);

        result = TEE_DigestDoFinal(operation, bytes, PIECE, hash, &size);
    }
    TEE_FreeOperation(operation);
    return result;
}

static TEE_Result blocks(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        void *block = TEE_Malloc(64, TEE_MALLOC_FILL_ZERO);

        if (block == NULL)
            return TEE_ERROR_OUT_OF_MEMORY;
        TEE_Free(block);
    }
    return TEE_SUCCESS;
}

static TEE_Result nothing(uint32_t count)
{
    (void)count;
    return TEE_SUCCESS;
}

static TEE_Result prepare(uint32_t count)
{
    TEE_ObjectHandle object;
    TEE_Result result = put("small", SMALL_SIZE, &object);

    (void)count;
    if (result != TEE_SUCCESS)
        return result;
    TEE_CloseObject(object);
    result = put("large", LARGE, &object);
    if (result == TEE_SUCCESS)
        TEE_CloseObject(object);
    return result;
}

/* --- The engine's side --- */

static struct coffer *store;
static struct coffer_pool *pool;
static gcry_cipher_hd_t cipher;

static struct coffer_name name_of(const char *id)
{
    return (struct coffer_name){.ta = {0xc0ffe700, 0xbe4c, 0x4000, {0x80, 0, 0, 0, 0, 0, 0, 2}},
                                .id = id,
                                .id_size = strlen(id)};
}

static void engine_get(unsigned count)
{
    const struct coffer_name name = name_of("small");
    size_t got;

    for (unsigned i = 0; i < count; i++) {
        struct coffer_object *object;

        must(coffer_object_open(store, &name, &object), "open");
        must(coffer_object_read(object, 0, bytes, SMALL_SIZE, &got), "read");
        coffer_object_close(object);
    }
}

static void engine_read(unsigned count)
{
    const struct coffer_name name = name_of("large");
    struct coffer_object *object;
    size_t got;

    must(coffer_object_open(store, &name, &object), "open");
    for (unsigned i = 0; i < count; i++)
        must(coffer_object_read(object, i * 13 % 16 * PIECE, bytes, PIECE, &got), "read");
    coffer_object_close(object);
}

static void engine_create(unsigned count)
{
    const struct coffer_name name = name_of("passing");

    for (unsigned i = 0; i < count; i++) {
        must(coffer_put(store, &name, COFFER_REPLACE, NULL, bytes, SMALL_SIZE), "put");
        must(coffer_delete(store, &name), "delete");
    }
}

static void library_gcm(unsigned count)
{
    uint8_t nonce[12] = {0}, tag[16];

    for (unsigned i = 0; i < count; i++) {
        memcpy(nonce, &i, sizeof(i));
        must_system(gcry_cipher_setiv(cipher, nonce, sizeof(nonce)) == 0 &&
                        gcry_cipher_encrypt(cipher, bytes, PIECE, NULL, 0) == 0 &&
                        gcry_cipher_gettag(cipher, tag, sizeof(tag)) == 0,
                    "libgcrypt");
    }
}

static void library_digest(unsigned count)
{
    uint8_t hash[32];

    for (unsigned i = 0; i < count; i++)
        gcry_md_hash_buffer(GCRY_MD_SHA256, hash, bytes, PIECE);
}

static void engine_blocks(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        void *block;

        must(coffer_pool_alloc_zeroed(pool, 64, &block), "alloc");
        must(coffer_pool_free(pool, block), "free");
    }
}

static const struct {
    const char *name; /* NULL: no figure */
    TEE_Result (*run)(uint32_t count);
    unsigned count; /* of a round */
    const char *peer;
    void (*run_peer)(unsigned count); /* NULL: there is none */
} workloads[] = {
    {"tee.get1k", get, 4000, "coffer_object_open, read, close", engine_get},
    {"tee.read4k", read_pieces, 10000, "coffer_object_read", engine_read},
    {"tee.create1k", create_and_delete, 300, "coffer_put, coffer_delete", engine_create},
    {"tee.key", keys, 10000, NULL, NULL},
    {"tee.gcm4k", gcm, 10000, "libgcrypt", library_gcm},
    {"tee.sha4k", digest, 3000, "libgcrypt", library_digest},
    {"tee.malloc", blocks, 20000, "coffer_pool_alloc_zeroed, free", engine_blocks},
    {NULL, nothing, 0, NULL, NULL},
    {NULL, prepare, 0, NULL, NULL},
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))
#define NOTHING   (WORKLOADS - 2)
#define PREPARE   (WORKLOADS - 1)

static TEE_Result create(void)
{
    return TEE_SUCCESS;
}

static void destroy(void)
{
}

static TEE_Result open_session(uint32_t types, TEE_Param parameters[4], void **session)
{
    (void)types;
    (void)parameters;
    *session = NULL;
    return TEE_SUCCESS;
}

static void close_session(void *session)
{
    (void)session;
}

static TEE_Result invoke(void *session, uint32_t command, uint32_t types, TEE_Param parameters[4])
{
    (void)session;
    (void)types;
    return workloads[command].run(parameters[0].value.a);
}

/* --- The client's side --- */

static TEEC_Context context;
static TEEC_Session session;

static void must_tee(TEEC_Result result, const char *what)
{
    must(result == TEEC_SUCCESS ? COFFER_OK : COFFER_IO, what);
}

static void open_client(void)
{
    static const TEEC_UUID uuid = UUID;

    must_tee(TEEC_OpenSession(&context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL),
             "a session");
}

static void run_command(size_t command, unsigned count)
{
    TEEC_Operation operation = {
        .paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_NONE, TEEC_NONE, TEEC_NONE),
        .params = {{.value = {.a = count}}}};

    must_tee(TEEC_InvokeCommand(&session, (uint32_t)command, &operation, NULL), "a command");
}

/* Nanoseconds of one: the least of the rounds, ours and the peer's in turn. */
static void compare(const struct bench *bench, size_t which, double *ours, double *peer)
{
    unsigned count = bench_repetitions(bench, workloads[which].count, 20);

    *ours = *peer = HUGE_VAL;
    for (unsigned i = bench_repetitions(bench, 9, 1) + 1; i > 0; i--) {
        double start = cpu_us();

        run_command(which, count);
        *ours = fmin(*ours, (cpu_us() - start) * 1000 / count);
        if (workloads[which].run_peer == NULL)
            continue;
        start = cpu_us();
        workloads[which].run_peer(count);
        *peer = fmin(*peer, (cpu_us() - start) * 1000 / count);
    }
}

static void report(struct bench *bench, const char *what, double ours, const char *peer,
                   double theirs)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s.ns", what);
    report_add(bench->report, name, round(ours), "ns", peer, peer != NULL ? round(theirs) : 0);
    if (peer != NULL)
        printf("%-34s %9.0f ns, %.2f times %s\n", name, ours, ours / theirs, peer);
    else
        printf("%-34s %9.0f ns\n", name, ours);
}

static void measure_client(struct bench *bench)
{
    unsigned count = bench_repetitions(bench, 3000, 20);
    double command = HUGE_VAL, opening = HUGE_VAL;

    for (unsigned i = bench_repetitions(bench, 9, 1) + 1; i > 0; i--) {
        double start = cpu_us();

        for (unsigned k = 0; k < count; k++)
            run_command(NOTHING, 0);
        command = fmin(command, (cpu_us() - start) * 1000 / count);
        TEEC_CloseSession(&session);
        start = cpu_us();
        for (unsigned k = 0; k < count; k++) {
            open_client();
            TEEC_CloseSession(&session);
        }
        opening = fmin(opening, (cpu_us() - start) * 1000 / count);
        open_client();
    }
    report(bench, "tee.command", command, NULL, 0);
    report(bench, "tee.session", opening, NULL, 0);
}

static void measure_all(struct bench *bench)
{
    printf("\nGlobalPlatform's calls, processor time, beside what does the same beneath\n\n");
    run_command(PREPARE, 0);
    for (size_t i = 0; i < NOTHING; i++) {
        double ours, peer;

        compare(bench, i, &ours, &peer);
        report(bench, workloads[i].name, ours, workloads[i].peer, peer);
    }
    measure_client(bench);
}

static void open_engine(const char *directory, const struct coffer_key *key,
                        struct coffer_memory **memory)
{
    const struct coffer_linux_options options = {
        .directory = directory, .key = key, .create = true};
    const struct coffer_linux_memory_options of_memory = {.memory = LARGE};
    const struct coffer_pool_settings of_pool = {.name = "bench", .policy = COFFER_POOL_FAST};
    const struct coffer_name small = name_of("small");
    const struct coffer_name large = name_of("large");

    must(coffer_linux_open(&options, &store), "a store");
    must(coffer_put(store, &small, COFFER_REPLACE, NULL, bytes, SMALL_SIZE), "put");
    must(coffer_put(store, &large, COFFER_REPLACE, NULL, bytes, LARGE), "put");
    must(coffer_linux_memory_open(&of_memory, memory), "memory");
    must(coffer_pool_open(*memory, &of_pool, &pool), "a pool");
    must_system(gcry_cipher_open(&cipher, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0) == 0 &&
                    gcry_cipher_setkey(cipher, key_bytes, sizeof(key_bytes)) == 0,
                "libgcrypt");
}

void run_tee(struct bench *bench, const char *directory)
{
    static const struct coffer_ta_code ta = {
        .uuid = UUID,
        .flags = TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION | TA_FLAG_INSTANCE_KEEP_ALIVE,
        .data_size = 65536,
        .stack_size = 8192,
        .create = create,
        .destroy = destroy,
        .open_session = open_session,
        .close_session = close_session,
        .invoke = invoke};
    const struct coffer_key key = {COFFER_KEY_HUK, key_bytes, sizeof(key_bytes)};
    struct coffer_linux_tee_options options = {.key = &key};
    struct coffer_memory *memory;
    struct coffer_tee *tee;
    char paths[2][4200];

    (void)snprintf(paths[0], sizeof(paths[0]), "%s/tee", directory);
    (void)snprintf(paths[1], sizeof(paths[1]), "%s/engine", directory);
    options.directory = paths[0];
    must(coffer_linux_tee_open(&options, &tee), "a TEE");
    must(coffer_tee_register(tee, &ta), "a TA");
    must(coffer_linux_tee_use(tee), "a TEE for clients");
    must_tee(TEEC_InitializeContext(NULL, &context), "a context");
    open_engine(paths[1], &key, &memory);
    open_client();
    measure_all(bench);
    TEEC_CloseSession(&session);
    TEEC_FinalizeContext(&context);
    gcry_cipher_close(cipher);
    coffer_pool_close(pool);
    coffer_memory_close(memory);
    coffer_close(store);
    must(coffer_linux_tee_use(NULL), "no TEE for clients");
    coffer_tee_close(tee);
}
