/* SPDX-License-Identifier: BSD-2-Clause */
#include "device_fixture.h"

#include "device/device.h"

const struct candidate *candidate;

int fixture_set_up(void **state)
{
    static struct fixture fixture;

    fixture.place = candidate->place_make();
    *state = &fixture;
    return candidate->device_open(fixture.place, false, &fixture.device) == COFFER_OK ? 0 : -1;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->device != NULL)
        fixture->device->operations->close(fixture->device);
    candidate->place_free(fixture->place);
    return 0;
}
