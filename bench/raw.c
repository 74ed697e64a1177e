/* SPDX-License-Identifier: BSD-2-Clause */
#include "raw.h"

#include <fcntl.h>
#include <gcrypt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "must.h"
#include "samples.h"

#define MESSAGE_SIZE 4096u
#define KEY_SIZE     16u
#define IV_SIZE      16u
#define TAG_SIZE     16u

struct raw {
    int fd;
    bool durable;
    gcry_cipher_hd_t cipher;
    uint64_t message; /* number of the last one, which makes its IV fresh */
    uint64_t place;   /* of the last scattered transfer */
    uint8_t *plain;
    uint8_t *sealed;
};

struct raw *raw_open(const char *directory, bool durable)
{
    static const uint8_t key[KEY_SIZE] = "a key of a bench";
    struct raw *raw = must_make(1, sizeof(*raw));
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/raw", directory);
    raw->durable = durable;
    raw->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must_system(raw->fd >= 0, path);
    raw->plain = must_make(1, RAW_SIZE_MAX);
    raw->sealed = must_make(1, RAW_SIZE_MAX);
    memset(raw->plain, 0x5a, RAW_SIZE_MAX);
    memset(raw->sealed, 0xa5, RAW_SIZE_MAX);
    /* Written once, so that later writes change bytes of a file and not its shape. */
    must_system(pwrite(raw->fd, raw->sealed, RAW_SIZE_MAX, 0) == (ssize_t)RAW_SIZE_MAX, path);
    must_system(fsync(raw->fd) == 0, path);
    /* The store has made libgcrypt ready (coffer_linux_ciphers). */
    must_system(gcry_cipher_open(&raw->cipher, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0) == 0 &&
                    gcry_cipher_setkey(raw->cipher, key, sizeof(key)) == 0,
                "libgcrypt");
    return raw;
}

void raw_close(struct raw *raw)
{
    gcry_cipher_close(raw->cipher);
    (void)close(raw->fd);
    free(raw->plain);
    free(raw->sealed);
    free(raw);
}

static void crypt_message(struct raw *raw, bool seal, uint8_t *out, const uint8_t *in, size_t size)
{
    uint8_t iv[IV_SIZE] = {0};
    uint8_t tag[TAG_SIZE];
    gcry_error_t error;

    raw->message++;
    memcpy(iv, &raw->message, sizeof(raw->message));
    error = gcry_cipher_setiv(raw->cipher, iv, sizeof(iv));
    if (error == 0 && seal)
        error = gcry_cipher_encrypt(raw->cipher, out, size, in, size);
    else if (error == 0)
        error = gcry_cipher_decrypt(raw->cipher, out, size, in, size);
    if (error == 0)
        error = gcry_cipher_gettag(raw->cipher, tag, sizeof(tag));
    must_system(error == 0, "AES-GCM");
}

static void crypt_all(struct raw *raw, bool seal, uint8_t *out, const uint8_t *in, size_t size)
{
    for (size_t at = 0; at < size; at += MESSAGE_SIZE) {
        size_t left = size - at;

        crypt_message(raw, seal, out + at, in + at, left < MESSAGE_SIZE ? left : MESSAGE_SIZE);
    }
}

/* Steps of an odd number of pages reach all of them before they come back. */
static size_t next_place(struct raw *raw)
{
    raw->place += 1597;
    return (size_t)(raw->place % (RAW_SIZE_MAX / MESSAGE_SIZE)) * MESSAGE_SIZE;
}

double raw_time(struct raw *raw, const struct raw_work *work)
{
    double start = now_us();

    for (size_t i = 0; i < work->count; i++) {
        size_t at = work->scattered ? next_place(raw) : i * work->size;
        bool last = i + 1 == work->count;

        if (work->writes) {
            crypt_all(raw, true, raw->sealed + at, raw->plain + at, work->size);
            must_system(pwrite(raw->fd, raw->sealed + at, work->size, (off_t)at) ==
                            (ssize_t)work->size,
                        "pwrite");
            if (raw->durable && (work->flush_each || last))
                must_system(fdatasync(raw->fd) == 0, "fdatasync");
        } else {
            must_system(pread(raw->fd, raw->sealed + at, work->size, (off_t)at) ==
                            (ssize_t)work->size,
                        "pread");
            crypt_all(raw, false, raw->plain + at, raw->sealed + at, work->size);
        }
    }
    return now_us() - start;
}
