/* SPDX-License-Identifier: BSD-2-Clause */
#include "stored_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

/* The slots lie one behind the other, so one read brings both. */
#define HEADS_SIZE ((size_t)2 * COFFER_INSPECT_HEAD_SIZE)
#define NODES_SIZE ((size_t)2 * COFFER_INSPECT_NODE_SIZE)

enum exit_status stored_file_open(struct options *options, const char *path,
                                  struct stored_file *out)
{
    uint8_t heads[HEADS_SIZE];
    struct stat state;
    ssize_t got;

    *out = (struct stored_file){.path = path};
    out->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (out->fd < 0)
        return fail_errno(options, errno, "file %s", path);
    if (fstat(out->fd, &state) != 0 || (got = file_read_at(out->fd, 0, heads, HEADS_SIZE)) < 0) {
        int error = errno;

        stored_file_close(out);
        return fail_errno(options, error, "file %s", path);
    }
    if (got < (ssize_t)HEADS_SIZE) {
        stored_file_close(out);
        return fail_status(options, COFFER_CORRUPT, "a file of a store has two heads of 68 bytes",
                           "file %s is too short", path);
    }
    out->size = (uint64_t)state.st_size;
    out->nodes = coffer_inspect_nodes(out->size);
    for (unsigned slot = 0; slot < 2; slot++)
        coffer_inspect_head(heads + coffer_inspect_head_offset(slot), &out->heads[slot]);
    out->whole = coffer_inspect_newest(out->heads[0].counter, out->heads[1].counter,
                                       &out->newest) == COFFER_OK;
    return EXIT_DONE;
}

void stored_file_close(struct stored_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

bool stored_file_node(const struct stored_file *file, uint32_t node,
                      struct coffer_inspect_node out[2])
{
    uint64_t offset = coffer_inspect_node_offset(node, 0);
    uint8_t images[NODES_SIZE];

    if (node == 0 || node > file->nodes ||
        file_read_at(file->fd, offset, images, NODES_SIZE) != (ssize_t)NODES_SIZE)
        return false;
    for (unsigned slot = 0; slot < 2; slot++)
        coffer_inspect_node(images + (size_t)slot * COFFER_INSPECT_NODE_SIZE, &out[slot]);
    return true;
}

bool stored_file_committed(const struct stored_file *file, uint32_t node, unsigned *slot)
{
    struct coffer_inspect_node images[2];
    unsigned depth = 0, found = file->newest;

    if (!file->whole || node == 0 || node > file->nodes)
        return false;
    while ((node >> depth) > 1)
        depth++;
    /* node >> k are the ancestors, node >> depth the root. */
    for (; depth > 0; depth--) {
        if (!stored_file_node(file, node >> depth, images))
            return false;
        found = coffer_inspect_child_slot(images[found].flags, node >> (depth - 1));
    }
    *slot = found;
    return true;
}
