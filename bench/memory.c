/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory system's figures: each workload in a child with one allocator at a time, ours and
 * those that people use instead. What the figures mean and where the goals come from is in
 * README.md.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "children.h"
#include "must.h"
#include "report.h"

#define ALLOCATORS 5u /* ours and the peers */
#define OURS       0u
#define NOTHING    ((double)NAN) /* no figure */

static const struct {
    const char *name;
    const char *preload;
} allocators[ALLOCATORS] = {
    {"coffer", NULL},
    {"glibc", NULL},
    {"jemalloc", "libjemalloc.so.2"},
    {"mimalloc", "libmimalloc.so.2"},
    {"tcmalloc", "libtcmalloc_minimal.so.4"},
};

/* Figures of one name; NOTHING where there is none. */
struct values {
    double of[ALLOCATORS];
};

struct memory_bench {
    struct bench *bench;
    bool there[ALLOCATORS];
    bool judged;       /* limits hold for this build */
    bool can_count;    /* valgrind is there, and the build is none that it can't run */
    double loop_price; /* instructions of the empty loop, a pair */
};

/* A workload, of all allocators or of ours alone. */
struct job {
    const char *program; /* ours */
    const char *workload;
    const char *sizes;
    const char *options;
    bool compared;
};

/* A name for what comes out, and what it should be; 0: nothing is wanted. */
struct wish {
    const char *name;
    const char *unit;
    double goal, limit;
    bool at_least; /* otherwise at most */
};

/* A build with sanitizers, without optimisation or with the deep checks has figures of its own. */
#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if defined(__OPTIMIZE__) && COFFER_ASSERT_LEVEL < 2
#define JUDGED (!SANITIZED)
#else
#define JUDGED false
#endif

/* --- Children --- */

static struct child child_of(const struct job *job, unsigned allocator, const char *pairs)
{
    bool ours = allocator == OURS;

    return (struct child){
        .folder = "memory",
        .program = ours ? job->program : "bench-malloc",
        .preload = allocators[allocator].preload,
        .words = {job->workload, job->sizes, pairs, ours ? job->options : ""},
    };
}

static bool takes_part(const struct memory_bench *memory, const struct job *job, unsigned i)
{
    return i == OURS || (job->compared && memory->there[i]);
}

/* A library that can't be preloaded is passed over by the loader, so malloc has to be asked. */
static void find_peers(struct memory_bench *memory)
{
    static const struct job job = {.workload = "served", .sizes = "64"};

    memory->there[OURS] = true;
    for (unsigned i = OURS + 1; i < ALLOCATORS; i++) {
        struct child child = child_of(&job, i, "0");
        const char *wanted = allocators[i].preload != NULL ? allocators[i].preload : "libc.so";
        size_t size;
        char *bytes = child_output(&child, &size);

        memory->there[i] = strstr(bytes, wanted) != NULL;
        if (!memory->there[i])
            printf("%s is absent (%s can't be loaded).\n", allocators[i].name, wanted);
        free(bytes);
    }
}

static double count_pairs(const struct child *child, unsigned few, unsigned more)
{
    struct child counted = *child;
    char few_text[16], more_text[16];
    double least;

    (void)snprintf(few_text, sizeof(few_text), "%u", few);
    (void)snprintf(more_text, sizeof(more_text), "%u", more);
    counted.counted = true;
    counted.words[2] = few_text;
    least = child_instructions(&counted);
    counted.words[2] = more_text;
    return (child_instructions(&counted) - least) / (more - few);
}

/* Two lengths, so that all that happens once falls out. */
static double instructions(const struct memory_bench *memory, const struct child *child)
{
    bool quick = memory->bench->quick;

    return count_pairs(child, quick ? 20000 : 50000, quick ? 80000 : 200000);
}

/* --- What comes out --- */

static void print_head(const struct memory_bench *memory)
{
    printf("\n%-34s", "");
    for (unsigned i = 0; i < ALLOCATORS; i++)
        if (memory->there[i])
            printf(" %9s", allocators[i].name);
    printf("  %9s %9s\n", "goal", "limit");
}

static void print_number(double value)
{
    if (isnan(value))
        printf(" %9s", "-");
    else if (value < 2)
        printf(" %9.3f", value);
    else if (value < 100)
        printf(" %9.1f", value);
    else
        printf(" %9.0f", value);
}

/* The best of the peers; ALLOCATORS: there is none. */
static unsigned best_peer(const struct values *values)
{
    unsigned best = ALLOCATORS;

    for (unsigned i = OURS + 1; i < ALLOCATORS; i++)
        if (!isnan(values->of[i]) && (best == ALLOCATORS || values->of[i] < values->of[best]))
            best = i;
    return best;
}

static void tell(const struct memory_bench *memory, const struct wish *wish,
                 const struct values *values)
{
    struct report *report = memory->bench->report;
    unsigned best = best_peer(values);

    printf("%-34s", wish->name);
    for (unsigned i = 0; i < ALLOCATORS; i++)
        if (memory->there[i])
            print_number(values->of[i]);
    printf(" ");
    print_number(wish->goal > 0 ? wish->goal : NOTHING);
    print_number(wish->limit > 0 ? wish->limit : NOTHING);
    printf("\n");
    (void)fflush(stdout);
    report_add(report, wish->name, values->of[OURS], wish->unit,
               best < ALLOCATORS ? allocators[best].name : NULL,
               best < ALLOCATORS ? values->of[best] : 0);
    for (unsigned i = OURS + 1; i < ALLOCATORS; i++) {
        char name[96];

        if (isnan(values->of[i]))
            continue;
        (void)snprintf(name, sizeof(name), "%s@%s", wish->name, allocators[i].name);
        report_add(report, name, values->of[i], wish->unit, NULL, 0);
    }
}

static void judge(const struct memory_bench *memory, enum target_kind kind, const struct wish *wish,
                  double value)
{
    struct target_range range = {
        .goal = wish->goal, .limit = wish->limit, .at_least = wish->at_least};

    if (wish->goal > 0 || wish->limit > 0)
        report_target_range(memory->bench->report,
                            kind == TARGET_COUNT && !memory->judged ? TARGET_TOLD : kind,
                            wish->name, value, &range);
}

static struct values no_values(void)
{
    struct values values;

    for (unsigned i = 0; i < ALLOCATORS; i++)
        values.of[i] = NOTHING;
    return values;
}

/* --- Workloads --- */

static void run_count(const struct memory_bench *memory, const struct job *job,
                      const struct wish *wish)
{
    struct values values = no_values();

    if (!memory->can_count)
        return;
    for (unsigned i = 0; i < ALLOCATORS; i++) {
        struct child child = child_of(job, i, "");

        if (takes_part(memory, job, i))
            values.of[i] = instructions(memory, &child) - memory->loop_price;
    }
    tell(memory, wish, &values);
    judge(memory, TARGET_COUNT, wish, values.of[OURS]);
}

/* One number of a child, the lowest of `rounds`, everybody in turn. */
static struct values lowest(const struct memory_bench *memory, const struct job *job,
                            const char *pairs, const char *name, unsigned rounds)
{
    struct values values = no_values();

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < ALLOCATORS; i++) {
            struct child child = child_of(job, i, pairs);

            if (takes_part(memory, job, i))
                values.of[i] = fmin(values.of[i], child_number(&child, name));
        }
    }
    return values;
}

/* `peer`: whose time the wish is a multiple of; ALLOCATORS: the best one's. */
static void run_time(const struct memory_bench *memory, const struct job *job,
                     const struct wish *wish, unsigned peer)
{
    struct values values = lowest(memory, job, "2000000", "ns", 3);
    struct wish plain = {.name = wish->name, .unit = wish->unit};
    struct wish relative = *wish;
    char name[96];

    tell(memory, &plain, &values);
    if (peer == ALLOCATORS)
        peer = best_peer(&values);
    if (peer == ALLOCATORS || isnan(values.of[peer]))
        return;
    (void)snprintf(name, sizeof(name), "%s, times %s", wish->name, allocators[peer].name);
    relative.name = name;
    judge(memory, TARGET_TIME, &relative, values.of[OURS] / values.of[peer]);
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

#define WORST_ROUNDS 7u
#define WORST_PAIRS  "200000"

/* Every call's cycles: the operations are the same in each round, so the quickest round of a call
 * is the call itself, and what is slow in every round is the allocator. Frees are even, allocs odd.
 */
static uint32_t *quietest(const struct child *child, size_t *count)
{
    uint32_t *calls = NULL;

    for (unsigned round = 0; round < WORST_ROUNDS; round++) {
        size_t size;
        uint32_t *cycles = (uint32_t *)(void *)child_output(child, &size);

        if (calls == NULL) {
            calls = cycles;
            *count = size / sizeof(uint32_t);
            continue;
        }
        for (size_t i = 0; i < *count; i++)
            if (cycles[i] < calls[i])
                calls[i] = cycles[i];
        free(cycles);
    }
    return calls;
}

static void run_worst(const struct memory_bench *memory, const struct job *job, double alloc_goal,
                      double free_goal)
{
    static const char *const measures[] = {"alloc.worst", "alloc.p9999", "free.worst",
                                           "free.p9999"};
    struct values values[4];

    for (unsigned k = 0; k < 4; k++)
        values[k] = no_values();
    for (unsigned i = 0; i < ALLOCATORS; i++) {
        struct child child = child_of(job, i, WORST_PAIRS);
        size_t count, pairs, rare;
        uint32_t *calls;

        if (!takes_part(memory, job, i))
            continue;
        calls = quietest(&child, &count);
        pairs = count / 2;
        rare = pairs / 10000;
        for (unsigned which = 0; which < 2; which++) { /* 0: free, 1: alloc */
            uint32_t *sorted = must_make(pairs, sizeof(uint32_t));

            for (size_t j = 0; j < pairs; j++)
                sorted[j] = calls[2 * j + which];
            qsort(sorted, pairs, sizeof(uint32_t), compare);
            values[which == 0 ? 2 : 0].of[i] = sorted[pairs - 1];
            values[which == 0 ? 3 : 1].of[i] = sorted[pairs - 1 - rare];
            free(sorted);
        }
        free(calls);
    }
    for (unsigned k = 0; k < 4; k++) {
        char name[96];
        struct wish wish = {.name = name,
                            .unit = "cycles",
                            .goal = k == 0   ? alloc_goal
                                    : k == 2 ? free_goal
                                             : 0};

        (void)snprintf(name, sizeof(name), "heap.%s.%s.cycles", job->sizes, measures[k]);
        tell(memory, &wish, &values[k]);
        judge(memory, TARGET_TIME, &wish, values[k].of[OURS]);
    }
}

/* --- The parts of the table --- */

static void run_counts(const struct memory_bench *memory)
{
    static const struct {
        struct job job;
        struct wish wish;
    } rows[] = {
        {{"bench-pool", "count", "16-1024", "", true},
         {"heap.16-1024.ir", "instructions", 60, 80, false}},
        {{"bench-pool", "count", "16-64K", "", true},
         {"heap.16-64K.ir", "instructions", 110, 160, false}},
        {{"bench-pool", "count", "64", "", true}, {"heap.64.ir", "instructions", 40, 0, false}},
        {{"bench-frames", "count", "orders0-8", "unthreaded", false},
         {"buddy.0-8.ir", "instructions", 100, 110, false}},
        {{"bench-boxes", "count", "64", "unthreaded", false},
         {"box.ir", "instructions", 46, 46, false}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct job job = rows[i].job;

        job.compared = job.compared && !memory->bench->quick;
        run_count(memory, &job, &rows[i].wish);
    }
}

/* The price of each setting: ours alone, nothing is wanted of it. */
static void run_options(const struct memory_bench *memory)
{
    static const struct {
        struct job job;
        const char *name;
    } rows[] = {
        {{"bench-pool", "count", "16-1024", "unthreaded", false}, "heap.16-1024.unthreaded.ir"},
        {{"bench-pool", "count", "16-1024", "zero", false}, "heap.16-1024.zero.ir"},
        {{"bench-pool", "count", "16-1024", "poison", false}, "heap.16-1024.poison.ir"},
        {{"bench-pool", "count", "16-1024", "quarantine", false}, "heap.16-1024.quarantine.ir"},
        {{"bench-pool", "count", "16-1024", "random", false}, "heap.16-1024.random.ir"},
        {{"bench-pool", "count", "16-1024", "guards", false}, "heap.16-1024.guards.ir"},
        {{"bench-pool", "count", "16-64K", "unthreaded", false}, "heap.16-64K.unthreaded.ir"},
        {{"bench-pool", "count", "16-64K", "guards", false}, "heap.16-64K.guards.ir"},
        {{"bench-frames", "count", "orders0-8", "", false}, "buddy.0-8.threaded.ir"},
        {{"bench-frames", "count", "frame", "", false}, "buddy.0.threaded.ir"},
        {{"bench-frames", "count", "frame", "cached", false}, "buddy.0.cached.ir"},
        {{"bench-boxes", "count", "64", "", false}, "box.threaded.ir"},
        {{"bench-boxes", "count", "64", "unthreaded,full", false}, "box.full.ir"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wish wish = {.name = rows[i].name, .unit = "instructions"};

        run_count(memory, &rows[i].job, &wish);
    }
}

static void run_times(const struct memory_bench *memory)
{
    /* Goals and limits are multiples of a peer's time. */
    static const struct {
        struct job job;
        struct wish wish;
        unsigned peer;
    } rows[] = {
        {{"bench-pool", "time", "16-1024", "", true},
         {"heap.16-1024.ns", "ns", 1.22, 0, false},
         ALLOCATORS},
        {{"bench-pool", "time", "16-64K", "", true},
         {"heap.16-64K.ns", "ns", 1.37, 0, false},
         ALLOCATORS},
        {{"bench-pool", "time", "64", "", true}, {"heap.64.ns", "ns", 0.72, 0, false}, ALLOCATORS},
        {{"bench-pool", "threads", "16-1024", "", true},
         {"heap.threads2.ns", "ns", 1.15, 1.5, false},
         3},
        {{"bench-pool", "handover", "16-1024", "", true},
         {"heap.handover.ns", "ns", 0, 0, false},
         ALLOCATORS},
        {{"bench-frames", "time", "orders0-8", "unthreaded", false},
         {"buddy.0-8.ns", "ns", 0, 0, false},
         ALLOCATORS},
        {{"bench-frames", "time", "orders0-8", "unthreaded,wiped", false},
         {"buddy.0-8.wiped.ns", "ns", 0, 0, false},
         ALLOCATORS},
        {{"bench-frames", "threads", "frame", "cached", false},
         {"buddy.0.cached.threads2.ns", "ns", 0, 0, false},
         ALLOCATORS},
        {{"bench-boxes", "time", "64", "unthreaded", false},
         {"box.ns", "ns", 0, 0, false},
         ALLOCATORS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_time(memory, &rows[i].job, &rows[i].wish, rows[i].peer);
    run_worst(memory, &(struct job){"bench-pool", "worst", "16-1024", "", true}, 500, 450);
    run_worst(memory, &(struct job){"bench-pool", "worst", "16-64K", "", true}, 500, 450);
}

static void run_region(const struct memory_bench *memory)
{
    static const struct {
        const char *sizes;
        const char *number;
        struct wish wish;
    } rows[] = {
        {"16-1024", "fill", {"heap.fill", "share", .955, .94, true}},
        {"16-1024", "steady", {"heap.steady", "share", .93, .90, true}},
        {"16-64K", "fill", {"heap.16-64K.fill", "share", 0, 0, true}},
        {"16-64K", "steady", {"heap.16-64K.steady", "share", 0, 0, true}},
    };
    static const struct wish adversarial = {"heap.adversarial.cycles", "cycles", 100, 300, false};
    struct job job = {"bench-pool", "fill", NULL, "", false};
    const bool quick = memory->bench->quick;
    struct values values;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_fill = strcmp(rows[i].number, "fill") == 0;

        if (quick && rows[i].wish.limit == 0)
            continue;
        job.sizes = rows[i].sizes;
        values = lowest(memory, &job, is_fill ? "1" : "400000", rows[i].number, 1);
        tell(memory, &rows[i].wish, &values);
        judge(memory, TARGET_COUNT, &rows[i].wish, values.of[OURS]);
    }
    job = (struct job){"bench-pool", "adversarial", "64", "", !memory->bench->quick};
    values = lowest(memory, &job, "0", "cycles", 1);
    tell(memory, &adversarial, &values);
    judge(memory, TARGET_TIME, &adversarial, values.of[OURS]);
}

void run_memory(struct bench *bench)
{
    struct memory_bench memory = {.bench = bench, .judged = JUDGED};
    static const struct child loop = {
        .folder = "memory", .program = "bench-none", .words = {"count", "16-1024", "", ""}};

    printf("\nMemory: ours and malloc of others, each in a process of its own with the same "
           "operations. A figure is of\na pair, one free and one alloc; instructions (ir) without "
           "those of the loop.\n");
    if (!memory.judged)
        printf("This build isn't one that is shipped: its counts are told, not judged.\n");
    memory.can_count = !SANITIZED && child_can_count();
    if (!memory.can_count)
        printf("Instructions aren't counted: %s.\n",
               SANITIZED ? "not with sanitizers" : "there is no valgrind");
    if (!bench->quick)
        find_peers(&memory);
    memory.there[OURS] = true;
    print_head(&memory);
    if (memory.can_count)
        memory.loop_price = instructions(&memory, &loop);
    run_counts(&memory);
    run_region(&memory);
    if (bench->quick)
        return;
    run_options(&memory);
    run_times(&memory);
}
