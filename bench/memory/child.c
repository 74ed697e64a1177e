/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/child.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/allocator.h"
#include "memory/operations.h"

void child_fail(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(EXIT_FAILURE);
}

void *child_map(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (block == MAP_FAILED)
        child_fail("no memory from the kernel");
    return block;
}

void child_unmap(void *block, size_t size)
{
    if (munmap(block, size) != 0)
        child_fail("the kernel takes no memory back");
}

void child_tell(const char *name, double value)
{
    printf("%s %.10g\n", name, value);
}

uint64_t child_cycles_price(void)
{
    uint64_t price = UINT64_MAX;

    for (int i = 0; i < 1000; i++) {
        uint64_t before = child_cycles();
        uint64_t passed = child_cycles() - before;

        if (passed < price)
            price = passed;
    }
    return price;
}

/* Which file malloc came from: a library that can't be preloaded is passed over in silence. */
static void work_served(const struct request *request)
{
    Dl_info info;

    (void)request;
    if (dladdr((void *)(uintptr_t)malloc, &info) == 0 || info.dli_fname == NULL)
        child_fail("nobody knows where malloc comes from");
    printf("%s\n", info.dli_fname);
}

static const struct workload {
    const char *name;
    void (*run)(const struct request *request);
} workloads[] = {
    {"served", work_served},   {"count", work_count},       {"time", work_time},
    {"worst", work_worst},     {"fill", work_fill},         {"adversarial", work_adversarial},
    {"threads", work_threads}, {"handover", work_handover},
};

int main(int count, char **words)
{
    struct request request = {.sizes = sizes_find(count > 2 ? words[2] : ""),
                              .pairs = count > 3 ? (uint32_t)strtoul(words[3], NULL, 10) : 0,
                              .options = count > 4 ? words[4] : ""};

    if (request.sizes == NULL)
        child_fail("usage: WORKLOAD SIZES PAIRS [OPTION,OPTION...]");
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        if (strcmp(workloads[i].name, words[1]) == 0) {
            workloads[i].run(&request);
            return EXIT_SUCCESS;
        }
    }
    child_fail("no such workload");
}
