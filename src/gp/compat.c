/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and operations in 1.1's form (tee_api_compat.h): the same with lengths of 32 bits. */
#include <string.h>

#include "gp/operations.h"
#include "gp/transient.h"

/* A length that is told both ways: what it was, and 32 bits of what it became. */
static size_t *widen(const uint32_t *length, size_t *wide)
{
    if (length == NULL)
        return NULL;
    *wide = *length;
    return wide;
}

static void narrow(uint32_t *length, size_t wide)
{
    if (length != NULL)
        *length = (uint32_t)wide;
}

/* --- Objects --- */

/* False: more than a type has; so one is foreign, or there twice. */
static bool widen_attributes(const __GP11_TEE_Attribute *from, uint32_t count,
                             TEE_Attribute to[GP_ATTRIBUTES_MAX])
{
    if (count > GP_ATTRIBUTES_MAX || (from == NULL && count > 0))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        to[i] = (TEE_Attribute){.attributeID = from[i].attributeID};
        if ((from[i].attributeID & TEE_ATTR_FLAG_VALUE) != 0) {
            to[i].content.value.a = from[i].content.value.a;
            to[i].content.value.b = from[i].content.value.b;
        } else {
            to[i].content.ref.buffer = from[i].content.ref.buffer;
            to[i].content.ref.length = from[i].content.ref.length;
        }
    }
    return true;
}

TEE_Result __GP11_TEE_GetObjectBufferAttribute(TEE_ObjectHandle object, uint32_t attributeID,
                                               void *buffer, uint32_t *size)
{
    size_t wide = 0;
    TEE_Result result = TEE_GetObjectBufferAttribute(object, attributeID, buffer,
                                                     widen(size, &wide));

    narrow(size, wide);
    return result;
}

TEE_Result __GP11_TEE_PopulateTransientObject(TEE_ObjectHandle object,
                                              const __GP11_TEE_Attribute *attrs, uint32_t attrCount)
{
    struct gp_instance *instance = gp_current();
    TEE_Attribute wide[GP_ATTRIBUTES_MAX];

    return gp_end(instance, GP_CALL_POPULATE_TRANSIENT_OBJECT,
                  widen_attributes(attrs, attrCount, wide)
                      ? gp_transient_populate(instance, object, wide, attrCount)
                      : TEE_ERROR_BAD_STATE);
}

TEE_Result __GP11_TEE_GenerateKey(TEE_ObjectHandle object, uint32_t keySize,
                                  const __GP11_TEE_Attribute *params, uint32_t paramCount)
{
    struct gp_instance *instance = gp_current();
    TEE_Attribute wide[GP_ATTRIBUTES_MAX];

    return gp_end(instance, GP_CALL_GENERATE_KEY,
                  widen_attributes(params, paramCount, wide)
                      ? gp_transient_generate(instance, object, keySize, wide, paramCount)
                      : TEE_ERROR_BAD_STATE);
}

void __GP11_TEE_InitRefAttribute(__GP11_TEE_Attribute *attr, uint32_t attributeID,
                                 const void *buffer, uint32_t length)
{
    TEE_Attribute wide;

    if (attr == NULL)
        gp_panic(gp_current(), GP_CALL_INIT_REF_ATTRIBUTE, TEE_ERROR_BAD_PARAMETERS);
    TEE_InitRefAttribute(&wide, attributeID, buffer, length);
    attr->attributeID = attributeID;
    attr->content.ref.buffer = wide.content.ref.buffer;
    attr->content.ref.length = length;
}

void __GP11_TEE_InitValueAttribute(__GP11_TEE_Attribute *attr, uint32_t attributeID, uint32_t a,
                                   uint32_t b)
{
    TEE_Attribute wide;

    if (attr == NULL)
        gp_panic(gp_current(), GP_CALL_INIT_VALUE_ATTRIBUTE, TEE_ERROR_BAD_PARAMETERS);
    TEE_InitValueAttribute(&wide, attributeID, a, b);
    attr->attributeID = attributeID;
    attr->content.value.a = a;
    attr->content.value.b = b;
}

/* --- Operations --- */

TEE_Result __GP11_TEE_GetOperationInfoMultiple(TEE_OperationHandle operation,
                                               TEE_OperationInfoMultiple *operationInfoMultiple,
                                               uint32_t *operationSize)
{
    size_t wide = 0;
    TEE_Result result = TEE_GetOperationInfoMultiple(operation, operationInfoMultiple,
                                                     widen(operationSize, &wide));

    narrow(operationSize, wide);
    return result;
}

TEE_Result __GP11_TEE_DigestDoFinal(TEE_OperationHandle operation, const void *chunk,
                                    uint32_t chunkLen, void *hash, uint32_t *hashLen)
{
    size_t wide = 0;
    TEE_Result result = TEE_DigestDoFinal(operation, chunk, chunkLen, hash, widen(hashLen, &wide));

    narrow(hashLen, wide);
    return result;
}

TEE_Result __GP11_TEE_CipherUpdate(TEE_OperationHandle operation, const void *srcData,
                                   uint32_t srcLen, void *destData, uint32_t *destLen)
{
    size_t wide = 0;
    TEE_Result result = TEE_CipherUpdate(operation, srcData, srcLen, destData,
                                         widen(destLen, &wide));

    narrow(destLen, wide);
    return result;
}

TEE_Result __GP11_TEE_CipherDoFinal(TEE_OperationHandle operation, const void *srcData,
                                    uint32_t srcLen, void *destData, uint32_t *destLen)
{
    size_t wide = 0;
    TEE_Result result = TEE_CipherDoFinal(operation, srcData, srcLen, destData,
                                          widen(destLen, &wide));

    narrow(destLen, wide);
    return result;
}

TEE_Result __GP11_TEE_MACComputeFinal(TEE_OperationHandle operation, const void *message,
                                      uint32_t messageLen, void *mac, uint32_t *macLen)
{
    size_t wide = 0;
    TEE_Result result = TEE_MACComputeFinal(operation, message, messageLen, mac,
                                            widen(macLen, &wide));

    narrow(macLen, wide);
    return result;
}

TEE_Result __GP11_TEE_AEUpdate(TEE_OperationHandle operation, const void *srcData, uint32_t srcLen,
                               void *destData, uint32_t *destLen)
{
    size_t wide = 0;
    TEE_Result result = TEE_AEUpdate(operation, srcData, srcLen, destData, widen(destLen, &wide));

    narrow(destLen, wide);
    return result;
}

TEE_Result __GP11_TEE_AEEncryptFinal(TEE_OperationHandle operation, const void *srcData,
                                     uint32_t srcLen, void *destData, uint32_t *destLen, void *tag,
                                     uint32_t *tagLen)
{
    size_t wide = 0;
    size_t wide_tag = 0;
    TEE_Result result = TEE_AEEncryptFinal(operation, srcData, srcLen, destData,
                                           widen(destLen, &wide), tag, widen(tagLen, &wide_tag));

    narrow(destLen, wide);
    narrow(tagLen, wide_tag);
    return result;
}

TEE_Result __GP11_TEE_AEDecryptFinal(TEE_OperationHandle operation, const void *srcData,
                                     uint32_t srcLen, void *destData, uint32_t *destLen, void *tag,
                                     uint32_t tagLen)
{
    size_t wide = 0;
    TEE_Result result = TEE_AEDecryptFinal(operation, srcData, srcLen, destData,
                                           widen(destLen, &wide), tag, tagLen);

    narrow(destLen, wide);
    return result;
}
