/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator as CloudWatch: a call that botocore signed is taken, sums add up, every limit of
 * PutMetricData is held, a call is taken whole or not at all.
 */
#include "../wire/vectors.h"
#include "ops.h"

#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <cjson/cJSON.h>
#include <zlib.h>

static struct world *w;
static struct fields fields;
static struct ops_result out;
static struct buf lines;

#define NOW_S   1767323045 /* 2026-01-02T03:04:05Z */
#define HEAD    "{\"Namespace\":\"Weir\",\"MetricData\":["
#define AT      "\"Timestamp\":1767323000"
#define DATUM   "{\"MetricName\":\"M\"," AT ",\"Value\":1}"
#define WITH(x) HEAD "{\"MetricName\":\"M\"," AT "," x "}]}"

static int set_up(void **state)
{
    w = world_new(64, 4);
    w->auth.off = true;
    clock_fake(1, (int64_t)NOW_S * 1000);
    fields.n = 0;
    assert_true(fields_add(&fields, S("content-type"), S("application/x-amz-json-1.0")));
    assert_true(
        fields_add(&fields, S("x-amz-target"), S("GraniteServiceVersion20100801.PutMetricData")));
    assert_true(fields_add(&fields, S("x-amzn-query-mode"), S("true")));
    return 0;
}

static int tear_down(void **state)
{
    ops_result_fini(&out);
    memset(&out, 0, sizeof out);
    buf_fini(&lines);
    world_free(w);
    clock_real();
    return 0;
}

static int put_bytes(struct str body)
{
    struct ops_request r = {.method = S("POST"),
                            .target = S("/"),
                            .authority = S("monitoring.us-east-1.amazonaws.com"),
                            .fields = &fields,
                            .body = body};
    sha256_of(body, r.body_sha256);
    ops_result_fini(&out);
    ops_answer(w, &r, &out);
    return out.reply.status;
}

static int put(const char *body)
{
    return put_bytes(str_of(body));
}

static const char *sums(void)
{
    buf_clear(&lines);
    metrics_add_lines(&w->metrics, &lines);
    return buf_cstr(&lines);
}

static struct str header(const char *name)
{
    for (size_t i = 0; i < out.reply.n_fields; i++)
        if (str_eq(out.reply.fields[i].name, str_of(name)))
            return out.reply.fields[i].value;
    return S("(nothing)");
}

static void sums_add_up(void **state)
{
    static const char body[] =
        HEAD "{\"MetricName\":\"T\",\"Dimensions\":[{\"Name\":\"B\",\"Value\":\"2\"},"
             "{\"Name\":\"A\",\"Value\":\"1\"}]," AT ",\"Unit\":\"Count\",\"Values\":[3,4],"
             "\"Counts\":[2,5]},{\"MetricName\":\"T\",\"Dimensions\":[{\"Name\":\"A\",\"Value\":"
             "\"1\"},{\"Name\":\"B\",\"Value\":\"2\"}]," AT ",\"Value\":10}," DATUM "]}";
    assert_int_equal(put(body), 200);
    assert_string_equal(
        sums(), "{\"namespace\":\"Weir\",\"metric\":\"T\",\"timestamp\":1767323000,\"dimensions\":{"
                "\"A\":\"1\",\"B\":\"2\"},\"unit\":\"None\",\"data\":2,\"samples\":8,\"sum\":36,"
                "\"least\":3,\"most\":10}\n"
                "{\"namespace\":\"Weir\",\"metric\":\"M\",\"timestamp\":1767323000,\"dimensions\":{"
                "},\"unit\":\"None\",\"data\":1,\"samples\":1,\"sum\":1,\"least\":1,\"most\":1}\n");
    world_reset(w);
    assert_string_equal(sums(), "");
}

static void takes_packed_bodies(void **state)
{
    Bytef packed[512];
    z_stream z = {.next_in = (z_const Bytef *)HEAD DATUM "]}",
                  .avail_in = sizeof HEAD DATUM "]}" - 1,
                  .next_out = packed,
                  .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t len = z.total_out;
    deflateEnd(&z);
    assert_int_equal(put_bytes(str_from((char *)packed, len)), 400); /* nobody said it is packed */
    assert_true(fields_add(&fields, S("content-encoding"), S("gzip")));
    assert_int_equal(put_bytes(str_from((char *)packed, len)), 200);
    assert_int_equal(put_bytes(str_from((char *)packed, len - 1)), 400);
    packed[len] = 0;
    assert_int_equal(put_bytes(str_from((char *)packed, len + 1)), 400);
    assert_int_equal(w->metrics.calls, 1);
}

static void holds_the_limits(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"MetricData\":[" DATUM "]}",
        "{\"Namespace\":\"AWS/Weir\",\"MetricData\":[" DATUM "]}",
        "{\"Namespace\":\"Weir\"}",
        HEAD "]}",
        HEAD DATUM "],\"Other\":1}",
        HEAD "{" AT ",\"Value\":1}]}",
        HEAD "{\"MetricName\":\"M\",\"Timestamp\":1766113444,\"Value\":1}]}",
        HEAD "{\"MetricName\":\"M\",\"Timestamp\":1767331000,\"Value\":1}]}",
        HEAD "{\"MetricName\":\"M\",\"Timestamp\":\"2026-01-02T03:04:00Z\",\"Value\":1}]}",
        WITH("\"Unit\":\"Count\""),
        WITH("\"Value\":1,\"Values\":[1]"),
        WITH("\"Value\":1,\"Counts\":[1]"),
        WITH("\"Values\":[]"),
        WITH("\"Values\":[1,2],\"Counts\":[1]"),
        WITH("\"Values\":[1,1.0]"),
        WITH("\"Values\":[1],\"Counts\":[0]"),
        WITH("\"Value\":3e108"),
        WITH("\"Value\":\"1\""),
        WITH("\"Value\":1,\"Unit\":\"Dollars\""),
        WITH("\"Value\":1,\"StorageResolution\":5"),
        WITH("\"Value\":1,\"Extra\":5"),
        WITH("\"Value\":1,\"Dimensions\":[{\"Name\":\"A\"}]"),
        WITH("\"Value\":1,\"Dimensions\":[{\"Name\":\":A\",\"Value\":\"x\"}]"),
        WITH("\"Value\":1,\"Dimensions\":[{\"Name\":\"A\",\"Value\":\"\"}]"),
        WITH("\"Value\":1,\"Dimensions\":[{\"Name\":\"A\",\"Value\":\" \"}]"),
        WITH("\"Value\":1,\"Dimensions\":[{\"Name\":\"A\",\"Value\":\"\xc3\xbc\"}]"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (put(bad[i]) != 400)
            fail_msg("%d to %s", out.reply.status, bad[i]);
    assert_int_equal(put(HEAD DATUM ",{\"MetricName\":\"M\"}]}"), 400); /* nor its first half */
    assert_string_equal(sums(), "");
    assert_int_equal(put(WITH("\"Value\":2.3e108,\"StorageResolution\":1")), 200);
}

static int put_many(size_t data, size_t values)
{
    struct buf b = {0};
    buf_add(&b, S(HEAD));
    for (size_t i = 0; i < data; i++)
        buf_addf(&b, "%s%s", i ? "," : "", DATUM);
    if (values)
        buf_addf(&b, "%s{\"MetricName\":\"V\"," AT ",\"Values\":[0", data ? "," : "");
    for (size_t i = 1; i < values; i++)
        buf_addf(&b, ",%zu", i);
    buf_add(&b, values ? S("]}]}") : S("]}"));
    int status = put_bytes(buf_str(&b));
    buf_fini(&b);
    return status;
}

static void counts_what_comes(void **state)
{
    assert_int_equal(put_many(1000, 0), 200);
    assert_int_equal(put_many(1001, 0), 400);
    assert_int_equal(put_many(0, 150), 200);
    assert_int_equal(put_many(0, 151), 400);
    char *blank = mem_new(1100000);
    memset(blank, ' ', 1100000);
    assert_int_equal(put_bytes(str_from(blank, 1100000)), 413);
    mem_free(blank);
}

static void errors_have_their_old_names(void **state)
{
    assert_int_equal(put(WITH("\"Value\":1,\"Unit\":\"x\"")), 400);
    assert_true(str_eq(header("x-amzn-query-error"), S("InvalidParameterValue;Sender")));
    struct world_fault f = {.left = 2, .match = "PutMetricData"};
    struct str bad;
    fault_init(&f.fault);
    assert_true(fault_read_words(&f.fault, S("throttle"), &bad));
    assert_true(world_order_fault(w, &f));
    assert_int_equal(put(HEAD DATUM "]}"), 400);
    assert_true(str_eq(header("x-amzn-query-error"), S("Throttling;Sender")));
    assert_string_equal(sums(), "");
}

/* botocore's own call, signed for the service `monitoring`. */
static void takes_what_botocore_signed(void **state)
{
    char room[VECTOR_PATH];
    struct buf file =
        vector_read(vector_shared("vectors/cloudwatch-putmetricdata-3-protocols.json", room));
    cJSON *root = cJSON_ParseWithLength(file.data, file.tail);
    const cJSON *r = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "requests"), "json"), *field;
    const char *hex = cJSON_GetObjectItem(r, "body_hex")->valuestring;
    struct buf body = {0};
    static char names[16][64];
    assert_non_null(r);
    for (size_t i = 0; hex[i]; i += 2) {
        char pair[3] = {hex[i], hex[i + 1], 0};
        buf_add_char(&body, (char)strtol(pair, NULL, 16));
    }
    fields.n = 0;
    cJSON_ArrayForEach(field, cJSON_GetObjectItem(r, "headers"))
    {
        char *name = names[fields.n];
        for (size_t i = 0; field->string[i]; i++)
            name[i] =
                (char)(field->string[i] >= 'A' && field->string[i] <= 'Z' ? field->string[i] + 32
                                                                          : field->string[i]);
        assert_true(fields_add(&fields, str_of(name), str_of(field->valuestring)));
    }
    w->auth.off = false;
    assert_true(auth_add_key(&w->auth, S("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")));
    assert_int_equal(put_bytes(buf_str(&body)), 200);
    assert_non_null(strstr(sums(), "\"metric\":\"L\",\"timestamp\":1767323040")); /* now */
    body.data[3] ^= 1;
    assert_int_equal(put_bytes(buf_str(&body)), 403);
    cJSON_Delete(root);
    buf_fini(&body);
    buf_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_packed_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holds_the_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_what_comes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_have_their_old_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_what_botocore_signed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
