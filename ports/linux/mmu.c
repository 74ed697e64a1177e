/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of the MMU: the shadow first, then the kernel (mmu_place.c). */
#include "mmu.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef COFFER_HAVE_MEMCHECK
#include <valgrind/memcheck.h>
#else
#define VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE(address, size) ((void)0)
#define VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(address, size)  ((void)0)
#endif

#include "base/assert.h"
#include "faults.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static void take_lock(struct mmu_table *table)
{
    int error = pthread_mutex_lock(&table->lock);

    assert_cheap(error == 0);
    (void)error;
}

static void give_lock(struct mmu_table *table)
{
    int error = pthread_mutex_unlock(&table->lock);

    assert_cheap(error == 0);
    (void)error;
}

static bool allows(unsigned rights, unsigned access)
{
    /* Writing includes reading. */
    return (rights & access) != 0 || (access == COFFER_READ && (rights & COFFER_WRITE) != 0);
}

static unsigned bits_of(unsigned access)
{
    return access == COFFER_WRITE ? MMU_REFERENCED | MMU_DIRTY : MMU_REFERENCED;
}

/* --- Pages ------------------------------------------------------------------------------------ */

/* A page's bits or rights were changed in the shadow, to what `after` says: does the kernel allow
 * the same as with `before`? If not, make it so. False: it can't allow more. */
static bool adjust(struct mmu_table *table, uintptr_t address, const struct mmu_entry *before,
                   const struct mmu_entry *after)
{
    int prot_before = table_is_placed(table, address) ? entry_prot(before) : PROT_NONE;
    int prot_after = entry_prot(after);
    bool done = prot_after == prot_before || table_place(table, address, after);

    /* What was taken away is gone for certain. */
    assert_cheap(done || (prot_before & ~prot_after) == 0);
    return done;
}

/* Bits of a page come to those of `before`. */
static bool add_bits(struct mmu_table *table, uintptr_t address, const struct mmu_entry *before,
                     unsigned bits)
{
    struct mmu_entry after = *before;

    after.bits |= bits;
    pagetable_mark(table->shadow, address, bits);
    return adjust(table, address, before, &after);
}

/* Give back the mappings that spaces hold in vain. */
static void sweep_all(struct coffer_linux_mmu *mmu)
{
    list_each (link, &mmu->tables) {
        struct mmu_table *table = list_entry(link, struct mmu_table, link);

        take_lock(table);
        table_sweep(table);
        give_lock(table);
    }
}

/* Speak for pages that were just mapped. */
static enum coffer_status secure_mappings(struct mmu_table *table, uintptr_t address, size_t count)
{
    if (table_speak_for(table, address, count))
        return COFFER_OK;
    sweep_all(table->mmu);
    return table_speak_for(table, address, count) ? COFFER_OK : COFFER_NO_MEMORY;
}

static enum coffer_status map(struct mmu_table *table, uintptr_t address, void *frame, size_t count,
                              unsigned rights, unsigned bits)
{
    const struct window *window = &table->mmu->window;
    const struct mmu_entry first = {.frame = frame, .rights = rights, .bits = bits};
    size_t offset = (size_t)((uint8_t *)frame - window->address);
    enum coffer_status status;

    if (offset >= window->size || count > (window->size - offset) / COFFER_PAGE_SIZE)
        return COFFER_MISUSE;
    take_lock(table);
    status = pagetable_map(table->shadow, address, frame, count, rights, bits);
    if (status != COFFER_OK)
        goto out;
    status = secure_mappings(table, address, count);
    /* A page that nobody is about to touch is placed when somebody does; a run saves calls. */
    if (status == COFFER_OK && (count > 1 || entry_prot(&first) != PROT_NONE) &&
        !table_place_run(table, address, &first, count))
        status = COFFER_NO_MEMORY;
    if (status != COFFER_OK)
        (void)pagetable_unmap(table->shadow, address, count);
out:
    assert_deep(linux_mmu_table_is_valid(table));
    give_lock(table);
    return status;
}

/* The pages of a range that lie in the space. */
static size_t clamp(const struct mmu_table *table, uintptr_t *address, size_t count)
{
    size_t first;

    if (*address < table->base) {
        size_t below = (table->base - *address) / COFFER_PAGE_SIZE;

        count = count > below ? count - below : 0;
        *address = table->base;
    }
    first = (*address - table->base) / COFFER_PAGE_SIZE;
    if (first >= table->page_count)
        return 0;
    return count < table->page_count - first ? count : table->page_count - first;
}

static unsigned unmap_one(struct mmu_table *table, uintptr_t address)
{
    struct mmu_entry entry;

    if (!pagetable_query(table->shadow, address, &entry))
        return 0;
    (void)pagetable_unmap(table->shadow, address, 1);
    if (table_is_placed(table, address))
        table_displace(table, address, &entry);
    return entry.bits;
}

static unsigned unmap(struct mmu_table *table, uintptr_t address, size_t count)
{
    unsigned bits = 0;

    take_lock(table);
    count = clamp(table, &address, count);
    if (count == 1) {
        bits = unmap_one(table, address);
    } else if (count > 1) {
        bits = pagetable_unmap(table->shadow, address, count);
        table_clear(table, address, count);
    }
    assert_deep(linux_mmu_table_is_valid(table));
    give_lock(table);
    return bits;
}

struct change {
    struct mmu_table *table;
    unsigned rights;
};

/* Called before the page's rights are changed. */
static bool change_rights(void *context, uintptr_t address, const struct mmu_entry *before)
{
    const struct change *change = context;
    struct mmu_table *table = change->table;
    struct mmu_entry after = *before;

    after.rights = change->rights;
    pagetable_protect(table->shadow, address, 1, change->rights);
    /* More rights that the kernel can't give now are a fault's business. */
    (void)!adjust(table, address, before, &after);
    return true;
}

static void protect(struct mmu_table *table, uintptr_t address, size_t count, unsigned rights)
{
    struct change change = {.table = table, .rights = rights};

    take_lock(table);
    count = clamp(table, &address, count);
    if (count > 0)
        pagetable_walk(table->shadow, address, count, change_rights, &change);
    assert_deep(linux_mmu_table_is_valid(table));
    give_lock(table);
}

static bool query(struct mmu_table *table, uintptr_t address, struct mmu_entry *out)
{
    bool found;

    take_lock(table);
    found = pagetable_query(table->shadow, address, out);
    give_lock(table);
    return found;
}

static unsigned harvest(struct mmu_table *table, uintptr_t address, unsigned mask)
{
    struct mmu_entry before;
    struct mmu_entry after;
    unsigned bits = 0;

    take_lock(table);
    if (pagetable_query(table->shadow, address, &before))
        bits = before.bits;
    if ((bits & mask) != 0) {
        after = before;
        after.bits &= ~mask;
        (void)pagetable_harvest(table->shadow, address, mask);
        (void)!adjust(table, address - address % COFFER_PAGE_SIZE, &before, &after);
    }
    give_lock(table);
    return bits;
}

static void mark(struct mmu_table *table, uintptr_t address, unsigned bits)
{
    struct mmu_entry before;

    take_lock(table);
    if (pagetable_query(table->shadow, address, &before))
        (void)!add_bits(table, address - address % COFFER_PAGE_SIZE, &before, bits);
    give_lock(table);
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* Is it one that only the bits are for? */
static bool answer_soft(struct mmu_table *table, uintptr_t address, unsigned access,
                        enum coffer_status *status)
{
    struct mmu_entry before;

    if (!pagetable_query(table->shadow, address, &before) || !allows(before.rights, access))
        return false;
    if ((before.bits & bits_of(access)) != bits_of(access))
        table->soft_faults++;
    *status = add_bits(table, address, &before, bits_of(access)) ? COFFER_OK : COFFER_NO_MEMORY;
    return true;
}

static enum coffer_status answer(struct range_owner *owner, uintptr_t address, unsigned access)
{
    struct mmu_table *table = (struct mmu_table *)(void *)owner;
    uintptr_t page = address - address % COFFER_PAGE_SIZE;
    enum coffer_status status = COFFER_OK;
    bool answered;

    take_lock(table);
    answered = answer_soft(table, page, access, &status);
    give_lock(table);
    return answered ? status : table->host->fault(table->cookie, address, access);
}

static enum coffer_status enter(struct mmu_table *table, void (*body)(void *argument),
                                void *argument)
{
    return faults_enter(&table->owner, body, argument);
}

/* --- Tables ----------------------------------------------------------------------------------- */

static bool is_in_space(void *context, uintptr_t address, size_t size)
{
    (void)context;
    return ranges_overlap(address, size);
}

static size_t table_frames(const struct mmu_table *table)
{
    return pagetable_frames(table->shadow);
}

static uint64_t soft_faults(const struct mmu_table *table)
{
    struct mmu_table *locked = (struct mmu_table *)(uintptr_t)table;
    uint64_t count;

    take_lock(locked);
    count = table->soft_faults;
    give_lock(locked);
    return count;
}

static void walk(struct mmu_table *table, uintptr_t address, size_t count,
                 bool (*visit)(void *context, uintptr_t address, const struct mmu_entry *entry),
                 void *context)
{
    take_lock(table);
    pagetable_walk(table->shadow, address, count, visit, context);
    give_lock(table);
}

/* Addresses without access; at `base`, or anywhere if that is 0. */
static enum coffer_status reserve_addresses(uintptr_t base, size_t size, uintptr_t *out)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (base != 0 ? MAP_FIXED_NOREPLACE : 0);
    long got = syscall(SYS_mmap, base, size, PROT_NONE, flags, -1, 0);

    if (got == -1)
        return errno == ENOMEM ? COFFER_NO_MEMORY : COFFER_BUSY;
    /* Kernels before 4.17 take the address as a hint. */
    if (base != 0 && (uintptr_t)got != base) {
        (void)syscall(SYS_munmap, got, size);
        return COFFER_BUSY;
    }
    *out = (uintptr_t)got;
    /* A first access to a page is what brings it in, and no error. */
    VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE(got, size);
    return COFFER_OK;
}

static bool init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    bool done;

    if (pthread_mutexattr_init(&attributes) != 0)
        return false;
    done = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0 &&
           pthread_mutex_init(lock, &attributes) == 0;
    (void)pthread_mutexattr_destroy(&attributes);
    return done;
}

static struct mmu_table *make_table(struct coffer_linux_mmu *mmu,
                                    const struct mmu_table_settings *settings)
{
    size_t page_count = settings->size / COFFER_PAGE_SIZE;
    size_t words = (page_count + 63) / 64;
    struct mmu_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return NULL;
    table->spoken = calloc(2 * words, sizeof(uint64_t));
    if (table->spoken == NULL || !init_lock(&table->lock)) {
        free(table->spoken);
        free(table);
        return NULL;
    }
    table->placed = table->spoken + words;
    table->owner.answer = answer;
    table->mmu = mmu;
    table->host = settings->host;
    table->cookie = settings->cookie;
    table->page_count = page_count;
    list_init(&table->link);
    return table;
}

static void free_table(struct mmu_table *table)
{
    int error = pthread_mutex_destroy(&table->lock);

    assert_cheap(error == 0);
    (void)error;
    free(table->spoken);
    free(table);
}

static enum coffer_status create(void *context, const struct mmu_table_settings *settings,
                                 uintptr_t *base, struct mmu_table **out)
{
    struct coffer_linux_mmu *mmu = context;
    struct mmu_table *table;
    enum coffer_status status;

    if (settings->size == 0 || settings->size % COFFER_PAGE_SIZE != 0 ||
        settings->base % COFFER_PAGE_SIZE != 0)
        return COFFER_MISUSE;
    table = make_table(mmu, settings);
    if (table == NULL)
        return COFFER_NO_MEMORY;
    status = reserve_addresses(settings->base, settings->size, &table->base);
    if (status != COFFER_OK)
        goto free_table;
    status = pagetable_open(settings->host, settings->owner, table->base, settings->size,
                            &table->shadow);
    if (status != COFFER_OK)
        goto free_addresses;
    status = COFFER_NO_MEMORY;
    if (!ranges_reserve_mappings(1)) {
        sweep_all(mmu);
        if (!ranges_reserve_mappings(1))
            goto close_shadow;
    }
    table->mappings = 1;
    status = ranges_add(table->base, settings->size, &table->owner);
    if (status != COFFER_OK)
        goto return_mappings;
    list_insert_before(&mmu->tables, &table->link);
    *base = table->base;
    *out = table;
    return COFFER_OK;

return_mappings:
    ranges_return_mappings(1);
close_shadow:
    pagetable_close(table->shadow);
free_addresses:
    VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(table->base, settings->size);
    (void)syscall(SYS_munmap, table->base, settings->size);
free_table:
    free_table(table);
    return status;
}

static void destroy(struct mmu_table *table)
{
    long error;

    list_remove(&table->link);
    ranges_remove(&table->owner);
    VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(table->base,
                                                  table->page_count * COFFER_PAGE_SIZE);
    error = syscall(SYS_munmap, table->base, table->page_count * COFFER_PAGE_SIZE);
    assert_cheap(error == 0);
    (void)error;
    ranges_return_mappings(table->mappings);
    table->mmu->secret_pages -= table->spoken_count;
    pagetable_close(table->shadow);
    free_table(table);
}

/* --- The MMU ---------------------------------------------------------------------------------- */

static const struct coffer_mmu operations = {
    .name = "Linux",
    .has_pointers = true,
    .is_in_space = is_in_space,
    .create = create,
    .destroy = destroy,
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .query = query,
    .harvest = harvest,
    .mark = mark,
    .table_frames = table_frames,
    .soft_faults = soft_faults,
    .enter = enter,
    .walk = walk,
};

enum coffer_status coffer_linux_mmu_make(const struct coffer_linux_mmu_options *options,
                                         struct coffer_linux_mmu **out)
{
    struct coffer_linux_mmu *mmu;
    enum coffer_status status;

    if (options == NULL || out == NULL || options->size == 0)
        return COFFER_MISUSE;
    /* A machine with larger pages can't map ours. */
    if (sysconf(_SC_PAGESIZE) != (long)COFFER_PAGE_SIZE)
        return COFFER_UNSUPPORTED;
    mmu = calloc(1, sizeof(*mmu));
    if (mmu == NULL)
        return COFFER_NO_MEMORY;
    status = window_open(options->size, options->secret, &mmu->window);
    if (status != COFFER_OK)
        goto free_mmu;
    status = faults_hold();
    if (status != COFFER_OK)
        goto close_window;
    mmu->operations = operations;
    mmu->operations.context = mmu;
    list_init(&mmu->tables);
    *out = mmu;
    return COFFER_OK;

close_window:
    window_close(&mmu->window);
free_mmu:
    free(mmu);
    return status;
}

void coffer_linux_mmu_unmake(struct coffer_linux_mmu *mmu)
{
    if (mmu == NULL)
        return;
    assert_cheap(list_is_empty(&mmu->tables));
    faults_release();
    window_close(&mmu->window);
    free(mmu);
}

struct coffer_area coffer_linux_mmu_area(const struct coffer_linux_mmu *mmu)
{
    return (struct coffer_area){.address = mmu->window.address, .size = mmu->window.size};
}

const struct coffer_mmu *coffer_linux_mmu_operations(const struct coffer_linux_mmu *mmu)
{
    return &mmu->operations;
}

bool coffer_linux_mmu_is_locked(const struct coffer_linux_mmu *mmu)
{
    return mmu->window.locked;
}

bool coffer_linux_mmu_is_secret(const struct coffer_linux_mmu *mmu)
{
    return mmu->window.secret;
}
