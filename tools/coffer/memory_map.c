/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_map.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "report.h"
#include "sizes.h"

#define OWNERS_MAX 256u
#define ROW_CELLS  64u /* where the terminal has room for them */
#define ROWS_MAX   16u
#define MARGIN     11u /* columns in front of a row */
#define FREE       '.'
#define METADATA   '#'

/* Owners by their index. */
struct owners {
    struct coffer_owner_statistics lines[OWNERS_MAX];
    bool open[OWNERS_MAX];
    char letters[OWNERS_MAX];
};

/* The first letter of the name that no other has; '?' when all of them are taken. */
static char letter_of(const char *name, const char *taken)
{
    for (const char *p = name; *p != '\0'; p++) {
        if (isalnum((unsigned char)*p) && strchr(taken, toupper((unsigned char)*p)) == NULL)
            return (char)toupper((unsigned char)*p);
        if (isalnum((unsigned char)*p) && strchr(taken, tolower((unsigned char)*p)) == NULL)
            return (char)tolower((unsigned char)*p);
    }
    for (const char *digit = "0123456789"; *digit != '\0'; digit++) {
        if (strchr(taken, *digit) == NULL)
            return *digit;
    }
    return '?';
}

static struct owners *read_owners(struct coffer_memory *memory)
{
    struct owners *owners = must_have(calloc(1, sizeof(*owners)));
    struct coffer_owner_statistics line;
    char taken[OWNERS_MAX + 1] = "";
    size_t count = 0;
    unsigned cursor = 0;

    while (coffer_memory_next_owner(memory, &cursor, &line)) {
        unsigned index = line.owner.index;

        owners->lines[index] = line;
        owners->open[index] = true;
        owners->letters[index] = letter_of(line.name, taken);
        taken[count++] = owners->letters[index];
        taken[count] = '\0';
    }
    return owners;
}

/* Background colours that a black letter can be read on. */
static const unsigned char palette[] = {110, 150, 180, 174, 139, 109, 186, 152, 216, 146, 114, 223};

static unsigned colour_of(unsigned index)
{
    return palette[index % sizeof(palette)];
}

static void put_cell(char letter, unsigned index, bool fancy)
{
    if (!fancy)
        putchar(letter);
    else if (letter == FREE)
        printf("\033[38;5;244m%c\033[0m", letter);
    else if (letter == METADATA)
        printf("\033[48;5;240m\033[38;5;255m%c\033[0m", letter);
    else
        printf("\033[48;5;%um\033[38;5;16m%c\033[0m", colour_of(index), letter);
}

/* What fills most of `count` frames: an owner's index, or one of the two that follow. */
enum { MOSTLY_FREE = OWNERS_MAX, MOSTLY_METADATA, MOSTLY_COUNT };

static unsigned look_at(struct coffer_memory *memory, const uint8_t *start, size_t count)
{
    unsigned counts[MOSTLY_COUNT] = {0};
    unsigned most = MOSTLY_FREE;

    for (size_t i = 0; i < count; i++) {
        struct coffer_frame frame;
        unsigned what;

        coffer_frames_query(memory, start + i * COFFER_FRAME_SIZE, &frame);
        what = frame.state == COFFER_FRAME_USED   ? frame.owner.index
               : frame.state == COFFER_FRAME_FREE ? (unsigned)MOSTLY_FREE
                                                  : (unsigned)MOSTLY_METADATA;
        counts[what]++;
        if (counts[what] > counts[most])
            most = what;
    }
    return most;
}

/* Half as many again and again, until a row fits into the terminal. */
static size_t cells_of_row(void)
{
    size_t cells = ROW_CELLS;
    unsigned columns;
    unsigned rows;

    if (output_terminal_size(&rows, &columns)) {
        while (cells > 8 && MARGIN + cells > columns)
            cells /= 2;
    }
    return cells;
}

static unsigned print_area(struct coffer_memory *memory, const struct coffer_area *area,
                           const struct owners *owners, size_t row, size_t cell)
{
    size_t count = area->size / COFFER_FRAME_SIZE;
    bool fancy = output_is_fancy();
    unsigned lines = 0;

    for (size_t from = 0; from < count; from += cell * row) {
        printf("%*zu  ", (int)MARGIN - 2, from);
        for (size_t at = from; at < from + cell * row && at < count; at += cell) {
            size_t here = count - at < cell ? count - at : cell;
            unsigned most = look_at(memory, (const uint8_t *)area->address + at * COFFER_FRAME_SIZE,
                                    here);

            if (most == MOSTLY_FREE)
                put_cell(FREE, 0, fancy);
            else if (most == MOSTLY_METADATA)
                put_cell(METADATA, 0, fancy);
            else
                put_cell(owners->letters[most], most, fancy);
        }
        printf("\n");
        lines++;
    }
    return lines;
}

/* What can be said of all frames together. */
static unsigned print_summary(const struct coffer_memory_statistics *statistics)
{
    unsigned lines = 3;
    char total[SIZE_TEXT_SIZE];

    size_format(statistics->total * COFFER_FRAME_SIZE, total);
    printf("secure memory: %s in %" PRIu64 " frames\n", total, statistics->total);
    printf("    %s, %s core dumps\n",
           statistics->locked ? "locked into RAM" : "may be swapped out by the system",
           statistics->secret ? "out of the kernel's reach and of" : "left out of");
    printf("    %" PRIu64 " metadata, %" PRIu64 " used (%" PRIu64 " at most), %" PRIu64 " free\n",
           statistics->reserved, statistics->used, statistics->used_peak, statistics->free);
    if (statistics->low > 0) {
        printf("    pressure below %" PRIu64 " free frames; so often by now: %" PRIu64 "\n",
               statistics->low, statistics->low_events);
        lines++;
    }
    return lines;
}

static unsigned print_frames(struct coffer_memory *memory, const struct owners *owners)
{
    struct coffer_memory_statistics statistics;
    size_t row = cells_of_row();
    struct coffer_area area;
    unsigned lines;
    size_t cell = 1;

    coffer_memory_statistics(memory, &statistics);
    while ((statistics.total + cell - 1) / cell > ROWS_MAX * row)
        cell *= 2;
    lines = print_summary(&statistics);
    for (unsigned i = 0; coffer_memory_area(memory, i, &area); i++) {
        printf("\n    FRAME  a letter is %s%zu frame%s\n", cell == 1 ? "" : "mostly of ", cell,
               cell == 1 ? "" : "s");
        lines += 2 + print_area(memory, &area, owners, row, cell);
    }
    printf("\nfree blocks of 2^n frames:");
    for (unsigned i = 0; i < COFFER_ORDER_COUNT; i++)
        printf(" %" PRIu64, statistics.free_blocks[i]);
    printf("\nlargest run %" PRIu64 ", fragmentation %u %%\n", statistics.largest_run,
           memory_map_fragmentation(&statistics));
    return lines + 3;
}

static void number_cell(struct table *table, uint64_t number)
{
    table_cell(table, "%" PRIu64, number);
}

static void size_cell(struct table *table, uint64_t size)
{
    char text[SIZE_TEXT_SIZE];

    size_format(size, text);
    table_cell(table, "%s", text);
}

static void heading(struct table *table, const char *const *names)
{
    for (unsigned i = 0; i < table->columns; i++)
        table_cell(table, "%s", names[i]);
}

static unsigned owner_lines(const struct owners *owners)
{
    unsigned lines = 2;

    for (unsigned i = 0; i < OWNERS_MAX; i++)
        lines += owners->open[i];
    return lines;
}

static void print_owners(const struct owners *owners)
{
    static const char *const names[] = {"", "OWNER", "FRAMES", "AT MOST", "QUOTA", "TAKEN"};
    struct table table;

    putchar('\n');
    table_init(&table, "<<>>>>");
    heading(&table, names);
    for (unsigned i = 0; i < OWNERS_MAX; i++) {
        const struct coffer_owner_statistics *line = &owners->lines[i];

        if (!owners->open[i])
            continue;
        table_cell(&table, "%c", owners->letters[i]);
        table_cell(&table, "%s", line->name);
        number_cell(&table, line->frames);
        number_cell(&table, line->frames_peak);
        if (line->quota == UINT64_MAX)
            table_cell(&table, "-");
        else
            number_cell(&table, line->quota);
        number_cell(&table, line->takes);
    }
    table_finish(&table, true);
}

static unsigned pool_lines(struct coffer_memory *memory)
{
    struct coffer_pool *pool = NULL;
    unsigned lines = 2;

    while ((pool = coffer_memory_next_pool(memory, pool)) != NULL)
        lines++;
    return lines;
}

static void print_pools(struct coffer_memory *memory)
{
    static const char *const names[] = {"POOL", "POLICY", "SIZE",  "USED",
                                        "FREE", "BLOCKS", "SPANS", "WRONG FREES"};
    struct coffer_pool *pool = NULL;
    struct table table;

    putchar('\n');
    table_init(&table, "<<>>>>>>");
    heading(&table, names);
    while ((pool = coffer_memory_next_pool(memory, pool)) != NULL) {
        struct coffer_pool_statistics statistics;

        coffer_pool_statistics(pool, &statistics);
        table_cell(&table, "%s", statistics.name);
        table_cell(&table, "%s", memory_map_policy(statistics.policy));
        size_cell(&table, statistics.size);
        size_cell(&table, statistics.used);
        size_cell(&table, statistics.free);
        number_cell(&table, statistics.blocks);
        number_cell(&table, statistics.spans);
        number_cell(&table, statistics.wrong_frees);
    }
    table_finish(&table, true);
}

static unsigned space_lines(struct coffer_memory *memory)
{
    struct coffer_space *space = NULL;
    unsigned count = 0;

    while ((space = coffer_space_next(memory, space)) != NULL)
        count++;
    return count == 0 ? 0 : count + 4;
}

static void print_spaces(struct coffer_memory *memory)
{
    static const char *const names[] = {"SPACE",   "KIND",   "MAPPED", "RESIDENT",
                                        "SWAPPED", "PINNED", "FAULTS", "IN/OUT"};
    struct coffer_space *space = coffer_space_next(memory, NULL);
    struct coffer_paging_statistics paging;
    struct table table;

    if (space == NULL)
        return;
    putchar('\n');
    table_init(&table, "<<>>>>>>");
    heading(&table, names);
    for (; space != NULL; space = coffer_space_next(memory, space)) {
        struct coffer_space_info info;

        coffer_space_info(space, &info);
        table_cell(&table, "%s", info.name);
        table_cell(&table, "%s", info.status == COFFER_OK ? memory_map_kind(info.kind) : "killed");
        size_cell(&table, info.mapped);
        number_cell(&table, info.resident);
        number_cell(&table, info.swapped);
        number_cell(&table, info.pinned);
        number_cell(&table, info.faults);
        table_cell(&table, "%" PRIu64 "/%" PRIu64, info.page_ins, info.page_outs);
    }
    table_finish(&table, true);
    coffer_paging_statistics(memory, &paging);
    printf("\npages: %" PRIu64 " active, %" PRIu64 " inactive, %" PRIu64 " swapped to %" PRIu64
           " of %" PRIu64 " slots\n",
           paging.active, paging.inactive, paging.swapped, paging.slots_used, paging.slots);
}

unsigned memory_map_print(struct coffer_memory *memory, unsigned lines_max)
{
    struct owners *owners = read_owners(memory);
    unsigned lines = print_frames(memory, owners);
    unsigned of_owners = owner_lines(owners);
    unsigned of_pools = pool_lines(memory);
    unsigned of_spaces = space_lines(memory);

    if (of_owners <= lines_max && lines <= lines_max - of_owners) {
        print_owners(owners);
        lines += of_owners;
    }
    if (of_pools <= lines_max && lines <= lines_max - of_pools) {
        print_pools(memory);
        lines += of_pools;
    }
    if (of_spaces <= lines_max && lines <= lines_max - of_spaces) {
        print_spaces(memory);
        lines += of_spaces;
    }
    free(owners);
    (void)fflush(stdout);
    return lines;
}
