/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instance that runs in a thread. Its TA's code runs inside of coffer_space_enter, so that a
 * refused access to its heap ends the instance and not the program; a panic leaves the code from
 * wherever it is. Another bad access ends the program, and a line on stderr says whose it was.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "coffer/linux_memory.h"
#include "gp/gp.h"

struct run {
    struct gp_instance *instance;
    struct run *outer; /* of this thread: who called it */
    void (*body)(void *argument);
    void *argument;
    jmp_buf out;
};

/* A signal handler reads it: it is there without a call that could allocate it. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct run *current;

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

/* In a signal handler. */
static void tell_end(int signal, const uintptr_t *address)
{
    struct text line = {.size = 0};
    ssize_t written;

    text_add(&line, "coffer: TA ");
    text_add(&line, current->instance->name);
    text_add(&line, signal == SIGBUS ? ": SIGBUS at " : ": SIGSEGV at ");
    if (address != NULL) {
        text_add(&line, "0x");
        text_add_number(&line, *address, 16);
    } else {
        text_add(&line, "no valid address");
    }
    text_add(&line, ", which is nothing of its heap: the program ends\n");
    written = write(STDERR_FILENO, line.bytes, line.size);
    (void)written; /* it ends anyway */
}

void gp_run(struct gp_instance *instance, void (*body)(void *argument), void *argument)
{
    struct run run = {.instance = instance, .outer = current, .body = body, .argument = argument};
    enum coffer_status status;

    current = &run;
    coffer_linux_mmu_last_words(tell_end);
    status = coffer_space_enter(instance->space, run_body, &run);
    current = run.outer;
    if (current == NULL)
        coffer_linux_mmu_last_words(NULL);
    if (status != COFFER_OK && !instance->panicked)
        gp_note_panic(instance, GP_CALL_NONE, gp_result(status));
}
