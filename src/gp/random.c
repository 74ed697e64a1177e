/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes (6.8), from the port. */
#include "base/bytes.h"
#include "gp/operations.h"

/* The TA's buffer may lie in pages that come and go, which a port's source of entropy, a call to
 * the kernel, can't write to: it is given one of its own. */
#define PIECE 256u

TEE_Result gp_random(struct gp_instance *instance, void *out, size_t size)
{
    const struct coffer_port *port = instance->tee->port;
    uint8_t piece[PIECE];
    uint8_t *next = out;
    TEE_Result result = TEE_SUCCESS;

    if (out == NULL && size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    while (size > 0 && result == TEE_SUCCESS) {
        size_t now = size < PIECE ? size : PIECE;

        if (port->entropy(port->context, piece, now) != COFFER_OK) {
            result = TEE_ERROR_GENERIC;
        } else {
            memcpy(next, piece, now);
            next += now;
            size -= now;
        }
    }
    wipe(piece, sizeof(piece));
    return result;
}

void TEE_GenerateRandom(void *randomBuffer, size_t randomBufferLen)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_GENERATE_RANDOM,
                gp_random(instance, randomBuffer, randomBufferLen));
}
