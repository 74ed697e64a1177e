/* SPDX-License-Identifier: BSD-2-Clause */
#include "scratch.h"

#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "must.h"

#define SCRATCH_MAX 4

static char paths[SCRATCH_MAX][PATH_MAX];
static int path_count;
static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
    interrupted = number;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_below(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    return place->level == 0 ? 0 : remove_one(path, info, kind, place);
}

static void remove_all(void)
{
    for (int i = 0; i < path_count; i++)
        (void)nftw(paths[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void watch(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};

    must_system(atexit(remove_all) == 0, "atexit");
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

const char *scratch_make(const char *parent)
{
    char *path = paths[path_count];
    int size = snprintf(path, PATH_MAX, "%s/coffer-bench-XXXXXX", parent);

    must_system(path_count < SCRATCH_MAX && size > 0 && size < PATH_MAX, parent);
    if (path_count == 0)
        watch();
    must_system(mkdtemp(path) != NULL, parent);
    path_count++;
    return path;
}

void scratch_empty(const char *directory)
{
    must_system(nftw(directory, remove_below, 16, FTW_DEPTH | FTW_PHYS) == 0, directory);
}

void scratch_check_interrupt(void)
{
    if (interrupted)
        exit(128 + interrupted);
}
