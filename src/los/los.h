/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LOS_ names over the memory system. LiteOS's calls know no handle: there is one system, which
 * the port keeps (los_current), so that src/ has no state of its own.
 *
 * Pools and boxes are named by the address of their region. A *mark* at the region's start, with a
 * number that no chance brings there, leads from there to the pool; so a call finds its pool in a
 * fixed number of steps, and an address that isn't a pool's is refused. The pools' marks are on a
 * list, to tell overlaps. Boxes have no call that ends them in LiteOS: their region may be gone any
 * time, so nothing outside of it knows of it.
 *
 * Invariants
 *   O1 A mark lies at the front of its region and carries the system's secret mixed with its own
 *      address; no region begins or ends in that of a pool.
 *   O2 A file on the list is mapped, or a call that maps it is under way.
 *   O3 Status codes become LiteOS's in los_vm_status, los_errno and the pools' OK or not, here and
 *      nowhere else.
 *
 * Locking: the lists under `lock`; boxes under their mark's own; the rest is the memory system's.
 */
#ifndef COFFER_LOS_LOS_H
#define COFFER_LOS_LOS_H

#include <stdbool.h>

#include "base/list.h"
#include "base/spin.h"
#include "coffer/memory.h"
#include "coffer/space.h"
#include "los_typedef.h"
#include "port/port.h"

enum los_kind {
    LOS_POOL,
    LOS_BOXES,
};

struct los_mark {
    uint64_t secret; /* the system's, mixed with this address and the kind */
    enum los_kind kind;
    struct coffer_pool *pool;
    struct coffer_boxes *boxes;
    struct spin boxes_lock; /* opened without a memory system, they have none */
    struct list link;       /* a pool's */
    void *region;           /* as it was given */
    size_t size;
};

/* An open file, as the port tells of it. */
struct los_file_info {
    struct coffer_pager pager; /* `write` NULL: it can't be written */
    uint64_t size;             /* bytes */
    uint64_t id[2];            /* the same for the same file, whoever has it open */
};

/* A file that is mapped. All maps of a file are of one segment, so that they see each other. */
struct los_file {
    struct list link;
    uint64_t id[2];
    bool writable;
    struct coffer_segment *segment;
};

struct los {
    const struct coffer_port *port;
    struct coffer_memory *memory;
    struct coffer_space *process;
    /* The pages of an open file, which stays the caller's; 0 or a negative errno. The port's; NULL:
     * it has no files. */
    int (*file_open)(int fd, struct los_file_info *info);

    struct port_lock lock;
    struct list pools;
    struct list files;
    uint64_t secret;
};

/* The system, started if need be; NULL: it can't be. The port's. */
struct los *los_current(void);

/* Fill in the rest of a system whose port, memory and files are set, and open the process's space
 * of `process_size` bytes, the half of it heap. */
COFFER_MUST_CHECK enum coffer_status los_open(struct los *los, size_t process_size);
/* All but the memory. */
void los_close(struct los *los);

/* The mark of a region, NULL when it isn't one of that kind. */
struct los_mark *los_mark_of(const void *region, enum los_kind kind);

/* Mark a region, of which (*rest, *rest_size) is left. NULL: too small, or it overlaps a pool. The
 * mark has no pool or boxes yet. */
struct los_mark *los_mark_make(void *region, size_t size, enum los_kind kind, void **rest,
                               size_t *rest_size);
void los_mark_drop(struct los_mark *mark);

/* How many pools there are, each told to `visit`. */
UINT32 los_pool_count(void (*visit)(const struct los_mark *mark));

/* Map a file into the process's space; 0 or a negative errno. */
int los_map_file(struct los *los, int fd, bool writable, struct coffer_map *map,
                 uintptr_t *address);
/* Let go of files that are mapped no more: their changes are written. */
void los_settle_files(struct los *los);

/* One line to the port's log: a text and, unless it is NULL, an address. */
void los_log(enum port_log_level level, const char *text, const void *address);

/* Numbers of errors, as Linux and LiteOS have them. */
enum {
    LOS_ENOMEM = 12,
    LOS_EACCES = 13,
    LOS_EINVAL = 22,
    LOS_ENODEV = 19,
    LOS_EFAULT = 14,
    LOS_ERANGE = 34,
};

/* A status as LiteOS's functions of the VM layer have it, and as its system calls do. */
STATUS_T los_vm_status(enum coffer_status status);
int los_errno(enum coffer_status status); /* 0 or negative */

#endif
