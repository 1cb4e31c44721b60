/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool's rows as bytes. Each begins with a version and a checksum over its key's number and
 * what follows. What a record is changes hardly ever; where it is, that is its place.
 *
 *     TABLE_SPOOLED  number                          -> struct spool_row
 *     TABLE_PLACES   number                          -> struct spool_place
 *     TABLE_LISTS    list 1, of 8, number            -> nothing: the places, as lists
 *     TABLE_KEYS     key 16, KEY_HELD, number        -> nothing: not delivered yet
 *                    key 16, KEY_GIVEN, deliveries 4, number -> nothing
 *                    key 16, KEY_ATTEMPT, invocation 8 -> number
 *     TABLE_BODIES, TABLE_ANSWERS  number, chunk 4   -> a piece, perhaps sealed
 *     TABLE_POOLS    number 4                        -> struct spool_whose
 *     TABLE_GONE     number                          -> struct spool_gone
 */
#ifndef WEIR_SRC_BOOK_SPOOL_ROWS_H
#define WEIR_SRC_BOOK_SPOOL_ROWS_H

#include "weir/base/buf.h"
#include "weir/book/spool.h"

enum {
    SPOOL_HASH = 16,        /* bytes of a key that are kept */
    SPOOL_ATTEMPT = 8,      /* of an invocation id */
    SPOOL_ATTEMPTS = 8,     /* of them a record remembers, the newest ones */
    SPOOL_ROW_MOST = 60000, /* more than that is not taken: a header field of absurd length */
    /* With checksum or seal just as much as sixteen pages of LMDB hold. */
    SPOOL_CHUNK = 65480
};

struct spool_row {
    unsigned char secret[SPOOL_SECRET_BYTES], key[SPOOL_HASH];
    enum batch_kind kind;
    uint64_t body_bytes, answer_bytes, saved_nanousd;
    int status; /* of its answer; 0: none yet */
    struct str client, workload, model, operation, role, target, content_type, accept;
    struct str error_type;
    struct str attempts; /* hashes of invocation ids, the oldest first */
};

struct spool_place {
    enum spool_state state;
    uint64_t of; /* job; 0 where it is in none */
    uint32_t pool;
    enum spool_reply reply;
    unsigned flags;
    bool ticketed;  /* a ticket was told: its answer is there until `keep` has passed */
    uint64_t bytes; /* of its body while it waits, then of its answer */
    int64_t accepted_ms, deadline_ms, done_ms, delivered_ms;
    uint32_t deliveries;
    uint64_t expect_nanousd, cost_nanousd;
};

struct spool_whose {
    struct str client, model, role;
    enum batch_kind kind;
};

struct spool_gone {
    unsigned char hash[SPOOL_HASH]; /* of its id and its client */
    int64_t until_ms;
};

void spool_row_write(uint64_t number, const struct spool_row *r, struct buf *out);
MUST_CHECK int spool_row_read(uint64_t number, struct str bytes, struct spool_row *out);
void spool_place_write(uint64_t number, const struct spool_place *p, struct buf *out);
MUST_CHECK int spool_place_read(uint64_t number, struct str bytes, struct spool_place *out);
void spool_whose_write(uint32_t number, const struct spool_whose *w, struct buf *out);
MUST_CHECK int spool_whose_read(uint32_t number, struct str bytes, struct spool_whose *out);
void spool_gone_write(uint64_t number, const struct spool_gone *g, struct buf *out);
MUST_CHECK int spool_gone_read(uint64_t number, struct str bytes, struct spool_gone *out);

/* --- pieces of bodies and answers; `key` NULL: plain, with a checksum. `what` keeps a body from
 * being taken for an answer. */
void spool_piece_write(const unsigned char *key, char what, uint64_t number, uint32_t chunk,
                       struct str text, struct buf *out);
/* Appends. */
MUST_CHECK int spool_piece_read(const unsigned char *key, char what, uint64_t number,
                                uint32_t chunk, struct str bytes, struct buf *out);

/* --- with which key all of an environment is sealed */

enum spool_mark { MARK_SAME, MARK_OTHER_KEY, MARK_SEALED, MARK_PLAIN };
void spool_mark_write(const unsigned char *key, struct buf *out);
enum spool_mark spool_mark_read(const unsigned char *key, struct str bytes);

/* --- keys */

enum spool_key_kind { KEY_HELD, KEY_GIVEN, KEY_ATTEMPT };
/* Stored; the first three are enum spool_list. */
enum { LIST_DONE = 3, LIST_DELIVERED = 4 };

struct spool_key {
    unsigned char bytes[32];
    size_t len;
};
static inline struct str spool_key_str(const struct spool_key *k)
{
    return str_from((const char *)k->bytes, k->len);
}
struct spool_key spool_key_number(uint64_t number);
struct spool_key spool_key_piece(uint64_t number, uint32_t chunk);
struct spool_key spool_key_list(unsigned list, uint64_t of, uint64_t number);
/* The list that a record in that place is in. */
struct spool_key spool_key_place(uint64_t number, const struct spool_place *p);
struct spool_key spool_key_held(const unsigned char hash[SPOOL_HASH], uint64_t number);
struct spool_key spool_key_given(const unsigned char hash[SPOOL_HASH], uint32_t deliveries,
                                 uint64_t number);
/* All of one key lie on one page: an admit writes to one that is anywhere, not to two. */
struct spool_key spool_key_attempt(const unsigned char hash[SPOOL_HASH], uint64_t invocation);
/* The number at the end of such a key. */
uint64_t spool_key_end(struct str key);

#endif
