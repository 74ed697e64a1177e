/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for memory that other calls have for as long as they last. */
#include "engine/engine.h"

/* Whoever never gets enough is told so in the end, though others are at work all the time. */
#define TRIES_MAX 200u

static uint64_t works_now(struct coffer *engine)
{
    return atomic_load_explicit(&engine->works, memory_order_acquire);
}

static bool is_any_under_way(uint64_t works)
{
    return works % ENGINE_WORK_BEGUN > 0;
}

struct turn engine_turn(struct coffer *engine, bool is_work)
{
    return (struct turn){.own = is_work ? 1 : 0, .seen = works_now(engine)};
}

/* At any time during the try. */
static bool had_others(struct coffer *engine, const struct turn *turn)
{
    uint64_t begun = (works_now(engine) / ENGINE_WORK_BEGUN - turn->seen / ENGINE_WORK_BEGUN) %
                     ENGINE_WORK_BEGUN;

    return is_any_under_way(turn->seen) || begun > turn->own;
}

/* Until one of those that are under way has ended, or another has begun. */
static void wait_for_change(struct coffer *engine, uint64_t works)
{
    const struct coffer_port *port = engine->port;

    while (is_any_under_way(works) && works_now(engine) == works) {
        /* Most of their time is that of commits. */
        store_lock(&engine->store);
        store_unlock(&engine->store);
        port->thread_yield(port->context);
    }
}

bool engine_again(struct coffer *engine, struct turn *turn, enum coffer_status status)
{
    const struct coffer_port *port = engine->port;
    uint64_t works;

    if (turn->tries > 0)
        port->lock_give(port->context, &engine->lock);
    if (status != COFFER_NO_MEMORY || engine->alone || turn->tries == TRIES_MAX ||
        !had_others(engine, turn))
        return false;
    works = works_now(engine);
    turn->tries++;
    port->lock_take(port->context, &engine->lock);
    wait_for_change(engine, works);
    turn->seen = works_now(engine);
    return true;
}
