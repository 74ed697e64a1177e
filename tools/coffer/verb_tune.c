/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer tune: the calls of a trace, replayed against memories of several sizes, and with each
 * policy of the caches. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "coffer/trace.h"
#include "files.h"
#include "output.h"
#include "report.h"
#include "sizes.h"
#include "trace_file.h"
#include "verbs.h"

enum {
    OPTION_SIZES = 0x200,
    OPTION_COSTS,
    OPTION_WITHIN,
};

#define SIZES_MAX      32u
#define SIZE_FROM      ((uint64_t)256 << 10)
#define SIZE_TO        ((uint64_t)64 << 20)
#define WITHIN_DEFAULT 5u                   /* percent */
#define PIPE_SIZE      ((uint64_t)64 << 20) /* of a trace of which nobody knows how long it is */
#define AREA_MAX       ((uint64_t)32 << 30) /* for objects: 90 million */

static const struct argp_option switches[] = {
    {"sizes", OPTION_SIZES, "LIST", 0,
     "Sizes of secure memory to try, as 256K,1M,8M. Default: 256K to 64M, each twice the one "
     "before",
     0},
    {"costs", OPTION_COSTS, "LIST", 0,
     "What things take, in nanoseconds: call=N,device=N,kib=N,barrier=N,block=N,hash=N", 0},
    {"within", OPTION_WITHIN, "PERCENT", 0,
     "Propose the least size that takes so much longer than the best one at most. Default: 5", 0},
    {0},
};

/* All policies; of those that are as good the first is proposed. */
static const struct {
    const char *name; /* in JSON */
    const char *text;
} policies[] = {
    [COFFER_POLICY_LRU] = {"lru", "LRU"},
    [COFFER_POLICY_CLOCK] = {"clock", "CLOCK"},
    [COFFER_POLICY_ROUND_ROBIN] = {"round_robin", "round robin"},
};

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* One of them in one size, and what came out. */
struct trial {
    struct coffer_replay *replay; /* NULL: no store works in so little */
    struct coffer_area area;      /* that the replay works in */
    struct coffer_replay_result result;
    uint64_t ns;
};

struct point {
    uint64_t memory;
    struct trial trials[POLICIES]; /* by policy */
};

struct choice {
    const struct point *point;
    unsigned policy;
};

struct tuning {
    struct point points[SIZES_MAX];
    unsigned count;
    unsigned within;
    struct coffer_replay_costs costs;
    struct trace_file trace;
};

/* --- Options --- */

static bool add_size(struct tuning *tuning, uint64_t memory)
{
    if (tuning->count == SIZES_MAX || memory == 0 || memory > COFFER_MEMORY_MAX)
        return false;
    if (tuning->count > 0 && memory <= tuning->points[tuning->count - 1].memory)
        return false;
    tuning->points[tuning->count++].memory = memory;
    return true;
}

static bool read_sizes(struct tuning *tuning, const char *list)
{
    char *copy = must_have(strdup(list));
    char *rest = copy;
    const char *word;
    bool good = true;

    tuning->count = 0;
    while (good && (word = strsep(&rest, ",")) != NULL) {
        uint64_t memory;

        good = size_parse(word, &memory) && add_size(tuning, memory);
    }
    free(copy);
    return good;
}

static bool read_costs(struct coffer_replay_costs *costs, const char *list)
{
    char call[] = "call", device[] = "device", kib[] = "kib", barrier[] = "barrier",
         block[] = "block", hash[] = "hash";
    char *const words[] = {call, device, kib, barrier, block, hash, NULL};
    uint64_t *const values[] = {&costs->call_ns,    &costs->device_ns, &costs->kib_ns,
                                &costs->barrier_ns, &costs->block_ns,  &costs->hash_ns};
    char *copy = must_have(strdup(list));
    char *rest = copy;
    bool good = *copy != '\0';

    while (good && *rest != '\0') {
        char *number = NULL;
        int word = getsubopt(&rest, words, &number);

        good = word >= 0 && number != NULL && size_parse(number, values[word]) &&
               *values[word] <= UINT32_MAX;
    }
    free(copy);
    return good;
}

static bool read_number(const char *text, unsigned most, unsigned *out)
{
    uint64_t number;

    if (!size_parse(text, &number) || number > most)
        return false;
    *out = (unsigned)number;
    return true;
}

static bool set(struct call *call, int key, const char *value)
{
    struct tuning *tuning = call->own;

    if (key == OPTION_SIZES && !read_sizes(tuning, value))
        fail_usage(call->options,
                   "tune --sizes %s: sizes below 64G, the smaller ones first, %u of them at most",
                   value, SIZES_MAX);
    else if (key == OPTION_COSTS && !read_costs(&tuning->costs, value))
        fail_usage(call->options,
                   "tune --costs %s: it is call=N,device=N,kib=N,barrier=N,block=N,hash=N or some "
                   "of them, in nanoseconds",
                   value);
    else if (key == OPTION_WITHIN && !read_number(value, 1000, &tuning->within))
        fail_usage(call->options, "tune --within %s: it is a number of percent, up to 1000", value);
    else
        return true;
    return false;
}

static const struct grammar grammar = {
    .verb = "tune",
    .arguments = "TRACE",
    .text =
        "Replay a trace (of --trace, or of the library) against several sizes of secure memory, "
        "show what each would have cost, and propose one, with the policy of the caches.\vThe "
        "caches are the library's own; times are estimated from counts and costs. TRACE may be - "
        "for standard input. What is proposed is the least size that takes 5 % longer than the "
        "best one at most, and LRU if that does.",
    .switches = switches,
    .set = set,
    .least = 1,
    .most = 1,
};

/* --- Replaying --- */

/* Addresses only, until it is used: as many objects as the trace can name, and all entries. */
static enum exit_status make_area(struct options *options, uint64_t memory, uint64_t trace_size,
                                  struct coffer_area *out)
{
    uint64_t size = ((uint64_t)4 << 20) + memory / 16;
    void *area;

    size += trace_size < AREA_MAX / 24 ? 24 * trace_size : AREA_MAX;
    size = (size + 4095) / 4096 * 4096;
    area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                0);
    if (area == MAP_FAILED)
        return fail_errno(options, errno, "tune: memory for the replay");
    *out = (struct coffer_area){area, size};
    return EXIT_DONE;
}

static enum exit_status open_point(struct options *options, struct point *point,
                                   uint64_t trace_size)
{
    for (unsigned i = 0; i < POLICIES; i++) {
        struct trial *trial = &point->trials[i];
        const struct coffer_replay_config config = {.areas = &trial->area,
                                                    .area_count = 1,
                                                    .memory = point->memory,
                                                    .cached_objects = options->cached_objects,
                                                    .cache_policy = (enum coffer_policy)i};
        enum exit_status result = make_area(options, point->memory, trace_size, &trial->area);
        enum coffer_status status;

        if (result != EXIT_DONE)
            return result;
        status = coffer_replay_open(&config, &trial->replay);
        if (status != COFFER_OK && status != COFFER_NO_MEMORY)
            return fail_status(options, status, NULL, "tune: a memory of %" PRIu64 " bytes",
                               point->memory);
    }
    return EXIT_DONE;
}

/* Whether a store works in so much. */
static bool point_fits(const struct point *point)
{
    return point->trials[COFFER_POLICY_LRU].replay != NULL;
}

static enum exit_status open_points(struct options *options, struct tuning *tuning,
                                    uint64_t trace_size)
{
    for (unsigned i = 0; i < tuning->count; i++) {
        enum exit_status result = open_point(options, &tuning->points[i], trace_size);

        if (result != EXIT_DONE)
            return result;
    }
    if (!point_fits(&tuning->points[tuning->count - 1]))
        return fail_because(options, COFFER_NO_MEMORY,
                            "tune: no store works in so little memory; try larger --sizes");
    return EXIT_DONE;
}

static void close_points(struct tuning *tuning)
{
    for (unsigned i = 0; i < tuning->count * POLICIES; i++) {
        const struct coffer_area *area = &tuning->points[i / POLICIES].trials[i % POLICIES].area;

        if (area->address != NULL)
            (void)munmap(area->address, area->size);
    }
}

static enum exit_status replay_one(struct options *options, struct tuning *tuning, const char *path,
                                   const struct coffer_trace_record *record)
{
    for (unsigned i = 0; i < tuning->count * POLICIES && !interrupted(); i++) {
        struct coffer_replay *replay = tuning->points[i / POLICIES].trials[i % POLICIES].replay;
        enum coffer_status status = COFFER_OK;

        if (replay != NULL)
            status = coffer_replay_record(replay, record);
        if (status != COFFER_OK)
            return fail_status(options, status, "it names too many objects; cut it into parts",
                               "tune %s: line %" PRIu64, path, tuning->trace.line);
    }
    return EXIT_DONE;
}

static enum exit_status replay_file(struct options *options, struct tuning *tuning,
                                    const char *path)
{
    struct trace_file *trace = &tuning->trace;
    enum exit_status result = EXIT_DONE;
    struct coffer_trace_record record;

    while (result == EXIT_DONE && trace_file_next(trace, &record))
        result = replay_one(options, tuning, path, &record);
    if (result != EXIT_DONE)
        return result;
    if (interrupted())
        return fail_interrupted(options, NULL, "tune %s", path);
    if (ferror(trace->file) != 0)
        return fail_errno(options, errno, "tune %s", path);
    if (trace->is_newer)
        return fail_because(options, COFFER_UNSUPPORTED,
                            "tune %s: line %" PRIu64 " begins a trace of another version", path,
                            trace->line);
    if (trace->runs == 0)
        return fail_because(options, COFFER_CORRUPT, "tune %s: %s", path,
                            trace->line == 0 ? "it is empty, no trace"
                                             : "no trace: none of its lines is a `start`");
    if (trace->passed_over > 0)
        note(options,
             "note: tune %s: %" PRIu64 " of %" PRIu64
             " lines passed over that are no records, the first is line %" PRIu64,
             path, trace->passed_over, trace->line, trace->first_bad);
    return EXIT_DONE;
}

/* --- What comes out --- */

static void estimate(struct tuning *tuning)
{
    for (unsigned i = 0; i < tuning->count * POLICIES; i++) {
        struct trial *trial = &tuning->points[i / POLICIES].trials[i % POLICIES];

        if (trial->replay == NULL)
            continue;
        coffer_replay_get(trial->replay, &trial->result);
        trial->ns = coffer_replay_ns(&trial->result, &tuning->costs);
    }
}

/* The smallest that a store works in. */
static const struct point *first_point(const struct tuning *tuning)
{
    const struct point *point = tuning->points;

    while (!point_fits(point))
        point++;
    return point;
}

static uint64_t least_ns(const struct tuning *tuning)
{
    uint64_t least = UINT64_MAX;

    for (const struct point *point = first_point(tuning); point < tuning->points + tuning->count;
         point++) {
        for (unsigned i = 0; i < POLICIES; i++)
            least = point->trials[i].ns < least ? point->trials[i].ns : least;
    }
    return least;
}

/* The least size, and in it the first policy, that takes `within` percent longer than the best at
 * most. */
static struct choice choose(const struct tuning *tuning)
{
    const uint64_t least = least_ns(tuning);
    const double more = (double)least * tuning->within / 100.0;
    struct choice choice = {first_point(tuning), 0};

    while ((double)(choice.point->trials[choice.policy].ns - least) > more) {
        choice.policy = (choice.policy + 1) % POLICIES;
        choice.point += choice.policy == 0;
    }
    return choice;
}

static double share_of(const struct coffer_replay_cache *cache)
{
    uint64_t asked = cache->hits + cache->misses;

    return asked == 0 ? 1 : (double)cache->hits / (double)asked;
}

static struct json_object *json_of_cache(const struct coffer_replay_cache *cache)
{
    struct json_object *value = json_object_new_object();

    json_object_object_add(value, "hits", json_of_u64(cache->hits));
    json_object_object_add(value, "misses", json_of_u64(cache->misses));
    return value;
}

static struct json_object *json_of_point(const struct point *point)
{
    const struct trial *lru = &point->trials[COFFER_POLICY_LRU];
    const struct coffer_replay_result *result = &lru->result;
    const struct json_number numbers[] = {
        {"device_reads", result->device_reads},
        {"device_writes", result->device_writes},
        {"device_barriers", result->device_barriers},
        {"read_bytes", result->device_read_bytes},
        {"written_bytes", result->device_written_bytes},
        {"ciphers", result->blocks},
        {"hashes", result->hashes},
        {"time_ns", lru->ns},
    };
    struct json_object *value = json_object_new_object();
    struct json_object *times;

    json_object_object_add(value, "memory", json_of_u64(point->memory));
    json_object_object_add(value, "fits", json_object_new_boolean(point_fits(point)));
    if (!point_fits(point))
        return value;
    json_object_object_add(value, "cache_frames", json_of_u64(result->cache_frames));
    json_object_object_add(value, "objects", json_of_cache(&result->object_cache));
    json_object_object_add(value, "nodes", json_of_cache(&result->node_cache));
    json_object_object_add(value, "blocks", json_of_cache(&result->block_cache));
    json_add_numbers(value, numbers);
    times = json_object_new_object();
    for (unsigned i = 0; i < POLICIES; i++)
        json_object_object_add(times, policies[i].name, json_of_u64(point->trials[i].ns));
    json_object_object_add(value, "policies_ns", times);
    return value;
}

static void print_json(const struct tuning *tuning)
{
    const struct coffer_replay_result *first = &first_point(tuning)->trials[0].result;
    const struct coffer_replay_costs *costs = &tuning->costs;
    const struct choice choice = choose(tuning);
    const struct json_number of_trace[] = {
        {"runs", tuning->trace.runs},
        {"calls", first->calls},
        {"objects", first->objects},
        {"lines", tuning->trace.line},
        {"passed_over", tuning->trace.passed_over},
    };
    const struct json_number of_costs[] = {
        {"call_ns", costs->call_ns},   {"device_ns", costs->device_ns},
        {"kib_ns", costs->kib_ns},     {"barrier_ns", costs->barrier_ns},
        {"block_ns", costs->block_ns}, {"hash_ns", costs->hash_ns},
    };
    struct json_object *value = json_object_new_object();
    struct json_object *trace = json_object_new_object();
    struct json_object *prices = json_object_new_object();
    struct json_object *curve = json_object_new_array();

    json_add_numbers(trace, of_trace);
    json_add_numbers(prices, of_costs);
    for (unsigned i = 0; i < tuning->count; i++)
        json_object_array_add(curve, json_of_point(&tuning->points[i]));
    json_object_object_add(value, "trace", trace);
    json_object_object_add(value, "costs", prices);
    json_object_object_add(value, "curve", curve);
    json_object_object_add(value, "within_percent", json_of_u64(tuning->within));
    json_object_object_add(value, "proposal", json_of_u64(choice.point->memory));
    json_object_object_add(value, "proposal_policy",
                           json_object_new_string(policies[choice.policy].name));
    (void)output_json(value);
}

static void print_point(struct table *table, const struct point *point)
{
    const struct coffer_replay_result *result = &point->trials[COFFER_POLICY_LRU].result;
    char text[SIZE_TEXT_SIZE];

    size_format(point->memory, text);
    table_cell(table, "%s", text);
    if (!point_fits(point)) {
        for (unsigned i = 0; i < 9; i++)
            table_cell(table, "-");
        table_cell(table, "too small");
        return;
    }
    table_cell(table, "%u", result->cache_frames);
    table_cell(table, "%.1f%%", 100 * share_of(&result->object_cache));
    table_cell(table, "%.1f%%", 100 * share_of(&result->node_cache));
    table_cell(table, "%.1f%%", 100 * share_of(&result->block_cache));
    table_cell(table, "%" PRIu64, result->device_reads);
    table_cell(table, "%" PRIu64, result->device_writes);
    size_format(result->device_read_bytes + result->device_written_bytes, text);
    table_cell(table, "%s", text);
    for (unsigned i = 0; i < POLICIES; i++)
        table_cell(table, "%.3f s", (double)point->trials[i].ns / 1e9);
}

static void print_text(const struct tuning *tuning)
{
    const struct coffer_replay_result *first = &first_point(tuning)->trials[0].result;
    const struct choice choice = choose(tuning);
    char memory[SIZE_TEXT_SIZE];
    struct table table;

    printf("%" PRIu64 " calls on %" PRIu64 " objects, in %" PRIu64 " runs\n\n", first->calls,
           first->objects, tuning->trace.runs);
    table_init(&table, ">>>>>>>>>>>");
    table_cell(&table, "memory");
    table_cell(&table, "frames");
    table_cell(&table, "objects hit");
    table_cell(&table, "nodes hit");
    table_cell(&table, "blocks hit");
    table_cell(&table, "reads");
    table_cell(&table, "writes");
    table_cell(&table, "bytes");
    for (unsigned i = 0; i < POLICIES; i++)
        table_cell(&table, "%s", policies[i].text);
    for (unsigned i = 0; i < tuning->count; i++)
        print_point(&table, &tuning->points[i]);
    table_finish(&table, true);
    size_format(choice.point->memory, memory);
    printf("\nCounts are those of LRU, times estimated for each policy of the caches.\n"
           "Proposal: %s with %s, the least that takes %u %% longer than the best at most.\n",
           memory, policies[choice.policy].text, tuning->within);
}

static enum exit_status tune(struct options *options, struct tuning *tuning, const char *path)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    enum exit_status result;
    struct stat state;

    if (file == NULL || fstat(fileno(file), &state) != 0)
        return fail_errno(options, errno, "tune %s", path);
    tuning->trace = (struct trace_file){.file = file};
    result = open_points(options, tuning,
                         S_ISREG(state.st_mode) ? (uint64_t)state.st_size : PIPE_SIZE);
    if (result == EXIT_DONE)
        result = replay_file(options, tuning, path);
    if (result == EXIT_DONE)
        estimate(tuning);
    if (result == EXIT_DONE && options->json)
        print_json(tuning);
    else if (result == EXIT_DONE)
        print_text(tuning);
    close_points(tuning);
    if (!is_input)
        (void)fclose(file);
    return result;
}

enum exit_status verb_tune(struct options *options, int argc, char **argv)
{
    struct tuning tuning = {.within = WITHIN_DEFAULT};
    enum exit_status result;
    struct call call;

    for (uint64_t memory = SIZE_FROM; memory <= SIZE_TO; memory *= 2)
        (void)add_size(&tuning, memory);
    coffer_replay_costs_default(&tuning.costs);
    result = call_parse(&grammar, options, &tuning, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = tune(options, &tuning, call.words[0]);
    call_fini(&call);
    return result;
}
