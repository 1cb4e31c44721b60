/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/batch_slice over a real spool: which end a line of output gives its record, and which lines
 * are nobody's. gate/batch_pack: the lines of an input, whatever pieces they are taken in.
 */
#include "../../../src/gate/batch_slice.h"

#include "../book/spool_side.h"
#include "weir/base/mem.h"

#include <stdlib.h>

enum { RECORDS = 6 };

static struct folder at;
static struct batch batch;
static struct batch_pool pool = {.number = 1, .client = STR("web"), .kind = BATCH_CONVERSE};
static struct batch_work work;
static struct batch_slice slice;
static struct caller callers[RECORDS];
static struct buf line;

static const char good[] = "{\"usage\":{\"inputTokens\":10,\"outputTokens\":5,\"totalTokens\":15}}";

static int set_up(void **state)
{
    struct buf faults = {0};
    const struct catalogue_terms terms = {0};
    folder_make(&at);
    stand(0);
    batch.daemon = mem_new(sizeof *batch.daemon);
    batch.daemon->limits = limits_new();
    batch.daemon->clerk = (struct clerk *)&batch; /* there is one */
    batch.setup = mem_new(sizeof *batch.setup);
    batch.setup->catalogue = catalogue_load(NULL, &terms, &faults);
    batch.lanes = shared_lanes_new();
    batch.spool = spool_of(&at);
    memset(callers, 0, sizeof callers);
    for (int i = 0; i < RECORDS; i++) {
        char body[100];
        snprintf(body, sizeof body,
                 "{ \"messages\" : [{\"role\":\"user\",\"content\":[{\"text\":\"%d\"}]}]}", i);
        admit_body(batch.spool, body, "", &callers[i]);
    }
    work = (struct batch_work){.batch = &batch, .pool = &pool};
    work.row = cut(batch.spool, 1, RECORDS);
    return batch.setup->catalogue ? 0 : -1;
}

static int tear_down(void **state)
{
    clock_real();
    batch_slice_fini(&slice);
    for (int i = 0; i < RECORDS; i++)
        caller_free(&callers[i]);
    spool_free(batch.spool);
    shared_lanes_free(batch.lanes);
    catalogue_free(batch.setup->catalogue);
    limits_free(batch.daemon->limits);
    mem_free(batch.setup);
    mem_free(batch.daemon);
    buf_fini(&line);
    slice = (struct batch_slice){0};
    folder_remove(at.path);
    return 0;
}

/* The slice of these lines: what stands between is {"recordId":"ID", ... }. */
static void begin(void)
{
    batch_slice_begin(&slice, &work, spool_read_begin(batch.spool));
}

static void end(void)
{
    spool_read_end(slice.read);
    batch_slice_end(&slice);
}

/* One line of its own; what the slice makes of it borrows from it. */
static void add(int record, const char *rest)
{
    char id[SPOOL_ID_CHARS + 1];
    spool_id_write(&callers[record].a.id, id);
    buf_addf(&line, "{\"recordId\":\"%s\",\"modelInput\":{},%s}", id, rest);
    batch_slice_add(&slice, buf_str(&line));
}

static void a_good_line_is_the_answer(void **state)
{
    char rest[200];
    snprintf(rest, sizeof rest, "\"modelOutput\":%s", good);
    begin();
    add(2, rest);
    end();
    assert_int_equal(slice.n, 1);
    assert_int_equal(slice.ends[0].number, callers[2].a.id.number);
    assert_int_equal(slice.ends[0].status, 200);
    assert_true(str_eq(slice.ends[0].body, str_of(good)));
    assert_int_equal(slice.ends[0].flags, SPOOL_BY_BATCH);
    assert_true(slice.ends[0].outbox.len > 0);
    assert_int_equal(slice.ends[0].late_outbox.len, 0);
    assert_int_equal(settle_all(batch.spool, &work.row, slice.ends, slice.n), 1);
    wait_for(&callers[2].woken, 1);
    assert_true(str_eq(callers[2].answer->body, str_of(good)));

    /* Once more: it stands twice, and is not paid twice. */
    buf_clear(&line);
    begin();
    add(2, rest);
    end();
    assert_int_equal(slice.n, 0);
    assert_int_equal(slice.odd.twice, 1);
}

static void an_error_goes_on_demand_in_time(void **state)
{
    static const char rest[] =
        "\"error\":{\"errorCode\":429,\"errorMessage\":\"Too \\\"many\\\"\"}";
    begin();
    add(0, rest);
    end();
    assert_int_equal(slice.n, 1);
    assert_true(slice.ends[0].goes_direct);
    assert_int_equal(slice.answers, 0);

    /* Behind its deadline the error is the answer. */
    clock_fake(0, record_of(batch.spool, callers[0].a.id.number).deadline_ms);
    buf_clear(&line);
    begin();
    add(0, rest);
    end();
    assert_int_equal(slice.n, 1);
    assert_false(slice.ends[0].goes_direct);
    assert_int_equal(slice.ends[0].status, 429);
    assert_true(str_eq(slice.ends[0].error_type, S("ThrottlingException")));
    assert_true(str_eq(slice.ends[0].body, S("{\"message\":\"Too \\\"many\\\"\"}")));
    assert_int_equal(slice.errors, 1);
    buf_clear(&line);
    begin();
    add(0, "\"error\":{\"errorCode\":7,\"errorMessage\":\"x\"}");
    end();
    assert_int_equal(slice.ends[0].status, 500);
}

static void nobodys_lines_end_nothing(void **state)
{
    static const struct str lines[] = {
        STR(""),
        STR("  "),
        STR("{"),
        STR("[]"),
        STR("{\"recordId\":7,\"modelOutput\":{}}"),
        STR("{\"recordId\":\"short\",\"modelOutput\":{}}"),
        STR("{\"recordId\":\"00000000000000010000000000000000000000000000000a\","
            "\"modelOutput\":{}}"), /* a number that is there, another secret */
        STR("{\"recordId\":\"0000000000ffffff00000000000000000000000000000000\","
            "\"modelOutput\":{}}")};
    begin();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        batch_slice_add(&slice, lines[i]);
    end();
    assert_int_equal(slice.n, 0);
    assert_int_equal(slice.odd.malformed, 3);
    assert_int_equal(slice.odd.unknown, 3);
}

/* Of another job; though number and secret are right. */
static void a_line_is_for_its_own_job(void **state)
{
    begin();
    work.row.number++;
    add(1, "\"modelOutput\":{}");
    work.row.number--;
    end();
    assert_int_equal(slice.n, 0);
    assert_int_equal(slice.odd.unknown, 1);
}

/* Two lines of one record in one slice. */
static void twice_in_a_slice(void **state)
{
    begin();
    add(1, "\"modelOutput\":{}");
    struct buf first = line; /* it stays where it is */
    line = (struct buf){0};
    add(1, "\"modelOutput\":{\"other\":1}");
    end();
    assert_int_equal(slice.n, 1);
    assert_true(str_eq(slice.ends[0].body, S("{}")));
    assert_int_equal(slice.odd.twice, 1);
    buf_fini(&first);
}

/* It left the job in time: what the job says of it is paid, and told to nobody. */
static void what_comes_late_is_metered(void **state)
{
    char rest[200];
    snprintf(rest, sizeof rest, "\"modelOutput\":%s", good);
    put_job(batch.spool, &work.row, BATCH_LEAVE_TWICE);
    begin();
    add(3, rest);
    end();
    assert_int_equal(slice.n, 1);
    assert_int_equal(slice.odd.late, 1);
    assert_int_equal(slice.answers, 0);
    assert_true(slice.ends[0].late_outbox.len > 0 && slice.ends[0].outbox.len == 0);
    assert_int_equal(settle_all(batch.spool, &work.row, slice.ends, slice.n), 0);
    assert_int_equal(record_of(batch.spool, callers[3].a.id.number).state, SPOOL_DIRECT);
}

/* Lines of the members, compact, in their order; the same bytes each time. */
static void packs_its_members(void **state)
{
    struct buf out[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        work.pack = batch_pack_new(&work);
        while (batch_pack_more(&work, &out[i]) > 0)
            ;
        batch_pack_free(work.pack);
    }
    assert_true(str_eq(buf_str(&out[0]), buf_str(&out[1])));
    struct str rest = buf_str(&out[0]);
    for (int i = 0; i < RECORDS; i++) {
        char want[300], id[SPOOL_ID_CHARS + 1];
        spool_id_write(&callers[i].a.id, id);
        snprintf(want, sizeof want,
                 "{\"recordId\":\"%s\",\"modelInput\":{\"messages\":[{\"role\":\"user\","
                 "\"content\":[{\"text\":\"%d\"}]}]}}",
                 id, i);
        assert_true(str_eq(str_cut(&rest, '\n'), str_of(want)));
    }
    assert_int_equal(rest.len, 0);
    buf_fini(&out[0]);
    buf_fini(&out[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_line_is_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_goes_on_demand_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobodys_lines_end_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_is_for_its_own_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(twice_in_a_slice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_late_is_metered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packs_its_members, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
