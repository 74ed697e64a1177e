/* SPDX-License-Identifier: BSD-2-Clause */
/* The types and return codes that LiteOS's calls are declared with. */
#ifndef LOS_TYPEDEF_H
#define LOS_TYPEDEF_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned char UINT8;
typedef unsigned short UINT16;
typedef unsigned int UINT32;
typedef signed char INT8;
typedef signed short INT16;
typedef signed int INT32;
typedef char CHAR;
typedef unsigned int BOOL;
typedef uint64_t UINT64;
typedef int64_t INT64;
typedef uintptr_t UINTPTR;
typedef intptr_t INTPTR;
typedef int STATUS_T;
typedef UINTPTR VADDR_T; /* a virtual address, or a negative errno in the same bits */
typedef UINTPTR PADDR_T; /* a physical address: here, of a frame in the kernel's linear window */

#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE 1U
#endif
#ifndef FALSE
#define FALSE 0U
#endif

#define LOS_OK   0U
#define LOS_NOK  1U
#define OS_ERROR ((UINT32)-1)

#endif
