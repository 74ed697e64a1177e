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

/* With the lock held. False: it couldn't be written. */
static bool write_line(struct trace *trace, const struct coffer_trace_record *record)
{
    const struct coffer_port *port = trace->port;
    uint64_t now = trace->start_ns;
    struct text line = {.size = 0};

    if (port->clock_ns != NULL)
        now = port->clock_ns(port->context);
    text_add_number(&line, (now - trace->start_ns) / NS_PER_US, 10);
    text_add(&line, " ");
    text_add(&line, trace_call_names[record->call]);
    add_column(&line, record->object, 16);
    add_column(&line, record->offset, 10);
    add_column(&line, record->size, 10);
    add_column(&line, record->status, 10);
    text_add(&line, "\n");
    return !trace_is_on(trace) || trace->write(trace->write_context, line.bytes, line.size);
}

void trace_write(struct trace *trace, const struct coffer_trace_record *records, size_t count)
{
    const struct coffer_port *port = trace->port;
    bool good = true;

    port->lock_take(port->context, &trace->lock);
    for (size_t i = 0; i < count && good; i++)
        good = write_line(trace, &records[i]);
    port->lock_give(port->context, &trace->lock);
    if (!good)
        give_up(trace, "the trace can't be written and ends here");
}
