/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of the process: which are answered, which go to the handler before ours or end it. */
#include "machine.h"

#include <errno.h>
#include <sys/mman.h>

static void touch_outside(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    /* Answered: faults work outside of enter, too. */
    *(volatile uint8_t *)scene.start = 1;
    must(coffer_space_unmap(scene.space, (uintptr_t)scene.start, 8 * PAGE) == COFFER_OK);
    *(volatile uint8_t *)scene.start = 1;
}

static void touch_another(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    must(coffer_space_protect(coffer_space_of(scene.memory, (uintptr_t)scene.other),
                              (uintptr_t)scene.other, PAGE, 0) == COFFER_OK);
    (void)!store_byte(scene.space, scene.other, 1); /* refused by another space: no way out */
}

static void touch_nothing(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    (void)!store_byte(scene.space, (uint8_t *)64, 1);
}

static void send_a_signal(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    (void)kill(getpid(), SIGSEGV);
}

static void bad_access_after_closing(void *argument)
{
    struct scene scene;

    (void)argument;
    open_scene(&scene);
    coffer_memory_close(scene.memory);
    *(volatile uint8_t *)scene.start = 1;
}

static void test_bad_accesses_end_the_process_as_ever(void **state)
{
    static void (*const bodies[])(void *argument) = {touch_outside, touch_another, touch_nothing,
                                                     send_a_signal, bad_access_after_closing};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        int ended = in_child(bodies[i], NULL);

        assert_true(WIFSIGNALED(ended) || (WIFEXITED(ended) && WEXITSTATUS(ended) != 0));
        if (WIFSIGNALED(ended)) /* a sanitizer's handler reports and exits */
            assert_int_equal(WTERMSIG(ended), SIGSEGV);
    }
}

static void say(int signal, const uintptr_t *address)
{
    _exit(signal == SIGSEGV && address != NULL && *address == 64 ? 9 : 10);
}

static void touch_and_say(void *argument)
{
    struct scene scene;

    open_scene(&scene);
    coffer_linux_mmu_last_words(say);
    if (*(bool *)argument)
        coffer_linux_mmu_last_words(NULL);
    *(volatile uint8_t *)scene.start = 1; /* answered: nothing is said */
    (void)!store_byte(scene.space, (uint8_t *)64, 1);
}

static void test_last_words_are_said_once_it_ends(void **state)
{
    bool is_taken_back = false;
    int ended = in_child(touch_and_say, &is_taken_back);

    (void)state;
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 9);
    is_taken_back = true;
    ended = in_child(touch_and_say, &is_taken_back);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(WTERMSIG(ended), SIGSEGV);
}

static volatile sig_atomic_t handled;
static uint8_t *nowhere; /* no access, and nobody's space */
static sigjmp_buf out_of_handler;

static void old_handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    handled = signal == SIGSEGV && info->si_addr == nowhere ? 1 : 2;
    siglongjmp(out_of_handler, 1);
}

static void test_the_handler_before_ours_gets_what_is_not_ours(void **state)
{
    struct sigaction action = {.sa_sigaction = old_handler, .sa_flags = SA_SIGINFO};
    struct sigaction saved;
    struct sigaction now;
    struct scene scene;
    uint8_t got;

    (void)state;
    nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(nowhere != MAP_FAILED && sigaction(SIGSEGV, &action, &saved) == 0);
    open_scene(&scene);
    handled = 0;
    if (sigsetjmp(out_of_handler, 1) == 0)
        *(volatile uint8_t *)nowhere = 1;
    assert_int_equal(handled, 1);
    got = 0;
    /* Ours still works. */
    assert_ok(store_byte(scene.space, scene.start, 7));
    assert_ok(load_byte(scene.space, scene.start, &got));
    assert_int_equal(got, 7);
    coffer_memory_close(scene.memory);
    must(sigaction(SIGSEGV, &saved, &now) == 0);
    assert_true(now.sa_sigaction == old_handler);
    must(munmap(nowhere, PAGE) == 0);
}

/* The last machine gone puts the old handler back, the others don't. */
static void test_the_handler_is_there_as_long_as_there_is_an_mmu(void **state)
{
    struct sigaction before;
    struct sigaction now;
    struct coffer_linux_mmu *a;
    struct coffer_linux_mmu *b;

    (void)state;
    must(sigaction(SIGSEGV, NULL, &before) == 0);
    a = make_mmu(16 * PAGE);
    b = make_mmu(16 * PAGE);
    coffer_linux_mmu_unmake(a);
    must(sigaction(SIGSEGV, NULL, &now) == 0);
    assert_true(now.sa_sigaction != before.sa_sigaction);
    coffer_linux_mmu_unmake(b);
    must(sigaction(SIGSEGV, NULL, &now) == 0);
    assert_true(now.sa_sigaction == before.sa_sigaction);
}

struct nested {
    struct scene *scene;
    enum coffer_status inner;
    bool went_on;
};

static void inner_fails(void *argument)
{
    struct nested *nested = argument;

    *(volatile uint8_t *)(nested->scene->start + PAGE) = 1; /* the outer space's: unmapped */
}

static void outer_body(void *argument)
{
    struct nested *nested = argument;
    struct coffer_space *other = coffer_space_of(nested->scene->memory,
                                                 (uintptr_t)nested->scene->other);

    nested->inner = coffer_space_enter(other, inner_fails, nested);
    nested->went_on = true;
}

/* A refused access leaves the body that entered that space, through those of others inside it. */
static void test_enter_nests(void **state)
{
    struct nested nested = {.inner = COFFER_BUSY};
    struct scene scene;

    (void)state;
    open_scene(&scene);
    nested.scene = &scene;
    assert_ok(coffer_space_unmap(scene.space, (uintptr_t)scene.start + PAGE, PAGE));
    assert_status(coffer_space_enter(scene.space, outer_body, &nested), COFFER_NOT_FOUND);
    assert_false(nested.went_on);
    assert_int_equal(nested.inner, COFFER_BUSY);
    /* In the same space the inner one is left, and the outer one goes on. */
    scene.other = scene.start;
    assert_status(coffer_space_enter(scene.space, outer_body, &nested), COFFER_OK);
    assert_true(nested.went_on);
    assert_status(nested.inner, COFFER_NOT_FOUND);
    coffer_memory_close(scene.memory);
}

static void test_errno_is_kept_by_faults(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    errno = 4711;
    *(volatile uint8_t *)scene.start = 1;
    assert_int_equal(errno, 4711);
    coffer_memory_close(scene.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_accesses_end_the_process_as_ever),
        cmocka_unit_test(test_last_words_are_said_once_it_ends),
        cmocka_unit_test(test_the_handler_before_ours_gets_what_is_not_ours),
        cmocka_unit_test(test_the_handler_is_there_as_long_as_there_is_an_mmu),
        cmocka_unit_test(test_enter_nests),
        cmocka_unit_test(test_errno_is_kept_by_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
