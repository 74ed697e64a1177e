/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sip.h"

#include "base/bytes.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(struct sip *sip)
{
    sip->v0 += sip->v1;
    sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
    sip->v0 = rotate(sip->v0, 32);
    sip->v2 += sip->v3;
    sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
    sip->v0 += sip->v3;
    sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
    sip->v2 += sip->v1;
    sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
    sip->v2 = rotate(sip->v2, 32);
}

static void add_word(struct sip *sip, uint64_t word)
{
    sip->v3 ^= word;
    mix(sip);
    sip->v0 ^= word;
}

uint64_t sip_hash(const uint8_t key[SIP_KEY_SIZE], const void *data, size_t size)
{
    uint64_t k0 = load_le64(key);
    uint64_t k1 = load_le64(key + 8);
    /* The four constants are the algorithm's: "somepseudorandomlygeneratedbytes". */
    struct sip sip = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                      k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    const uint8_t *bytes = data;
    uint64_t last = (uint64_t)size << 56;
    size_t left = size;

    for (; left >= 8; left -= 8, bytes += 8)
        add_word(&sip, load_le64(bytes));
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)bytes[i] << (8 * i);
    add_word(&sip, last);
    sip.v2 ^= 0xFF;
    mix(&sip);
    mix(&sip);
    mix(&sip);
    return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}
