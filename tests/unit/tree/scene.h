/* SPDX-License-Identifier: BSD-2-Clause */
/* What most tests of trees work with: one device, a bench on it, and the file they expect. */
#ifndef TESTS_UNIT_TREE_SCENE_H
#define TESTS_UNIT_TREE_SCENE_H

#include "fixture.h"

extern struct memory_device *disk;
extern struct bench bench;
extern struct model_file model;
extern struct random dice;

/* Set-up and tear-down of a test; the first with a bench as wanted, called from the test's own. */
int scene_open(size_t cache_frames, size_t staging_blocks);
int scene_close(void **state);

/* A committed file of `size` random bytes, which the model has too. The name seeds the dice. */
struct tree *make_file(const char *test, size_t size);

/* The same version again: nothing of it is in the caches but what opening brings. */
struct tree *reopen(struct tree *tree);

#endif
