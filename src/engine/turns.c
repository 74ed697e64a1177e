/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for memory that other calls have for as long as they last. */
#include "engine/engine.h"

/* Whoever never gets enough is told so in the end, though others are at work all the time. */
#define TRIES_MAX 200u

static bool has_others(struct coffer *engine)
{
    return atomic_load_explicit(&engine->at_work, memory_order_acquire) > 0;
}

struct turn engine_turn(struct coffer *engine)
{
    return (struct turn){.has_others = has_others(engine)};
}

bool engine_again(struct coffer *engine, struct turn *turn, enum coffer_status status)
{
    const struct coffer_port *port = engine->port;

    if (turn->tries > 0)
        port->lock_give(port->context, &engine->lock);
    else if (!turn->has_others)
        turn->has_others = has_others(engine);
    if (status != COFFER_NO_MEMORY || engine->alone || !turn->has_others ||
        turn->tries == TRIES_MAX)
        return false;
    turn->tries++;
    port->lock_take(port->context, &engine->lock);
    turn->has_others = has_others(engine);
    if (turn->has_others) {
        /* Most of their time is that of commits. */
        store_lock(&engine->store);
        store_unlock(&engine->store);
        port->thread_yield(port->context);
    }
    return true;
}
