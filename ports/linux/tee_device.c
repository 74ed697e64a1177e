/* SPDX-License-Identifier: BSD-2-Clause */
#include "tee_device.h"

#include <gcrypt.h>
#include <string.h>

/* HMAC-SHA256 of a text of ours, as a UUID of version 8 (RFC 9562: made as one likes). */
enum coffer_status tee_device_id(const struct coffer_key *key, TEE_UUID *out)
{
    static const char label[] = "Coffer gpd.tee.deviceID";
    const uint8_t *bytes;
    gcry_md_hd_t hash;

    if (gcry_md_open(&hash, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) != 0)
        return COFFER_NO_MEMORY;
    if (gcry_md_setkey(hash, key->bytes, key->size) != 0) {
        gcry_md_close(hash);
        return COFFER_NO_MEMORY;
    }
    gcry_md_write(hash, label, sizeof(label) - 1);
    bytes = gcry_md_read(hash, GCRY_MD_SHA256);
    out->timeLow = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                   bytes[3];
    out->timeMid = (uint16_t)(bytes[4] << 8 | bytes[5]);
    out->timeHiAndVersion = (uint16_t)(0x8000 | (bytes[6] & 0x0f) << 8 | bytes[7]);
    memcpy(out->clockSeqAndNode, bytes + 8, 8);
    out->clockSeqAndNode[0] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    gcry_md_close(hash);
    return COFFER_OK;
}
