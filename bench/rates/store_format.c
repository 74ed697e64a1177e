/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No store either: what nobody who keeps small objects in OP-TEE's files can be faster than. To get
 * one is a file opened, 12 KiB of it read (heads, first nodes, block 0), closed; its key unwrapped
 * and set up, the head unsealed, the root hashed, the block unsealed. No catalogue, nothing cached,
 * no lock, no check but those of the ciphers. Large objects it hasn't got, nor a list.
 */
#include "rates/store.h"

#include <fcntl.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file, docs/FORMAT.md. */
#define PAGE         ((size_t)4096)
#define FILE_SIZE    (3 * PAGE)
#define HEAD_IV      0u
#define HEAD_TAG     16u
#define HEAD_WRAPPED 32u
#define HEAD_META    48u
#define HEAD_COUNTER 64u
#define ROOT         PAGE /* the first node: hash, and what it says of block 0 */
#define ROOT_IV      (ROOT + 32u)
#define ROOT_TAG     (ROOT + 48u)
#define BLOCK        (2 * PAGE)
#define DATA         (BLOCK + 24u) /* behind the object's own head */

#define KEY_SIZE    16u
#define TSK_SIZE    32u
#define HASHED_SIZE 42u /* the root without its hash, and the length of the file's contents */

struct store {
    int directory;
    gcry_cipher_hd_t wrapping; /* AES-256, of the one TA, whose key stays set up */
    gcry_cipher_hd_t sealing;  /* AES-128-GCM, a key a file */
    uint8_t file[FILE_SIZE];
};

static void must(gcry_error_t error)
{
    rate_must(error == 0, "libgcrypt");
}

struct store *rated_open(const struct rated_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));
    uint8_t tsk[TSK_SIZE];

    rate_must(store != NULL, "memory");
    rate_must(gcry_check_version(NULL) != NULL, "libgcrypt");
    must(gcry_control(GCRYCTL_DISABLE_SECMEM, 0));
    must(gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0));
    must(gcry_cipher_open(&store->wrapping, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_ECB, 0));
    must(gcry_cipher_open(&store->sealing, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0));
    memset(tsk, 0x17, sizeof(tsk));
    must(gcry_cipher_setkey(store->wrapping, tsk, TSK_SIZE));
    store->directory = open(settings->directory, O_RDONLY | O_DIRECTORY);
    rate_must(store->directory >= 0, settings->directory);
    return store;
}

void rated_close(struct store *store)
{
    gcry_cipher_close(store->wrapping);
    gcry_cipher_close(store->sealing);
    (void)close(store->directory);
    free(store);
}

/* A message begins: its IV, and what is authenticated with it. */
static void begin(struct store *store, const uint8_t *iv, const void *aad, size_t size)
{
    must(gcry_cipher_setiv(store->sealing, iv, 16));
    must(gcry_cipher_authenticate(store->sealing, aad, size));
}

static void begin_head(struct store *store)
{
    const uint8_t *head = store->file;
    uint8_t aad[16 + 4 + KEY_SIZE + 16];

    memcpy(aad, store->file + ROOT, 16);
    memcpy(aad + 16, head + HEAD_COUNTER, 4);
    memcpy(aad + 20, head + HEAD_WRAPPED, KEY_SIZE);
    memcpy(aad + 36, head + HEAD_IV, 16);
    begin(store, head + HEAD_IV, aad, sizeof(aad));
}

static void begin_block(struct store *store)
{
    uint8_t aad[KEY_SIZE + 16];

    memcpy(aad, store->file + HEAD_WRAPPED, KEY_SIZE);
    memcpy(aad + KEY_SIZE, store->file + ROOT_IV, 16);
    begin(store, store->file + ROOT_IV, aad, sizeof(aad));
}

static void hash_root(const struct store *store, uint8_t digest[32])
{
    uint8_t message[HASHED_SIZE] = {0};

    memcpy(message, store->file + ROOT_IV, 34);
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, message, sizeof(message));
}

static int open_file(const struct store *store, unsigned number, int flags)
{
    char name[16];
    int file;

    (void)snprintf(name, sizeof(name), "%x", number);
    file = openat(store->directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    rate_must(file >= 0, name);
    return file;
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    uint8_t *head = store->file;
    uint8_t key[KEY_SIZE] = {0};
    int file = open_file(store, number, O_RDWR | O_CREAT | O_TRUNC);

    rate_must(size <= FILE_SIZE - DATA, "a small object");
    memset(store->file, 0, FILE_SIZE);
    memcpy(store->file + DATA, data, size);
    memcpy(key, &number, sizeof(number));
    must(gcry_cipher_encrypt(store->wrapping, head + HEAD_WRAPPED, KEY_SIZE, key, KEY_SIZE));
    must(gcry_cipher_setkey(store->sealing, key, KEY_SIZE));
    begin_block(store);
    must(gcry_cipher_encrypt(store->sealing, store->file + BLOCK, PAGE, NULL, 0));
    must(gcry_cipher_gettag(store->sealing, store->file + ROOT_TAG, 16));
    hash_root(store, store->file + ROOT);
    head[HEAD_IV] = 1;
    begin_head(store);
    must(gcry_cipher_encrypt(store->sealing, head + HEAD_META, 16, NULL, 0));
    must(gcry_cipher_gettag(store->sealing, head + HEAD_TAG, 16));
    rate_must(write(file, store->file, FILE_SIZE) == (ssize_t)FILE_SIZE, "write");
    rate_must(close(file) == 0, "close");
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    for (unsigned i = 0; i < count; i++)
        rated_put(store, i, data, size);
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    uint8_t *head = store->file;
    uint8_t key[KEY_SIZE];
    uint8_t digest[32];
    int file = open_file(store, number, O_RDONLY);

    rate_must(pread(file, store->file, FILE_SIZE, 0) == (ssize_t)FILE_SIZE, "pread");
    rate_must(close(file) == 0, "close");
    must(gcry_cipher_decrypt(store->wrapping, key, KEY_SIZE, head + HEAD_WRAPPED, KEY_SIZE));
    must(gcry_cipher_setkey(store->sealing, key, KEY_SIZE));
    begin_head(store);
    must(gcry_cipher_decrypt(store->sealing, head + HEAD_META, 16, NULL, 0));
    must(gcry_cipher_checktag(store->sealing, head + HEAD_TAG, 16));
    hash_root(store, digest);
    rate_must(memcmp(digest, store->file + ROOT, sizeof(digest)) == 0, "the root");
    begin_block(store);
    must(gcry_cipher_decrypt(store->sealing, store->file + BLOCK, PAGE, NULL, 0));
    must(gcry_cipher_checktag(store->sealing, store->file + ROOT_TAG, 16));
    memcpy(out, store->file + DATA, size);
}

/* --- Nobody asks this one for these --- */

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    (void)store;
    (void)data;
    (void)size;
    (void)chunk;
    rate_fail("no large objects");
}

void rated_open_large(struct store *store)
{
    (void)store;
    rate_fail("no large objects");
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    (void)store;
    (void)offset;
    (void)out;
    (void)size;
    rate_fail("no large objects");
}

void rated_close_large(struct store *store)
{
    (void)store;
    rate_fail("no large objects");
}

struct names rated_list(struct store *store)
{
    (void)store;
    rate_fail("no list");
}
