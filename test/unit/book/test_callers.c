/* SPDX-License-Identifier: Apache-2.0
 *
 * book/callers: hours by the clock on the wall, of on demand alone; the money of a job; and how
 * many requests were under way together.
 */
#include "weir/book/callers.h"

#include "book_make.h"
#include "weir/base/file.h"

#define NOVA "amazon.nova-lite-v1:0"
enum { NOON = 1763640000 }; /* 2025-11-20T12:00:00Z */

static struct catalogue *catalogue;

static struct record sample(int64_t time_s)
{
    static unsigned char id;
    return (struct record){.time_ms = time_s * 1000,
                           .id = {++id, (unsigned char)(time_s & 255)},
                           .client = S("reports"),
                           .workload = S("nightly"),
                           .asked = S(NOVA),
                           .model = S(NOVA),
                           .operation = S("Converse"),
                           .outcome = S("answered"),
                           .lane = LANE_ONDEMAND,
                           .end = RECORD_GOOD,
                           .flags = RECORD_INVOCATION | RECORD_BATCH_FIT,
                           .status = 200,
                           .attempts = 1,
                           .usage = {{1000, 100, 9000}},
                           .cost_nanousd = 700,
                           .latency_us = 5000000};
}

static void put(struct made *m, struct record r)
{
    made_add(m, &r);
}

static void sums(void **state)
{
    struct made m;
    struct callers *list;
    const struct callers_terms t = {.now_ms = (NOON + 7200) * 1000LL, .catalogue = catalogue};
    struct price batch;
    size_t n;
    made_init(&m);
    put(&m, sample(NOON - 10 * 3600)); /* 02:00 of the night before */
    put(&m, sample(NOON - 10 * 3600 + 3599));
    put(&m, sample(NOON - 10 * 3600 + 3600));
    struct record r = sample(NOON - 10 * 3600);
    r.flags = RECORD_INVOCATION | RECORD_STREAM;
    r.first_us = 1;
    put(&m, r);
    r = sample(NOON + 60); /* a night of its own */
    r.workload = S("");
    put(&m, r);
    r = sample(NOON - 10 * 3600);
    r.lane = LANE_BATCH; /* it waits already */
    put(&m, r);
    put(&m, sample(NOON - 14 * 86400)); /* too long ago */
    made_commit(&m);
    assert_int_equal(callers_read(m.store, &t, &list), 0);
    const struct caller *c = callers_list(list, &n);
    assert_int_equal(n, 2);
    assert_int_equal(c[0].series.workload.len, 0);
    assert_int_equal(c[0].sums.hours[13][0].requests, 1);
    assert_int_equal(c[0].sums.to_come, 22); /* it is 14:00 */
    const struct suggest_hour *h = c[1].sums.hours[12];
    assert_int_equal(h[14].requests, 3);
    assert_int_equal(h[14].fit, 2);
    assert_int_equal(h[14].streams, 1);
    assert_int_equal(h[14].cost_nanousd, 2100);
    assert_int_equal(h[15].requests, 1);
    assert_int_equal(c[1].sums.hours[0][0].requests, 0);
    assert_int_not_equal(catalogue_price(catalogue, S(NOVA), LANE_BATCH, &batch), UNPRICED);
    const struct usage plain = {{10000, 100}};
    assert_int_equal(h[15].batch_nanousd, price_cost(&batch, &plain));
    assert_int_equal(callers_hour_ms(&t, 12, 14), (NOON - 10 * 3600) * 1000LL);
    callers_free(list);
    made_fini(&m);
}

/* Berlin's clock on the wall: one hour before UTC's, two in summer; Kathmandu's quarters. */
static void zones(void **state)
{
    static const struct {
        const char *file;
        int64_t offset_s;
    } rows[] = {{"/usr/share/zoneinfo/Europe/Berlin", 3600},
                {"/usr/share/zoneinfo/Asia/Kathmandu", 20700}};
    for (size_t i = 0; i < 2; i++) {
        struct made m;
        struct buf file = {0};
        struct callers *list;
        struct tzif zone;
        char why[256];
        size_t n;
        if (file_read(rows[i].file, 65536, &file, why, sizeof why))
            skip(); /* no zones on this machine */
        assert_int_equal(tzif_read(buf_str(&file), &zone), 0);
        const struct callers_terms t = {NOON * 1000LL, &zone, catalogue};
        made_init(&m);
        put(&m, sample(NOON - 10 * 3600 - rows[i].offset_s)); /* 02:00 there */
        put(&m, sample(NOON - 9 * 3600 - rows[i].offset_s - 1));
        made_commit(&m);
        assert_int_equal(callers_read(m.store, &t, &list), 0);
        const struct caller *c = callers_list(list, &n);
        assert_int_equal(n, 1);
        assert_int_equal(c->sums.hours[12][14].requests, 2);
        assert_int_equal(callers_hour_ms(&t, 12, 14), (NOON - 10 * 3600 - rows[i].offset_s) * 1000);
        callers_free(list);
        made_fini(&m);
        buf_fini(&file);
    }
}

static unsigned at_once(struct made *m, int64_t from_s, int64_t until_s)
{
    const struct series who = {S("reports"), S("nightly"), S(NOVA), LANE_ONDEMAND};
    unsigned n = 77;
    made_commit(m);
    assert_int_equal(callers_at_once(m->store, &who, from_s * 1000, until_s * 1000, &n), 0);
    return n;
}

static void under_way(void **state)
{
    struct made m;
    made_init(&m);
    assert_int_equal(at_once(&m, NOON, NOON + 3600), 0);
    for (int i = 0; i < 100; i++) /* one after the other */
        put(&m, sample(NOON + 5 * i));
    assert_int_equal(at_once(&m, NOON, NOON + 3600), 1);
    for (int i = 0; i < 7; i++)
        put(&m, sample(NOON + 1002));
    put(&m, sample(NOON + 1006)); /* began within them */
    struct record r = sample(NOON + 1002);
    r.workload = S("chat");
    put(&m, r);
    assert_int_equal(at_once(&m, NOON, NOON + 3600), 8);
    assert_int_equal(at_once(&m, NOON + 1003, NOON + 3600), 1);
    made_fini(&m);
}

static int load(void **state)
{
    struct buf faults = {0};
    catalogue = catalogue_load(NULL, &(struct catalogue_terms){0}, &faults);
    buf_fini(&faults);
    return catalogue ? 0 : -1;
}

static int unload(void **state)
{
    catalogue_free(catalogue);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(zones),
        cmocka_unit_test(under_way),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
