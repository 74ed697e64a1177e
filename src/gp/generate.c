/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys are made: what is random and what belongs together comes from the provider. */
#include <string.h>

#include "base/assert.h"
#include "gp/transient.h"

/* The place for an attribute of the type, had from now on; on failure all are cleared anyway. */
static struct gp_number *place(struct gp_attributes *attributes, uint32_t id)
{
    int at = gp_type_attribute(attributes->type, id);

    assert_cheap(at >= 0);
    attributes->values[at].have = true;
    return &attributes->values[at].number;
}

static TEE_Result make_random(struct gp_tee *tee, struct gp_number *number, size_t size)
{
    if (tee->port->entropy(tee->port->context, number->bytes, size) != COFFER_OK)
        return TEE_ERROR_GENERIC;
    number->size = size;
    return TEE_SUCCESS;
}

static TEE_Result make_secret(struct gp_tee *tee, struct gp_attributes *attributes, uint32_t size)
{
    struct gp_number *secret = place(attributes, TEE_ATTR_SECRET_VALUE);
    TEE_Result result = make_random(tee, secret, size / 8);

    if (result != TEE_SUCCESS || attributes->type->making != GP_MAKE_DES)
        return result;
    for (size_t i = 0; i < secret->size; i++) {
        uint8_t bits = secret->bytes[i] & 0xfe;
        uint8_t fold = bits ^ (uint8_t)(bits >> 4);

        fold ^= (uint8_t)(fold >> 2);
        fold ^= (uint8_t)(fold >> 1);
        secret->bytes[i] = (uint8_t)(bits | ((fold & 1) ^ 1));
    }
    return TEE_SUCCESS;
}

static TEE_Result make_rsa(struct gp_tee *tee, struct gp_attributes *attributes, uint32_t size)
{
    static const uint32_t ids[] = {TEE_ATTR_RSA_MODULUS,          TEE_ATTR_RSA_PUBLIC_EXPONENT,
                                   TEE_ATTR_RSA_PRIVATE_EXPONENT, TEE_ATTR_RSA_PRIME1,
                                   TEE_ATTR_RSA_PRIME2,           TEE_ATTR_RSA_EXPONENT1,
                                   TEE_ATTR_RSA_EXPONENT2,        TEE_ATTR_RSA_COEFFICIENT};
    static const uint8_t usual[] = {0x01, 0x00, 0x01};
    struct gp_rsa_key key;
    struct gp_number *const parts[] = {&key.modulus, &key.exponent, &key.secret, &key.p,
                                       &key.q,       &key.dp,       &key.dq,     &key.inverse};
    bool given = gp_attributes_get(attributes, TEE_ATTR_RSA_PUBLIC_EXPONENT) != NULL;
    enum coffer_status status;

    if (size % 2 != 0)
        return TEE_ERROR_BAD_STATE; /* two primes of one size make no such key */
    if (!given) {
        struct gp_number *exponent = place(attributes, TEE_ATTR_RSA_PUBLIC_EXPONENT);

        memcpy(exponent->bytes, usual, sizeof(usual));
        exponent->size = sizeof(usual);
    }
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        *parts[i] = *place(attributes, ids[i]);
    status = tee->provider->rsa_generate(tee->crypto, size, &key);
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        place(attributes, ids[i])->size = parts[i]->size;
    return gp_result(status);
}

static const struct gp_number *given(const struct gp_attributes *attributes, uint32_t id)
{
    const struct gp_value *value = gp_attributes_get(attributes, id);

    return value != NULL ? &value->number : NULL;
}

static TEE_Result make_dsa(struct gp_tee *tee, struct gp_attributes *attributes)
{
    return gp_result(tee->provider->power_generate(
        tee->crypto, given(attributes, TEE_ATTR_DSA_PRIME),
        given(attributes, TEE_ATTR_DSA_SUBPRIME), given(attributes, TEE_ATTR_DSA_BASE), 0,
        place(attributes, TEE_ATTR_DSA_PRIVATE_VALUE),
        place(attributes, TEE_ATTR_DSA_PUBLIC_VALUE)));
}

static TEE_Result make_dh(struct gp_tee *tee, struct gp_attributes *attributes)
{
    const struct gp_value *bits = gp_attributes_get(attributes, TEE_ATTR_DH_X_BITS);

    if (bits != NULL && bits->value == 0)
        return TEE_ERROR_BAD_PARAMETERS;
    return gp_result(tee->provider->power_generate(
        tee->crypto, given(attributes, TEE_ATTR_DH_PRIME), given(attributes, TEE_ATTR_DH_SUBPRIME),
        given(attributes, TEE_ATTR_DH_BASE), bits != NULL ? bits->value : 0,
        place(attributes, TEE_ATTR_DH_PRIVATE_VALUE), place(attributes, TEE_ATTR_DH_PUBLIC_VALUE)));
}

static TEE_Result make_point(struct gp_tee *tee, struct gp_attributes *attributes)
{
    const struct gp_value *id = gp_attributes_get(attributes, TEE_ATTR_ECC_CURVE);
    enum gp_curve curve;
    uint32_t bits;

    if (!gp_curve_find(id->value, &curve, &bits))
        return TEE_ERROR_BAD_PARAMETERS;
    return gp_result(tee->provider->curve_generate(tee->crypto, curve,
                                                   place(attributes, TEE_ATTR_ECC_PRIVATE_VALUE),
                                                   place(attributes, TEE_ATTR_ECC_PUBLIC_VALUE_X),
                                                   place(attributes, TEE_ATTR_ECC_PUBLIC_VALUE_Y)));
}

static TEE_Result make_octets(struct gp_tee *tee, struct gp_attributes *attributes)
{
    bool is_x = attributes->type->making == GP_MAKE_X25519;
    struct gp_number *secret = place(attributes, is_x ? TEE_ATTR_X25519_PRIVATE_VALUE
                                                      : TEE_ATTR_ED25519_PRIVATE_VALUE);
    struct gp_number *open = place(attributes, is_x ? TEE_ATTR_X25519_PUBLIC_VALUE
                                                    : TEE_ATTR_ED25519_PUBLIC_VALUE);
    TEE_Result result = make_random(tee, secret, GP_25519_SIZE);

    if (result != TEE_SUCCESS)
        return result;
    if (is_x) { /* the bits that the function fixes anyway (RFC 7748, 5) */
        secret->bytes[0] &= 0xf8;
        secret->bytes[31] = (uint8_t)((secret->bytes[31] & 0x7f) | 0x40);
    }
    open->size = GP_25519_SIZE;
    return gp_result(tee->provider->octets_public(tee->crypto, is_x ? GP_X25519 : GP_ED25519,
                                                  secret->bytes, open->bytes));
}

TEE_Result gp_generate(struct gp_tee *tee, struct gp_attributes *attributes, uint32_t size)
{
    enum gp_making making = (enum gp_making)attributes->type->making;

    if (making == GP_MAKE_SECRET || making == GP_MAKE_DES)
        return make_secret(tee, attributes, size);
    if (tee->provider == NULL)
        return TEE_ERROR_NOT_SUPPORTED;
    switch (making) {
    case GP_MAKE_RSA:
        return make_rsa(tee, attributes, size);
    case GP_MAKE_DSA:
        return make_dsa(tee, attributes);
    case GP_MAKE_DH:
        return make_dh(tee, attributes);
    case GP_MAKE_CURVE:
        return make_point(tee, attributes);
    case GP_MAKE_ED25519:
    case GP_MAKE_X25519:
        return make_octets(tee, attributes);
    default:
        return TEE_ERROR_BAD_STATE; /* a public key */
    }
}
