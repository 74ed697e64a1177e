/* SPDX-License-Identifier: BSD-2-Clause */
/* The handler of the signals, and what runs under it. */
#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/assert.h"
#include "coffer/linux_memory.h"

/* Storage that is there without a call that could allocate it, for a signal handler. */
#define OF_THREAD _Thread_local __attribute__((tls_model("initial-exec")))

struct entered {
    sigjmp_buf jump;
    const struct range_owner *owner;
    struct entered *outer;
    volatile enum coffer_status status; /* changes between sigsetjmp and siglongjmp */
};

static OF_THREAD struct entered *innermost;
static OF_THREAD void (*last_words)(int signal, const uintptr_t *address);

static const int signals[] = {SIGSEGV, SIGBUS};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

/* What was there before; set before ours is there, and as long as ours may be called. */
static struct sigaction before_ours[SIGNAL_COUNT];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of these */
static unsigned holds;
static bool installed;

/* --- What kind of access it was --------------------------------------------------------------- */

#if defined(__x86_64__)

#define MACHINE_TELLS true
#define PAGE_FAULT    14 /* the exception's number */
#define ERROR_WRITE   0x02
#define ERROR_FETCH   0x10

/* The error code that the processor pushes, see the Intel manual, volume 3, "Page-fault
 * exception". 0: not a page fault. */
static unsigned access_of(const ucontext_t *context)
{
    greg_t error = context->uc_mcontext.gregs[REG_ERR];

    if (context->uc_mcontext.gregs[REG_TRAPNO] != PAGE_FAULT)
        return 0;
    if ((error & ERROR_FETCH) != 0)
        return COFFER_EXECUTE;
    return (error & ERROR_WRITE) != 0 ? COFFER_WRITE : COFFER_READ;
}

#elif defined(__aarch64__)

#define MACHINE_TELLS  true
#define ESR_MAGIC      0x45535201u
#define ESR_CLASS(esr) ((unsigned)((esr) >> 26) & 0x3f)
#define CLASS_FETCH    0x20u /* instruction abort from EL0 */
#define CLASS_DATA     0x24u /* data abort from EL0 */
#define ESR_WRITE      0x40u

/* The syndrome register, which the kernel puts among the records behind the general registers. */
static unsigned access_of(const ucontext_t *context)
{
    const uint8_t *at = context->uc_mcontext.__reserved;
    const uint8_t *end = at + sizeof(context->uc_mcontext.__reserved);

    while ((size_t)(end - at) >= 2 * sizeof(uint32_t)) {
        uint32_t head[2]; /* magic, size */
        uint64_t esr;

        memcpy(head, at, sizeof(head));
        if (head[0] == 0 || head[1] < sizeof(head) || head[1] > (size_t)(end - at))
            return 0;
        if (head[0] == ESR_MAGIC) {
            memcpy(&esr, at + sizeof(head), sizeof(esr));
            if (ESR_CLASS(esr) == CLASS_FETCH)
                return COFFER_EXECUTE;
            if (ESR_CLASS(esr) != CLASS_DATA)
                return 0;
            return (esr & ESR_WRITE) != 0 ? COFFER_WRITE : COFFER_READ;
        }
        at += head[1];
    }
    return 0;
}

#else

#define MACHINE_TELLS false

static unsigned access_of(const ucontext_t *context)
{
    (void)context;
    return 0;
}

#endif

/* --- What isn't ours -------------------------------------------------------------------------- */

static void call_handler(const struct sigaction *action, int signal, siginfo_t *info, void *context)
{
    sigset_t blocked = action->sa_mask;
    sigset_t saved;

    if ((action->sa_flags & SA_NODEFER) == 0)
        (void)sigaddset(&blocked, signal);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &saved);
    if ((action->sa_flags & SA_SIGINFO) != 0)
        action->sa_sigaction(signal, info, context);
    else
        action->sa_handler(signal);
    (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

void coffer_linux_mmu_last_words(void (*say)(int signal, const uintptr_t *address))
{
    last_words = say;
}

/* Once: what faults itself isn't called again. */
static void say_last_words(int signal, const siginfo_t *info)
{
    void (*say)(int signal, const uintptr_t *address) = last_words;
    uintptr_t address = (uintptr_t)info->si_addr;

    last_words = NULL;
    if (say != NULL)
        say(signal, info->si_code == SI_KERNEL ? NULL : &address);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *action = &before_ours[signal == SIGSEGV ? 0 : 1];
    bool by_access = info->si_code > 0; /* and not by kill */
    struct sigaction standard = {.sa_handler = SIG_DFL};

    if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN) {
        call_handler(action, signal, info, context);
        return;
    }
    if (action->sa_handler == SIG_IGN && !by_access)
        return;
    if (by_access)
        say_last_words(signal, info);
    /* The access, or the signal, once more; and that is the end. */
    (void)sigaction(signal, &standard, NULL);
    if (!by_access)
        (void)syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), signal, info);
}

/* --- What is ---------------------------------------------------------------------------------- */

/* Leave the innermost body that entered the owner's range; returns if there is none. Signals are
 * blocked then as they were at the access: ours blocks none, but a handler before ours may have. */
static void leave(const struct range_owner *owner, enum coffer_status status,
                  const ucontext_t *context)
{
    for (struct entered *entered = innermost; entered != NULL; entered = entered->outer) {
        if (entered->owner == owner) {
            entered->status = status;
            (void)pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
            siglongjmp(entered->jump, 1);
        }
    }
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    struct range_owner *owner = NULL;
    uintptr_t address = 0;
    unsigned access = 0;

    if (info->si_code > 0) {
        address = (uintptr_t)info->si_addr;
        access = access_of(context);
        if (access != 0)
            owner = ranges_find(address);
    }
    if (owner != NULL) {
        enum coffer_status status = COFFER_IO;
        int cancel;

        /* SIGBUS: the mapping is right, and the memory behind it can't be had. An answer is no
         * place to be cancelled in: an access is none. */
        (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        if (signal != SIGBUS)
            status = owner->answer(owner, address, access);
        (void)pthread_setcancelstate(cancel, NULL);
        errno = saved;
        if (status == COFFER_OK)
            return;
        leave(owner, status, context);
    }
    pass_on(signal, info, context);
    errno = saved;
}

enum coffer_status faults_enter(struct range_owner *owner, void (*body)(void *argument),
                                void *argument)
{
    struct entered entered;

    entered.owner = owner;
    entered.outer = innermost;
    entered.status = COFFER_OK;
    /* Without the mask of signals, which would take a call of the kernel. */
    if (sigsetjmp(entered.jump, 0) == 0) {
        innermost = &entered;
        body(argument);
    }
    innermost = entered.outer;
    return entered.status;
}

/* --- Coming and going ------------------------------------------------------------------------- */

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_signal;
}

static void install(void)
{
    struct sigaction ours = {.sa_sigaction = on_signal,
                             .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};

    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        int error = sigaction(signals[i], NULL, &before_ours[i]);

        if (error == 0)
            error = sigaction(signals[i], &ours, NULL);
        assert_cheap(error == 0);
    }
    installed = true;
}

/* Where somebody has put a handler over ours it may call ours for ever after: so both stay. */
static void uninstall(void)
{
    struct sigaction now[SIGNAL_COUNT];

    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (sigaction(signals[i], NULL, &now[i]) != 0 || !is_ours(&now[i]))
            return;
    }
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        int error = sigaction(signals[i], &before_ours[i], NULL);

        assert_cheap(error == 0);
        (void)error;
    }
    installed = false;
}

enum coffer_status faults_hold(void)
{
    if (!MACHINE_TELLS)
        return COFFER_UNSUPPORTED;
    (void)pthread_mutex_lock(&lock);
    if (holds++ == 0 && !installed)
        install();
    (void)pthread_mutex_unlock(&lock);
    return COFFER_OK;
}

void faults_release(void)
{
    (void)pthread_mutex_lock(&lock);
    assert_cheap(holds > 0);
    if (--holds == 0)
        uninstall();
    (void)pthread_mutex_unlock(&lock);
}
