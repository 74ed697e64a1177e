/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status codes: how every call of Coffer answers.
 *
 * One code means one kind of thing, and kinds never merge: a shortage is never reported as
 * corruption, corruption is never reported as absence. Outputs are written on success only. Data
 * buffers of reads are the exception: a store's is zeroed when what was to be read is corrupt, and
 * coffer_space_read leaves in its what was copied before it failed.
 */
#ifndef COFFER_STATUS_H
#define COFFER_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define COFFER_MUST_CHECK __attribute__((warn_unused_result))
#else
#define COFFER_MUST_CHECK
#endif

/* Where a store and the memory system mean different things: the store; the memory system. */
enum coffer_status {
    COFFER_OK = 0,
    COFFER_NOT_FOUND = 1, /* no such object, file or store; nothing is mapped there */
    COFFER_EXISTS = 2,    /* conflict: the name is taken; something is there already */
    COFFER_BUSY = 3,      /* conflict: the object, the store, or what is asked for is in use */
    COFFER_NO_MEMORY = 4, /* shortage: secure memory is used up; or a quota, or addresses are */
    COFFER_NO_SPACE = 5,  /* shortage: the device is full, or a limit of the format is reached; the
                             backing store of evicted pages is full */
    COFFER_IO = 6,        /* the device, the backing store, or the source of entropy failed */
    COFFER_CORRUPT = 7,   /* stored bytes do not authenticate: damaged, or another key; a page isn't
                             the one that was evicted last, and its space is killed */
    COFFER_ROLLED_BACK = 8, /* authentic, but older than the anchor allows */
    COFFER_MISUSE = 9,      /* the caller broke the contract, and nothing was done; that is also an
                               access that a region's rights forbid, a wrong address, a bad free */
    COFFER_FAILED = 10,     /* an earlier commit ended with an unknown outcome: close and reopen */
    COFFER_UNSUPPORTED = 11 /* well formed, but not something this build or machine can do */
};

/* The code's meaning in a few words, for people; never NULL. Any thread. */
const char *coffer_status_text(enum coffer_status status);

/* The code's name without prefix, for programs ("NOT_FOUND"); never NULL. Any thread. */
const char *coffer_status_name(enum coffer_status status);

#ifdef __cplusplus
}
#endif

#endif
