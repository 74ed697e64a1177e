/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#ifndef TA_LAST
#define TA_LAST 0x11
#endif

#define TA_UUID                                                                                    \
    {                                                                                              \
        0xc0ffe700, 0x7e57, 0x4000,                                                                \
        {                                                                                          \
            0x80, 0, 0, 0, 0, 0, 0, TA_LAST                                                        \
        }                                                                                          \
    }
#define TA_FLAGS 0 /* each session has an instance of its own */

#endif
