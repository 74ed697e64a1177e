/* SPDX-License-Identifier: BSD-2-Clause */
#include "tree/environment.h"

#include "base/assert.h"
#include "base/bytes.h"

_Static_assert(BUFFERS_LARGE == STAGING_RESERVE * LAYOUT_BLOCK_SIZE, "a large buffer opens a file");
_Static_assert(BUFFERS_MEDIUM == LAYOUT_BLOCK_SIZE, "a medium one holds a block");
_Static_assert(LAYOUT_BLOCK_SIZE == FRAME_SIZE, "a block fills a frame");

enum coffer_status tree_environment_open(struct tree_environment *environment, struct owner owner)
{
    const struct coffer_port *port = environment->port;
    enum coffer_status status;
    void *block;

    assert_cheap(environment->staging_blocks >= STAGING_RESERVE);
    assert_cheap(environment->staging_blocks <= STAGING_MAX);
    atomic_init(&environment->at_work, 0);
    status = frames_take(environment->memory->frames, owner, STAGING_RESERVE, &block);
    if (status != COFFER_OK)
        return status;
    status = port->lock_init(port->context, &environment->reserve_lock);
    if (status != COFFER_OK)
        goto give_frames;
    status = port->lock_init(port->context, &environment->turn);
    if (status != COFFER_OK)
        goto fini_lock;
    environment->reserve = block;
    return COFFER_OK;

fini_lock:
    port->lock_fini(port->context, &environment->reserve_lock);
give_frames:
    if (frames_give(environment->memory->frames, block) != COFFER_OK)
        assert_cheap(false);
    return status;
}

void tree_environment_close(struct tree_environment *environment)
{
    const struct coffer_port *port = environment->port;
    enum coffer_status status;

    assert_cheap(atomic_load(&environment->at_work) == 0);
    port->lock_fini(port->context, &environment->turn);
    port->lock_fini(port->context, &environment->reserve_lock);
    status = frames_give(environment->memory->frames, environment->reserve);
    assert_cheap(status == COFFER_OK);
    environment->reserve = NULL;
}

/* --- Staging --- */

void staging_take(struct tree_environment *environment, size_t blocks, struct staging *out)
{
    const struct coffer_port *port = environment->port;

    assert_cheap(blocks > 0);
    if (blocks > environment->staging_blocks)
        blocks = environment->staging_blocks;
    *out = (struct staging){.environment = environment};
    while (out->blocks < blocks && environment->staging_blocks > STAGING_RESERVE) {
        size_t size = blocks - out->blocks > 1 ? BUFFERS_LARGE : BUFFERS_MEDIUM;
        enum coffer_status status;

        status = buffers_take(environment->buffers, size, &out->buffers[out->buffer_count]);
        if (status != COFFER_OK)
            break;
        out->buffer_count++;
        out->blocks += size / LAYOUT_BLOCK_SIZE;
    }
    if (out->blocks > 0)
        return;
    /* Who has the reserve may wait for those at work; this one leaves nobody anything now. */
    work_end(environment);
    port->lock_take(port->context, &environment->reserve_lock);
    work_begin(environment);
    out->blocks = STAGING_RESERVE;
}

void staging_give(struct staging *staging, bool sealed)
{
    struct tree_environment *environment = staging->environment;
    const struct coffer_port *port = environment->port;

    for (size_t i = 0; i < staging->buffer_count; i++) {
        enum coffer_status status = sealed
                                        ? buffers_give_sealed(environment->buffers,
                                                              staging->buffers[i])
                                        : buffers_give(environment->buffers, staging->buffers[i]);

        assert_cheap(status == COFFER_OK);
    }
    if (staging->buffer_count == 0 && staging->blocks > 0) {
        if (!sealed)
            wipe(environment->reserve, (size_t)STAGING_RESERVE * LAYOUT_BLOCK_SIZE);
        port->lock_give(port->context, &environment->reserve_lock);
    }
    *staging = (struct staging){.environment = environment};
}

uint8_t *staging_block(const struct staging *staging, size_t index)
{
    size_t within = index % STAGING_RESERVE * LAYOUT_BLOCK_SIZE;

    assert_cheap(index < staging->blocks);
    if (staging->buffer_count == 0)
        return staging->environment->reserve + within;
    return staging->buffers[index / STAGING_RESERVE]->bytes + within;
}

/* --- Turns --- */

void turn_take(struct tree_environment *environment)
{
    work_end(environment);
    environment->port->lock_take(environment->port->context, &environment->turn);
}

void turn_give(struct tree_environment *environment)
{
    environment->port->lock_give(environment->port->context, &environment->turn);
    work_begin(environment);
}

bool turn_has_others(struct tree_environment *environment)
{
    if (environment->port->thread_yield == NULL ||
        atomic_load_explicit(&environment->at_work, memory_order_acquire) == 0)
        return false;
    environment->port->thread_yield(environment->port->context);
    return true;
}
