/* SPDX-License-Identifier: BSD-2-Clause */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

#define WORDS_MOST 16u
#define STEP_SIZE  4096u

static bool start(const char *program, char *const *words, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    bool good;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    good = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ==
               0 &&
           posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0 &&
           posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO) == 0 &&
           posix_spawn(pid, program, &actions, NULL, words, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return good;
}

static void collect(int fd, struct child *out)
{
    ssize_t got;

    do {
        out->output = must_have(realloc(out->output, out->size + STEP_SIZE + 1));
        got = file_read(fd, out->output + out->size, STEP_SIZE);
        if (got > 0)
            out->size += (size_t)got;
    } while (got > 0);
    out->output[out->size] = '\0';
}

bool child_run(const char *program, const char *const *arguments, struct child *out)
{
    char *words[WORDS_MOST + 2] = {NULL};
    int ends[2], state = 0;
    bool started;
    pid_t pid;

    *out = (struct child){.exit = -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    words[0] = must_have(strdup("coffer"));
    for (size_t i = 0; i < WORDS_MOST && arguments[i] != NULL; i++)
        words[i + 1] = must_have(strdup(arguments[i]));
    started = start(program, words, ends[1], &pid);
    for (size_t i = 0; words[i] != NULL; i++)
        free(words[i]);
    (void)close(ends[1]);
    if (!started) {
        (void)close(ends[0]);
        return false;
    }
    collect(ends[0], out);
    (void)close(ends[0]);
    while (waitpid(pid, &state, 0) < 0) {
        if (errno != EINTR)
            return true;
    }
    if (WIFEXITED(state))
        out->exit = WEXITSTATUS(state);
    return true;
}

void child_fini(struct child *child)
{
    free(child->output);
    child->output = NULL;
}
