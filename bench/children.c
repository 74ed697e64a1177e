/* SPDX-License-Identifier: BSD-2-Clause */
#include "children.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"
#include "scratch.h"

#define WORDS_MAX  (CHILD_WORDS_MAX + 8)
#define EXIT_SHELL 127 /* as a shell has it: no such program */

/* "DIRECTORY/FOLDER/PROGRAM", where DIRECTORY is the bench's own. */
static void find_program(const struct child *child, char path[PATH_MAX])
{
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;
    int more;

    must_system(size > 0, "/proc/self/exe");
    path[size] = '\0';
    slash = strrchr(path, '/');
    must_system(slash != NULL, path);
    slash++;
    more = snprintf(slash, (size_t)(path + PATH_MAX - slash), "%s/%s", child->folder,
                    child->program);
    must_system(more > 0 && more < path + PATH_MAX - slash, path);
}

/* exec takes words that it could write to. */
static char *copy_of(const char *word)
{
    char *copy = strdup(word);

    must_system(copy != NULL, "memory");
    return copy;
}

/* In the new process: nothing comes back. Valgrind's own lines go where the child's go; the child
 * of a count says nothing itself. */
__attribute__((noreturn)) static void become(const struct child *child, int to)
{
    char *words[WORDS_MAX] = {NULL};
    char path[PATH_MAX];
    size_t count = 0;

    if (child->counted) {
        words[count++] = copy_of("valgrind");
        words[count++] = copy_of("--tool=callgrind");
        words[count++] = copy_of("--callgrind-out-file=/dev/null");
        words[count++] = copy_of("--log-fd=1");
    }
    find_program(child, path);
    words[count++] = path;
    for (size_t i = 0; i < CHILD_WORDS_MAX && child->words[i] != NULL; i++)
        words[count++] = copy_of(child->words[i]);
    if (child->preload != NULL)
        (void)setenv("LD_PRELOAD", child->preload, 1);
    (void)dup2(to, STDOUT_FILENO);
    (void)execvp(words[0], words);
    _exit(EXIT_SHELL);
}

static char *read_all(int from, size_t *size)
{
    size_t capacity = 1u << 16;
    size_t used = 0;
    char *bytes = must_make(capacity, 1);

    for (;;) {
        ssize_t got = read(from, bytes + used, capacity - used - 1);

        must_system(got >= 0, "a child's words");
        if (got == 0)
            break;
        used += (size_t)got;
        if (capacity - used == 1) {
            char *larger = must_make(2 * capacity, 1);

            memcpy(larger, bytes, used);
            free(bytes);
            bytes = larger;
            capacity *= 2;
        }
    }
    bytes[used] = '\0';
    *size = used;
    return bytes;
}

/* What it wrote; *status is its exit status. */
static char *run(const struct child *child, size_t *size, int *status)
{
    char *bytes;
    int ends[2];
    int end;
    pid_t id;

    scratch_check_interrupt();
    (void)fflush(NULL);
    must_system(pipe(ends) == 0, "pipe");
    id = fork();
    must_system(id >= 0, "fork");
    if (id == 0) {
        (void)close(ends[0]);
        become(child, ends[1]);
    }
    (void)close(ends[1]);
    bytes = read_all(ends[0], size);
    (void)close(ends[0]);
    must_system(waitpid(id, &end, 0) == id, "a child's end");
    scratch_check_interrupt();
    *status = WIFEXITED(end) ? WEXITSTATUS(end) : -1;
    return bytes;
}

char *child_output(const struct child *child, size_t *size)
{
    int status;
    char *bytes = run(child, size, &status);

    if (status != 0) {
        fprintf(stderr, "bench: %s %s ended with %d\n%s", child->program, child->words[0], status,
                child->counted ? bytes : "");
        exit(EXIT_BROKEN);
    }
    return bytes;
}

double child_number(const struct child *child, const char *name)
{
    size_t length = strlen(name);
    size_t size;
    char *bytes = child_output(child, &size);
    double number = 0;
    bool found = false;

    for (char *line = bytes; line != NULL && !found; line = strchr(line, '\n')) {
        line += *line == '\n';
        found = strncmp(line, name, length) == 0 && line[length] == ' ';
        if (found)
            number = strtod(line + length, NULL);
    }
    if (!found) {
        fprintf(stderr, "bench: %s %s doesn't tell %s\n", child->program, child->words[0], name);
        exit(EXIT_BROKEN);
    }
    free(bytes);
    return number;
}

double child_instructions(const struct child *child)
{
    static const char mark[] = "Collected : ";
    size_t size;
    char *bytes = child_output(child, &size);
    const char *at = strstr(bytes, mark);
    double number;

    if (at == NULL) {
        fprintf(stderr, "bench: valgrind doesn't tell its count\n%s", bytes);
        exit(EXIT_BROKEN);
    }
    number = strtod(at + sizeof(mark) - 1, NULL);
    free(bytes);
    return number;
}

bool child_is_there(const struct child *child)
{
    char path[PATH_MAX];

    find_program(child, path);
    return access(path, X_OK) == 0;
}

bool child_can_count(void)
{
    const struct child child = {.folder = "memory",
                                .program = "bench-none",
                                .counted = true,
                                .words = {"count", "64", "0"}};
    size_t size;
    int status;

    free(run(&child, &size, &status));
    return status == 0;
}
