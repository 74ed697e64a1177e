/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for tests: fast, the same on every machine, and replayable. The seed is printed
 * when a test begins; COFFER_SEED=n in the environment runs every test with seed n instead of the
 * default. A test's name goes into its stream, so that two tests with one seed do not draw the
 * same numbers.
 */
#ifndef COFFER_TESTS_RANDOM_H
#define COFFER_TESTS_RANDOM_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_SEED_DEFAULT 20240607u

struct random {
    uint64_t state;
};

/* splitmix64: every state is a good one, so any seed will do. */
static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline void random_init(struct random *random, const char *test_name)
{
    const char *text = getenv("COFFER_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : RANDOM_SEED_DEFAULT;

    fprintf(stderr, "%s: seed %" PRIu64 " (COFFER_SEED=%" PRIu64 " replays it)\n", test_name, seed,
            seed);
    random->state = seed;
    for (const char *c = test_name; *c != '\0'; c++)
        random->state = random_next(random) ^ (unsigned char)*c;
}

/* Evenly from 0 .. bound - 1; bound > 0. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    /* Numbers under 2^64 mod bound would favour the small results. */
    uint64_t floor = (0 - bound) % bound;
    uint64_t number;

    do {
        number = random_next(random);
    } while (number < floor);
    return number % bound;
}

static inline void random_bytes(struct random *random, void *out, size_t size)
{
    uint8_t *p = out;

    for (size_t done = 0; done < size; done += 8) {
        uint64_t number = random_next(random);

        memcpy(p + done, &number, size - done < 8 ? size - done : 8);
    }
}

#endif
