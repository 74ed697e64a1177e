/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page fault that evicts one dirty page and brings one in, beside the raw calls that one is
 * plainly made of, all in one run: the signal with the mapping of a frame, the mapping's end, a
 * page sealed and unsealed, a slot written and read. The least of several rounds each, because what
 * disturbs only adds.
 */
#include <fcntl.h>
#include <gcrypt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "coffer/linux_memory.h"
#include "must.h"
#include "report.h"
#include "samples.h"

#define PAGE       ((size_t)COFFER_PAGE_SIZE)
#define FRAMES     1024u
#define SPACE_PAGE 8192u /* pages of the space: eight times the frames */
#define GOAL_NS    8000
#define LIMIT_NS   10000

static void check(bool good)
{
    must_system(good, "the bench of page faults");
}

static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* --- Ours --- */

struct touches {
    volatile uint8_t *start;
    unsigned count;
    uint64_t random;
};

static void touch(void *argument)
{
    struct touches *touches = argument;

    for (unsigned i = 0; i < touches->count; i++)
        touches->start[next_number(&touches->random) % SPACE_PAGE * PAGE] = (uint8_t)i;
}

static double ns_a_fault(struct coffer_memory *memory, struct coffer_space *space,
                         struct touches *touches)
{
    struct coffer_paging_statistics before;
    struct coffer_paging_statistics after;
    double start;
    double us;

    coffer_paging_statistics(memory, &before);
    start = cpu_us();
    check(coffer_space_enter(space, touch, touches) == COFFER_OK);
    us = cpu_us() - start;
    coffer_paging_statistics(memory, &after);
    check(after.page_ins > before.page_ins);
    return us * 1000 / (double)(after.page_ins - before.page_ins);
}

static double fault_ns(unsigned touch_count)
{
    const struct coffer_linux_memory_options options = {.memory = FRAMES * PAGE,
                                                        .swap_pages = SPACE_PAGE + FRAMES};
    const struct coffer_space_settings settings = {.size = SPACE_PAGE * PAGE};
    const struct coffer_map map = {.size = SPACE_PAGE * PAGE, .rights = COFFER_READ | COFFER_WRITE};
    struct touches touches = {.random = 88172645463325252u};
    struct coffer_memory *memory;
    struct coffer_space *space;
    uintptr_t address;
    double ns;

    check(coffer_linux_memory_open(&options, &memory) == COFFER_OK);
    check(coffer_space_open(memory, &settings, &space) == COFFER_OK);
    check(coffer_space_map(space, &map, &address) == COFFER_OK);
    touches.start = (volatile uint8_t *)address;
    /* Until each page has been out. */
    touches.count = 4 * SPACE_PAGE;
    check(coffer_space_enter(space, touch, &touches) == COFFER_OK);
    touches.count = touch_count;
    ns = ns_a_fault(memory, space, &touches);
    coffer_memory_close(memory);
    return ns;
}

/* --- The raw calls --- */

static struct {
    int file;
    unsigned frame;
} raw;

static void map_frame(int signal, siginfo_t *info, void *context)
{
    uintptr_t address = (uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1);

    (void)signal;
    (void)context;
    check(mmap((void *)address, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
               raw.file, (off_t)(raw.frame * PAGE)) != MAP_FAILED);
}

struct parts {
    double signal, unmap, seal, io;
};

/* Frames in turn, pages at random: as in a pager that does nothing else. */
static void measure_mappings(unsigned count, struct parts *parts)
{
    struct sigaction action = {.sa_sigaction = map_frame, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction saved;
    static volatile uint8_t *place[FRAMES];
    uint64_t random = 88172645463325252u;
    uint8_t *space = mmap(NULL, SPACE_PAGE * PAGE, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    double in = 0;
    double out = 0;

    memset(place, 0, sizeof(place));
    raw.file = memfd_create("bench", MFD_CLOEXEC);
    check(space != MAP_FAILED && raw.file >= 0 && ftruncate(raw.file, FRAMES * PAGE) == 0);
    check(posix_fallocate(raw.file, 0, FRAMES * PAGE) == 0);
    check(sigaction(SIGSEGV, &action, &saved) == 0);
    for (unsigned i = 0; i < FRAMES + count; i++) {
        volatile uint8_t *page;
        unsigned looked = 0;
        bool taken;
        double start;

        raw.frame = i % FRAMES;
        if (place[raw.frame] != NULL) {
            start = cpu_us();
            check(mmap((void *)(uintptr_t)place[raw.frame], PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                       0) != MAP_FAILED);
            out += cpu_us() - start;
            place[raw.frame] = NULL;
        }
        do {
            page = space + next_number(&random) % SPACE_PAGE * PAGE;
            taken = false;
            for (looked = 0; looked < FRAMES && !taken; looked++)
                taken = place[looked] == page;
        } while (taken);
        start = cpu_us();
        *page = (uint8_t)i;
        if (i >= FRAMES)
            in += cpu_us() - start;
        place[raw.frame] = page;
    }
    check(sigaction(SIGSEGV, &saved, NULL) == 0);
    check(munmap(space, SPACE_PAGE * PAGE) == 0 && close(raw.file) == 0);
    parts->signal = fmin(parts->signal, in * 1000 / count);
    parts->unmap = fmin(parts->unmap, out * 1000 / count);
}

static void measure_cipher(unsigned count, struct parts *parts)
{
    static uint8_t page[COFFER_PAGE_SIZE];
    uint8_t iv[16] = {0};
    uint8_t tag[16];
    gcry_cipher_hd_t handle;
    double start;

    check(gcry_cipher_open(&handle, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0) == 0);
    check(gcry_cipher_setkey(handle, iv, sizeof(iv)) == 0);
    start = cpu_us();
    for (unsigned i = 0; i < count; i++) {
        memcpy(iv, &i, sizeof(i));
        check(gcry_cipher_setiv(handle, iv, sizeof(iv)) == 0 &&
              gcry_cipher_encrypt(handle, page, PAGE, NULL, 0) == 0 &&
              gcry_cipher_gettag(handle, tag, sizeof(tag)) == 0);
        check(gcry_cipher_setiv(handle, iv, sizeof(iv)) == 0 &&
              gcry_cipher_decrypt(handle, page, PAGE, NULL, 0) == 0 &&
              gcry_cipher_checktag(handle, tag, sizeof(tag)) == 0);
    }
    parts->seal = fmin(parts->seal, (cpu_us() - start) * 1000 / count);
    gcry_cipher_close(handle);
}

static void measure_io(unsigned count, struct parts *parts)
{
    static uint8_t page[COFFER_PAGE_SIZE];
    const char *folder = getenv("TMPDIR");
    int file = open(folder != NULL ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    uint64_t random = 88172645463325252u;
    double start;

    check(file >= 0);
    for (unsigned i = 0; i < SPACE_PAGE; i++)
        check(pwrite(file, page, PAGE, (off_t)(i * PAGE)) == (ssize_t)PAGE);
    start = cpu_us();
    for (unsigned i = 0; i < count; i++) {
        uint64_t out = next_number(&random) % SPACE_PAGE;
        uint64_t in = next_number(&random) % SPACE_PAGE;

        check(pwrite(file, page, PAGE, (off_t)(out * PAGE)) == (ssize_t)PAGE);
        check(pread(file, page, PAGE, (off_t)(in * PAGE)) == (ssize_t)PAGE);
    }
    parts->io = fmin(parts->io, (cpu_us() - start) * 1000 / count);
    check(close(file) == 0);
}

void run_paging(struct bench *bench)
{
    static const struct target_range range = {.goal = GOAL_NS, .limit = LIMIT_NS};
    unsigned rounds = bench_repetitions(bench, 7, 1);
    unsigned count = bench_repetitions(bench, 20000, 2000);
    struct parts parts = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL};
    double ns = HUGE_VAL;
    double sum;

    printf("\nA page fault: one dirty page out, one in\n\n");
    for (unsigned i = 0; i < rounds; i++) {
        ns = fmin(ns, fault_ns(count));
        measure_mappings(count, &parts);
        measure_cipher(count, &parts);
        measure_io(count, &parts);
    }
    sum = parts.signal + parts.unmap + parts.seal + parts.io;
    report_figure(bench->report, "paging.raw.signal_and_mmap.ns", round(parts.signal), "ns");
    report_figure(bench->report, "paging.raw.mmap_out.ns", round(parts.unmap), "ns");
    report_figure(bench->report, "paging.raw.seal_and_unseal.ns", round(parts.seal), "ns");
    report_figure(bench->report, "paging.raw.pwrite_and_pread.ns", round(parts.io), "ns");
    report_add(bench->report, "paging.fault.ns", round(ns), "ns", "the raw calls together",
               round(sum));
    printf("%-34s %9.0f ns, %.2f times the raw calls together\n", "paging.fault.ns", ns, ns / sum);
    report_target_range(bench->report, TARGET_TIME, "paging.fault.ns", ns, &range);
}
