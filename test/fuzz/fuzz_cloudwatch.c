/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as CloudWatch's answer, with any status, and as a cursor of the book: judging ends with
 * one of four fates and a sentence; a cursor that can be read is written again as it was.
 */
#include "weir/aws/cloudwatch.h"
#include "weir/gate/cursor.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct str head, struct str body, int status)
{
    static struct fields fields;
    char why[100];
    fields.n = 0;
    if (head.len)
        (void)fields_add(&fields, S("x-amzn-query-error"), head);
    const struct fetch_answer a = {
        .end = ORIGIN_DONE, .status = status, .fields = &fields, .body = body, .why = ""};
    memset(why, 'x', sizeof why);
    enum cloudwatch_fate fate = cloudwatch_judge(&a, why, sizeof why);
    assert(fate == CLOUDWATCH_TAKEN || memchr(why, 0, sizeof why));
    assert(fate != CLOUDWATCH_UNKNOWN && (fate == CLOUDWATCH_TAKEN) == (status / 100 == 2));
}

static void row(struct str bytes)
{
    struct cursor_row r;
    unsigned char again[CURSOR_ROW_BYTES];
    if (!cursor_row_read(bytes, &r))
        return;
    cursor_row_write(&r, again);
    assert(memcmp(again, bytes.ptr, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 301, 400, 403, 413, 429, 500, 503};
    struct str all = {(const char *)data, size};
    row(all);
    if (size == 0)
        return 0;
    int status = statuses[data[0] % (sizeof statuses / sizeof *statuses)];
    struct str body = str_from_offset(all, 1), head = str_cut(&body, '\n');
    judge(head, body, status);
    judge(S(""), all, status);
    return 0;
}
