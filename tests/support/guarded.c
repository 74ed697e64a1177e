/* SPDX-License-Identifier: BSD-2-Clause */
/* For MAP_ANONYMOUS. */
#define _DEFAULT_SOURCE

#include "support/guarded.h"

#include <string.h>
#include <sys/mman.h>

#include "support/must.h"

#define PAGE 4096u

static size_t whole_pages(const struct guarded *guarded)
{
    return (guarded->size + PAGE - 1) / PAGE * PAGE;
}

void guarded_take(struct guarded *guarded, size_t size, enum guarded_end end)
{
    size_t pages;
    uint8_t *front;

    must(size > 0);
    *guarded = (struct guarded){.size = size, .end = end};
    pages = whole_pages(guarded);
    front = mmap(NULL, pages + 2 * (size_t)PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(front != MAP_FAILED);
    must(mprotect(front + PAGE, pages, PROT_READ | PROT_WRITE) == 0);
    memset(front + PAGE, GUARDED_FILL, pages);
    guarded->bytes = front + PAGE + (end == GUARDED_BACK ? pages - size : 0);
}

static bool is_all(const uint8_t *bytes, size_t size, uint8_t value)
{
    return size == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0);
}

bool guarded_is_wiped(const struct guarded *guarded)
{
    size_t front = -(uintptr_t)guarded->bytes % PAGE;
    size_t frames = (guarded->size - front) / PAGE * PAGE;
    const uint8_t *end = guarded->bytes + front + frames;

    return is_all(guarded->bytes, front, GUARDED_FILL) &&
           is_all(guarded->bytes + front, frames, 0) &&
           is_all(end, guarded->size - front - frames, GUARDED_FILL);
}

void guarded_give(struct guarded *guarded)
{
    size_t pages = whole_pages(guarded);
    uint8_t *first;
    size_t used;

    if (guarded->bytes == NULL)
        return;
    first = guarded->bytes - (uintptr_t)guarded->bytes % PAGE;
    used = (size_t)(guarded->bytes - first) + guarded->size;
    must(is_all(first, (size_t)(guarded->bytes - first), GUARDED_FILL));
    must(is_all(first + used, pages - used, GUARDED_FILL));
    must(munmap(first - PAGE, pages + 2 * (size_t)PAGE) == 0);
    guarded->bytes = NULL;
}
