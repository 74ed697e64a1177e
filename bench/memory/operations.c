/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/operations.h"

#include <math.h>
#include <string.h>

#include "memory/child.h"

static const struct sizes all[] = {
    {.name = "16-1024", .low = 16, .high = 1024, .live = 10000},
    {.name = "16-64K", .low = 16, .high = 65536, .live = 10000},
    {.name = "64", .low = 64, .high = 64, .live = 10000},
    /* Frames. 400 runs are 35 % of 256 MiB: room enough that no request fails. */
    {.name = "orders0-8", .low = 1, .high = 256, .powers = true, .live = 400},
    {.name = "frame", .low = 1, .high = 1, .live = 10000},
};

const struct sizes *sizes_find(const char *name)
{
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

void draw_init(struct draw *draw, const struct sizes *sizes, uint64_t seed)
{
    double above = sizes->powers ? 2.0 * sizes->high : sizes->high + 1.0;

    *draw = (struct draw){.state = seed,
                          .sizes = sizes,
                          .low = log2(sizes->low),
                          .span = log2(above) - log2(sizes->low)};
}

/* splitmix64 */
static uint64_t draw_number(struct draw *draw)
{
    uint64_t z = draw->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t draw_below(struct draw *draw, uint32_t bound)
{
    return (uint32_t)((draw_number(draw) >> 32) * bound >> 32);
}

uint32_t draw_size(struct draw *draw)
{
    const struct sizes *sizes = draw->sizes;
    double part = (double)(draw_number(draw) >> 11) * 0x1p-53; /* 0 <= part < 1 */
    double exponent = draw->low + part * draw->span;
    uint32_t size = (uint32_t)exp2(sizes->powers ? floor(exponent) : exponent);

    /* What rounding may have carried beyond. */
    if (size < sizes->low)
        return sizes->low;
    return size > sizes->high ? sizes->high : size;
}

struct operation *operations_make(const struct sizes *sizes, uint64_t seed)
{
    size_t count = (size_t)sizes->live + OPERATION_COUNT;
    struct operation *operations = child_map(count * sizeof(struct operation));
    struct draw draw;

    draw_init(&draw, sizes, seed);
    for (uint32_t i = 0; i < count; i++) {
        bool first = i < sizes->live;

        operations[i].slot = first ? i : draw_below(&draw, sizes->live);
        operations[i].size = draw_size(&draw);
    }
    return operations;
}
