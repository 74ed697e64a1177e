/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of the GlobalPlatform TEE Internal Core API 1.3.1. Those with a __GP11_ prefix are 1.1's,
 * where they differ (tee_api_compat.h).
 *
 * A handle is a number of 32 bits in the form of a pointer that must not be followed;
 * TEE_HANDLE_NULL is none. One that was closed, belongs to another instance, or is of another kind,
 * is found out: using it is a panic.
 */
#ifndef TEE_API_TYPES_H
#define TEE_API_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tee_api_defines.h"

/* The names are the standard's and OP-TEE's. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */

typedef uint32_t TEE_Result; /* TEE_SUCCESS or TEE_ERROR_... */

/* A UUID by its fields, as RFC 4122 has them. */
typedef struct {
    uint32_t timeLow;
    uint16_t timeMid;
    uint16_t timeHiAndVersion;
    uint8_t clockSeqAndNode[8];
} TEE_UUID;

/* Who a client is. */
typedef struct {
    uint32_t login; /* TEE_LOGIN_... */
    TEE_UUID uuid;  /* of the TA, or made from the client's account; nil for PUBLIC */
} TEE_Identity;

/* A parameter of a command: which of the two it is, its type says. Sizes in bytes. */
typedef union {
    struct {
        void *buffer;
        size_t size;
    } memref;
    struct {
        uint32_t a, b;
    } value;
} TEE_Param;

typedef union {
    struct {
        void *buffer;
        uint32_t size;
    } memref;
    struct {
        uint32_t a, b;
    } value;
} __GP11_TEE_Param;

typedef struct __TEE_TASessionHandle *TEE_TASessionHandle;
typedef struct __TEE_PropSetHandle *TEE_PropSetHandle; /* a set, or an enumerator of one */
typedef struct __TEE_ObjectHandle *TEE_ObjectHandle;
typedef struct __TEE_ObjectEnumHandle *TEE_ObjectEnumHandle;
typedef struct __TEE_OperationHandle *TEE_OperationHandle;

typedef uint32_t TEE_ObjectType;    /* TEE_TYPE_... */
typedef uint32_t TEE_Whence;        /* TEE_DATA_SEEK_... */
typedef uint32_t TEE_OperationMode; /* TEE_MODE_... */

/* An attribute: which of the two it is, its id says (TEE_ATTR_FLAG_VALUE). The buffer is whose it
 * was; it is read, or written, during the call that it is given to. Bytes. */
typedef struct {
    uint32_t attributeID;
    union {
        struct {
            void *buffer;
            size_t length;
        } ref;
        struct {
            uint32_t a, b;
        } value;
    } content;
} TEE_Attribute;

typedef struct {
    uint32_t attributeID;
    union {
        struct {
            void *buffer;
            uint32_t length;
        } ref;
        struct {
            uint32_t a, b;
        } value;
    } content;
} __GP11_TEE_Attribute;

/* What an object is. */
typedef struct {
    uint32_t objectType;
    uint32_t objectSize;    /* of the key, bits; 0: none yet, or plain data */
    uint32_t maxObjectSize; /* of the key at most, bits */
    uint32_t objectUsage;   /* TEE_USAGE_... */
    size_t dataSize;        /* of the stream, bytes; 0 for transient objects */
    size_t dataPosition;    /* of this handle in it */
    uint32_t handleFlags;   /* TEE_HANDLE_FLAG_... and TEE_DATA_FLAG_... */
} TEE_ObjectInfo;

/* 1.0 called the sizes keySize and maxKeySize. */
typedef struct {
    uint32_t objectType;
    union {
        uint32_t keySize;
        uint32_t objectSize;
    };
    union {
        uint32_t maxKeySize;
        uint32_t maxObjectSize;
    };
    uint32_t objectUsage;
    uint32_t dataSize;
    uint32_t dataPosition;
    uint32_t handleFlags;
} __GP11_TEE_ObjectInfo;

/* What an operation is. */
typedef struct {
    uint32_t algorithm;
    uint32_t operationClass; /* TEE_OPERATION_CIPHER and so on */
    uint32_t mode;
    uint32_t digestLength;     /* bytes of a digest, a MAC or a tag, where there is one */
    uint32_t maxKeySize;       /* bits */
    uint32_t keySize;          /* bits; 0: no key, or two */
    uint32_t requiredKeyUsage; /* TEE_USAGE_...; 0: no key, or two */
    uint32_t handleState;      /* TEE_HANDLE_FLAG_... */
} TEE_OperationInfo;

typedef struct {
    uint32_t keySize;          /* bits; 0: no key */
    uint32_t requiredKeyUsage; /* TEE_USAGE_... */
} TEE_OperationInfoKey;

typedef struct {
    uint32_t algorithm;
    uint32_t operationClass;
    uint32_t mode;
    uint32_t digestLength;
    uint32_t maxKeySize;
    uint32_t handleState;
    uint32_t operationState; /* TEE_OPERATION_STATE_... */
    uint32_t numberOfKeys;   /* 0 to 2: elements of keyInformation */
    __extension__ TEE_OperationInfoKey keyInformation[];
} TEE_OperationInfoMultiple;

/* NOLINTEND(bugprone-reserved-identifier) */

#endif
