/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations as the cases about them need them (6): with a key, begun, halfway. */
#ifndef TESTS_CONFORMANCE_GP_WORK_H
#define TESTS_CONFORMANCE_GP_WORK_H

#include "keys.h"

/* 00 01 02 ... */
extern const uint8_t work_bytes[64];
/* An IV, or a block to be worked on (FIPS 197, appendix C). */
extern const uint8_t work_block[16];

/* Noted when it isn't made. */
TEE_OperationHandle work_new(uint32_t algorithm, uint32_t mode, uint32_t bits);
/* With an AES key of 128 bits, or for AES-XTS two; what needs no key is as it is. */
TEE_OperationHandle work_with_key(uint32_t algorithm, uint32_t mode);
/* Initialised, a digest with some data: for CCM four bytes of AAD and eight of payload are told. */
TEE_OperationHandle work_begun(uint32_t algorithm, uint32_t mode);

/* TEE_MODE_... that goes with an algorithm: TEE_MODE_ENCRYPT of ciphers. */
uint32_t work_mode(uint32_t algorithm);

#endif
