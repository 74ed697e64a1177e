/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What calls of operations are given (6.3 to 6.6): buffers that aren't there, sizes that can't be.
 * Each call is a row of a table: the operation, as work.h begins it, the arguments, and what comes
 * of it. A buffer is as large as the row says; one that is missing is NULL, of that size.
 */
#include <stdio.h>
#include <string.h>

#include "work.h"

enum {
    NO_IN = 1,        /* `in` is NULL */
    NO_OUT = 2,       /* `out` is NULL */
    NO_OUT_SIZE = 4,  /* there is nowhere to tell how much came out */
    NO_TAG = 8,       /* the same two of AE's tag */
    NO_TAG_SIZE = 16, /* ... */
    KEYED = 32,       /* the operation has a key, and no more */
    DECRYPTS = 64,    /* its mode */
    AAD_DONE = 128,   /* CCM: four bytes have come */
};

/* What comes of it. */
enum outcome {
    FINE,
    WRONG, /* a panic, as the argument is wrong */
    STATE, /* a panic, as it isn't the time for it */
    SHORT,
    FALSE,
    UNSUPPORTED,
};

static const struct {
    TEE_Result code;
    bool panics;
    const char *text;
} outcomes[] = {
    [FINE] = {TEE_SUCCESS, false, ""},
    [WRONG] = {TEE_ERROR_BAD_PARAMETERS, true, " is a panic"},
    [STATE] = {TEE_ERROR_BAD_STATE, true, " is a panic"},
    [SHORT] = {TEE_ERROR_SHORT_BUFFER, false, ": TEE_ERROR_SHORT_BUFFER"},
    [FALSE] = {TEE_ERROR_MAC_INVALID, false, ": TEE_ERROR_MAC_INVALID"},
    [UNSUPPORTED] = {TEE_ERROR_NOT_SUPPORTED, false, ": TEE_ERROR_NOT_SUPPORTED"},
};

struct argument_row {
    enum gp_call call;
    uint32_t algorithm;
    const char *text;
    size_t in, out, tag; /* bytes; of AEInit `tag` is bits and `out` the payload's bytes */
    unsigned how;
    enum outcome outcome;
    size_t needs; /* told with SHORT_BUFFER, as the size of `out`, or else of the tag */
};

static const struct argument_row rows[] = {
    {GP_CALL_DIGEST_UPDATE, TEE_ALG_SHA256, "no data of a byte", 1, 0, 0, NO_IN, WRONG, 0},
    {GP_CALL_DIGEST_UPDATE, TEE_ALG_SHA256, "no data of no bytes", 0, 0, 0, NO_IN, FINE, 0},
    {GP_CALL_DIGEST_DO_FINAL, TEE_ALG_SHA256, "no data of a byte", 1, 32, 0, NO_IN, WRONG, 0},
    {GP_CALL_DIGEST_DO_FINAL, TEE_ALG_SHA256, "no buffer of 32 bytes", 0, 32, 0, NO_OUT, WRONG, 0},
    {GP_CALL_DIGEST_DO_FINAL, TEE_ALG_SHA256, "no size", 0, 32, 0, NO_OUT_SIZE, WRONG, 0},
    {GP_CALL_DIGEST_DO_FINAL, TEE_ALG_SHA256, "a buffer too short", 0, 31, 0, 0, SHORT, 32},
    {GP_CALL_DIGEST_DO_FINAL, TEE_ALG_SHA256, "no buffer, to be told", 0, 0, 0, NO_OUT, SHORT, 32},
    {GP_CALL_DIGEST_EXTRACT, TEE_ALG_SHA256, "no buffer of a byte", 0, 1, 0, NO_OUT, WRONG, 0},
    {GP_CALL_DIGEST_EXTRACT, TEE_ALG_SHA256, "no size", 0, 32, 0, NO_OUT_SIZE, WRONG, 0},
    {GP_CALL_DIGEST_EXTRACT, TEE_ALG_SHA256, "more than there is", 0, 64, 0, 0, FINE, 0},

    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_CBC_NOPAD, "no IV", 16, 0, 0, KEYED | NO_IN, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_CBC_NOPAD, "an IV of 15 bytes", 15, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_CBC_NOPAD, "an IV of 17 bytes", 17, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_CTR, "no IV", 0, 0, 0, KEYED | NO_IN, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_CTR, "an IV of 15 bytes", 15, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_CTS, "an IV of 15 bytes", 15, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_XTS, "a tweak of 8 bytes", 8, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_CIPHER_INIT, TEE_ALG_AES_ECB_NOPAD, "no IV", 0, 0, 0, KEYED | NO_IN, FINE, 0},
    {GP_CALL_CIPHER_UPDATE, TEE_ALG_AES_CBC_NOPAD, "no data of a byte", 1, 64, 0, NO_IN, WRONG, 0},
    {GP_CALL_CIPHER_UPDATE, TEE_ALG_AES_CBC_NOPAD, "no buffer of 64 bytes", 16, 64, 0, NO_OUT,
     WRONG, 0},
    {GP_CALL_CIPHER_UPDATE, TEE_ALG_AES_CBC_NOPAD, "no size", 16, 64, 0, NO_OUT_SIZE, WRONG, 0},
    {GP_CALL_CIPHER_UPDATE, TEE_ALG_AES_CBC_NOPAD, "a buffer too short", 33, 31, 0, 0, SHORT, 32},
    {GP_CALL_CIPHER_UPDATE, TEE_ALG_AES_CBC_NOPAD, "nothing at all", 0, 0, 0, NO_IN | NO_OUT, FINE,
     0},
    {GP_CALL_CIPHER_UPDATE, TEE_ALG_AES_CTR, "a buffer too short", 5, 4, 0, 0, SHORT, 5},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CBC_NOPAD, "no data of 16 bytes", 16, 64, 0, NO_IN, WRONG,
     0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CBC_NOPAD, "no buffer of 64 bytes", 16, 64, 0, NO_OUT,
     WRONG, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CBC_NOPAD, "no size for 16 bytes", 16, 64, 0, NO_OUT_SIZE,
     WRONG, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CBC_NOPAD, "no size for nothing", 0, 0, 0,
     NO_OUT | NO_OUT_SIZE, FINE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CBC_NOPAD, "a buffer too short", 32, 31, 0, 0, SHORT, 32},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_ECB_NOPAD, "half a block", 15, 64, 0, 0, STATE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CBC_NOPAD, "half a block", 17, 64, 0, 0, STATE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CTS, "a block", 16, 64, 0, 0, STATE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_XTS, "half a block", 15, 64, 0, 0, STATE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CTS, "a block and a byte", 17, 64, 0, 0, FINE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_XTS, "a block and a byte", 17, 64, 0, 0, FINE, 0},
    {GP_CALL_CIPHER_DO_FINAL, TEE_ALG_AES_CTR, "five bytes", 5, 64, 0, 0, FINE, 0},

    {GP_CALL_MAC_INIT, TEE_ALG_AES_CMAC, "an IV where there is none", 16, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_MAC_INIT, TEE_ALG_HMAC_MD5, "an IV where there is none", 16, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_MAC_INIT, TEE_ALG_AES_CBC_MAC_NOPAD, "an IV of 15 bytes", 15, 0, 0, KEYED, WRONG, 0},
    {GP_CALL_MAC_INIT, TEE_ALG_AES_CBC_MAC_NOPAD, "no IV of 16 bytes", 16, 0, 0, KEYED | NO_IN,
     WRONG, 0},
    {GP_CALL_MAC_INIT, TEE_ALG_AES_CBC_MAC_NOPAD, "an IV of 16 bytes", 16, 0, 0, KEYED, FINE, 0},
    {GP_CALL_MAC_UPDATE, TEE_ALG_AES_CMAC, "no data of a byte", 1, 0, 0, NO_IN, WRONG, 0},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CMAC, "no data of a byte", 1, 16, 0, NO_IN, WRONG, 0},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CMAC, "no buffer of 16 bytes", 1, 16, 0, NO_OUT, WRONG,
     0},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CMAC, "no size", 1, 16, 0, NO_OUT_SIZE, WRONG, 0},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CMAC, "a buffer too short", 1, 15, 0, 0, SHORT, 16},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CMAC, "no buffer, to be told", 1, 0, 0, NO_OUT, SHORT,
     16},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CBC_MAC_NOPAD, "half a block", 15, 16, 0, 0, STATE, 0},
    {GP_CALL_MAC_COMPUTE_FINAL, TEE_ALG_AES_CBC_MAC_PKCS5, "half a block", 15, 16, 0, 0, FINE, 0},
    {GP_CALL_MAC_COMPARE_FINAL, TEE_ALG_AES_CMAC, "no data of a byte", 1, 16, 0, NO_IN, WRONG, 0},
    {GP_CALL_MAC_COMPARE_FINAL, TEE_ALG_AES_CMAC, "no MAC of 16 bytes", 1, 16, 0, NO_OUT, WRONG, 0},
    {GP_CALL_MAC_COMPARE_FINAL, TEE_ALG_AES_CMAC, "a MAC of no bytes", 1, 0, 0, NO_OUT, FALSE, 0},
    {GP_CALL_MAC_COMPARE_FINAL, TEE_ALG_AES_CBC_MAC_NOPAD, "half a block", 15, 16, 0, 0, STATE, 0},

    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "no nonce", 12, 0, 128, KEYED | NO_IN, WRONG, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "a nonce of no bytes", 0, 0, 128, KEYED, WRONG, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "a nonce of 64 bytes", 64, 0, 128, KEYED, FINE, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "a tag of 88 bits", 12, 0, 88, KEYED, UNSUPPORTED, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "a tag of 100 bits", 12, 0, 100, KEYED, UNSUPPORTED, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "a tag of 136 bits", 12, 0, 136, KEYED, UNSUPPORTED, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_GCM, "a tag of 96 bits", 12, 0, 96, KEYED, FINE, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a nonce of 6 bytes", 6, 0, 128, KEYED, WRONG, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a nonce of 14 bytes", 14, 0, 128, KEYED, WRONG, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a nonce of 13 bytes for 64 KiB", 13, 65536, 128, KEYED,
     WRONG, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a nonce of 13 bytes for a byte less", 13, 65535, 128, KEYED,
     FINE, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a tag of 24 bits", 12, 0, 24, KEYED, UNSUPPORTED, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a tag of 72 bits", 12, 0, 72, KEYED, UNSUPPORTED, 0},
    {GP_CALL_AE_INIT, TEE_ALG_AES_CCM, "a tag of 144 bits", 12, 0, 144, KEYED, UNSUPPORTED, 0},
    {GP_CALL_AE_UPDATE_AAD, TEE_ALG_AES_GCM, "no AAD of a byte", 1, 0, 0, NO_IN, WRONG, 0},
    {GP_CALL_AE_UPDATE_AAD, TEE_ALG_AES_CCM, "more than was told", 5, 0, 0, 0, STATE, 0},
    {GP_CALL_AE_UPDATE, TEE_ALG_AES_GCM, "no data of a byte", 1, 64, 0, NO_IN, WRONG, 0},
    {GP_CALL_AE_UPDATE, TEE_ALG_AES_GCM, "no buffer of 64 bytes", 1, 64, 0, NO_OUT, WRONG, 0},
    {GP_CALL_AE_UPDATE, TEE_ALG_AES_GCM, "no size", 1, 64, 0, NO_OUT_SIZE, WRONG, 0},
    {GP_CALL_AE_UPDATE, TEE_ALG_AES_GCM, "a buffer too short", 5, 4, 0, 0, SHORT, 5},
    {GP_CALL_AE_UPDATE, TEE_ALG_AES_CCM, "before all of the AAD", 8, 64, 0, 0, STATE, 0},
    {GP_CALL_AE_UPDATE, TEE_ALG_AES_CCM, "more than was told", 9, 64, 0, AAD_DONE, STATE, 0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "no data of a byte", 1, 64, 16, NO_IN, WRONG, 0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "no buffer of 64 bytes", 1, 64, 16, NO_OUT, WRONG,
     0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "no size", 1, 64, 16, NO_OUT_SIZE, WRONG, 0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "no tag of 16 bytes", 1, 64, 16, NO_TAG, WRONG, 0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "no tag's size", 1, 64, 16, NO_TAG_SIZE, WRONG, 0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "a buffer too short", 5, 4, 16, 0, SHORT, 5},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_GCM, "room for the tag too short", 5, 5, 15, 0, SHORT,
     5},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_CCM, "less than was told", 7, 64, 16, AAD_DONE, STATE,
     0},
    {GP_CALL_AE_ENCRYPT_FINAL, TEE_ALG_AES_CCM, "just what was told", 8, 64, 16, AAD_DONE, FINE, 0},
    {GP_CALL_AE_DECRYPT_FINAL, TEE_ALG_AES_GCM, "no data of a byte", 1, 64, 16, DECRYPTS | NO_IN,
     WRONG, 0},
    {GP_CALL_AE_DECRYPT_FINAL, TEE_ALG_AES_GCM, "no buffer of 64 bytes", 1, 64, 16,
     DECRYPTS | NO_OUT, WRONG, 0},
    {GP_CALL_AE_DECRYPT_FINAL, TEE_ALG_AES_GCM, "no size", 1, 64, 16, DECRYPTS | NO_OUT_SIZE, WRONG,
     0},
    {GP_CALL_AE_DECRYPT_FINAL, TEE_ALG_AES_GCM, "no tag of 16 bytes", 1, 64, 16, DECRYPTS | NO_TAG,
     WRONG, 0},
    {GP_CALL_AE_DECRYPT_FINAL, TEE_ALG_AES_GCM, "a buffer too short", 5, 4, 16, DECRYPTS, SHORT, 5},
    {GP_CALL_AE_DECRYPT_FINAL, TEE_ALG_AES_GCM, "a tag of 15 bytes", 5, 64, 15, DECRYPTS, FALSE, 0},
};

static const char *clause_of(enum gp_call call)
{
    switch (call) {
    case GP_CALL_DIGEST_UPDATE:
        return "6.3.1";
    case GP_CALL_DIGEST_DO_FINAL:
        return "6.3.2";
    case GP_CALL_DIGEST_EXTRACT:
        return "6.3.3";
    case GP_CALL_CIPHER_INIT:
        return "6.4.1";
    case GP_CALL_CIPHER_UPDATE:
        return "6.4.2";
    case GP_CALL_CIPHER_DO_FINAL:
        return "6.4.3";
    case GP_CALL_MAC_INIT:
        return "6.5.1";
    case GP_CALL_MAC_UPDATE:
        return "6.5.2";
    case GP_CALL_MAC_COMPUTE_FINAL:
        return "6.5.3";
    case GP_CALL_MAC_COMPARE_FINAL:
        return "6.5.4";
    case GP_CALL_AE_INIT:
        return "6.6.1";
    case GP_CALL_AE_UPDATE_AAD:
        return "6.6.2";
    case GP_CALL_AE_UPDATE:
        return "6.6.3";
    case GP_CALL_AE_ENCRYPT_FINAL:
        return "6.6.4";
    default:
        return "6.6.5";
    }
}

static const char *name_of(uint32_t algorithm)
{
    static const struct {
        uint32_t algorithm;
        const char *name;
    } names[] = {
        {TEE_ALG_SHA256, "SHA-256"},
        {TEE_ALG_AES_ECB_NOPAD, "ECB"},
        {TEE_ALG_AES_CBC_NOPAD, "CBC"},
        {TEE_ALG_AES_CTR, "CTR"},
        {TEE_ALG_AES_CTS, "CTS"},
        {TEE_ALG_AES_XTS, "XTS"},
        {TEE_ALG_AES_CMAC, "CMAC"},
        {TEE_ALG_HMAC_MD5, "HMAC"},
        {TEE_ALG_AES_CBC_MAC_NOPAD, "CBC-MAC"},
        {TEE_ALG_AES_CBC_MAC_PKCS5, "padded CBC-MAC"},
        {TEE_ALG_AES_GCM, "GCM"},
        {TEE_ALG_AES_CCM, "CCM"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].algorithm == algorithm)
            return names[i].name;
    }
    return "?";
}

/* A row's arguments, as they are given. */
struct given {
    const void *in;
    void *out;
    size_t *out_size;
    void *tag;
    size_t *tag_size;
};

static TEE_Result call(const struct argument_row *row, TEE_OperationHandle operation,
                       const struct given *given)
{
    switch (row->call) {
    case GP_CALL_DIGEST_UPDATE:
        TEE_DigestUpdate(operation, given->in, row->in);
        return TEE_SUCCESS;
    case GP_CALL_DIGEST_DO_FINAL:
        return TEE_DigestDoFinal(operation, given->in, row->in, given->out, given->out_size);
    case GP_CALL_DIGEST_EXTRACT:
        return TEE_DigestExtract(operation, given->out, given->out_size);
    case GP_CALL_CIPHER_INIT:
        TEE_CipherInit(operation, given->in, row->in);
        return TEE_SUCCESS;
    case GP_CALL_CIPHER_UPDATE:
        return TEE_CipherUpdate(operation, given->in, row->in, given->out, given->out_size);
    case GP_CALL_CIPHER_DO_FINAL:
        return TEE_CipherDoFinal(operation, given->in, row->in, given->out, given->out_size);
    case GP_CALL_MAC_INIT:
        TEE_MACInit(operation, given->in, row->in);
        return TEE_SUCCESS;
    case GP_CALL_MAC_UPDATE:
        TEE_MACUpdate(operation, given->in, row->in);
        return TEE_SUCCESS;
    case GP_CALL_MAC_COMPUTE_FINAL:
        return TEE_MACComputeFinal(operation, given->in, row->in, given->out, given->out_size);
    case GP_CALL_MAC_COMPARE_FINAL:
        return TEE_MACCompareFinal(operation, given->in, row->in, given->out, row->out);
    case GP_CALL_AE_INIT:
        return TEE_AEInit(operation, given->in, row->in, (uint32_t)row->tag, 0, row->out);
    case GP_CALL_AE_UPDATE_AAD:
        TEE_AEUpdateAAD(operation, given->in, row->in);
        return TEE_SUCCESS;
    case GP_CALL_AE_UPDATE:
        return TEE_AEUpdate(operation, given->in, row->in, given->out, given->out_size);
    case GP_CALL_AE_ENCRYPT_FINAL:
        return TEE_AEEncryptFinal(operation, given->in, row->in, given->out, given->out_size,
                                  given->tag, given->tag_size);
    default:
        return TEE_AEDecryptFinal(operation, given->in, row->in, given->out, given->out_size,
                                  given->tag, row->tag);
    }
}

static void with_arguments(const struct rule *rule)
{
    const struct argument_row *row = rule->of;
    uint32_t mode = (row->how & DECRYPTS) != 0 ? TEE_MODE_DECRYPT : work_mode(row->algorithm);
    TEE_OperationHandle operation = (row->how & KEYED) != 0 ? work_with_key(row->algorithm, mode)
                                                            : work_begun(row->algorithm, mode);
    uint8_t out[64] = {0};
    uint8_t tag[16] = {0};
    size_t out_size = row->out;
    size_t tag_size = row->tag;
    const struct given given = {
        .in = (row->how & NO_IN) != 0 ? NULL : work_bytes,
        .out = (row->how & NO_OUT) != 0 ? NULL : out,
        .out_size = (row->how & NO_OUT_SIZE) != 0 ? NULL : &out_size,
        .tag = (row->how & NO_TAG) != 0 ? NULL : tag,
        .tag_size = (row->how & NO_TAG_SIZE) != 0 ? NULL : &tag_size,
    };

    if ((row->how & AAD_DONE) != 0)
        TEE_AEUpdateAAD(operation, work_bytes, 4);
    expect_result(call(row, operation, &given), outcomes[row->outcome].code);
    if (row->outcome == SHORT)
        expect_equal(out_size, row->needs);
    if (row->outcome == SHORT && row->call == GP_CALL_AE_ENCRYPT_FINAL)
        expect_equal(tag_size, 16);
}

static void add_row(const struct argument_row *row)
{
    struct rule rule = {.function = gp_call_name(row->call),
                        .clause = clause_of(row->call),
                        .body = with_arguments,
                        .call = row->call,
                        .of = row};
    char text[CASE_TEXT_SIZE];

    if (outcomes[row->outcome].panics)
        rule.panic = outcomes[row->outcome].code;
    (void)snprintf(text, sizeof(text), "%s: %s%s", name_of(row->algorithm), row->text,
                   outcomes[row->outcome].text);
    rule.text = text;
    add(&rule);
}

void add_operation_arguments(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        add_row(&rows[i]);
}
