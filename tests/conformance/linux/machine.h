/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines and children, for the tests of what only Linux has. */
#ifndef TESTS_CONFORMANCE_LINUX_MACHINE_H
#define TESTS_CONFORMANCE_LINUX_MACHINE_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "linux/mmu.h"

static inline struct coffer_linux_mmu *make_mmu(size_t size)
{
    const struct coffer_linux_mmu_options options = {.size = size};
    struct coffer_linux_mmu *mmu;

    must(coffer_linux_mmu_make(&options, &mmu) == COFFER_OK);
    return mmu;
}

/* A memory system with two spaces. */
struct scene {
    struct coffer_memory *memory;
    struct coffer_space *space;
    uint8_t *start;
    uint8_t *other; /* of another space */
};

static inline void open_scene(struct scene *scene)
{
    must(coffer_linux_memory_open(NULL, &scene->memory) == COFFER_OK);
    scene->space = make_space(scene->memory, 8, &scene->start);
    (void)make_space(scene->memory, 8, &scene->other);
}

/* Run in a child; what it returns is how it ended, as of waitpid. */
static inline int in_child(void (*body)(void *argument), void *argument)
{
    pid_t child = fork();
    int ended = 0;

    must(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &none);
        for (int signal = 1; signal < 32; signal++) {
            struct sigaction standard = {.sa_handler = SIG_DFL};

            (void)sigaction(signal, &standard, NULL);
        }
        body(argument);
        _exit(0);
    }
    must(waitpid(child, &ended, 0) == child);
    return ended;
}

#endif
