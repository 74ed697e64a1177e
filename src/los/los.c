/* SPDX-License-Identifier: BSD-2-Clause */
/* The system behind the LOS_ names, the table of status codes, and the log. */
#include "los/los.h"

#include "base/text.h"
#include "los_vm.h"

struct translation {
    STATUS_T vm;
    int error_number;
};

/* By enum coffer_status. */
static const struct translation translations[] = {
    [COFFER_OK] = {LOS_ERRNO_VM_NO_ERROR, 0},
    [COFFER_NOT_FOUND] = {LOS_ERRNO_VM_NOT_FOUND, -LOS_ENOMEM}, /* nothing is mapped there */
    [COFFER_EXISTS] = {LOS_ERRNO_VM_BUSY, -LOS_EEXIST},
    [COFFER_BUSY] = {LOS_ERRNO_VM_BUSY, -LOS_EBUSY},
    [COFFER_NO_MEMORY] = {LOS_ERRNO_VM_NO_MEMORY, -LOS_ENOMEM},
    [COFFER_NO_SPACE] = {LOS_ERRNO_VM_NO_MEMORY, -LOS_ENOSPC},
    [COFFER_IO] = {LOS_ERRNO_VM_FAULT, -LOS_EIO},
    [COFFER_CORRUPT] = {LOS_ERRNO_VM_FAULT, -LOS_EFAULT},
    [COFFER_ROLLED_BACK] = {LOS_ERRNO_VM_FAULT, -LOS_EFAULT},
    [COFFER_MISUSE] = {LOS_ERRNO_VM_INVALID_ARGS, -LOS_EINVAL},
    [COFFER_FAILED] = {LOS_ERRNO_VM_GENERIC, -LOS_EIO},
    [COFFER_UNSUPPORTED] = {LOS_ERRNO_VM_NOT_VALID, -LOS_ENOSYS},
};

STATUS_T los_vm_status(enum coffer_status status)
{
    return translations[status].vm;
}

int los_errno(enum coffer_status status)
{
    return translations[status].error_number;
}

void los_log(enum port_log_level level, const char *text)
{
    const struct los *los = los_current();

    if (los != NULL && los->port->log != NULL)
        los->port->log(los->port->context, level, text);
}

void los_log_address(enum port_log_level level, const char *text, const void *address)
{
    struct text line = {.size = 0};

    text_add(&line, text);
    text_add(&line, " 0x");
    text_add_number(&line, (uintptr_t)address, 16);
    los_log(level, line.bytes);
}

enum coffer_status los_open(struct los *los, uintptr_t process_base, size_t process_size)
{
    const struct coffer_port *port = los->port;
    const struct coffer_space_settings settings = {.name = "process",
                                                   .base = process_base,
                                                   .size = process_size,
                                                   .heap_size = process_size / 2};
    enum coffer_status status;

    list_init(&los->files);
    for (unsigned i = 0; i < LOS_KINDS * LOS_CHAINS; i++)
        atomic_init(&los->names[i / LOS_CHAINS][i % LOS_CHAINS], NULL);
    status = port->lock_init(port->context, &los->lock);
    if (status != COFFER_OK)
        return status;
    status = coffer_space_open(los->memory, &settings, &los->process);
    if (status != COFFER_OK)
        port->lock_fini(port->context, &los->lock);
    return status;
}

void los_close(struct los *los)
{
    coffer_space_close(los->process);
    los_settle_files(los);
    los->port->lock_fini(los->port->context, &los->lock);
}
