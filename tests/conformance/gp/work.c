/* SPDX-License-Identifier: BSD-2-Clause */
#include "work.h"

const uint8_t work_bytes[64] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
    0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f};
const uint8_t work_block[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

/* TEE_OPERATION_...; it is in the algorithm's number. */
static uint32_t class_of(uint32_t algorithm)
{
    return algorithm >> 28;
}

uint32_t work_mode(uint32_t algorithm)
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

TEE_OperationHandle work_new(uint32_t algorithm, uint32_t mode, uint32_t bits)
{
    TEE_OperationHandle made = TEE_HANDLE_NULL;

    expect_success(TEE_AllocateOperation(&made, algorithm, mode, bits));
    return made;
}

static uint32_t type_of(uint32_t algorithm)
{
    return algorithm == TEE_ALG_HMAC_MD5 ? TEE_TYPE_HMAC_MD5 : TEE_TYPE_AES;
}

TEE_OperationHandle work_with_key(uint32_t algorithm, uint32_t mode)
{
    TEE_OperationHandle made = work_new(algorithm, mode, 128);
    TEE_ObjectHandle key;

    if (class_of(algorithm) == TEE_OPERATION_DIGEST)
        return made;
    key = key_secret(type_of(algorithm), work_bytes, 16);
    if (algorithm == TEE_ALG_AES_XTS)
        expect_success(TEE_SetOperationKey2(made, key, key_secret(TEE_TYPE_AES, work_block, 16)));
    else
        expect_success(TEE_SetOperationKey(made, key));
    return made;
}

TEE_OperationHandle work_begun(uint32_t algorithm, uint32_t mode)
{
    TEE_OperationHandle made = work_with_key(algorithm, mode);

    switch (class_of(algorithm)) {
    case TEE_OPERATION_DIGEST:
        TEE_DigestUpdate(made, "abc", 3);
        break;
    case TEE_OPERATION_MAC:
        TEE_MACInit(made, NULL, 0);
        break;
    case TEE_OPERATION_CIPHER:
        TEE_CipherInit(made, work_block, 16);
        break;
    default:
        expect_success(TEE_AEInit(made, work_block, 12, 128, 4, 8));
        break;
    }
    return made;
}
