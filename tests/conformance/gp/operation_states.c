/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call on operations in every state of every class of them (6.2 to 6.6): in which it does its
 * work, and in which it is a panic, because the handle is none for it or because it isn't the time.
 */
#include <stdio.h>
#include <string.h>

#include "work.h"

/* --- States: the columns of the table ---------------------------------------------------- */

enum state {
    NULL_HANDLE,
    FREED,
    OBJECT,
    DIGEST,
    DIGEST_ACTIVE,
    DIGEST_EXTRACTING,
    CIPHER_KEYLESS,
    CIPHER,
    CIPHER_ACTIVE,
    MAC_KEYLESS,
    MAC,
    MAC_ACTIVE,
    AE_KEYLESS,
    AE,
    AE_ACTIVE,
    AE_PAYLOAD,
    AE_DECRYPTING,
    XTS_KEYLESS,
    XTS,
    XTS_ACTIVE,
    STATES,
};

static const char *const state_names[STATES] = {
    "TEE_HANDLE_NULL",
    "a freed operation",
    "an object",
    "a digest",
    "an active digest",
    "an extracting digest",
    "a cipher without a key",
    "a cipher with a key",
    "an active cipher",
    "a MAC without a key",
    "a MAC with a key",
    "an active MAC",
    "an AE without a key",
    "an AE with a key",
    "an active AE",
    "an AE within its payload",
    "an active AE that decrypts",
    "an XTS without keys",
    "an XTS with keys",
    "an active XTS",
};

static TEE_OperationHandle freed(void)
{
    TEE_OperationHandle made = work_new(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);

    TEE_FreeOperation(made);
    return made;
}

static TEE_OperationHandle object_as_operation(void)
{
    return (TEE_OperationHandle)(void *)key_secret(TEE_TYPE_AES, work_bytes, 16);
}

static TEE_OperationHandle extracting(void)
{
    TEE_OperationHandle made = work_begun(TEE_ALG_SHA256, TEE_MODE_DIGEST);
    uint8_t digest[5];
    size_t size = sizeof(digest);

    expect_success(TEE_DigestExtract(made, digest, &size));
    return made;
}

static TEE_OperationHandle within_payload(void)
{
    TEE_OperationHandle made = work_begun(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT);
    uint8_t out[4];
    size_t size = sizeof(out);

    expect_success(TEE_AEUpdate(made, work_bytes, 4, out, &size));
    return made;
}

static TEE_OperationHandle in_state(enum state state)
{
    switch (state) {
    case FREED:
        return freed();
    case OBJECT:
        return object_as_operation();
    case DIGEST:
        return work_new(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    case DIGEST_ACTIVE:
        return work_begun(TEE_ALG_SHA256, TEE_MODE_DIGEST);
    case DIGEST_EXTRACTING:
        return extracting();
    case CIPHER_KEYLESS:
        return work_new(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 128);
    case CIPHER:
        return work_with_key(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT);
    case CIPHER_ACTIVE:
        return work_begun(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT);
    case MAC_KEYLESS:
        return work_new(TEE_ALG_AES_CMAC, TEE_MODE_MAC, 128);
    case MAC:
        return work_with_key(TEE_ALG_AES_CMAC, TEE_MODE_MAC);
    case MAC_ACTIVE:
        return work_begun(TEE_ALG_AES_CMAC, TEE_MODE_MAC);
    case AE_KEYLESS:
        return work_new(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, 128);
    case AE:
        return work_with_key(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT);
    case AE_ACTIVE:
        return work_begun(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT);
    case AE_PAYLOAD:
        return within_payload();
    case AE_DECRYPTING:
        return work_begun(TEE_ALG_AES_GCM, TEE_MODE_DECRYPT);
    case XTS_KEYLESS:
        return work_new(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 128);
    case XTS:
        return work_with_key(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT);
    case XTS_ACTIVE:
        return work_begun(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT);
    default:
        return TEE_HANDLE_NULL;
    }
}

/* --- Calls: the rows --------------------------------------------------------------------- */

static uint8_t out[64];

static void frees(TEE_OperationHandle operation)
{
    TEE_FreeOperation(operation);
}

static void tells(TEE_OperationHandle operation)
{
    TEE_OperationInfo info;

    TEE_GetOperationInfo(operation, &info);
}

static void tells_multiple(TEE_OperationHandle operation)
{
    union {
        TEE_OperationInfoMultiple info;
        uint8_t room[sizeof(TEE_OperationInfoMultiple) + 2 * sizeof(TEE_OperationInfoKey)];
    } all;
    size_t size = sizeof(all);

    expect_success(TEE_GetOperationInfoMultiple(operation, &all.info, &size));
}

static void resets(TEE_OperationHandle operation)
{
    TEE_ResetOperation(operation);
}

static void sets_key(TEE_OperationHandle operation)
{
    expect_success(TEE_SetOperationKey(operation, key_secret(TEE_TYPE_AES, work_bytes, 16)));
}

static void takes_key(TEE_OperationHandle operation)
{
    expect_success(TEE_SetOperationKey(operation, TEE_HANDLE_NULL));
}

static void sets_keys(TEE_OperationHandle operation)
{
    expect_success(TEE_SetOperationKey2(operation, key_secret(TEE_TYPE_AES, work_bytes, 16),
                                        key_secret(TEE_TYPE_AES, work_block, 16)));
}

static void takes_keys(TEE_OperationHandle operation)
{
    expect_success(TEE_SetOperationKey2(operation, TEE_HANDLE_NULL, TEE_HANDLE_NULL));
}

static void digest_updates(TEE_OperationHandle operation)
{
    TEE_DigestUpdate(operation, "x", 1);
}

static void digest_takes_nothing(TEE_OperationHandle operation)
{
    TEE_DigestUpdate(operation, NULL, 0);
}

static void digest_ends(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);

    expect_success(TEE_DigestDoFinal(operation, NULL, 0, out, &size));
}

static void digest_extracts(TEE_OperationHandle operation)
{
    size_t size = 3;

    expect_success(TEE_DigestExtract(operation, out, &size));
}

static void cipher_begins(TEE_OperationHandle operation)
{
    TEE_CipherInit(operation, work_block, 16);
}

static void cipher_updates(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);

    expect_success(TEE_CipherUpdate(operation, work_bytes, 16, out, &size));
}

static void cipher_ends(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);

    expect_success(TEE_CipherDoFinal(operation, work_bytes, 16, out, &size));
}

static void mac_begins(TEE_OperationHandle operation)
{
    TEE_MACInit(operation, NULL, 0);
}

static void mac_updates(TEE_OperationHandle operation)
{
    TEE_MACUpdate(operation, "x", 1);
}

static void mac_ends(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);

    expect_success(TEE_MACComputeFinal(operation, "x", 1, out, &size));
}

static void mac_compares(TEE_OperationHandle operation)
{
    expect_result(TEE_MACCompareFinal(operation, "x", 1, work_bytes, 16), TEE_ERROR_MAC_INVALID);
}

static void ae_begins(TEE_OperationHandle operation)
{
    expect_success(TEE_AEInit(operation, work_block, 12, 128, 0, 0));
}

static void ae_takes_aad(TEE_OperationHandle operation)
{
    TEE_AEUpdateAAD(operation, "x", 1);
}

static void ae_updates(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);

    expect_success(TEE_AEUpdate(operation, work_bytes, 16, out, &size));
}

static void ae_encrypts(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);
    uint8_t tag[16];
    size_t tag_size = sizeof(tag);

    expect_success(TEE_AEEncryptFinal(operation, work_bytes, 16, out, &size, tag, &tag_size));
}

static void ae_decrypts(TEE_OperationHandle operation)
{
    size_t size = sizeof(out);
    uint8_t tag[16] = {0};

    expect_result(TEE_AEDecryptFinal(operation, work_bytes, 16, out, &size, tag, sizeof(tag)),
                  TEE_ERROR_MAC_INVALID);
}

/*
 * In each state: '.' it does it; a panic, 'W' since that is the wrong thing, 'S' since it is in the
 * wrong state for it. The groups are those of enum state: no operations; digests; ciphers; MACs;
 * AEs; XTS.
 */
static const struct row {
    const char *clause;
    enum gp_call call;
    const char *text;
    void (*does)(TEE_OperationHandle operation);
    const char *states;
} rows[] = {
    {"6.2.2", GP_CALL_FREE_OPERATION, "", frees, ".WW ... ... ... ..... ..."},
    {"6.2.3", GP_CALL_GET_OPERATION_INFO, "", tells, "WWW ... ... ... ..... ..."},
    {"6.2.4", GP_CALL_GET_OPERATION_INFO_MULTIPLE, "", tells_multiple, "WWW ... ... ... ..... ..."},
    {"6.2.5", GP_CALL_RESET_OPERATION, "", resets, "WWW ... S.. S.. S.... S.."},
    {"6.2.6", GP_CALL_SET_OPERATION_KEY, "", sets_key, "WWW WWW ..S ..S ..SSS WWW"},
    {"6.2.6", GP_CALL_SET_OPERATION_KEY, "none, ", takes_key, "WWW WWW ..S ..S ..SSS WWW"},
    {"6.2.7", GP_CALL_SET_OPERATION_KEY2, "", sets_keys, "WWW WWW WWW WWW WWWWW ..S"},
    {"6.2.7", GP_CALL_SET_OPERATION_KEY2, "none, ", takes_keys, "WWW WWW WWW WWW WWWWW ..S"},
    {"6.3.1", GP_CALL_DIGEST_UPDATE, "", digest_updates, "WWW ..S WWW WWW WWWWW WWW"},
    {"6.3.1", GP_CALL_DIGEST_UPDATE, "no data, ", digest_takes_nothing,
     "WWW ..S WWW WWW WWWWW WWW"},
    {"6.3.2", GP_CALL_DIGEST_DO_FINAL, "", digest_ends, "WWW ... WWW WWW WWWWW WWW"},
    {"6.3.3", GP_CALL_DIGEST_EXTRACT, "", digest_extracts, "WWW ... WWW WWW WWWWW WWW"},
    {"6.4.1", GP_CALL_CIPHER_INIT, "", cipher_begins, "WWW WWW S.. WWW WWWWW S.."},
    {"6.4.2", GP_CALL_CIPHER_UPDATE, "", cipher_updates, "WWW WWW SS. WWW WWWWW SS."},
    {"6.4.3", GP_CALL_CIPHER_DO_FINAL, "", cipher_ends, "WWW WWW SS. WWW WWWWW SS."},
    {"6.5.1", GP_CALL_MAC_INIT, "", mac_begins, "WWW WWW WWW S.. WWWWW WWW"},
    {"6.5.2", GP_CALL_MAC_UPDATE, "", mac_updates, "WWW WWW WWW SS. WWWWW WWW"},
    {"6.5.3", GP_CALL_MAC_COMPUTE_FINAL, "", mac_ends, "WWW WWW WWW SS. WWWWW WWW"},
    {"6.5.4", GP_CALL_MAC_COMPARE_FINAL, "", mac_compares, "WWW WWW WWW SS. WWWWW WWW"},
    {"6.6.1", GP_CALL_AE_INIT, "", ae_begins, "WWW WWW WWW WWW S.SSS WWW"},
    {"6.6.2", GP_CALL_AE_UPDATE_AAD, "", ae_takes_aad, "WWW WWW WWW WWW SS.S. WWW"},
    {"6.6.3", GP_CALL_AE_UPDATE, "", ae_updates, "WWW WWW WWW WWW SS... WWW"},
    {"6.6.4", GP_CALL_AE_ENCRYPT_FINAL, "", ae_encrypts, "WWW WWW WWW WWW SS..W WWW"},
    {"6.6.5", GP_CALL_AE_DECRYPT_FINAL, "", ae_decrypts, "WWW WWW WWW WWW SSWW. WWW"},
};

static void in_a_state(const struct rule *rule)
{
    const struct row *row = rule->of;

    row->does(in_state((enum state)rule->a));
}

static void add_cell(const struct row *row, enum state state, char how)
{
    struct rule rule = {.function = gp_call_name(row->call),
                        .clause = row->clause,
                        .body = in_a_state,
                        .call = row->call,
                        .of = row,
                        .a = state};
    char text[CASE_TEXT_SIZE];

    if (how != '.')
        rule.panic = how == 'W' ? TEE_ERROR_BAD_PARAMETERS : TEE_ERROR_BAD_STATE;
    (void)snprintf(text, sizeof(text), "%sof %s%s", row->text, state_names[state],
                   how == '.' ? "" : " is a panic");
    rule.text = text;
    add(&rule);
}

void add_operation_states(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned state = 0;

        for (const char *at = rows[i].states; *at != '\0'; at++) {
            if (*at != ' ')
                add_cell(&rows[i], (enum state)state++, *at);
        }
    }
}
