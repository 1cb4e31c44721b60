/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/back_query: answers out of a real book, refusals in the protocol they were asked in, and a
 * desk that holds nobody who left.
 */
#include "sides.h"

#include "../book/folder.h"

#include <semaphore.h>

static struct folder folder;
static sem_t committed;

static void on_committed(void *arg, bool good)
{
    assert_true(good);
    sem_post(&committed);
}

static int set_up_book(void **state)
{
    set_up(state);
    clock_real(); /* slices end by it */
    folder_make(&folder);
    sem_init(&committed, 0, 0);
    const struct clerk_options o = {
        .dir = folder.meter, .size_bytes = 64 << 20, .keep_requests_ms = 86400000};
    daemon_.clerk = clerk_new(&o);
    const struct record r = {.time_ms = clock_wall_ms(),
                             .client = STR("c"),
                             .model = STR("m"),
                             .asked = STR("m"),
                             .flags = RECORD_INVOCATION,
                             .latency_us = 2500,
                             .usage = {{7, 5}}};
    clerk_record(daemon_.clerk, &r, on_committed, NULL);
    sem_wait(&committed);
    worker_open(&worker, -1, daemon_.setups, 0, REALM_ADMIN);
    return 0;
}

static int tear_down_book(void **state)
{
    assert_int_equal(daemon_.desk.n, 0);
    if (daemon_.clerk)
        clerk_free(daemon_.clerk);
    folder_remove(folder.path);
    sem_destroy(&committed);
    return tear_down(state);
}

static struct port *admin(void)
{
    struct port *p = worker.ports;
    while (p->realm != REALM_ADMIN)
        p = p->next;
    return p;
}

/* A request of its own: `f` holds what it was told. */
static void post(struct front *f, const char *type, const char *target, const char *body)
{
    prepare("POST", "/", true);
    *f = client;
    client = (struct front){0};
    f->request.fields = (struct fields){0};
    f->request.authority = S("localhost");
    (void)fields_add(&f->request.fields, S("content-type"), str_of(type));
    if (target)
        (void)fields_add(&f->request.fields, S("x-amz-target"), str_of(target));
    f->ex = exchange_sink.on_request(admin(), f, &f->request);
    void *ex = client.ex = f->ex;
    give_whole(str_of(body));
    client.ex = NULL;
    f->ex = ex;
}

static void form(struct front *f, const char *body)
{
    post(f, "application/x-www-form-urlencoded", NULL, body);
}

static void leave(struct front *f, enum front_gone why)
{
    exchange_sink.on_gone(f->ex, why);
    buf_fini(&f->fields);
    buf_fini(&f->body);
}

static void until_ended(struct front *f)
{
    for (int i = 0; i < 1000 && !f->ended; i++)
        turn();
    assert_true(f->ended);
}

#define TARGET    "GraniteServiceVersion20100801."
#define JSON_TYPE "application/x-amz-json-1.0"
#define SPAN      "{\"StartTime\":1700000000,\"EndTime\":4000000000,"
#define INPUT(id)                                                                             \
    "{\"Id\":\"" id "\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"Weir\",\"MetricName\":\"" \
    "InputTokenCount\"},\"Period\":86400000,\"Stat\":\"Sum\"}}"

static void answers_out_of_the_book(void **state)
{
    struct front f;
    post(&f, JSON_TYPE, TARGET "GetMetricData", SPAN "\"MetricDataQueries\":[" INPUT("a") "]}");
    until_ended(&f);
    assert_int_equal(f.status, 200);
    assert_true(has(&f.fields, "content-type: application/x-amz-json-1.0\n"));
    assert_true(has(&f.body, "\"Values\":[7],\"StatusCode\":\"Complete\""));
    leave(&f, FRONT_DONE);
    form(&f, "Action=ListMetrics&Version=2010-08-01&MetricName=OutputTokenCount");
    until_ended(&f);
    assert_true(has(&f.fields, "content-type: text/xml\n"));
    assert_true(has(&f.body, "<Name>ModelId</Name><Value>m</Value>"));
    assert_true(has(&f.body, "</ListMetricsResponse>\n"));
    leave(&f, FRONT_DONE);
}

static void refuses(struct front *f, int status, const char *words)
{
    until_ended(f);
    assert_int_equal(f->status, status);
    if (!has(&f->body, words))
        fail_msg("%s", buf_cstr(&f->body));
    leave(f, FRONT_DONE);
}

static void refuses_in_the_protocol_asked(void **state)
{
    struct front f;
    form(&f, "Action=PutMetricData");
    refuses(&f, 400,
            "<Code>InvalidAction</Code><Message>Weir does not know the action PutMetricData");
    form(&f, "Action=%");
    refuses(&f, 400, "<Code>MalformedInput</Code>");
    post(&f, JSON_TYPE, TARGET "GetMetricData", "{}");
    assert_true(has(&f.fields, "x-amzn-query-error: MissingParameter;Sender\n"));
    refuses(&f, 400, "{\"__type\":\"MissingRequiredParameterException\"");
    post(&f, JSON_TYPE, "Other.GetMetricData", "{}");
    refuses(&f, 400, "UnknownOperationException");
    post(&f, "application/json", NULL, "{}");
    refuses(&f, 400, "Here Weir answers as CloudWatch");
    char *large = malloc((1 << 20) + 2);
    memset(large, ' ', (1 << 20) + 1);
    large[(1 << 20) + 1] = '\0';
    post(&f, JSON_TYPE, TARGET "ListMetrics", large);
    refuses(&f, 400, "larger than 1 MiB");
    free(large);
}

static void says_that_there_is_no_book(void **state)
{
    struct front f;
    struct clerk *clerk = daemon_.clerk;
    daemon_.clerk = NULL;
    form(&f, "Action=ListMetrics");
    until_ended(&f);
    refuses(&f, 500, "<Type>Receiver</Type><Code>InternalServiceError</Code>");
    daemon_.clerk = clerk;
}

/* As many as there is room for wait; one more is told so, and who leaves makes room. */
static void holds_so_many_and_nobody_who_left(void **state)
{
    static struct front f[QUERY_DESK_MOST], more;
    for (unsigned i = 0; i < QUERY_DESK_MOST; i++)
        form(&f[i], "Action=ListMetrics");
    assert_int_equal(daemon_.desk.n, QUERY_DESK_MOST);
    form(&more, "Action=ListMetrics");
    refuses(&more, 400, "<Code>Throttling</Code>");
    for (unsigned i = 0; i < QUERY_DESK_MOST; i += 2)
        leave(&f[i], FRONT_LEFT);
    form(&more, "Action=ListMetrics");
    until_ended(&more);
    leave(&more, FRONT_DONE);
    for (unsigned i = 1; i < QUERY_DESK_MOST; i += 2) {
        until_ended(&f[i]);
        assert_int_equal(f[i].status, 200);
        leave(&f[i], FRONT_DONE);
    }
}

/* A client that takes nothing gets nothing more, until it takes again; or it leaves. */
static void waits_for_a_slow_client(void **state)
{
    struct buf body = {0};
    struct front f;
    buf_add(&body, S(SPAN "\"MetricDataQueries\":["));
    for (unsigned i = 0; i < 500; i++)
        buf_addf(&body, "%s{\"Id\":\"q%u\",\"Label\":\"%0200u\",%s", i ? "," : "", i, i,
                 strchr(INPUT("x"), ',') + 1);
    buf_add(&body, S("]}"));
    for (int leaves = 0; leaves < 2; leaves++) {
        post(&f, JSON_TYPE, TARGET "GetMetricData", buf_cstr(&body));
        f.unsent = FRONT_HIGH_MARK;
        for (int i = 0; i < 1000 && !f.answered; i++)
            turn();
        turn();
        assert_true(f.answered && !f.ended && buf_len(&f.body) == 0);
        if (!leaves) {
            f.unsent = 0;
            exchange_sink.on_drain(f.ex);
            assert_in_range(buf_len(&f.body), 1, 48 * 1024);
            until_ended(&f);
            assert_true(buf_len(&f.body) > 100000 && has(&f.body, "\"Id\":\"q499\""));
        }
        leave(&f, leaves ? FRONT_LEFT : FRONT_DONE);
    }
    buf_fini(&body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_book, tear_down_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_out_of_the_book),    TEST(refuses_in_the_protocol_asked),
        TEST(says_that_there_is_no_book), TEST(holds_so_many_and_nobody_who_left),
        TEST(waits_for_a_slow_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
