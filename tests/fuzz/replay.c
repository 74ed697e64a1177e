/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target without libFuzzer: every file given, every file of every folder given, and a
 * number of random changes of each (COFFER_SEED replays them).
 *
 *     fuzz_NAME [-random=N] FILE-OR-FOLDER...
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/must.h"
#include "support/random.h"
#include "target.h"

#define INPUT_MAX (256u * 1024)

static unsigned long inputs;

static void change(struct random *random, uint8_t *bytes, size_t *size)
{
    unsigned changes = 1 + (unsigned)random_below(random, 4);

    for (unsigned i = 0; i < changes; i++) {
        switch (random_below(random, 5)) {
        case 0: /* cut */
            if (random_below(random, 8) == 0)
                *size = (size_t)random_below(random, *size + 1);
            break;
        case 1: /* grow */
            random_bytes(random, bytes + *size, 8);
            *size += *size + 8 <= INPUT_MAX ? 1 + (size_t)random_below(random, 8) : 0;
            break;
        case 2: /* a value at the edge of its range */
            if (*size >= 4)
                memset(bytes + random_below(random, *size - 3),
                       random_below(random, 2) == 0 ? 0 : 0xFF, 4);
            break;
        default:
            if (*size > 0)
                bytes[random_below(random, *size)] = (uint8_t)random_next(random);
            break;
        }
    }
}

static void run(struct random *random, const char *path, unsigned long changed)
{
    uint8_t *given = must_alloc(INPUT_MAX + 16);
    FILE *file = fopen(path, "rb");
    size_t size;

    must(file != NULL);
    size = fread(given, 1, INPUT_MAX, file);
    fclose(file);
    for (unsigned long i = 0; i <= changed; i++) {
        uint8_t *bytes = must_copy(given, INPUT_MAX + 16);
        size_t now = size;
        uint8_t *exact;

        if (i > 0)
            change(random, bytes, &now);
        exact = must_copy(bytes, now); /* its own block: a sanitizer sees every overrun */
        (void)LLVMFuzzerTestOneInput(exact, now);
        free(exact);
        free(bytes);
        inputs++;
    }
    free(given);
}

static void run_folder(struct random *random, const char *path, unsigned long changed)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    must(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        char name[4096];

        if (entry->d_name[0] == '.')
            continue;
        must((size_t)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < sizeof(name));
        run(random, name, changed);
    }
    closedir(folder);
}

int main(int count, char **arguments)
{
    struct random random;
    unsigned long changed = 0;

    random_init(&random, "fuzz");
    for (int i = 1; i < count; i++) {
        struct stat information;

        if (strncmp(arguments[i], "-random=", 8) == 0) {
            changed = strtoul(arguments[i] + 8, NULL, 10);
            continue;
        }
        must(stat(arguments[i], &information) == 0);
        if (S_ISDIR(information.st_mode))
            run_folder(&random, arguments[i], changed);
        else
            run(&random, arguments[i], changed);
    }
    printf("%lu inputs\n", inputs);
    return inputs == 0;
}
