/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of cryptography that are short of memory (shortage.h): the instance's, and the library's,
 * which is the one thing outside of secure memory. Objects and operations take what they need when
 * they are allocated; of the calls behind that, those may be refused something for which the
 * library has no memory set aside: new keys in its contexts, and making keys.
 */
#include <string.h>

#include "keys.h"
#include "shortage.h"

#define GENERATED_BITS 512u

static const uint8_t bytes[130] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                   0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

/* --- Operations: of the algorithm `a`, for keys of `b` bits ------------------------------ */

/* TEE_OPERATION_...; it is in the algorithm's number. */
static uint32_t class_of(uint32_t algorithm)
{
    return algorithm >> 28;
}

static uint32_t mode_of(uint32_t algorithm)
{
    switch (class_of(algorithm)) {
    case TEE_OPERATION_DIGEST:
        return TEE_MODE_DIGEST;
    case TEE_OPERATION_MAC:
        return TEE_MODE_MAC;
    default:
        return TEE_MODE_ENCRYPT;
    }
}

static TEE_Result allocate(TEE_OperationHandle *out)
{
    return TEE_AllocateOperation(out, had.of->a, mode_of(had.of->a), had.of->b);
}

static void prepare_operation(void)
{
    expect_success(allocate(&had.operation));
}

static uint32_t key_type_of(uint32_t algorithm)
{
    return algorithm == TEE_ALG_HMAC_SHA256 ? TEE_TYPE_HMAC_SHA256 : TEE_TYPE_AES;
}

static void prepare_key(void)
{
    prepare_operation();
    had.key = key_secret(key_type_of(had.of->a), bytes, had.of->b / 8);
    had.other_key = key_secret(key_type_of(had.of->a), bytes + 1, had.of->b / 8);
}

static TEE_Result ask_set_key(void)
{
    return TEE_SetOperationKey(had.operation, had.key);
}

static TEE_Result ask_set_keys(void)
{
    return TEE_SetOperationKey2(had.operation, had.key, had.other_key);
}

static void prepare_ready(void)
{
    if (had.of->b == 0) {
        prepare_operation();
        return;
    }
    prepare_key();
    expect_success(ask_set_key());
}

static void prepare_begun(void)
{
    prepare_ready();
    switch (class_of(had.of->a)) {
    case TEE_OPERATION_DIGEST:
        TEE_DigestUpdate(had.operation, "begun", 5);
        break;
    case TEE_OPERATION_MAC:
        TEE_MACInit(had.operation, NULL, 0);
        break;
    case TEE_OPERATION_CIPHER:
        TEE_CipherInit(had.operation, bytes, 16);
        break;
    default:
        expect_success(TEE_AEInit(had.operation, bytes, 12, 128, 0, 0));
        break;
    }
}

static void prepare_copy(void)
{
    prepare_begun();
    had.source = had.operation;
    prepare_operation();
}

static TEE_Result ask_allocate(void)
{
    return allocate(&had.operation);
}

static TEE_Result ask_copy(void)
{
    TEE_CopyOperation(had.operation, had.source);
    return TEE_SUCCESS;
}

static TEE_Result ask_reset(void)
{
    TEE_ResetOperation(had.operation);
    return TEE_SUCCESS;
}

/* --- Work -------------------------------------------------------------------------------- */

static uint8_t out[64];

static TEE_Result ask_digest_update(void)
{
    TEE_DigestUpdate(had.operation, bytes, sizeof(bytes));
    return TEE_SUCCESS;
}

static TEE_Result ask_digest_final(void)
{
    size_t size = sizeof(out);

    return TEE_DigestDoFinal(had.operation, bytes, 3, out, &size);
}

static TEE_Result ask_digest_extract(void)
{
    size_t size = 5;

    return TEE_DigestExtract(had.operation, out, &size);
}

static TEE_Result ask_cipher_init(void)
{
    TEE_CipherInit(had.operation, bytes, 16);
    return TEE_SUCCESS;
}

static TEE_Result ask_cipher_update(void)
{
    size_t size = sizeof(out);

    return TEE_CipherUpdate(had.operation, bytes, 40, out, &size);
}

static TEE_Result ask_cipher_final(void)
{
    size_t size = sizeof(out);

    return TEE_CipherDoFinal(had.operation, bytes, 48, out, &size);
}

static TEE_Result ask_mac_init(void)
{
    TEE_MACInit(had.operation, NULL, 0);
    return TEE_SUCCESS;
}

static TEE_Result ask_mac_update(void)
{
    TEE_MACUpdate(had.operation, bytes, 40);
    return TEE_SUCCESS;
}

static TEE_Result ask_mac_final(void)
{
    size_t size = sizeof(out);

    return TEE_MACComputeFinal(had.operation, bytes, 40, out, &size);
}

static TEE_Result ask_ae_init(void)
{
    return TEE_AEInit(had.operation, bytes, 12, 128, 0, 0);
}

static TEE_Result ask_ae_aad(void)
{
    TEE_AEUpdateAAD(had.operation, bytes, 40);
    return TEE_SUCCESS;
}

static TEE_Result ask_ae_update(void)
{
    size_t size = sizeof(out);

    return TEE_AEUpdate(had.operation, bytes, 40, out, &size);
}

static TEE_Result ask_ae_final(void)
{
    size_t size = sizeof(out);
    uint8_t tag[16];
    size_t tag_size = sizeof(tag);

    return TEE_AEEncryptFinal(had.operation, bytes, 40, out, &size, tag, &tag_size);
}

static TEE_Result ask_random(void)
{
    TEE_GenerateRandom(out, sizeof(out));
    return TEE_SUCCESS;
}

/* --- Keys: of the type `a`, with `b` bits ------------------------------------------------ */

static TEE_Result ask_object(void)
{
    return TEE_AllocateTransientObject(had.of->a, had.of->b, &had.key);
}

static void prepare_object(void)
{
    expect_success(ask_object());
}

static void prepare_other(void)
{
    prepare_object();
    had.other_key = key_secret(had.of->a, bytes, had.of->b / 8);
}

static TEE_Result ask_populate(void)
{
    TEE_Attribute secret;

    TEE_InitRefAttribute(&secret, TEE_ATTR_SECRET_VALUE, bytes, had.of->b / 8);
    return TEE_PopulateTransientObject(had.key, &secret, 1);
}

static TEE_Result ask_copy_key(void)
{
    return TEE_CopyObjectAttributes1(had.key, had.other_key);
}

static TEE_Result ask_generate(void)
{
    TEE_Attribute attributes[KEY_GROUP_PARTS];
    uint32_t count = 0;

    if (had.of->a == TEE_TYPE_DSA_KEYPAIR || had.of->a == TEE_TYPE_DH_KEYPAIR) {
        key_group(had.of->a == TEE_TYPE_DSA_KEYPAIR, attributes);
        count = KEY_GROUP_PARTS;
    } else if (had.of->a == TEE_TYPE_ECDSA_KEYPAIR) {
        TEE_InitValueAttribute(&attributes[0], TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
        count = 1;
    }
    return TEE_GenerateKey(had.key, had.of->b, attributes, count);
}

static void check_key(void)
{
    expect_equal(info_of(had.key).objectSize, had.of->b);
    TEE_FreeTransientObject(had.key);
}

/* --- What comes of them ------------------------------------------------------------------ */

/* ECB's known answer for the first sixteen bytes as a key and a block of them. */
static void check_encrypts(void)
{
    static const uint8_t wanted[16] = {0x0a, 0x94, 0x0b, 0xb5, 0x41, 0x6e, 0xf0, 0x45,
                                       0xf1, 0xc3, 0x94, 0x58, 0xc6, 0x53, 0xea, 0x5a};
    size_t size = sizeof(out);

    TEE_CipherInit(had.operation, NULL, 0);
    expect_success(TEE_CipherDoFinal(had.operation, bytes, 16, out, &size));
    expect(memcmp(out, wanted, 16) == 0);
}

static void check_begins(void)
{
    if (class_of(had.of->a) == TEE_OPERATION_MAC)
        TEE_MACInit(had.operation, NULL, 0);
    else
        TEE_CipherInit(had.operation, bytes, 16);
}

/* Both go on from the same place to the same end. */
static void check_copy(void)
{
    uint8_t other[sizeof(out)];
    size_t sizes[2] = {sizeof(out), sizeof(other)};

    if (class_of(had.of->a) == TEE_OPERATION_DIGEST) {
        expect_success(TEE_DigestDoFinal(had.operation, bytes, 32, out, &sizes[0]));
        expect_success(TEE_DigestDoFinal(had.source, bytes, 32, other, &sizes[1]));
    } else {
        expect_success(TEE_CipherDoFinal(had.operation, bytes, 32, out, &sizes[0]));
        expect_success(TEE_CipherDoFinal(had.source, bytes, 32, other, &sizes[1]));
    }
    expect(sizes[0] == sizes[1] && memcmp(out, other, sizes[0]) == 0);
}

static void check_free(void)
{
    TEE_FreeOperation(had.operation);
}

#define ALLOCATES(algorithm, bits, name)                                                           \
    {                                                                                              \
        .clause = "6.2.1", .call = GP_CALL_ALLOCATE_OPERATION, .text = name ", ",                  \
        .ask = ask_allocate, .check = check_free, .a = (algorithm), .b = (bits),                   \
        .codes = {0, 0, 0, 0, NONE, NONE},                                                         \
    }
#define WORKS(section, name, before, does, algorithm, bits)                                        \
    {                                                                                              \
        .clause = (section), .call = (name), .text = "", .prepare = (before), .ask = (does),       \
        .a = (algorithm), .b = (bits), .codes = {0, 0, 0, 0, NEEDS_NONE, NEEDS_NONE},              \
    }
#define COPIES(algorithm, bits, name)                                                              \
    {                                                                                              \
        .clause = "6.2.8", .call = GP_CALL_COPY_OPERATION, .text = name ", ",                      \
        .prepare = prepare_copy, .regain = prepare_copy, .ask = ask_copy, .check = check_copy,     \
        .a = (algorithm), .b = (bits), .codes = {0, 0, 0, 0, NEEDS_NONE, NONE},                    \
        .panics = PANICS_ALWAYS,                                                                   \
    }
#define GENERATES(type, bits, name, of_library)                                                    \
    {                                                                                              \
        .clause = "5.6.7", .call = GP_CALL_GENERATE_KEY, .text = name ", ",                        \
        .prepare = prepare_object, .regain = prepare_object, .ask = ask_generate,                  \
        .check = check_key, .a = (type), .b = (bits),                                              \
        .codes = {0, 0, 0, 0, NEEDS_NONE, (of_library)}, .panics = PANICS_ALWAYS,                  \
    }

static const struct shortage shortages[] = {
    ALLOCATES(TEE_ALG_SHA256, 0, "a digest"),
    ALLOCATES(TEE_ALG_HMAC_SHA256, 1024, "HMAC"),
    ALLOCATES(TEE_ALG_AES_CMAC, 128, "CMAC"),
    ALLOCATES(TEE_ALG_AES_CBC_NOPAD, 128, "a cipher"),
    ALLOCATES(TEE_ALG_AES_XTS, 128, "two keys"),
    ALLOCATES(TEE_ALG_AES_CCM, 128, "two contexts"),
    {.clause = "6.2.6",
     .call = GP_CALL_SET_OPERATION_KEY,
     .text = "a cipher's, ",
     .prepare = prepare_key,
     .regain = prepare_key,
     .ask = ask_set_key,
     .check = check_encrypts,
     .a = TEE_ALG_AES_ECB_NOPAD,
     .b = 128,
     .codes = {0, 0, 0, 0, NEEDS_NONE, AWAY}},
    {.clause = "6.2.6",
     .call = GP_CALL_SET_OPERATION_KEY,
     .text = "HMAC's, longer than a block, ",
     .prepare = prepare_key,
     .regain = prepare_key,
     .ask = ask_set_key,
     .check = check_begins,
     .a = TEE_ALG_HMAC_SHA256,
     .b = 1024,
     .codes = {0, 0, 0, 0, NEEDS_NONE, AWAY}},
    {.clause = "6.2.7",
     .call = GP_CALL_SET_OPERATION_KEY2,
     .text = "",
     .prepare = prepare_key,
     .regain = prepare_key,
     .ask = ask_set_keys,
     .check = check_begins,
     .a = TEE_ALG_AES_XTS,
     .b = 128,
     .codes = {0, 0, 0, 0, NEEDS_NONE, AWAY}},
    COPIES(TEE_ALG_SHA256, 0, "a digest"),
    COPIES(TEE_ALG_AES_CBC_NOPAD, 128, "a cipher"),
    WORKS("6.2.5", GP_CALL_RESET_OPERATION, prepare_begun, ask_reset, TEE_ALG_HMAC_SHA256, 256),
    WORKS("6.3.1", GP_CALL_DIGEST_UPDATE, prepare_ready, ask_digest_update, TEE_ALG_SHA256, 0),
    WORKS("6.3.2", GP_CALL_DIGEST_DO_FINAL, prepare_begun, ask_digest_final, TEE_ALG_SHA256, 0),
    WORKS("6.3.3", GP_CALL_DIGEST_EXTRACT, prepare_begun, ask_digest_extract, TEE_ALG_SHAKE128, 0),
    WORKS("6.4.1", GP_CALL_CIPHER_INIT, prepare_ready, ask_cipher_init, TEE_ALG_AES_CTR, 128),
    WORKS("6.4.2", GP_CALL_CIPHER_UPDATE, prepare_begun, ask_cipher_update, TEE_ALG_AES_CTS, 128),
    WORKS("6.4.3", GP_CALL_CIPHER_DO_FINAL, prepare_begun, ask_cipher_final, TEE_ALG_AES_CTS, 128),
    WORKS("6.5.1", GP_CALL_MAC_INIT, prepare_ready, ask_mac_init, TEE_ALG_HMAC_SHA256, 1024),
    WORKS("6.5.2", GP_CALL_MAC_UPDATE, prepare_begun, ask_mac_update, TEE_ALG_AES_CMAC, 128),
    WORKS("6.5.3", GP_CALL_MAC_COMPUTE_FINAL, prepare_begun, ask_mac_final, TEE_ALG_AES_CMAC, 128),
    WORKS("6.6.1", GP_CALL_AE_INIT, prepare_ready, ask_ae_init, TEE_ALG_AES_GCM, 128),
    WORKS("6.6.2", GP_CALL_AE_UPDATE_AAD, prepare_begun, ask_ae_aad, TEE_ALG_AES_GCM, 128),
    WORKS("6.6.3", GP_CALL_AE_UPDATE, prepare_begun, ask_ae_update, TEE_ALG_AES_GCM, 128),
    WORKS("6.6.4", GP_CALL_AE_ENCRYPT_FINAL, prepare_begun, ask_ae_final, TEE_ALG_AES_GCM, 128),
    WORKS("6.9.1", GP_CALL_GENERATE_RANDOM, NULL, ask_random, 0, 0),
    {.clause = "5.6.1",
     .call = GP_CALL_ALLOCATE_TRANSIENT_OBJECT,
     .text = "a secret, ",
     .ask = ask_object,
     .a = TEE_TYPE_AES,
     .b = 256,
     .codes = {0, 0, 0, 0, NONE, NEEDS_NONE}},
    {.clause = "5.6.1",
     .call = GP_CALL_ALLOCATE_TRANSIENT_OBJECT,
     .text = "a pair, ",
     .ask = ask_object,
     .a = TEE_TYPE_RSA_KEYPAIR,
     .b = 2048,
     .codes = {0, 0, 0, 0, NONE, NEEDS_NONE}},
    WORKS("5.6.4", GP_CALL_POPULATE_TRANSIENT_OBJECT, prepare_object, ask_populate, TEE_TYPE_AES,
          256),
    WORKS("5.6.6", GP_CALL_COPY_OBJECT_ATTRIBUTES1, prepare_other, ask_copy_key, TEE_TYPE_AES, 256),
    GENERATES(TEE_TYPE_AES, 256, "a secret", NEEDS_NONE),
    GENERATES(TEE_TYPE_RSA_KEYPAIR, GENERATED_BITS, "RSA", NONE),
    GENERATES(TEE_TYPE_DSA_KEYPAIR, KEY_GROUP_BITS, "DSA", NONE),
    GENERATES(TEE_TYPE_DH_KEYPAIR, KEY_GROUP_BITS, "DH", NONE),
    GENERATES(TEE_TYPE_ECDSA_KEYPAIR, 256, "ECDSA", NONE),
    GENERATES(TEE_TYPE_ED25519_KEYPAIR, 256, "Ed25519", NONE),
    GENERATES(TEE_TYPE_X25519_KEYPAIR, 256, "X25519", NONE),
};

void add_shortage_crypto(void)
{
    add_shortages(shortages, sizeof(shortages) / sizeof(shortages[0]));
}
