/* SPDX-License-Identifier: BSD-2-Clause */
#include "shortage.h"
void add_shortage_crypto(void)
{
}
