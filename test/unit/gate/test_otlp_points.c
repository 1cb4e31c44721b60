/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of an OTLP request, walked by a reader of a few lines: sums, buckets and attributes
 * stand where the published messages have them. A decoder made from the published files reads it in
 * test/flow.
 */
#include "weir/gate/export_otlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct buf body;

struct field {
    unsigned number, type;
    uint64_t n;       /* varint or eight bytes */
    struct str bytes; /* of a message or string */
};

static uint64_t take_varint(struct str *in)
{
    uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(in->len > 0 && shift < 64);
        unsigned char c = (unsigned char)*in->ptr;
        *in = str_from_offset(*in, 1);
        n |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return n;
    }
}

static bool take(struct str *in, struct field *f)
{
    if (in->len == 0)
        return false;
    uint64_t key = take_varint(in);
    *f = (struct field){.number = (unsigned)(key >> 3), .type = key & 7};
    if (f->type == 0) {
        f->n = take_varint(in);
    } else if (f->type == 1) {
        assert_true(in->len >= 8);
        memcpy(&f->n, in->ptr, 8); /* little-endian, as the machines that this runs on */
        *in = str_from_offset(*in, 8);
    } else {
        assert_int_equal(f->type, 2);
        uint64_t len = take_varint(in);
        assert_true(len <= in->len);
        f->bytes = str_sub(*in, 0, len);
        *in = str_from_offset(*in, len);
    }
    return true;
}

/* The nth field of that number in a message; type 9 when there is none. */
static struct field get(struct str message, unsigned number, unsigned nth)
{
    struct field f;
    while (take(&message, &f))
        if (f.number == number && nth-- == 0)
            return f;
    return (struct field){.type = 9};
}

static double real(struct field f)
{
    double d;
    assert_int_equal(f.type, 1);
    memcpy(&d, &f.n, sizeof d);
    return d;
}

static struct str attribute(struct str message, unsigned number, const char *key)
{
    struct field f;
    while (take(&message, &f))
        if (f.number == number && str_eq(get(f.bytes, 1, 0).bytes, str_of(key)))
            return get(get(f.bytes, 2, 0).bytes, 1, 0).bytes;
    return (struct str){0};
}

static struct str scope(void)
{
    return get(get(buf_str(&body), 1, 0).bytes, 2, 0).bytes;
}

/* The data (Sum or Histogram) of a metric; ptr NULL when it is not there. */
static struct str data_of(const char *name, bool histogram)
{
    struct str in = scope();
    struct field f;
    while (take(&in, &f))
        if (f.number == 2 && str_eq(get(f.bytes, 1, 0).bytes, str_of(name)))
            return get(f.bytes, histogram ? 9 : 7, 0).bytes;
    return (struct str){0};
}

static const struct export_otlp_about about = {1000, 2000, STR("an-id")};

static void make(const struct rollup *r)
{
    struct export_otlp_points p = {0};
    const struct series s = {S("anonymous"), S("nightly"), S("model-1"), LANE_FLEX};
    const struct series other = {S("b"), S(""), S("model-2"), LANE_ONDEMAND};
    export_otlp_add(&p, &about, &s, r);
    export_otlp_add(&p, &about, &other, r);
    assert_int_equal(p.series, 2);
    buf_clear(&body);
    export_otlp_request(&p, &about, &body);
    assert_int_equal(p.series, 0);
    export_otlp_points_fini(&p);
}

static struct rollup sample(void)
{
    struct rollup r = {0};
    const uint64_t us[] = {5000, 10000, 150000, 90000000};
    for (size_t i = 0; i < 4; i++) {
        struct record one = {.flags = RECORD_INVOCATION, .latency_us = us[i], .cost_nanousd = 500};
        one.usage.tokens[TOKEN_INPUT] = 10;
        one.usage.tokens[TOKEN_OUTPUT] = 3;
        one.usage.tokens[TOKEN_CACHE_READ] = 100;
        one.usage.tokens[TOKEN_CACHE_WRITE_1H] = 1000;
        rollup_add(&r, &one);
    }
    return r;
}

static void sums(void **state)
{
    static const struct {
        const char *name;
        uint64_t sum;
    } wanted[] = {{"gen_ai.usage.input_tokens", 4440},
                  {"gen_ai.usage.output_tokens", 12},
                  {"gen_ai.usage.cache_read.input_tokens", 400},
                  {"gen_ai.usage.cache_creation.input_tokens", 4000}};
    struct rollup r = sample();
    make(&r);
    for (size_t i = 0; i < 4; i++) {
        struct str sum = data_of(wanted[i].name, false), point = get(sum, 1, 0).bytes;
        assert_int_equal(get(sum, 2, 0).n, 2); /* cumulative */
        assert_int_equal(get(sum, 3, 0).n, 1); /* monotonic */
        assert_int_equal(get(point, 6, 0).n, wanted[i].sum);
        assert_int_equal(get(point, 2, 0).n, about.start_ns);
        assert_int_equal(get(point, 3, 0).n, about.now_ns);
        assert_int_equal(get(sum, 1, 2).type, 9); /* two points: one for each series */
        assert_int_equal(get(sum, 1, 1).type, 2);
    }
    assert_true(real(get(get(data_of("weir.cost", false), 1, 0).bytes, 4, 0)) == 0.000002);
    rollup_fini(&r);
}

/* What was saved may fall, so it is no counter there. */
static void savings_by_lever(void **state)
{
    struct rollup r = {0};
    rollup_add(&r, &(struct record){.flags = RECORD_INVOCATION,
                                    .cost_nanousd = 1250,
                                    .unmarked_nanousd = 1000,
                                    .untouched_nanousd = 2000});
    make(&r);
    struct str sum = data_of("weir.saved", false);
    assert_int_equal(get(sum, 2, 0).n, 2); /* cumulative */
    assert_int_equal(get(sum, 3, 0).n, 0); /* not monotonic */
    struct str cache = get(sum, 1, 0).bytes, flex = get(sum, 1, 1).bytes;
    assert_true(str_eq(attribute(cache, 7, "weir.lever"), S("cache")));
    assert_true(real(get(cache, 4, 0)) == -0.00000025);
    assert_true(str_eq(attribute(flex, 7, "weir.lever"), S("flex")));
    assert_true(real(get(flex, 4, 0)) == 0.000001);
    rollup_add(&r, &(struct record){.cost_nanousd = 1000, /* and back to nothing */
                                    .unmarked_nanousd = 1250,
                                    .untouched_nanousd = 1250});
    make(&r);
    assert_true(real(get(get(data_of("weir.saved", false), 1, 0).bytes, 4, 0)) == 0);
    rollup_fini(&r);
}

static void attributes(void **state)
{
    struct rollup r = sample();
    make(&r);
    struct str point = get(data_of("gen_ai.usage.output_tokens", false), 1, 0).bytes;
    assert_true(str_eq(attribute(point, 7, "gen_ai.request.model"), S("model-1")));
    assert_true(str_eq(attribute(point, 7, "gen_ai.provider.name"), S("aws.bedrock")));
    assert_true(str_eq(attribute(point, 7, "weir.client"), S("anonymous")));
    assert_true(str_eq(attribute(point, 7, "weir.workload"), S("nightly")));
    assert_true(str_eq(attribute(point, 7, "weir.lane"), S("flex")));
    struct str resource = get(get(buf_str(&body), 1, 0).bytes, 1, 0).bytes;
    assert_true(str_eq(attribute(resource, 1, "service.name"), S("weir")));
    assert_true(str_eq(attribute(resource, 1, "service.instance.id"), S("an-id")));
    rollup_fini(&r);
}

static void tokens_by_kind(void **state)
{
    struct rollup r = sample();
    make(&r);
    struct str data = data_of("gen_ai.client.token.usage", true);
    double all = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct str point = get(data, 1, i).bytes;
        assert_int_equal(get(point, 4, 0).n, 4);
        all += real(get(point, 5, 0));
    }
    assert_true(all == 4 * 1113);
    assert_true(str_eq(attribute(get(data, 1, 2).bytes, 9, "gen_ai.token.type"), S("cache_read")));
    rollup_fini(&r);
}

static void times_in_buckets(void **state)
{
    struct rollup r = sample();
    make(&r);
    assert_null(data_of("gen_ai.server.time_to_first_token", true).ptr); /* no streams */
    struct str data = data_of("gen_ai.client.operation.duration", true);
    struct str point = get(data, 1, 0).bytes, counts = get(point, 6, 0).bytes;
    uint64_t bucket[15];
    assert_int_equal(get(data, 2, 0).n, 2);
    assert_int_equal(get(point, 4, 0).n, 4);
    assert_true(real(get(point, 5, 0)) == 90.165);
    assert_int_equal(counts.len, sizeof bucket);
    assert_int_equal(get(point, 7, 0).bytes.len, 14 * 8);
    memcpy(bucket, counts.ptr, sizeof bucket);
    assert_int_equal(bucket[0], 2); /* up to 0.01 s, that among them */
    assert_int_equal(bucket[4], 1); /* up to 0.16 s */
    assert_int_equal(bucket[14], 1);
    assert_true(real(get(point, 11, 0)) == 0.005);
    assert_true(real(get(point, 12, 0)) == 90);
    rollup_fini(&r);
}

static void nothing_counted_is_no_point(void **state)
{
    struct rollup r = {0};
    make(&r);
    struct str in = scope();
    struct field f;
    while (take(&in, &f))
        assert_int_not_equal(f.number, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(savings_by_lever),
        cmocka_unit_test(attributes),
        cmocka_unit_test(tokens_by_kind),
        cmocka_unit_test(times_in_buckets),
        cmocka_unit_test(nothing_counted_is_no_point),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&body);
    return failed;
}
