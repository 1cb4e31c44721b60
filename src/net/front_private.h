/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind a struct front and a struct server: HTTP/1 or HTTP/2.
 */
#ifndef WEIR_SRC_NET_FRONT_PRIVATE_H
#define WEIR_SRC_NET_FRONT_PRIVATE_H

#include "weir/base/buf.h"
#include "weir/net/front.h"
#include "weir/net/server.h"

struct front_kind {
    void (*take_body)(struct front *f, uint64_t max_bytes);
    void (*resume)(struct front *f);
    void (*answer)(struct front *f, int status, const struct field *fields, size_t n_fields,
                   bool end);
    void (*send)(struct front *f, struct str bytes, bool end);
    size_t (*unsent)(const struct front *f);
    bool (*half_closed)(const struct front *f);
    void (*hold)(struct front *f, bool on);
    void (*abort)(struct front *f);
    void (*refuse)(struct front *f);
};

struct front {
    const struct front_kind *kind;
};

struct server_kind {
    void (*drain)(struct server *s);
    void (*free)(struct server *s);
};

/* An answer to HEAD, a 204 or a 304 has no body, whatever its fields say and the sink sends: a
 * client would take the bytes for the next answer. */
bool front_bodyless(const struct front_request *r, int status);

/* The value of Date, built once a second per thread. */
struct str front_date(void);

/* An answer of the protocol's own: fields and a JSON body that names the fault as AWS SDKs read it.
 * Points into static memory and `body`. */
enum { FRONT_FAULT_FIELDS = 3 };
struct front_fault {
    char body[256], length[8];
    size_t body_len;
    struct field fields[FRONT_FAULT_FIELDS];
};
void front_fault_make(struct front_fault *f, int status, const char *sentence);

#endif
