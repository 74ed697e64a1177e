/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames in areas of their own, with nothing else cut from them. */
#ifndef TESTS_SUPPORT_FRAMES_H
#define TESTS_SUPPORT_FRAMES_H

#include "memory/frames/boot.h"

COFFER_MUST_CHECK static inline enum coffer_status
start_frames(const struct memory_area *areas, size_t count, const struct frames_settings *settings,
             struct account *account, struct frames **out)
{
    struct boot boot;
    enum coffer_status status = boot_init(&boot, areas, count);

    return status == COFFER_OK ? frames_start(&boot, settings, account, out) : status;
}

#endif
