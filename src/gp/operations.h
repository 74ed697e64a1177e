/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations (6): what stands behind a TEE_OperationHandle. An operation has an algorithm and a
 * mode, keys, copied from objects, and the state of its work; all of it in secure memory but for
 * the provider's contexts, which are opened with it: setting a key, beginning anew and copying need
 * no memory.
 *
 * An operation is *initial* or *active*: a digest from its first data, the others from their init
 * to their end.
 *
 * All answer plain results. What the standard has panic is BAD_STATE (it is not initial where it
 * must be, or not active; there is no key) or BAD_PARAMETERS (no handle of such an operation; wrong
 * sizes; a key that isn't for it). With SHORT_BUFFER the sizes that are needed are written, and
 * nothing else has happened. `in` and `out` of a call are the same buffer, or don't overlap.
 */
#ifndef COFFER_GP_OPERATIONS_H
#define COFFER_GP_OPERATIONS_H

#include "gp/gp.h"
#include "gp/provider.h"
#include "tee_api.h"

enum gp_work {
    GP_WORK_DIGEST,
    GP_WORK_ECB,
    GP_WORK_CBC,
    GP_WORK_CTR,
    GP_WORK_CTS,
    GP_WORK_XTS,
    GP_WORK_HMAC,
    GP_WORK_CBC_MAC,
    GP_WORK_CMAC,
    GP_WORK_GCM,
    GP_WORK_CCM,
};

struct gp_algorithm {
    uint32_t id;       /* TEE_ALG_... */
    uint32_t key_type; /* TEE_TYPE_...; 0: it takes no key */
    uint8_t work;      /* enum gp_work */
    uint8_t primitive; /* enum gp_hash or gp_block_cipher */
    uint8_t block;     /* bytes, of a cipher's block */
    uint8_t digest;    /* bytes, of a digest or MAC; 0: any number, or none */
    bool pad;          /* a MAC's last block is filled up as PKCS5 has it */
};

#define GP_OPERATION_KEY_MAX 128u /* bytes */

struct gp_operation_key {
    uint32_t bits; /* 0: none */
    uint8_t bytes[GP_OPERATION_KEY_MAX];
};

struct gp_digest_state {
    uint8_t given; /* bytes of it that were extracted already */
};

struct gp_cipher_state {
    uint8_t iv[GP_BLOCK_SIZE_MAX];       /* CBC's chain, the counter, XTS's tweak */
    uint8_t held[2 * GP_BLOCK_SIZE_MAX]; /* input that isn't worked on yet */
    uint8_t held_size;                   /* bytes */
    uint8_t stream[GP_BLOCK_SIZE_MAX];   /* CTR: of the key stream, */
    uint8_t stream_left;                 /*   its last bytes are still to be used */
};

struct gp_mac_state {
    uint8_t chain[GP_BLOCK_SIZE_MAX];
    uint8_t held[GP_BLOCK_SIZE_MAX]; /* a last block isn't worked on before the end */
    uint8_t held_size;
};

struct gp_ae_state {
    uint8_t chain[GP_BLOCK_SIZE_MAX];   /* GHASH's sum, or CCM's CBC-MAC */
    uint8_t partial[GP_BLOCK_SIZE_MAX]; /* of what is authenticated: not a block yet */
    uint8_t partial_size;
    uint8_t tag_mask[GP_BLOCK_SIZE_MAX]; /* what the tag is encrypted with */
    uint8_t counter[GP_BLOCK_SIZE_MAX];
    uint8_t stream[GP_BLOCK_SIZE_MAX];
    uint8_t stream_left;
    uint8_t tag_size;                        /* bytes; 0 before the first init */
    bool payload_begun;                      /* no more AAD */
    uint64_t aad_size, payload_size;         /* bytes so far */
    uint64_t aad_expected, payload_expected; /* CCM: in the end */
};

struct gp_operation {
    const struct gp_algorithm *algorithm;
    uint32_t mode;     /* TEE_MODE_... */
    uint32_t max_size; /* of a key, bits */
    uint32_t flags;    /* TEE_HANDLE_FLAG_... */
    bool active;
    void *contexts[2];               /* the provider's */
    struct gp_operation_key keys[2]; /* the second one is XTS's */
    void *ghash_key;                 /* GCM: made of its key */
    union {
        struct gp_digest_state digest;
        struct gp_cipher_state cipher;
        struct gp_mac_state mac;
        struct gp_ae_state ae;
    } state;
};

/* NULL: there is none such. */
const struct gp_algorithm *gp_algorithm_find(uint32_t id);

/* The operation of a handle, of the class of an algorithm (TEE_OPERATION_...); NULL: it is none. */
struct gp_operation *gp_operation_find(const struct gp_instance *instance,
                                       TEE_OperationHandle handle, uint32_t class);

/* The same, active: BAD_PARAMETERS, BAD_STATE. */
TEE_Result gp_operation_find_active(const struct gp_instance *instance, TEE_OperationHandle handle,
                                    uint32_t class, struct gp_operation **out);

/* The work is over, or given up: it is initial again, with its keys. */
void gp_operation_calm(struct gp_instance *instance, struct gp_operation *operation);

/* --- operations.c */

TEE_Result gp_operation_allocate(struct gp_instance *instance, uint32_t algorithm, uint32_t mode,
                                 uint32_t max_size, TEE_OperationHandle *out);
TEE_Result gp_operation_free(struct gp_instance *instance, TEE_OperationHandle handle);
TEE_Result gp_operation_info(struct gp_instance *instance, TEE_OperationHandle handle,
                             TEE_OperationInfo *out);
TEE_Result gp_operation_info_multiple(struct gp_instance *instance, TEE_OperationHandle handle,
                                      TEE_OperationInfoMultiple *out, size_t *size);
TEE_Result gp_operation_reset(struct gp_instance *instance, TEE_OperationHandle handle);
TEE_Result gp_operation_set_key(struct gp_instance *instance, TEE_OperationHandle handle,
                                TEE_ObjectHandle key);
TEE_Result gp_operation_set_key2(struct gp_instance *instance, TEE_OperationHandle handle,
                                 TEE_ObjectHandle key1, TEE_ObjectHandle key2);
TEE_Result gp_operation_copy(struct gp_instance *instance, TEE_OperationHandle to,
                             TEE_OperationHandle from);
TEE_Result gp_algorithm_supported(const struct gp_tee *tee, uint32_t algorithm, uint32_t element);

/* --- digest.c */

TEE_Result gp_digest_update(struct gp_instance *instance, TEE_OperationHandle handle,
                            const void *in, size_t size);
TEE_Result gp_digest_final(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                           size_t size, void *hash, size_t *hash_size);
TEE_Result gp_digest_extract(struct gp_instance *instance, TEE_OperationHandle handle, void *hash,
                             size_t *hash_size);

/* --- cipher.c */

TEE_Result gp_cipher_init(struct gp_instance *instance, TEE_OperationHandle handle, const void *iv,
                          size_t iv_size);
TEE_Result gp_cipher_update(struct gp_instance *instance, TEE_OperationHandle handle,
                            const void *in, size_t size, void *out, size_t *out_size);
TEE_Result gp_cipher_final(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                           size_t size, void *out, size_t *out_size);

/* --- mac.c */

TEE_Result gp_mac_init(struct gp_instance *instance, TEE_OperationHandle handle, const void *iv,
                       size_t iv_size);
TEE_Result gp_mac_update(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                         size_t size);
TEE_Result gp_mac_compute(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                          size_t size, void *mac, size_t *mac_size);
/* MAC_INVALID. */
TEE_Result gp_mac_compare(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                          size_t size, const void *mac, size_t mac_size);

/* Whole blocks into the chain of a CBC-MAC. */
enum coffer_status gp_chain(struct gp_tee *tee, void *context, uint8_t *chain, const uint8_t *in,
                            size_t size, size_t block);

/* --- ae.c */

/* Make GHASH's key of GCM's, which the context has; it may have none. */
enum coffer_status gp_gcm_use_key(struct gp_tee *tee, struct gp_operation *operation);

/* `tag_bits`, and the sizes that CCM must know; NOT_SUPPORTED: no such tag. */
TEE_Result gp_ae_init(struct gp_instance *instance, TEE_OperationHandle handle, const void *nonce,
                      size_t nonce_size, uint32_t tag_bits, size_t aad_size, size_t payload_size);
TEE_Result gp_ae_update_aad(struct gp_instance *instance, TEE_OperationHandle handle,
                            const void *aad, size_t size);
TEE_Result gp_ae_update(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                        size_t size, void *out, size_t *out_size);
TEE_Result gp_ae_encrypt_final(struct gp_instance *instance, TEE_OperationHandle handle,
                               const void *in, size_t size, void *out, size_t *out_size, void *tag,
                               size_t *tag_size);
/* MAC_INVALID: what this call has decrypted is wiped. */
TEE_Result gp_ae_decrypt_final(struct gp_instance *instance, TEE_OperationHandle handle,
                               const void *in, size_t size, void *out, size_t *out_size,
                               const void *tag, size_t tag_size);

/* --- random.c */

TEE_Result gp_random(struct gp_instance *instance, void *out, size_t size);

#endif
