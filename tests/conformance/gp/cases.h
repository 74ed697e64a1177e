/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite of the GlobalPlatform front end: a rule of the TEE Internal Core API 1.3.1
 * is a case, which names the function and the clause it belongs to. The suite's answer is TAP.
 *
 * A case's body runs as a TA's code in an instance of a world of its own (world.h), whose stores
 * are empty. Either it comes to its end and all that it expected was so, or, where the rule is a
 * panic, it panics in the call and with the code that are named. An expectation that fails is noted
 * and the body goes on.
 */
#ifndef TESTS_CONFORMANCE_GP_CASES_H
#define TESTS_CONFORMANCE_GP_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

#define CASE_TEXT_SIZE 160

/* In which profiles a rule is looked at. */
enum {
    IN_ALL,
    IN_STRICT, /* GP_1_3_1 */
    IN_OPTEE,  /* GP_OPTEE_4 */
};

#define ANY_PANIC UINT32_MAX /* the code doesn't matter */

struct rule {
    const char *function; /* "TEE_OpenPersistentObject" */
    const char *clause;   /* its number in the standard, or a section's name */
    const char *text;     /* the rule, in a few words */
    void (*body)(const struct rule *rule);
    void (*reopened)(
        const struct rule *rule); /* NULL: none. After all was closed and opened again */
    TEE_Result panic;             /* 0: it returns */
    enum gp_call call;            /* which panics */
    unsigned profiles;            /* IN_... */
    uint32_t a, b;                /* what the body makes of them */
    const void *of;               /* likewise */
    enum gp_profile profile;      /* that it runs in; add() knows it */

    /* Instead of the body: opens worlds of its own, outside of instances. */
    void (*by_itself)(const struct rule *rule);
};

#define RULE(name, number, words, does)                                                            \
    .function = (name), .clause = (number), .text = (words), .body = (does)

/* The text is copied, the rest must stay. */
void add(const struct rule *rule);
void add_all(const struct rule *rules, size_t count);
#define add_rules(rules) add_all((rules), sizeof(rules) / sizeof((rules)[0]))

/* Each file's rules. */
void add_properties(void);
void add_memory(void);
void add_handles(void);
void add_objects(void);
void add_transient(void);
void add_generation(void);
void add_operations(void);
void add_operation_states(void);
void add_operation_arguments(void);
void add_operation_keys(void);
void add_storage_open(void);
void add_storage_create(void);
void add_storage_rename_delete(void);
void add_streams(void);
void add_enumerators(void);
void add_sharing(void);
void add_isolation(void);
void add_persistence(void);
void add_corruption(void);
void add_sessions(void);
void add_client_arguments(void);
void add_shortage_storage(void);
void add_shortage_crypto(void);

/* Run as the TA of an instance. False: it panicked, which is noted as a failure. */
bool run_in(struct gp_instance *instance, void (*body)(void *argument), void *argument);

/* --- Expectations, in any thread --------------------------------------------------------- */

bool expect_at(const char *file, int line, const char *what, bool is_so);
bool expect_result_at(const char *file, int line, const char *what, TEE_Result got,
                      TEE_Result wanted);
bool expect_equal_at(const char *file, int line, const char *what, uint64_t got, uint64_t wanted);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Noted so far in this case. */
unsigned failures(void);

/* Each answers whether it is so. */
#define expect(fact)               expect_at(__FILE__, __LINE__, #fact, (fact))
#define expect_result(got, wanted) expect_result_at(__FILE__, __LINE__, #got, (got), (wanted))
#define expect_success(got)        expect_result((got), TEE_SUCCESS)
#define expect_equal(got, wanted)  expect_equal_at(__FILE__, __LINE__, #got, (got), (wanted))

/* --- What bodies are made of ------------------------------------------------------------- */

#define READ       TEE_DATA_FLAG_ACCESS_READ
#define WRITE      TEE_DATA_FLAG_ACCESS_WRITE
#define META       TEE_DATA_FLAG_ACCESS_WRITE_META
#define SHARE_R    TEE_DATA_FLAG_SHARE_READ
#define SHARE_W    TEE_DATA_FLAG_SHARE_WRITE
#define OVERWRITE  TEE_DATA_FLAG_OVERWRITE
#define READ_WRITE (READ | WRITE | SHARE_R | SHARE_W)
#define ALL_ACCESS (READ | WRITE | META)

/* An object of TEE_STORAGE_PRIVATE with that id and data; no handle is left. */
void make(const char *id, const char *data);
/* A handle on it; TEE_HANDLE_NULL when it isn't opened, which is noted. */
TEE_ObjectHandle open_as(const char *id, uint32_t flags);
TEE_Result try_open(const char *id, uint32_t flags, TEE_ObjectHandle *object);
/* A new object with a handle; likewise. */
TEE_ObjectHandle create_as(const char *id, uint32_t flags, const char *data);
/* The object is there, with just this data. */
void expect_data(const char *id, const char *data);
void expect_none(const char *id);
/* What the handle is like now. */
TEE_ObjectInfo info_of(TEE_ObjectHandle object);
/* A bit of each object of TEE_STORAGE_PRIVATE, on the device: of what must be read to open it; of
 * the fourth block of its data. */
void damage_objects(void);
void damage_data(void);

#endif
