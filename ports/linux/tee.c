/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instance that runs in a thread. Its TA's code runs inside of coffer_space_enter, so that a
 * refused access to its heap ends the instance and not the program; a panic leaves the code from
 * wherever it is.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "gp/gp.h"

struct run {
    struct gp_instance *instance;
    struct run *outer; /* of this thread: who called it */
    void (*body)(void *argument);
    void *argument;
    jmp_buf out;
};

static _Thread_local struct run *current;

struct gp_instance *gp_current(void)
{
    if (current == NULL) {
        (void)fputs("coffer: a TEE_ call outside of a trusted application\n", stderr);
        abort();
    }
    return current->instance;
}

_Noreturn void gp_leave(struct gp_instance *instance)
{
    (void)instance;
    longjmp(current->out, 1);
}

static void run_body(void *argument)
{
    struct run *run = argument;

    if (setjmp(run->out) == 0)
        run->body(run->argument);
}

void gp_run(struct gp_instance *instance, void (*body)(void *argument), void *argument)
{
    struct run run = {.instance = instance, .outer = current, .body = body, .argument = argument};
    enum coffer_status status;

    current = &run;
    status = coffer_space_enter(instance->space, run_body, &run);
    current = run.outer;
    if (status != COFFER_OK && !instance->panicked)
        gp_note_panic(instance, GP_CALL_NONE, gp_result(status));
}
