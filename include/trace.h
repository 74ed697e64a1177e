/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trace lines of trusted applications, as OP-TEE names them: EMSG for errors, IMSG, DMSG and FMSG
 * for more and more detail; with a format and what it wants, as printf, and without an end of line.
 * Those with _RAW don't tell where they stand. A source that defines TRACE_LEVEL before the first
 * include has those up to that level, others up to TRACE_INFO; the rest cost nothing. From any
 * thread, in a TA and outside; a line is written as a whole, and cut off after some 500 bytes.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRACE_MIN   1
#define TRACE_ERROR TRACE_MIN
#define TRACE_INFO  2
#define TRACE_DEBUG 3
#define TRACE_FLOW  4
#define TRACE_MAX   TRACE_FLOW

#ifndef TRACE_LEVEL
#define TRACE_LEVEL TRACE_INFO
#endif

/* One line; `function` NULL: without where it stands. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void coffer_tee_trace(const char *function, int line, int level, const char *format, ...);

/* Bytes, 16 a line, in hexadecimal. */
void coffer_tee_trace_bytes(const char *function, int line, int level, const void *bytes,
                            size_t size);

#define COFFER_TEE_TRACE(function, level, ...)                                                     \
    ((level) <= TRACE_LEVEL ? coffer_tee_trace((function), __LINE__, (level), __VA_ARGS__)         \
                            : (void)0)

#define EMSG(...) COFFER_TEE_TRACE(__func__, TRACE_ERROR, __VA_ARGS__)
#define IMSG(...) COFFER_TEE_TRACE(__func__, TRACE_INFO, __VA_ARGS__)
#define DMSG(...) COFFER_TEE_TRACE(__func__, TRACE_DEBUG, __VA_ARGS__)
#define FMSG(...) COFFER_TEE_TRACE(__func__, TRACE_FLOW, __VA_ARGS__)

#define EMSG_RAW(...) COFFER_TEE_TRACE(NULL, TRACE_ERROR, __VA_ARGS__)
#define IMSG_RAW(...) COFFER_TEE_TRACE(NULL, TRACE_INFO, __VA_ARGS__)
#define DMSG_RAW(...) COFFER_TEE_TRACE(NULL, TRACE_DEBUG, __VA_ARGS__)
#define FMSG_RAW(...) COFFER_TEE_TRACE(NULL, TRACE_FLOW, __VA_ARGS__)

#define DHEXDUMP(bytes, size)                                                                      \
    (TRACE_DEBUG <= TRACE_LEVEL                                                                    \
         ? coffer_tee_trace_bytes(__func__, __LINE__, TRACE_DEBUG, (bytes), (size))                \
         : (void)0)

#ifdef __cplusplus
}
#endif

#endif
