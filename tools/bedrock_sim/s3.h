/* SPDX-License-Identifier: Apache-2.0
 *
 * What a batch job needs of S3, with the simulator's own signatures: read an object into a file,
 * write one from pieces. Blocking, one connection a call, path style, in clear; HTTP/1.0, so that
 * no answer comes in chunks. For worker threads.
 */
#ifndef SIM_S3_H
#define SIM_S3_H

#include "weir/base/buf.h"
#include "weir/base/str.h"

#include <stdio.h>

/* Where the objects are. Zeroed: nowhere. */
struct s3_place {
    char host[256], port[8], key[128], secret[128];
};

/* "http://HOST:PORT", and "AK:SK"; false when it is not that. */
bool s3_place_url(struct s3_place *p, struct str url);
bool s3_place_key(struct s3_place *p, struct str pair);

/* An object's name, as in s3://BUCKET/KEY. Borrowed. */
struct s3_name {
    struct str bucket, key;
};
bool s3_name_read(struct str uri, struct s3_name *out);

enum { S3_WHY = 200 };

/* The status of the answer; 0 when there was none, or not a whole one. `why` gets a sentence unless
 * it is 200. */
int s3_get(const struct s3_place *p, const struct s3_name *name, FILE *into, char why[S3_WHY]);

/* The object is pieces 0 to n-1, each appended to `out`; asked for twice, alike both times. */
struct s3_pieces {
    void (*add)(void *arg, size_t i, struct buf *out);
    void *arg;
    size_t n;
};
int s3_put(const struct s3_place *p, const struct s3_name *name, const struct s3_pieces *pieces,
           char why[S3_WHY]);

#endif
