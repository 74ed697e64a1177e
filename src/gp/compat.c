/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties, keys and operations in 1.1's form (tee_api_compat.h): the same with lengths of 32
 * bits. */
#include <string.h>

#include "gp/operations.h"
#include "gp/transient.h"

/*
 * A length that is told both ways. A call is given widen(theirs, &ours), which is `ours` with what
 * `theirs` points to, or NULL as `theirs` is; and narrow() has its result, and tells 32 bits of
 * what `ours` became.
 */
static size_t *widen(const uint32_t *theirs, size_t *ours)
{
    if (theirs == NULL)
        return NULL;
    *ours = *theirs;
    return ours;
}

static TEE_Result narrow(uint32_t *theirs, const size_t *ours, TEE_Result result)
{
    if (theirs != NULL)
        *theirs = (uint32_t)*ours;
    return result;
}

/* --- Properties --- */

TEE_Result __GP11_TEE_GetPropertyAsString(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                          char *valueBuffer, uint32_t *valueBufferLen)
{
    size_t wide = 0;

    return narrow(valueBufferLen, &wide,
                  TEE_GetPropertyAsString(propsetOrEnumerator, name, valueBuffer,
                                          widen(valueBufferLen, &wide)));
}

TEE_Result __GP11_TEE_GetPropertyAsBinaryBlock(TEE_PropSetHandle propsetOrEnumerator,
                                               const char *name, void *valueBuffer,
                                               uint32_t *valueBufferLen)
{
    size_t wide = 0;

    return narrow(valueBufferLen, &wide,
                  TEE_GetPropertyAsBinaryBlock(propsetOrEnumerator, name, valueBuffer,
                                               widen(valueBufferLen, &wide)));
}

TEE_Result __GP11_TEE_GetPropertyName(TEE_PropSetHandle enumerator, void *nameBuffer,
                                      uint32_t *nameBufferLen)
{
    size_t wide = 0;

    return narrow(nameBufferLen, &wide,
                  TEE_GetPropertyName(enumerator, nameBuffer, widen(nameBufferLen, &wide)));
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

    return narrow(size, &wide,
                  TEE_GetObjectBufferAttribute(object, attributeID, buffer, widen(size, &wide)));
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

    return narrow(operationSize, &wide,
                  TEE_GetOperationInfoMultiple(operation, operationInfoMultiple,
                                               widen(operationSize, &wide)));
}

TEE_Result __GP11_TEE_DigestDoFinal(TEE_OperationHandle operation, const void *chunk,
                                    uint32_t chunkLen, void *hash, uint32_t *hashLen)
{
    size_t wide = 0;

    return narrow(hashLen, &wide,
                  TEE_DigestDoFinal(operation, chunk, chunkLen, hash, widen(hashLen, &wide)));
}

TEE_Result __GP11_TEE_CipherUpdate(TEE_OperationHandle operation, const void *srcData,
                                   uint32_t srcLen, void *destData, uint32_t *destLen)
{
    size_t wide = 0;

    return narrow(destLen, &wide,
                  TEE_CipherUpdate(operation, srcData, srcLen, destData, widen(destLen, &wide)));
}

TEE_Result __GP11_TEE_CipherDoFinal(TEE_OperationHandle operation, const void *srcData,
                                    uint32_t srcLen, void *destData, uint32_t *destLen)
{
    size_t wide = 0;

    return narrow(destLen, &wide,
                  TEE_CipherDoFinal(operation, srcData, srcLen, destData, widen(destLen, &wide)));
}

TEE_Result __GP11_TEE_MACComputeFinal(TEE_OperationHandle operation, const void *message,
                                      uint32_t messageLen, void *mac, uint32_t *macLen)
{
    size_t wide = 0;

    return narrow(macLen, &wide,
                  TEE_MACComputeFinal(operation, message, messageLen, mac, widen(macLen, &wide)));
}

TEE_Result __GP11_TEE_AEUpdate(TEE_OperationHandle operation, const void *srcData, uint32_t srcLen,
                               void *destData, uint32_t *destLen)
{
    size_t wide = 0;

    return narrow(destLen, &wide,
                  TEE_AEUpdate(operation, srcData, srcLen, destData, widen(destLen, &wide)));
}

TEE_Result __GP11_TEE_AEEncryptFinal(TEE_OperationHandle operation, const void *srcData,
                                     uint32_t srcLen, void *destData, uint32_t *destLen, void *tag,
                                     uint32_t *tagLen)
{
    size_t wide = 0;
    size_t wide_tag = 0;

    return narrow(destLen, &wide,
                  narrow(tagLen, &wide_tag,
                         TEE_AEEncryptFinal(operation, srcData, srcLen, destData,
                                            widen(destLen, &wide), tag, widen(tagLen, &wide_tag))));
}

TEE_Result __GP11_TEE_AEDecryptFinal(TEE_OperationHandle operation, const void *srcData,
                                     uint32_t srcLen, void *destData, uint32_t *destLen, void *tag,
                                     uint32_t tagLen)
{
    size_t wide = 0;

    return narrow(destLen, &wide,
                  TEE_AEDecryptFinal(operation, srcData, srcLen, destData, widen(destLen, &wide),
                                     tag, tagLen));
}
