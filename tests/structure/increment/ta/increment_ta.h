/* SPDX-License-Identifier: BSD-2-Clause */
/* What the TA and its client know of each other. */
#ifndef INCREMENT_TA_H
#define INCREMENT_TA_H

#define TA_INCREMENT_UUID                                                                          \
    {                                                                                              \
        0x5d1c2f4e, 0x90ab, 0x4b6d,                                                                \
        {                                                                                          \
            0x8e, 0x21, 0x3c, 0x47, 0xd5, 0xf0, 0x16, 0x7a                                         \
        }                                                                                          \
    }

enum {
    TA_INCREMENT_CMD_INCREMENT, /* [inout] value.a: one more */
    TA_INCREMENT_CMD_TRUNCATE,  /* [inout] value.a: rounded down to hundreds */
};

#endif
