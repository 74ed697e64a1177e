/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LOS_ names over the memory system. LiteOS's calls know no handle: there is one system, which
 * the port keeps (los_current), so that src/ has no state of its own.
 *
 * Pools and boxes are named by the address of their region. A table of *names* in the system's own
 * memory leads from there to the pool: nothing is looked for in the region itself, which may be
 * gone, or never have been memory. A name that was made stays in its chain until the system ends,
 * for the next region whose address leads there; so looking one up takes no lock.
 *
 *   los.c       opening and closing, status codes, the log
 *   names.c     the table of names
 *   pools.c     LOS_Mem          boxes.c    LOS_Membox
 *   physical.c  pages            spaces.c   spaces, the process's memory
 *   files.c     files that are mapped
 *
 * That two regions don't overlap is the memory system's to see to (struct place). Boxes have no
 * call that ends them in LiteOS: their region may be gone any time, so that the memory system is
 * asked about it once, and no more knows of it. Their name goes when another takes their place.
 *
 * Invariants
 *   O1 A name is found by the region that it was made for, from when its pool or boxes are open
 *      until they are closed.
 *   O2 A file on the list is mapped, or a call that maps it is under way.
 *   O3 Status codes become LiteOS's in the table of los.c. What means something else to one call
 *      (LOS_DoBrk, LOS_UserCall) is told apart there and then; ports answer negative errnos.
 *
 * Locking: the list of files, and who has which name, under `lock`; boxes under their name's own;
 * the rest is the memory system's.
 */
#ifndef COFFER_LOS_LOS_H
#define COFFER_LOS_LOS_H

#include <stdatomic.h>
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
    LOS_KINDS, /* how many there are */
};

struct los_name {
    struct los_name *next;  /* in its chain */
    _Atomic(void *) region; /* as it was given; NULL: not open */
    size_t size;            /* 0: it is nobody's */
    struct coffer_pool *pool;
    atomic_bool expands; /* the pool may take pages */
    struct coffer_boxes *boxes;
    struct spin boxes_lock; /* opened without a memory system, they have none */
};

#define LOS_CHAIN_BITS 6u
#define LOS_CHAINS     (1u << LOS_CHAIN_BITS)

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
    struct list files;
    _Atomic(struct los_name *) names[LOS_KINDS][LOS_CHAINS]; /* the latter by region */
};

/* The system, started if need be; NULL: it can't be. The port's. */
struct los *los_current(void);

/* Fill in the rest of a system whose port, memory and files are set, and open the process's space
 * of `process_size` bytes, the half of it heap. `process_base` 0: the MMU chooses. With page tables
 * in software it must be where no memory is: a caller's address is told from the process's by it.
 */
COFFER_MUST_CHECK enum coffer_status los_open(struct los *los, uintptr_t process_base,
                                              size_t process_size);
/* All but the memory, with which pools and names go. */
void los_close(struct los *los);

/* The name of an open region; NULL when it has none of that kind. */
struct los_name *los_name_find(const struct los *los, const void *region, enum los_kind kind);

/* A name for a region that is to be opened; nothing is written there. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status los_name_make(struct los *los, const void *region, size_t size,
                                                   enum los_kind kind, struct los_name **out);
/* The region is open: it can be found, and boxes that were in its place can't any more. */
void los_name_open(struct los *los, struct los_name *name, void *region);
/* It can't be found, or was not opened at all. */
void los_name_drop(struct los *los, struct los_name *name);

/* How many pools there are, the region of each told to `visit`. */
UINT32 los_name_count(const struct los *los, void (*visit)(const void *region));

/* Map a file into the process's space; 0 or a negative errno. */
int los_map_file(struct los *los, int fd, bool writable, struct coffer_map *map,
                 uintptr_t *address);
/* Let go of files that are mapped no more: their changes are written. */
void los_settle_files(struct los *los);

/* Write back what has changed of files that are mapped. */
void los_sync_files(struct los *los);

/* One line to the port's log: a text, or one with an address behind it. */
void los_log(enum port_log_level level, const char *text);
void los_log_address(enum port_log_level level, const char *text, const void *address);

/* Numbers of errors, as Linux and LiteOS have them. */
enum {
    LOS_EIO = 5,
    LOS_ENOMEM = 12,
    LOS_EACCES = 13,
    LOS_EFAULT = 14,
    LOS_EBUSY = 16,
    LOS_EEXIST = 17,
    LOS_ENODEV = 19,
    LOS_EINVAL = 22,
    LOS_ENOSPC = 28,
    LOS_ERANGE = 34,
    LOS_ENOSYS = 38,
};

/* A status as LiteOS's functions of the VM layer have it, and as its system calls do. */
STATUS_T los_vm_status(enum coffer_status status);
int los_errno(enum coffer_status status); /* 0 or negative */

#endif
