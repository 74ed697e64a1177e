/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coffer on Linux: the port, libgcrypt's ciphers, a directory as device, locked memory; and
 * coffer_linux_open, which puts them together.
 */
#ifndef COFFER_LINUX_H
#define COFFER_LINUX_H

#include "coffer.h"
#include "coffer/linux_memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A directory as device. The directory is locked (flock) until the device is closed: COFFER_BUSY
 * when another holder has it. COFFER_NOT_FOUND: no such directory. With `create` it is made (0700,
 * its parents must exist). `read_only` never writes and takes a shared lock.
 */
COFFER_MUST_CHECK enum coffer_status coffer_linux_directory_open(const char *path, bool create,
                                                                 bool read_only,
                                                                 struct coffer_device **out);
/* Only for a device that no store owns. */
void coffer_linux_directory_close(struct coffer_device *device);

struct coffer_linux_options {
    const char *directory;        /* required */
    const struct coffer_key *key; /* required */
    size_t memory;                /* bytes of secure memory; 0: COFFER_LINUX_MEMORY_DEFAULT */
    bool create;                  /* the directory and the store, when they are not there */
    bool read_only;
    bool volatile_commits;
    bool huk_plain;
    bool head_full_hash;
    unsigned cache_frames; /* 0: default, see struct coffer_config */
    enum coffer_policy cache_policy;
    unsigned cached_objects; /* 0: likewise, as all that follow */
    unsigned key_slots;
    unsigned low_frames;
    unsigned high_frames;
    unsigned collect_interval_ms;
    unsigned cache_timeout_ms;
    bool collector_thread;
    void (*notice)(void *context, enum coffer_notice notice, const char *text);
    void *notice_context;
    bool (*trace)(void *context, const char *line, size_t size); /* see struct coffer_config */
    void *trace_context;
};

/* Open a store in a directory; coffer_close gives everything back. COFFER_NOT_FOUND: no such
 * directory, or no store in it. COFFER_BUSY: another holder has it. COFFER_CORRUPT: as coffer_open.
 */
COFFER_MUST_CHECK enum coffer_status coffer_linux_open(const struct coffer_linux_options *options,
                                                       struct coffer **out);

#ifdef __cplusplus
}
#endif

#endif
