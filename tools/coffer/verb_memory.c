/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer memory: the map of the secure memory that a store has taken, or of a workload's. */
#include "memory_demo.h"
#include "memory_map.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "verbs.h"

enum { OPTION_DEMO = 0x200 };

static const struct argp_option switches[] = {
    {"demo", OPTION_DEMO, NULL, 0, "Run a workload on a memory system of its own, and show that",
     0},
    {0},
};

static bool set(struct call *call, int key, const char *value)
{
    bool *demo = call->own;

    (void)value;
    *demo |= key == OPTION_DEMO;
    return true;
}

static const struct grammar grammar = {
    .verb = "memory",
    .text = "Draw the map of secure memory: frames by owner, free blocks by order, pools, spaces."
            "\vThe map is that of an open store. --demo needs no store: pools, a user space eight "
            "times the secure memory (--memory, default 1M), a clone and tampering are shown, live "
            "on a terminal; the exit status is 0 only if all went as it should.",
    .switches = switches,
    .set = set,
};

enum exit_status verb_memory(struct options *options, int argc, char **argv)
{
    enum exit_status result;
    struct session session;
    bool demo = false;
    struct call call;

    result = call_parse(&grammar, options, &demo, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    if (demo) {
        result = memory_demo(options);
    } else {
        options->without_store = "`coffer init` makes one; `coffer memory --demo` needs none";
        result = session_open(options, SESSION_READ, &session);
        if (result == EXIT_DONE) {
            struct coffer_memory *memory = coffer_memory_of(session.store);

            if (options->json)
                (void)output_json(memory_map_json(memory));
            else
                (void)memory_map_print(memory, MEMORY_MAP_ALL);
            session_close(&session);
        }
    }
    call_fini(&call);
    return result;
}
