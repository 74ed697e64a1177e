/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting. Every sum is kept as it changes, so that a reader never walks anything. */
#include "memory/account/account.h"

#include <string.h>

void account_init(struct account *account)
{
    memset(account, 0, sizeof(*account));
    account->lines[0].name = "none";
    account->owner_count = 1;
}

enum coffer_status account_open_owner(struct account *account, const char *name,
                                      struct owner *owner)
{
    if (account->owner_count == ACCOUNT_OWNERS_MAX)
        return COFFER_NO_MEMORY;

    account->lines[account->owner_count].name = name;
    owner->index = (uint8_t)account->owner_count++;
    return COFFER_OK;
}
