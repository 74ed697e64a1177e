/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of tests. What is wrong with one stops the program (must): a test that fails while its
 * threads run on would take their memory away.
 */
#ifndef TESTS_SUPPORT_THREADS_H
#define TESTS_SUPPORT_THREADS_H

#include <pthread.h>
#include <stddef.h>

/* It lies still from start to join. */
struct thread {
    pthread_t id;
    void (*body)(void *argument);
    void *argument;
};

void thread_start(struct thread *thread, void (*body)(void *argument), void *argument);
void thread_join(struct thread *thread);

/* One thread for each of up to THREADS_RUN_MAX elements of an array; returns when all are done. */
#define THREADS_RUN_MAX 32u
#define threads_run(body, workers, count)                                                          \
    threads_run_sized((body), (workers), (count), sizeof((workers)[0]))
void threads_run_sized(void (*body)(void *worker), void *workers, size_t count, size_t worker_size);

#endif
