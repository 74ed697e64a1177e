/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's number in one instruction, where the compiler has a word for the thread pointer. */
#ifndef COFFER_PORT_SLOT_H
#define COFFER_PORT_SLOT_H

#include <stddef.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define PORT_SLOT_NEAR 1
#else
#define PORT_SLOT_NEAR 0
#endif

/* What is at a port's thread_slot_offset, which isn't 0. */
static inline unsigned port_slot_near(ptrdiff_t offset)
{
#if PORT_SLOT_NEAR
    return *(const unsigned *)(const void *)((const char *)__builtin_thread_pointer() + offset);
#else
    return (void)offset, 0;
#endif
}

#endif
