/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory system on Linux: the port, libgcrypt's ciphers, secure memory from the kernel, an MMU
 * that maps its frames with mmap and takes page faults by SIGSEGV, a file to swap to; and
 * coffer_linux_memory_open, which puts them together. Calls that return a status answer
 * COFFER_MISUSE to NULL for an output, and for options where nothing else is said.
 */
#ifndef COFFER_LINUX_MEMORY_H
#define COFFER_LINUX_MEMORY_H

#include "coffer/memory.h"
#include "coffer/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The Linux port: pthreads, CLOCK_MONOTONIC, getrandom, log lines on stderr. Static. */
const struct coffer_port *coffer_linux_port(void);

/* libgcrypt. Static. */
const struct coffer_ciphers *coffer_linux_ciphers(void);

/* --- Secure memory ----------------------------------------------------------------------- */

#define COFFER_LINUX_MEMORY_DEFAULT ((size_t)1024 * 1024) /* bytes, where nobody says how many */

/*
 * Secure memory from the kernel, for a store or a memory system without an MMU: private, zeroed,
 * left out of core dumps and not inherited by forks; locked into RAM where the limit allows
 * (*locked tells, may be NULL). `size` is rounded up to whole pages. unmake wipes nothing: closing
 * has.
 */
COFFER_MUST_CHECK enum coffer_status coffer_linux_memory_make(size_t size, bool *locked,
                                                              struct coffer_area *out);
void coffer_linux_memory_unmake(const struct coffer_area *area);

/* --- The MMU ----------------------------------------------------------------------------- */

struct coffer_linux_mmu; /* secure memory whose frames can be mapped elsewhere */

struct coffer_linux_mmu_options {
    size_t size; /* of secure memory, bytes; rounded up to pages */
    bool secret; /* memfd_secret: out of the kernel's reach, too. COFFER_UNSUPPORTED when the kernel
                    has none or the limit of locked memory (RLIMIT_MEMLOCK) is too low */
};

/*
 * A sealed memfd with a linear window on it, always left out of core dumps and not inherited by
 * forks, locked where the limit allows. The first one installs a handler of SIGSEGV (and SIGBUS)
 * for the process, which passes on what isn't an access to a space of ours; the last one gone puts
 * the old one back. A program that installs its own later passes ours on what it doesn't know.
 *
 * What isolates spaces here, and what doesn't. All of them lie in the one address space of the
 * process: each thread reaches what is mapped in any of them, with the rights of its region, inside
 * and outside of coffer_space_enter. That call only turns a refused access to the space that was
 * entered into a status. A refused access to another space, and one to no space at all (NULL), ends
 * the process as any bad access does. So TAs are isolated from each other as far as their code is
 * trusted not to make up pointers; with page tables in software they are without any such trust,
 * as code reaches a space by calls alone.
 */
COFFER_MUST_CHECK enum coffer_status
coffer_linux_mmu_make(const struct coffer_linux_mmu_options *options,
                      struct coffer_linux_mmu **out);
/* Only when no memory system uses it. */
void coffer_linux_mmu_unmake(struct coffer_linux_mmu *mmu);

struct coffer_area coffer_linux_mmu_area(const struct coffer_linux_mmu *mmu);
const struct coffer_mmu *coffer_linux_mmu_operations(const struct coffer_linux_mmu *mmu);
bool coffer_linux_mmu_is_locked(const struct coffer_linux_mmu *mmu);
bool coffer_linux_mmu_is_secret(const struct coffer_linux_mmu *mmu);

/* From now on, in this thread: call `say` (NULL: nobody) when a bad access, which is no matter of a
 * space's, is about to end the process, because nobody handled SIGSEGV (SIGBUS) before the MMU did.
 * It runs in the signal handler, once, and may do what one may. `address` NULL: the machine doesn't
 * tell it. */
void coffer_linux_mmu_last_words(void (*say)(int signal, const uintptr_t *address));

/* --- Swap media -------------------------------------------------------------------------- */

/* A file: made if it isn't there (0600), locked against other users (COFFER_BUSY); NULL: one
 * without a name in $TMPDIR. What was in it is lost. When it is closed, one with a name stays, and
 * is empty: nobody has the key of what was in it. It is mapped, and holds 2 TiB at most; what is
 * cut off by others or can't be read is COFFER_IO, by the same handler of SIGBUS as the MMU's. A
 * full device is COFFER_NO_SPACE; so is the limit of file sizes (RLIMIT_FSIZE) for those who ignore
 * SIGXFSZ. The child of a fork can't use it. COFFER_UNSUPPORTED: a machine whose faults we can't
 * read. */
COFFER_MUST_CHECK enum coffer_status coffer_linux_swap_file(const char *path,
                                                            struct coffer_swap_medium *out);
/* `size` bytes of ordinary memory. */
COFFER_MUST_CHECK enum coffer_status coffer_linux_swap_memory(size_t size,
                                                              struct coffer_swap_medium *out);
/* Of either. */
void coffer_linux_swap_close(struct coffer_swap_medium *medium);

/* --- All of it --------------------------------------------------------------------------- */

struct coffer_linux_memory_options {
    size_t memory; /* bytes of secure memory; 0: COFFER_LINUX_MEMORY_DEFAULT */
    bool software; /* page tables in software, spaces without pointers */
    bool secret;   /* see struct coffer_linux_mmu_options; not with `software` */

    size_t swap_pages;     /* room for evicted pages; 0: none are evicted */
    const char *swap_path; /* the file; NULL: one without a name */
    bool swap_in_memory;   /* in ordinary memory instead */

    /* Optional: areas, port, mmu, locked, secret and release are set by the call, the rest is taken
     * as it is. */
    const struct coffer_memory_config *config;
};

/* coffer_memory_close gives everything back. `options` NULL: all defaults. */
COFFER_MUST_CHECK enum coffer_status
coffer_linux_memory_open(const struct coffer_linux_memory_options *options,
                         struct coffer_memory **out);

#ifdef __cplusplus
}
#endif

#endif
