/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/leaks.h"

#include "base/text.h"

#define CAPACITY_LEAST 256u
#define TOLD_MOST      32u /* blocks, one line each */

#define LEAK_GONE ((void *)UINTPTR_MAX)

struct leaks *leaks_open(const struct coffer_port *port)
{
    struct leaks *leaks;

    if (port == NULL || port->records_take == NULL)
        return NULL;
    leaks = port->records_take(port->context, sizeof(*leaks));
    if (leaks == NULL)
        return NULL;
    leaks->port = port;
    if (port->lock_init(port->context, &leaks->lock) != COFFER_OK) {
        port->records_give(port->context, leaks);
        return NULL;
    }
    return leaks;
}

static size_t first_place(const struct leaks *leaks, const void *block)
{
    uint64_t mixed = (uint64_t)(uintptr_t)block * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t)(mixed >> 32) & (leaks->capacity - 1);
}

static void put(struct leaks *leaks, const struct leak *leak)
{
    size_t at = first_place(leaks, leak->block);

    while (leaks->table[at].block != NULL)
        at = (at + 1) & (leaks->capacity - 1);
    leaks->table[at] = *leak;
    leaks->filled++;
    leaks->count++;
}

/* Room for one more; those that are gone go at last. */
static bool grow(struct leaks *leaks)
{
    const struct coffer_port *port = leaks->port;
    struct leaks before = *leaks;
    size_t capacity = CAPACITY_LEAST;

    if (4 * (leaks->filled + 1) <= 3 * leaks->capacity)
        return true;
    while (capacity < 4 * leaks->count)
        capacity *= 2;
    leaks->table = port->records_take(port->context, capacity * sizeof(*leaks->table));
    if (leaks->table == NULL) {
        leaks->table = before.table;
        return false;
    }
    leaks->capacity = capacity;
    leaks->filled = leaks->count = 0;
    for (size_t i = 0; i < before.capacity; i++) {
        if (before.table[i].block != NULL && before.table[i].block != LEAK_GONE)
            put(leaks, &before.table[i]);
    }
    if (before.table != NULL)
        port->records_give(port->context, before.table);
    return true;
}

void leaks_add(struct leaks *leaks, void *block, size_t size, struct owner owner, const char *file,
               unsigned line)
{
    struct leak leak = {.block = block, .size = size, .file = file, .line = line, .owner = owner};
    const struct coffer_port *port;

    if (leaks == NULL)
        return;
    port = leaks->port;
    if (port->clock_ns != NULL)
        leak.time_ns = port->clock_ns(port->context);
    port->lock_take(port->context, &leaks->lock);
    if (grow(leaks))
        put(leaks, &leak);
    else
        leaks->lost++;
    port->lock_give(port->context, &leaks->lock);
}

void leaks_remove(struct leaks *leaks, const void *block)
{
    const struct coffer_port *port;
    size_t at;

    if (leaks == NULL)
        return;
    port = leaks->port;
    port->lock_take(port->context, &leaks->lock);
    for (at = leaks->capacity > 0 ? first_place(leaks, block) : 0;
         leaks->capacity > 0 && leaks->table[at].block != NULL;
         at = (at + 1) & (leaks->capacity - 1)) {
        if (leaks->table[at].block == block) {
            leaks->table[at].block = LEAK_GONE;
            leaks->count--;
            break;
        }
    }
    port->lock_give(port->context, &leaks->lock);
}

/* --- The report -------------------------------------------------------------------------- */

static void tell(const struct leaks *leaks, const struct text *text)
{
    const struct coffer_port *port = leaks->port;

    if (port->log != NULL)
        port->log(port->context, PORT_LOG_WARNING, text->bytes);
}

/* The path from src/ on: enough to find it. */
static const char *short_name(const char *file)
{
    const char *name = file;

    for (const char *at = file; *at != '\0'; at++) {
        if (at[0] == 's' && at[1] == 'r' && at[2] == 'c' && at[3] == '/')
            name = at + 4;
    }
    return name;
}

static void tell_leak(const struct leaks *leaks, const struct leak *leak,
                      const struct account *account)
{
    const struct coffer_port *port = leaks->port;
    struct text text = {.size = 0};

    text_add(&text, "leak: ");
    text_add_number(&text, leak->size, 10);
    text_add(&text, " bytes of ");
    text_add(&text, account->lines[leak->owner.index].name);
    text_add(&text, ", ");
    text_add(&text, short_name(leak->file));
    text_add(&text, ":");
    text_add_number(&text, leak->line, 10);
    if (port->clock_ns != NULL) {
        text_add(&text, ", ");
        text_add_number(&text, (port->clock_ns(port->context) - leak->time_ns) / 1000000, 10);
        text_add(&text, " ms ago");
    }
    tell(leaks, &text);
}

static void tell_owner(const struct leaks *leaks, unsigned owner, const struct account *account)
{
    struct text text = {.size = 0};
    uint64_t count = 0;
    uint64_t bytes = 0;

    for (size_t i = 0; i < leaks->capacity; i++) {
        const struct leak *leak = &leaks->table[i];

        if (leak->block == NULL || leak->block == LEAK_GONE || leak->owner.index != owner)
            continue;
        count++;
        bytes += leak->size;
    }
    if (count == 0)
        return;
    text_add(&text, "leaks of ");
    text_add(&text, account->lines[owner].name);
    text_add(&text, ": ");
    text_add_number(&text, count, 10);
    text_add(&text, " blocks, ");
    text_add_number(&text, bytes, 10);
    text_add(&text, " bytes");
    tell(leaks, &text);
}

void leaks_close(struct leaks *leaks, const struct account *account)
{
    const struct coffer_port *port;
    unsigned told = 0;

    if (leaks == NULL)
        return;
    port = leaks->port;
    for (size_t i = 0; i < leaks->capacity && told < TOLD_MOST; i++) {
        const struct leak *leak = &leaks->table[i];

        if (leak->block != NULL && leak->block != LEAK_GONE) {
            tell_leak(leaks, leak, account);
            told++;
        }
    }
    for (unsigned i = 1; i < account->owner_count && leaks->count > 0; i++)
        tell_owner(leaks, i, account);
    if (leaks->lost > 0) {
        struct text text = {.size = 0};

        text_add(&text, "leak records: none of ");
        text_add_number(&text, leaks->lost, 10);
        text_add(&text, " blocks, there was no memory for them");
        tell(leaks, &text);
    }
    if (leaks->table != NULL)
        port->records_give(port->context, leaks->table);
    port->lock_fini(port->context, &leaks->lock);
    port->records_give(port->context, leaks);
}
