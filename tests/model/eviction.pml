/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults against eviction: the protocol of src/memory/paging, for spin.
 *
 * Threads write to pages of one space that have fewer frames than there are pages; beside them an
 * evictor takes pages away (paging_reclaim). A store is one step and needs the mapping alone, as
 * with a real MMU, or is made under the lock, as coffer_space_write does it (UNDER_LOCK). Writes of
 * the backing store may fail. Each page counts its stores; `truth` counts them where nothing can
 * get lost.
 *
 * Shown: every store finds the page as the last one left it; a frame is freed only when it is mapped
 * nowhere and its contents are kept elsewhere (P1, P2, P4); nobody waits for ever, for a page or for
 * room (no invalid end state); with UNDER_LOCK, stores go on happening (no non-progress cycle).
 *
 * The line before a step names the function that makes it. Each BROKEN_ variant leaves one step out
 * or does it too early; tests/model/run.py wants spin to find that out:
 *
 *   BROKEN_UNMAP     a victim is written while it is still mapped
 *   BROKEN_EARLY     the frame is freed before its writing has ended
 *   BROKEN_DIRTY     the dirty bit of the mapping that is taken away is not looked at
 *   BROKEN_WANTED    a fault takes the page being written as resident, and its wish is overlooked
 *   BROKEN_WAKE      the end of a transit wakes nobody who waits for the page
 *   BROKEN_ROOM      nor anybody who waits for room
 *   BROKEN_FAILED    a page whose writing failed is taken for written
 */
#ifndef PAGES
#define PAGES 2
#endif
#ifndef FRAMES
#define FRAMES 1
#endif
#ifndef STORES
#define STORES 2 /* of each thread */
#endif
#ifndef EVICTIONS
#define EVICTIONS 2
#endif
#ifndef THREADS
#define THREADS 2
#endif

#define NOBODY 255

mtype = { ABSENT, RESIDENT, LOADING, WRITING, SWAPPED };

byte lock_holder = NOBODY;

/* struct page */
mtype state[PAGES] = ABSENT;
byte frame[PAGES];
bool dirty[PAGES];
bool wanted[PAGES];
bool has_slot[PAGES];

/* The mapping of the space, with its bit. */
bool mapped[PAGES];
bool dirty_bit[PAGES];

/* Contents: of frames, of slots, and what they ought to be. */
byte frame_value[FRAMES];
bool frame_used[FRAMES];
byte slot_value[PAGES];
byte truth[PAGES];

/* Who waits for which page, or for room; the evictor never does. */
bool waits_page[THREADS * PAGES];
bool waits_room[THREADS];
byte transits;
byte failures; /* of writes, so far */

inline take_lock() { atomic { lock_holder == NOBODY -> lock_holder = _pid } }
inline give_lock() { assert(lock_holder == _pid); lock_holder = NOBODY }

/* frames_take; found == FRAMES: none. */
inline take_frame(found)
{
    d_step {
        found = 0;
        do
        :: found < FRAMES && frame_used[found] -> found++
        :: else -> break
        od;
        if
        :: found < FRAMES -> frame_used[found] = true; frame_value[found] = 0 /* zeroed */
        :: else
        fi
    }
}

/* page_give_frame; P2: what it held is kept elsewhere, or zero. */
inline give_frame(p)
{
    d_step {
        assert(!mapped[p]);
        assert(frame_used[frame[p]]);
        assert((has_slot[p] && slot_value[p] == truth[p]) || (!has_slot[p] && truth[p] == 0));
        frame_used[frame[p]] = false
    }
}

/* paging_wake_page */
inline wake_page(p)
{
#ifndef BROKEN_WAKE
    d_step {
        i = 0;
        do
        :: i < THREADS -> waits_page[i * PAGES + p] = false; i++
        :: else -> break
        od;
        i = 0
    }
#else
    skip
#endif
}

/* paging_wake_room: all of them when no transit is left, else one for the one page. */
inline wake_room()
{
#ifndef BROKEN_ROOM
    d_step {
        i = 0;
        do
        :: i < THREADS && waits_room[i] && transits > 0 -> waits_room[i] = false; break
        :: i < THREADS && waits_room[i] && transits == 0 -> waits_room[i] = false; i++
        :: i < THREADS && !waits_room[i] -> i++
        :: i == THREADS -> break
        od;
        i = 0
    }
#else
    skip
#endif
}

/* paging_evict with the lock held: some page that is resident, if there is one. `freed`: its frame
 * is free. `found`: there was one. A victim is any: the lists only order them. */
inline evict(v, freed, found)
{
    freed = false;
    found = false;
    v = 0;
    if
    :: atomic { state[0] == RESIDENT -> v = 0; found = true }
#if PAGES > 1
    :: atomic { state[1] == RESIDENT -> v = 1; found = true }
#endif
#if PAGES > 2
    :: atomic { state[2] == RESIDENT -> v = 2; found = true }
#endif
    :: else
    fi;
    if
    :: found ->
        /* page_unmap, page_set_dirty */
        d_step {
#ifndef BROKEN_UNMAP
            mapped[v] = false;
#endif
            if
#ifndef BROKEN_DIRTY
            :: dirty_bit[v] -> dirty[v] = true; has_slot[v] = false
#endif
            :: else
            fi;
            dirty_bit[v] = false
        }
        if
        :: !dirty[v] -> /* drop_clean */
            give_frame(v);
            state[v] = (has_slot[v] -> SWAPPED : ABSENT);
            freed = true
        :: else -> /* transit_add, write_all */
            d_step { state[v] = WRITING; wanted[v] = false; transits++ }
#ifdef BROKEN_EARLY
            frame_used[frame[v]] = false;
#endif
            give_lock();
            /* backing->write: two steps, and it may fail */
            slot_value[v] = 99;
            if
            :: slot_value[v] = frame_value[frame[v]]; has_slot[v] = true
            :: failures < 1 -> failures++
            fi;
            take_lock();
            /* end_write */
            wake_page(v);
            d_step { transits--; dirty[v] = !has_slot[v] }
#ifdef BROKEN_FAILED
            has_slot[v] = true; dirty[v] = false;
#endif
            if
            :: dirty[v] -> state[v] = RESIDENT
#ifndef BROKEN_WANTED
            :: !dirty[v] && wanted[v] -> state[v] = RESIDENT
            :: !dirty[v] && !wanted[v] ->
#else
            :: !dirty[v] ->
#endif
#ifndef BROKEN_EARLY
                give_frame(v);
#endif
                state[v] = SWAPPED;
                freed = true
            fi;
            wanted[v] = false;
            wake_room()
        fi
    :: else
    fi
}

/* A thread. Local variables that are done with go back to 0: fewer states. */
proctype Toucher(byte me)
{
    byte stores = 0;
    byte p;
    byte v;
    byte i;
    byte got;
    bool freed;
    bool found;

    do
    :: stores == STORES -> break
    :: stores < STORES ->
        /* Which page: any. */
        if
        :: p = 0
#if PAGES > 1
        :: p = 1
#endif
#if PAGES > 2
        :: p = 2
#endif
        fi;
store:
#ifndef UNDER_LOCK
        /* The instruction: it needs the mapping, and nothing else. */
        if
        :: atomic { mapped[p] ->
            assert(frame_used[frame[p]] && frame_value[frame[p]] == truth[p]);
            frame_value[frame[p]]++;
            truth[p]++;
            dirty_bit[p] = true;
            stores++;
            p = 0
           }
           goto stored
        :: !mapped[p]
        fi;
#endif
        /* coffer_space_fault: object_get, and the mapping. */
        take_lock();
again:
        /* attempt */
        if
        :: state[p] == RESIDENT
        :: state[p] == ABSENT || state[p] == SWAPPED ->
            take_frame(got);
            if
            :: got == FRAMES ->
                got = 0;
                /* paging_make_room */
                evict(v, freed, found);
                v = 0;
                if
                :: freed || (found && !freed) -> skip /* or COFFER_IO, and the thread tries anew */
                :: !freed && !found ->
                    assert(transits > 0); /* else COFFER_NO_MEMORY, with nothing pinned */
                    /* paging_wait_room */
                    atomic { waits_room[me] = true; give_lock() }
                    atomic { !waits_room[me] && lock_holder == NOBODY -> lock_holder = _pid }
                fi;
                freed = false;
                found = false;
                goto again
            :: got < FRAMES && state[p] == ABSENT -> /* touch_first */
                d_step {
                    frame[p] = got; got = 0; state[p] = RESIDENT; dirty[p] = false;
                    has_slot[p] = false
                }
            :: got < FRAMES && state[p] == SWAPPED -> /* bring_in, load */
                d_step { frame[p] = got; got = 0; state[p] = LOADING; transits++ }
                give_lock();
                frame_value[frame[p]] = slot_value[p]; /* backing->read */
                take_lock();
                /* end_load */
                wake_page(p);
                d_step { state[p] = RESIDENT; transits-- }
                wake_room();
                goto again
            fi
#ifdef BROKEN_WANTED
        :: state[p] == WRITING -> wanted[p] = true
        :: state[p] == LOADING ->
#else
        :: state[p] == WRITING || state[p] == LOADING ->
            wanted[p] = (state[p] == WRITING);
#endif
            /* paging_wait_page */
            atomic { waits_page[me * PAGES + p] = true; give_lock() }
            atomic {
                !waits_page[me * PAGES + p] && lock_holder == NOBODY -> lock_holder = _pid
            }
            goto again
        fi;
#ifdef UNDER_LOCK
        /* coffer_space_write: through the linear window; object_mark_dirty. */
progress:
        d_step {
            assert(frame_used[frame[p]] && frame_value[frame[p]] == truth[p]);
            frame_value[frame[p]]++;
            truth[p]++;
            dirty[p] = true;
            has_slot[p] = false;
            stores++;
            p = 0
        }
        give_lock()
#else
        mapped[p] = true;
        give_lock();
        goto store;
stored:
        skip
#endif
    od
}

/* paging_reclaim, from another thread. */
proctype Evictor()
{
    byte evictions = 0;
    byte v;
    byte i;
    bool freed;
    bool found;

    do
    :: evictions == EVICTIONS -> break
    :: evictions < EVICTIONS ->
        take_lock();
        evict(v, freed, found);
        give_lock();
        d_step { v = 0; freed = false; found = false; evictions++ }
    od
}

init
{
    byte t = 0;

    atomic {
        run Evictor();
        do
        :: t < THREADS -> run Toucher(t); t++
        :: else -> break
        od
    }
    /* In the end each page is what it ought to be, wherever it is. */
    _nr_pr == 1 ->
    t = 0;
    do
    :: t == PAGES -> break
    :: t < PAGES && state[t] == RESIDENT ->
        assert(frame_value[frame[t]] == truth[t]); t++
    :: t < PAGES && state[t] == SWAPPED -> assert(slot_value[t] == truth[t]); t++
    :: t < PAGES && state[t] == ABSENT -> assert(truth[t] == 0); t++
    :: t < PAGES && (state[t] == LOADING || state[t] == WRITING) -> assert(false)
    od
}
