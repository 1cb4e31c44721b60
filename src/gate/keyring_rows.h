/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of STATE/keys and the rows that it says. Pure: no files, and nothing is unsealed here.
 *
 *     {"id":"WEIR...","client":"app","kind":"sigv4","admin":false,"made":1763632800,"revoked":0,
 *      "sealed":"<hex>"}                                   (one line, ended by a newline)
 *
 * A bearer key has "sha256" in the place of "sealed"; a revoked key has neither. Every member is
 * there exactly once, so that a damaged name is as much a fault as a damaged value.
 */
#ifndef WEIR_SRC_GATE_KEYRING_ROWS_H
#define WEIR_SRC_GATE_KEYRING_ROWS_H

#include "weir/base/arena.h"
#include "weir/gate/keyring.h"

enum {
    KEYRING_LINE_MOST = 4096,
    KEYRING_TEXT_MOST = 16 << 20,
    KEYRING_ID_MOST = 40,
    KEYRING_CLIENT_MOST = 256,
    KEYRING_SECRET_MOST = 64,
};

struct keyring_row {
    struct key key; /* without secret */
    size_t line;    /* from 1 */
    unsigned char sealed[KEYRING_SECRET_MOST * 2];
    size_t sealed_len; /* of a valid SIGV4 key */
};

struct keyring_rows {
    struct arena arena; /* ids and clients */
    struct keyring_row *rows;
    struct keyring_row **by_id; /* sorted */
    size_t n;
};

/* False with "LINE: what is wrong". *out is to be freed in any case. */
bool keyring_rows_read(struct str text, struct keyring_rows *out, char *why, size_t why_size);
void keyring_rows_fini(struct keyring_rows *r);
struct keyring_row *keyring_rows_find(const struct keyring_rows *r, struct str id);
void keyring_rows_add(const struct keyring_row *row, struct buf *out);

#endif
