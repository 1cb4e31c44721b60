/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/batch_fsm's row: what is written is read, and nothing else is.
 */
#include "weir/plan/batch_fsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct batch_job full(void)
{
    struct batch_job j = {
        .number = UINT64_MAX,
        .pool = 3,
        .state = BATCH_GONE,
        .status = BATCH_OTHER,
        .records = 50000,
        .bytes = 1000000000,
        .expect_nanousd = 5000000000,
        .cut_ms = 1763640000000,
        .deadline_ms = 1763640000001,
        .next_ms = INT64_MAX,
        .sent_ms = 1,
        .created_ms = 2,
        .ended_ms = 3,
        .stop_ms = 4,
        .unsure = true,
        .stopping = true,
        .left = true,
        .cancelled = true,
        .tries = UINT32_MAX,
        .absent = 12,
        .total = 1,
        .processed = 2,
        .succeeded = 3,
        .errors = 4,
        .read_bytes = UINT64_MAX,
        .answered = UINT32_MAX,
    };
    memset(j.token, 'f', BATCH_TOKEN_BYTES);
    memset(j.arn, 'a', BATCH_ARN_MOST);
    memset(j.why, 'w', BATCH_WHY_MOST);
    memset(j.bucket, 'b', BATCH_BUCKET_MOST);
    memset(j.prefix, 'p', BATCH_PREFIX_MOST);
    memset(j.owner, '1', BATCH_OWNER_MOST);
    return j;
}

static void comes_back(void **state)
{
    struct batch_job jobs[] = {full(), {0}};
    for (size_t i = 0; i < 2; i++) {
        struct buf b = {0};
        struct batch_job back;
        memset(&back, 0xff, sizeof back);
        batch_job_write(&jobs[i], &b);
        assert_int_equal(batch_job_read(buf_str(&b), &back), 0);
        assert_memory_equal(&back, &jobs[i], sizeof back);
        buf_fini(&b);
    }
}

/* Its files are where they were configured. */
static void reads_a_row_of_version_1(void **state)
{
    struct batch_job j = full(), back;
    struct buf b = {0};
    j.bucket[0] = j.prefix[0] = j.owner[0] = 0;
    batch_job_write(&j, &b);
    b.data[b.head] = 1;
    assert_int_equal(batch_job_read(buf_str(&b), &back), ERR_BAD);
    b.tail -= 3; /* three empty texts */
    assert_int_equal(batch_job_read(buf_str(&b), &back), 0);
    assert_int_equal(back.answered, j.answered);
    assert_string_equal(back.why, j.why);
    assert_string_equal(back.bucket, "");
    buf_fini(&b);
}

static void refuses_what_is_cut_or_longer(void **state)
{
    struct batch_job j = full(), back;
    struct buf b = {0};
    batch_job_write(&j, &b);
    for (size_t n = 0; n < buf_len(&b); n++)
        assert_int_equal(batch_job_read(str_sub(buf_str(&b), 0, n), &back), ERR_BAD);
    buf_add_char(&b, 0);
    assert_int_equal(batch_job_read(buf_str(&b), &back), ERR_BAD);
    buf_fini(&b);
}

/* Version; a state, a status and a bool that do not exist; a text with a NUL inside. */
static void refuses_what_cannot_be(void **state)
{
    struct batch_job j = {.token = "t"}, back;
    struct buf b = {0};
    batch_job_write(&j, &b);
    struct {
        size_t at;
        char byte;
    } const bad[] = {{0, 3}, {0, 0}, {3, BATCH_STATES}, {4, BATCH_STATUSES}, {15, 2}, {28, 0}};
    assert_int_equal(batch_job_read(buf_str(&b), &back), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *at = b.data + b.head + bad[i].at, was = *at;
        *at = bad[i].byte;
        assert_int_equal(batch_job_read(buf_str(&b), &back), ERR_BAD);
        *at = was;
    }
    buf_fini(&b);
}

static void refuses_times_that_cannot_be(void **state)
{
    struct batch_job bad[] = {{.cut_ms = -1}, {.stop_ms = INT64_MAX}, {.next_ms = -1}}, back;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = {0};
        batch_job_write(&bad[i], &b);
        assert_int_equal(batch_job_read(buf_str(&b), &back), ERR_BAD);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(reads_a_row_of_version_1),
        cmocka_unit_test(refuses_what_is_cut_or_longer),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(refuses_times_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
