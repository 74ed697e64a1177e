/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the GlobalPlatform TEE Internal Core API 1.3.1, in the order of its chapters; those that
 * aren't declared aren't there. 1.1's form of a call, where it differs, has a __GP11_ prefix
 * (tee_api_compat.h) and stands below the call that it is a form of.
 *
 * Return codes  A call answers TEE_SUCCESS or one of the codes named with it. Whatever else goes
 *               wrong, wrong arguments and states first of all, is a panic: the instance ends where
 *               it stands, with all it has, and its clients are told TEE_ERROR_TARGET_DEAD. A
 *               panic's code says what was wrong, TEE_ERROR_BAD_PARAMETERS or TEE_ERROR_BAD_STATE
 *               where a call names none.
 * Outputs       are written on success only where nothing else is said. With
 *               TEE_ERROR_SHORT_BUFFER the size is written: how many bytes are needed.
 * NULL          is a panic for a handle, an output or a buffer of more than no bytes, where nothing
 *               else is said.
 * Sizes         are bytes where nothing else is said, key sizes bits.
 * Threads       The calls belong to the instance that runs in the calling thread, and one thread at
 *               a time runs in an instance. Outside of a TA they end the program.
 */
#ifndef TEE_API_H
#define TEE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tee_api_types.h"

/* The names are the standard's and OP-TEE's. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */

#ifdef __cplusplus
extern "C" {
#endif

/* --- Properties (4.4) -------------------------------------------------------------------- */

/*
 * One property's value: of the set TEE_PROPSET_TEE_IMPLEMENTATION, _CURRENT_CLIENT or _CURRENT_TA
 * by `name`, or where an enumerator stands, and then `name` isn't looked at.
 * TEE_ERROR_ITEM_NOT_FOUND: there is none of that name, or the enumerator isn't started or is at
 * its end. TEE_ERROR_BAD_FORMAT: it is of another type. TEE_ERROR_SHORT_BUFFER: `*valueBufferLen`,
 * in: of the buffer, out: of the value, a final NUL included.
 *
 * A string can be had of every type: "true" or "false", decimal numbers, a UUID as 8-4-4-4-12 hex
 * digits, an identity as its login in decimal, a colon and its UUID, a binary block in base 64.
 */
TEE_Result TEE_GetPropertyAsString(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                   char *valueBuffer, size_t *valueBufferLen);
TEE_Result __GP11_TEE_GetPropertyAsString(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                          char *valueBuffer, uint32_t *valueBufferLen);
TEE_Result TEE_GetPropertyAsBool(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                 bool *value);
TEE_Result TEE_GetPropertyAsU32(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                uint32_t *value);
TEE_Result TEE_GetPropertyAsU64(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                uint64_t *value);
TEE_Result TEE_GetPropertyAsBinaryBlock(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                        void *valueBuffer, size_t *valueBufferLen);
TEE_Result __GP11_TEE_GetPropertyAsBinaryBlock(TEE_PropSetHandle propsetOrEnumerator,
                                               const char *name, void *valueBuffer,
                                               uint32_t *valueBufferLen);
TEE_Result TEE_GetPropertyAsUUID(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                 TEE_UUID *value);
TEE_Result TEE_GetPropertyAsIdentity(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                     TEE_Identity *value);

/* An enumerator, which isn't started; the TA frees it. TEE_ERROR_OUT_OF_MEMORY. */
TEE_Result TEE_AllocatePropertyEnumerator(TEE_PropSetHandle *enumerator);
/* As in OP-TEE, TEE_HANDLE_NULL is nothing in a tee of that profile. */
void TEE_FreePropertyEnumerator(TEE_PropSetHandle enumerator);
/* It stands at the first property of a set. */
void TEE_StartPropertyEnumerator(TEE_PropSetHandle enumerator, TEE_PropSetHandle propSet);
/* It isn't started any more. */
void TEE_ResetPropertyEnumerator(TEE_PropSetHandle enumerator);

/* Where it stands, a name with its NUL. TEE_ERROR_ITEM_NOT_FOUND: nowhere.
 * TEE_ERROR_SHORT_BUFFER. */
TEE_Result TEE_GetPropertyName(TEE_PropSetHandle enumerator, void *nameBuffer,
                               size_t *nameBufferLen);
TEE_Result __GP11_TEE_GetPropertyName(TEE_PropSetHandle enumerator, void *nameBuffer,
                                      uint32_t *nameBufferLen);

/* One further. TEE_ERROR_ITEM_NOT_FOUND: it was at the last one, and is at its end now; or it
 * isn't started. */
TEE_Result TEE_GetNextProperty(TEE_PropSetHandle enumerator);

/* --- Panics (4.8) ------------------------------------------------------------------------ */

/* End the instance; `panicCode` is for people. Doesn't return. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void TEE_Panic(TEE_Result panicCode);

/* --- Cancellation (4.10) ----------------------------------------------------------------- */

/* Was the operation that the TA runs for cancelled? False while it is masked, as it is at first. */
bool TEE_GetCancellationFlag(void);

/* Both tell whether it was masked before. */
bool TEE_UnmaskCancellation(void);
bool TEE_MaskCancellation(void);

/* --- Memory (4.11) ----------------------------------------------------------------------- */

/* May the TA do this with the memory? `accessFlags`: TEE_MEMORY_ACCESS_READ, _WRITE, or both;
 * without TEE_MEMORY_ACCESS_ANY_OWNER nobody else may have a hand in it, as clients have in buffers
 * of parameters. No bytes are always allowed. A buffer in the heap must lie in one block of
 * TEE_Malloc. TEE_ERROR_ACCESS_DENIED. */
TEE_Result TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, size_t size);
TEE_Result __GP11_TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, uint32_t size);

/* A pointer that the library keeps for the instance, and gives back; NULL at first. */
void TEE_SetInstanceData(const void *instanceData);
const void *TEE_GetInstanceData(void);

/* A block of the heap, at a multiple of 16 bytes if its size is one, else of 8, for the TA to free.
 * All hints give zeros. NULL: there is no memory, or the hint isn't known. TEE_MALLOC_NO_FILL
 * without TEE_MALLOC_NO_SHARE is a panic. A block of no bytes is an address that isn't NULL and
 * can't be touched. */
void *TEE_Malloc(size_t size, uint32_t hint);
void *__GP11_TEE_Malloc(uint32_t size, uint32_t hint);

/* The block with a new size, perhaps elsewhere; what it gains is zero. NULL: there is no memory,
 * and the block is as it was. `buffer` NULL: as TEE_Malloc. `newSize` 0: as TEE_Free, and a block
 * of no bytes. Anything but a block of TEE_Malloc's is a panic. */
void *TEE_Realloc(void *buffer, size_t newSize);
void *__GP11_TEE_Realloc(void *buffer, uint32_t newSize);

/* The block ends, and is wiped. NULL and blocks of no bytes: nothing. What isn't a block of
 * TEE_Malloc's (any more) is a panic. */
void TEE_Free(void *buffer);

/* Copy; the two may overlap. */
void TEE_MemMove(void *dest, const void *src, size_t size);

/* Less than, equal to or greater than 0, as the first byte that differs is in `buffer1`; in a time
 * that depends on `size` alone. */
int32_t TEE_MemCompare(const void *buffer1, const void *buffer2, size_t size);

/* Fill with a byte; that is done also if nobody looks at the buffer afterwards. */
void TEE_MemFill(void *buffer, uint8_t x, size_t size);

/* --- Objects of both kinds (5.5) --------------------------------------------------------- */

/* TEE_ERROR_CORRUPT_OBJECT, here and below: a persistent object is damaged. It is out of the TA's
 * sight from then on, and the handle is closed. TEE_ERROR_STORAGE_NOT_AVAILABLE: it can't be
 * reached now. */
TEE_Result TEE_GetObjectInfo1(TEE_ObjectHandle object, TEE_ObjectInfo *objectInfo);
TEE_Result __GP11_TEE_GetObjectInfo1(TEE_ObjectHandle object, __GP11_TEE_ObjectInfo *objectInfo);

/* Deprecated. A damaged object has the type TEE_TYPE_CORRUPTED_OBJECT, and zeros. */
void TEE_GetObjectInfo(TEE_ObjectHandle object, TEE_ObjectInfo *objectInfo);
void __GP11_TEE_GetObjectInfo(TEE_ObjectHandle object, __GP11_TEE_ObjectInfo *objectInfo);

/* Take from its usage what isn't in `objectUsage`; of a persistent object for all its handles, and
 * for good. TEE_ERROR_CORRUPT_OBJECT, TEE_ERROR_STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_RestrictObjectUsage1(TEE_ObjectHandle object, uint32_t objectUsage);

/* Deprecated. Of a damaged object nothing is changed. */
void TEE_RestrictObjectUsage(TEE_ObjectHandle object, uint32_t objectUsage);

/* *size becomes that of the attribute. Those without TEE_ATTR_FLAG_PUBLIC need
 * TEE_USAGE_EXTRACTABLE; anything but an initialized object is a panic. TEE_ERROR_ITEM_NOT_FOUND:
 * the object hasn't it; _SHORT_BUFFER, _CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_GetObjectBufferAttribute(TEE_ObjectHandle object, uint32_t attributeID, void *buffer,
                                        size_t *size);
TEE_Result __GP11_TEE_GetObjectBufferAttribute(TEE_ObjectHandle object, uint32_t attributeID,
                                               void *buffer, uint32_t *size);

/* Likewise; `a` and `b` may be NULL. */
TEE_Result TEE_GetObjectValueAttribute(TEE_ObjectHandle object, uint32_t attributeID, uint32_t *a,
                                       uint32_t *b);

/* TEE_HANDLE_NULL is nothing. */
void TEE_CloseObject(TEE_ObjectHandle object);

/* --- Transient objects (5.6) ------------------------------------------------------------- */

/* An object for a key of that type, of `maxObjectSize` bits at most, which has none yet.
 * TEE_ERROR_NOT_SUPPORTED: no such type, or not of that size; _OUT_OF_MEMORY. */
TEE_Result TEE_AllocateTransientObject(TEE_ObjectType objectType, uint32_t maxObjectSize,
                                       TEE_ObjectHandle *object);

/* TEE_HANDLE_NULL is nothing, for both; a persistent object is a panic. A reset object has no key,
 * and may be used for anything. */
void TEE_FreeTransientObject(TEE_ObjectHandle object);
void TEE_ResetTransientObject(TEE_ObjectHandle object);

/* The key from its attributes: all that the type must have, each once. TEE_ERROR_BAD_PARAMETERS: a
 * value is none for such a key; the object has no key then. */
TEE_Result TEE_PopulateTransientObject(TEE_ObjectHandle object, const TEE_Attribute *attrs,
                                       uint32_t attrCount);
TEE_Result __GP11_TEE_PopulateTransientObject(TEE_ObjectHandle object,
                                              const __GP11_TEE_Attribute *attrs,
                                              uint32_t attrCount);

/* The id must be of an attribute that is a buffer; a value. */
void TEE_InitRefAttribute(TEE_Attribute *attr, uint32_t attributeID, const void *buffer,
                          size_t length);
void __GP11_TEE_InitRefAttribute(__GP11_TEE_Attribute *attr, uint32_t attributeID,
                                 const void *buffer, uint32_t length);
void TEE_InitValueAttribute(TEE_Attribute *attr, uint32_t attributeID, uint32_t a, uint32_t b);
void __GP11_TEE_InitValueAttribute(__GP11_TEE_Attribute *attr, uint32_t attributeID, uint32_t a,
                                   uint32_t b);

/* The attributes of another object of the same type, persistent or not, or the public ones of a key
 * pair. Its usage becomes what both had. TEE_ERROR_CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_CopyObjectAttributes1(TEE_ObjectHandle destObject, TEE_ObjectHandle srcObject);

/* Deprecated: failure is a panic. */
void TEE_CopyObjectAttributes(TEE_ObjectHandle destObject, TEE_ObjectHandle srcObject);

/* A new random key of `keySize` bits. Parameters: DSA's prime, subprime and base; DH's prime and
 * base, perhaps a subprime and the bits of the secret; the curve; RSA's public exponent, if it
 * isn't to be 65537. TEE_ERROR_BAD_PARAMETERS: they make no key of that size. */
TEE_Result TEE_GenerateKey(TEE_ObjectHandle object, uint32_t keySize, const TEE_Attribute *params,
                           uint32_t paramCount);
TEE_Result __GP11_TEE_GenerateKey(TEE_ObjectHandle object, uint32_t keySize,
                                  const __GP11_TEE_Attribute *params, uint32_t paramCount);

/* --- Persistent objects (5.7) ------------------------------------------------------------ */

/*
 * An object has an id of up to TEE_OBJECT_ID_MAX_LEN bytes, none are fine, in a storage of its TA's
 * own. It has any number of handles, of all instances of the TA, as far as their flags agree: a
 * handle with TEE_DATA_FLAG_ACCESS_WRITE_META, or with no flags at all, is the only one; all have
 * TEE_DATA_FLAG_SHARE_READ if one may read, and _SHARE_WRITE if one may write. (OP-TEE has them
 * share alike, too.) Each change is one transaction, on the device when the call returns.
 */

/* TEE_ERROR_ITEM_NOT_FOUND: no such object, or no such storage; _ACCESS_CONFLICT: the flags don't
 * agree with those of another handle; _OUT_OF_MEMORY, _CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. The
 * handle stands at the beginning of the data. *object is TEE_HANDLE_NULL on failure. */
TEE_Result TEE_OpenPersistentObject(uint32_t storageID, const void *objectID, size_t objectIDLen,
                                    uint32_t flags, TEE_ObjectHandle *object);

/*
 * A new object with that data, and with the attributes and usage of another one, transient and
 * initialized or persistent; TEE_HANDLE_NULL: plain data. With TEE_DATA_FLAG_OVERWRITE it takes the
 * place of one with the same id, unless that is open.
 *
 * `object` may be NULL: then no handle stays open, but that a transient object `attributes` becomes
 * the handle on the new one.
 *
 * TEE_ERROR_ITEM_NOT_FOUND: no such storage; _ACCESS_CONFLICT: there is one, or it is open;
 * _OUT_OF_MEMORY, _STORAGE_NO_SPACE, _CORRUPT_OBJECT (`attributes`), _STORAGE_NOT_AVAILABLE.
 * *object is TEE_HANDLE_NULL on failure.
 */
TEE_Result TEE_CreatePersistentObject(uint32_t storageID, const void *objectID, size_t objectIDLen,
                                      uint32_t flags, TEE_ObjectHandle attributes,
                                      const void *initialData, size_t initialDataLen,
                                      TEE_ObjectHandle *object);

/* The handle must have TEE_DATA_FLAG_ACCESS_WRITE_META; it is closed whatever the answer.
 * TEE_HANDLE_NULL is nothing. TEE_ERROR_STORAGE_NOT_AVAILABLE: it wasn't deleted. */
TEE_Result TEE_CloseAndDeletePersistentObject1(TEE_ObjectHandle object);

/* Deprecated: failure is a panic. */
void TEE_CloseAndDeletePersistentObject(TEE_ObjectHandle object);

/* The handle must have TEE_DATA_FLAG_ACCESS_WRITE_META. TEE_ERROR_ACCESS_CONFLICT: the id is taken,
 * be it by this object; _CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_RenamePersistentObject(TEE_ObjectHandle object, const void *newObjectID,
                                      size_t newObjectIDLen);

/* OpenHarmony's: what was changed is on the device. It is, always. */
TEE_Result TEE_SyncPersistentObject(TEE_ObjectHandle object);

/* --- Enumeration of persistent objects (5.8) --------------------------------------------- */

/* TEE_ERROR_OUT_OF_MEMORY. */
TEE_Result TEE_AllocatePersistentObjectEnumerator(TEE_ObjectEnumHandle *objectEnumerator);

/* TEE_HANDLE_NULL is nothing, for both. */
void TEE_FreePersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator);
void TEE_ResetPersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator);

/* From the beginning, also when it was started before. TEE_ERROR_ITEM_NOT_FOUND: no such storage,
 * or nothing in it; _CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_StartPersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator,
                                               uint32_t storageID);

/* Objects that are made, renamed or deleted meanwhile may or may not be met, all others once.
 * `objectID` has room for TEE_OBJECT_ID_MAX_LEN bytes, whatever *objectIDLen is; `objectInfo` may
 * be NULL. TEE_ERROR_ITEM_NOT_FOUND: there are no more, or it isn't started; _CORRUPT_OBJECT: one
 * was damaged, which is out of sight now: the next call goes on; _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_GetNextPersistentObject(TEE_ObjectEnumHandle objectEnumerator,
                                       TEE_ObjectInfo *objectInfo, void *objectID,
                                       size_t *objectIDLen);
TEE_Result __GP11_TEE_GetNextPersistentObject(TEE_ObjectEnumHandle objectEnumerator,
                                              __GP11_TEE_ObjectInfo *objectInfo, void *objectID,
                                              uint32_t *objectIDLen);

/* --- Data of persistent objects (5.9) ---------------------------------------------------- */

/* From where the handle stands, which moves on. *count is less than `size` only at the end of the
 * data. The handle must have TEE_DATA_FLAG_ACCESS_READ. TEE_ERROR_CORRUPT_OBJECT,
 * _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_ReadObjectData(TEE_ObjectHandle object, void *buffer, size_t size, size_t *count);
TEE_Result __GP11_TEE_ReadObjectData(TEE_ObjectHandle object, void *buffer, uint32_t size,
                                     uint32_t *count);

/* To where the handle stands, which moves on; a gap before it is filled with zeros. The handle must
 * have TEE_DATA_FLAG_ACCESS_WRITE, for both calls. TEE_ERROR_STORAGE_NO_SPACE; _OVERFLOW: beyond
 * TEE_DATA_MAX_POSITION; _CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_WriteObjectData(TEE_ObjectHandle object, const void *buffer, size_t size);

/* Cut, or grow with zeros; the handle stays where it stands. TEE_ERROR_STORAGE_NO_SPACE,
 * _CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_TruncateObjectData(TEE_ObjectHandle object, size_t size);

/* `whence` is TEE_DATA_SEEK_SET, _CUR or _END; before the beginning is the beginning, and behind
 * the end is fine. TEE_ERROR_OVERFLOW: beyond TEE_DATA_MAX_POSITION; _CORRUPT_OBJECT,
 * _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_SeekObjectData(TEE_ObjectHandle object, intmax_t offset, TEE_Whence whence);

/* --- Operations (6.2) -------------------------------------------------------------------- */

/*
 * An operation has an algorithm, a mode, keys, and perhaps work begun: it is active then, otherwise
 * initial. Of one that works on data, `srcData` and `destData` are the same buffer, or don't
 * overlap. There are TEE_ALG_AES_... but for SM4's, _DES_..., _DES3_..., the digests and HMACs but
 * for SM3.
 */

/* TEE_ERROR_NOT_SUPPORTED: there is no such algorithm, or not in this mode, or not with keys of
 * that size (bits; no matter for a digest); _OUT_OF_MEMORY. */
TEE_Result TEE_AllocateOperation(TEE_OperationHandle *operation, uint32_t algorithm, uint32_t mode,
                                 uint32_t maxKeySize);

/* TEE_HANDLE_NULL is nothing. */
void TEE_FreeOperation(TEE_OperationHandle operation);

void TEE_GetOperationInfo(TEE_OperationHandle operation, TEE_OperationInfo *operationInfo);

/* *operationSize: bytes of the structure with the keys in it. TEE_ERROR_SHORT_BUFFER. */
TEE_Result TEE_GetOperationInfoMultiple(TEE_OperationHandle operation,
                                        TEE_OperationInfoMultiple *operationInfoMultiple,
                                        size_t *operationSize);
TEE_Result __GP11_TEE_GetOperationInfoMultiple(TEE_OperationHandle operation,
                                               TEE_OperationInfoMultiple *operationInfoMultiple,
                                               uint32_t *operationSize);

/* Give its work up: it is initial again, and keeps its keys. Without a key it is a panic. */
void TEE_ResetOperation(TEE_OperationHandle operation);

/* A copy of the object's key, which must be of the algorithm's type, small enough, and with the
 * usage that the mode needs; the operation must be initial. TEE_HANDLE_NULL: no key any more.
 * TEE_ERROR_CORRUPT_OBJECT, _STORAGE_NOT_AVAILABLE. */
TEE_Result TEE_SetOperationKey(TEE_OperationHandle operation, TEE_ObjectHandle key);

/* Two keys of one size, for XTS. TEE_ERROR_SECURITY: they are equal; TEE_ERROR_CORRUPT_OBJECT_2 and
 * _STORAGE_NOT_AVAILABLE_2 are the second one's. */
TEE_Result TEE_SetOperationKey2(TEE_OperationHandle operation, TEE_ObjectHandle key1,
                                TEE_ObjectHandle key2);

/* The one is as the other is, its work begun and its keys included; both have the same algorithm
 * and mode, and the keys fit. */
void TEE_CopyOperation(TEE_OperationHandle dstOperation, TEE_OperationHandle srcOperation);

/* TEE_ERROR_NOT_SUPPORTED. `element` is TEE_CRYPTO_ELEMENT_NONE for all that there is. */
TEE_Result TEE_IsAlgorithmSupported(uint32_t algId, uint32_t element);

/* --- Digests (6.3) ----------------------------------------------------------------------- */

void TEE_DigestUpdate(TEE_OperationHandle operation, const void *chunk, size_t chunkSize);

/* The digest of all, of which SHAKE gives *hashLen bytes, and others all that weren't extracted
 * yet. TEE_ERROR_SHORT_BUFFER. The operation is initial afterwards. */
TEE_Result TEE_DigestDoFinal(TEE_OperationHandle operation, const void *chunk, size_t chunkLen,
                             void *hash, size_t *hashLen);
TEE_Result __GP11_TEE_DigestDoFinal(TEE_OperationHandle operation, const void *chunk,
                                    uint32_t chunkLen, void *hash, uint32_t *hashLen);

/* The next *hashLen bytes of the digest, or what is left of it; no more data may follow. */
TEE_Result TEE_DigestExtract(TEE_OperationHandle operation, void *hash, size_t *hashLen);

/* --- Symmetric ciphers (6.4) ------------------------------------------------------------- */

/* The IV is a block, a counter with CTR; ECB takes none. */
void TEE_CipherInit(TEE_OperationHandle operation, const void *IV, size_t IVLen);

/* As much as can be told by now: all whole blocks, but that CTS keeps the last two, and XTS the
 * last. TEE_ERROR_SHORT_BUFFER. */
TEE_Result TEE_CipherUpdate(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                            void *destData, size_t *destLen);
TEE_Result __GP11_TEE_CipherUpdate(TEE_OperationHandle operation, const void *srcData,
                                   uint32_t srcLen, void *destData, uint32_t *destLen);

/* The rest. In all there must have been whole blocks with ECB and CBC, a block at least with XTS,
 * more with CTS. TEE_ERROR_SHORT_BUFFER. The operation is initial afterwards. */
TEE_Result TEE_CipherDoFinal(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                             void *destData, size_t *destLen);
TEE_Result __GP11_TEE_CipherDoFinal(TEE_OperationHandle operation, const void *srcData,
                                    uint32_t srcLen, void *destData, uint32_t *destLen);

/* --- MACs (6.5) -------------------------------------------------------------------------- */

/* Only CBC-MAC may be given an IV; without it is zero. */
void TEE_MACInit(TEE_OperationHandle operation, const void *IV, size_t IVLen);

void TEE_MACUpdate(TEE_OperationHandle operation, const void *chunk, size_t chunkSize);

/* TEE_ERROR_SHORT_BUFFER. The operation is initial afterwards, as it is with the next. */
TEE_Result TEE_MACComputeFinal(TEE_OperationHandle operation, const void *message,
                               size_t messageLen, void *mac, size_t *macLen);
TEE_Result __GP11_TEE_MACComputeFinal(TEE_OperationHandle operation, const void *message,
                                      uint32_t messageLen, void *mac, uint32_t *macLen);

/* TEE_ERROR_MAC_INVALID: it is another one, or of another length. */
TEE_Result TEE_MACCompareFinal(TEE_OperationHandle operation, const void *message,
                               size_t messageLen, const void *mac, size_t macLen);

/* --- Authenticated encryption (6.6) ------------------------------------------------------ */

/* `tagLen` in bits: 96 to 128 with GCM, 32 to 128 with CCM, which must be told the sizes to come
 * (GCM takes no notice), and wants a nonce of 7 to 13 bytes. TEE_ERROR_NOT_SUPPORTED: no such
 * tag. */
TEE_Result TEE_AEInit(TEE_OperationHandle operation, const void *nonce, size_t nonceLen,
                      uint32_t tagLen, size_t AADLen, size_t payloadLen);

/* Before the first byte of payload. */
void TEE_AEUpdateAAD(TEE_OperationHandle operation, const void *AADdata, size_t AADdataLen);

/* As many bytes as come in. TEE_ERROR_SHORT_BUFFER. */
TEE_Result TEE_AEUpdate(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                        void *destData, size_t *destLen);
TEE_Result __GP11_TEE_AEUpdate(TEE_OperationHandle operation, const void *srcData, uint32_t srcLen,
                               void *destData, uint32_t *destLen);

/* The rest, and the tag. TEE_ERROR_SHORT_BUFFER. The operation is initial afterwards, as it is with
 * the next. */
TEE_Result TEE_AEEncryptFinal(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                              void *destData, size_t *destLen, void *tag, size_t *tagLen);
TEE_Result __GP11_TEE_AEEncryptFinal(TEE_OperationHandle operation, const void *srcData,
                                     uint32_t srcLen, void *destData, uint32_t *destLen, void *tag,
                                     uint32_t *tagLen);

/* TEE_ERROR_MAC_INVALID: the tag isn't that of all; what this call decrypted is wiped.
 * TEE_ERROR_SHORT_BUFFER. */
TEE_Result TEE_AEDecryptFinal(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                              void *destData, size_t *destLen, void *tag, size_t tagLen);
TEE_Result __GP11_TEE_AEDecryptFinal(TEE_OperationHandle operation, const void *srcData,
                                     uint32_t srcLen, void *destData, uint32_t *destLen, void *tag,
                                     uint32_t tagLen);

/* --- Random numbers (6.9) ---------------------------------------------------------------- */

void TEE_GenerateRandom(void *randomBuffer, size_t randomBufferLen);

/* NOLINTEND(bugprone-reserved-identifier) */

#ifdef __cplusplus
}
#endif

#endif
