/* SPDX-License-Identifier: BSD-2-Clause */
#include "threads.h"

#include "must.h"

static void *run(void *argument)
{
    struct thread *thread = argument;

    thread->body(thread->argument);
    return NULL;
}

void thread_start(struct thread *thread, void (*body)(void *argument), void *argument)
{
    thread->body = body;
    thread->argument = argument;
    must(pthread_create(&thread->id, NULL, run, thread) == 0);
}

void thread_join(struct thread *thread)
{
    must(pthread_join(thread->id, NULL) == 0);
}

void threads_run_sized(void (*body)(void *worker), void *workers, size_t count, size_t worker_size)
{
    struct thread threads[THREADS_RUN_MAX];

    must(count <= THREADS_RUN_MAX);
    for (size_t i = 0; i < count; i++)
        thread_start(&threads[i], body, (char *)workers + i * worker_size);
    for (size_t i = 0; i < count; i++)
        thread_join(&threads[i]);
}
