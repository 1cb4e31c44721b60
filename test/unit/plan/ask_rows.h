/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of bodies and what ask_tell says of them. In a body ' stands for ", to be read.
 */
#ifndef WEIR_TEST_PLAN_ASK_ROWS_H
#define WEIR_TEST_PLAN_ASK_ROWS_H

#include "ask_tell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *body, *told;
};

static struct ask_block room[ROOM];

static inline void quote(struct buf *b, const char *text)
{
    for (; *text; text++)
        buf_add_char(b, *text == '\'' ? '"' : *text);
}

static inline void check(enum ask_dialect d, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf body = {0}, told = {0};
        struct ask a;
        quote(&body, rows[i].body);
        ask_all(&a, d, buf_str(&body), room, ROOM);
        ask_tell(&a, &told);
        buf_add_char(&told, 0);
        if (strcmp(buf_str(&told).ptr, rows[i].told))
            print_error("%s\n", rows[i].body);
        assert_string_equal(buf_str(&told).ptr, rows[i].told);
        buf_fini(&body);
        buf_fini(&told);
    }
}

#define CHECK(dialect, rows) check(dialect, rows, sizeof(rows) / sizeof *(rows))

#endif
