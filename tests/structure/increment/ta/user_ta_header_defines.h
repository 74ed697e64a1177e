/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <increment_ta.h>

#define TA_UUID TA_INCREMENT_UUID

#define TA_FLAGS      TA_FLAG_EXEC_DDR
#define TA_STACK_SIZE (2 * 1024)
#define TA_DATA_SIZE  (32 * 1024)

#define TA_VERSION     "1.0"
#define TA_DESCRIPTION "A value, and one more"

#define TA_CURRENT_TA_EXT_PROPERTIES                                                               \
    {"test.increment.by", USER_TA_PROP_TYPE_U32, &(const uint32_t){1}},                            \
    {                                                                                              \
        "test.increment.name", USER_TA_PROP_TYPE_STRING, "increment"                               \
    }

#endif
