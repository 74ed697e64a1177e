/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Short names of the compiler's attributes, as sources of TAs made for OP-TEE use them: what their
 * <compiler.h> has there comes with <tee_internal_api.h>, and nothing has to be included for it.
 * A name that is defined already stays as it is. Some headers of Linux (<linux/sysctl.h>,
 * <asm/stat.h>) call a member __unused: a source that wants those includes them first.
 */
#ifndef COFFER_TA_COMPILER_H
#define COFFER_TA_COMPILER_H

/* The names are OP-TEE's. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */

#ifndef __unused
#define __unused __attribute__((__unused__))
#endif
#ifndef __maybe_unused
#define __maybe_unused __attribute__((__unused__))
#endif
#ifndef __used
#define __used __attribute__((__used__))
#endif
#ifndef __must_check
#define __must_check __attribute__((__warn_unused_result__))
#endif
#ifndef __noreturn
#define __noreturn __attribute__((__noreturn__))
#endif
#ifndef __packed
#define __packed __attribute__((__packed__))
#endif
#ifndef __aligned
#define __aligned(bytes) __attribute__((__aligned__(bytes)))
#endif
#ifndef __section
#define __section(name) __attribute__((__section__(name)))
#endif
#ifndef __weak
#define __weak __attribute__((__weak__))
#endif
#ifndef __noinline
#define __noinline __attribute__((__noinline__))
#endif
#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif
/* Argument `format` is as printf's; what it wants begins at argument `first`. */
#ifndef __printf
#define __printf(format, first) __attribute__((__format__(__printf__, format, first)))
#endif

/* NOLINTEND(bugprone-reserved-identifier) */

#endif
