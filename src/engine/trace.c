/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/trace.h"

#include "base/text.h"

#define NS_PER_US 1000u

_Static_assert(TEXT_SIZE <= COFFER_TRACE_LINE_MAX, "no line is longer than readers expect");

enum coffer_status trace_open(struct trace *trace, const struct coffer_config *config,
                              struct crypto *crypto, struct store *store, uint64_t memory)
{
    enum coffer_status status;

    atomic_init(&trace->on, false);
    trace->port = config->port;
    trace->crypto = crypto;
    trace->store = store;
    trace->write = config->trace;
    trace->write_context = config->trace_context;
    if (trace->write == NULL)
        return COFFER_OK;
    status = trace->port->lock_init(trace->port->context, &trace->lock);
    if (status != COFFER_OK) {
        trace->write = NULL;
        return status;
    }
    if (trace->port->clock_ns != NULL)
        trace->start_ns = trace->port->clock_ns(trace->port->context);
    atomic_store(&trace->on, true);
    trace_call(trace, COFFER_TRACE_START, 0, COFFER_TRACE_VERSION, memory, COFFER_OK);
    return COFFER_OK;
}

void trace_close(struct trace *trace)
{
    if (trace->write == NULL)
        return;
    trace_call(trace, COFFER_TRACE_END, 0, 0, 0, COFFER_OK);
    trace->port->lock_fini(trace->port->context, &trace->lock);
    trace->write = NULL;
    atomic_store(&trace->on, false);
}

/* Y1. Once: whoever turns it off tells. */
static void give_up(struct trace *trace, const char *why)
{
    if (atomic_exchange(&trace->on, false))
        store_notice(trace->store, COFFER_NOTICE_TRACE, why);
}

uint64_t trace_name(struct trace *trace, const struct name *name)
{
    uint64_t tag = 0;

    if (trace_is_on(trace) &&
        crypto_name_tag(trace->crypto, name->uuid, name->id, name->id_size, &tag) != COFFER_OK)
        give_up(trace, "the trace ends here: names can't be made unreadable");
    return tag;
}

static void add_column(struct text *line, uint64_t number, unsigned base)
{
    text_add(line, " ");
    text_add_number(line, number, base);
}

void trace_write(struct trace *trace, enum coffer_trace_call call, uint64_t object, uint64_t offset,
                 uint64_t size, enum coffer_status status)
{
    const struct coffer_port *port = trace->port;
    uint64_t now = trace->start_ns;
    struct text line = {.size = 0};
    bool good = true;

    port->lock_take(port->context, &trace->lock);
    if (port->clock_ns != NULL)
        now = port->clock_ns(port->context);
    text_add_number(&line, (now - trace->start_ns) / NS_PER_US, 10);
    text_add(&line, " ");
    text_add(&line, trace_call_names[call]);
    add_column(&line, object, 16);
    add_column(&line, offset, 10);
    add_column(&line, size, 10);
    add_column(&line, status, 10);
    text_add(&line, "\n");
    if (trace_is_on(trace))
        good = trace->write(trace->write_context, line.bytes, line.size);
    port->lock_give(port->context, &trace->lock);
    if (!good)
        give_up(trace, "the trace can't be written and ends here");
}
