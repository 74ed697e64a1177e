/* SPDX-License-Identifier: BSD-2-Clause */
/* An object's file as anything that the untrusted side may make of it. */
#include "fuzz_raw.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_raw("1", data, size);
    return 0;
}
