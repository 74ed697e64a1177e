/* SPDX-License-Identifier: BSD-2-Clause */
/* Constants that OP-TEE has beyond the standard, and those of them that mean something here. */
#ifndef TEE_API_DEFINES_EXTENSIONS_H
#define TEE_API_DEFINES_EXTENSIONS_H

/* Storages. PRIVATE_REE is TEE_STORAGE_PRIVATE under another name; PRIVATE_RPMB is one of its own
 * and not there unless it was configured. */
#define TEE_STORAGE_PRIVATE_REE  0x80000000
#define TEE_STORAGE_PRIVATE_RPMB 0x80000100

/* Rights to memory by its world. There is one world here: secure memory is what isn't shared. */
#define TEE_MEMORY_ACCESS_NONSECURE 0x10000000
#define TEE_MEMORY_ACCESS_SECURE    0x20000000

/* Hint of TEE_Malloc: the memory need not be zero. */
#define TEE_USER_MEM_HINT_NO_FILL_ZERO 0x80000000

/* Keys for derivation. There is no derivation, and no such objects; sources compile. */
#define TEE_TYPE_HKDF_IKM        0xA10000C0
#define TEE_TYPE_CONCAT_KDF_Z    0xA10000C1
#define TEE_TYPE_PBKDF2_PASSWORD 0xA10000C2
#define TEE_ATTR_HKDF_IKM        0xC00001C0
#define TEE_ATTR_CONCAT_KDF_Z    0xC00001C1
#define TEE_ATTR_PBKDF2_PASSWORD 0xC00001C2

/* CMAC with triple DES: likewise. */
#define TEE_ALG_DES3_CMAC 0xF0000613

#endif
