/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a configuration: one that can be printed and read again, or faults of which each
 * says where, on a line of its own.
 */
#include "weir/gate/config.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "f:1:2: sentence" */
static void check_fault(struct str line)
{
    struct str name = str_cut(&line, ':'), row = str_cut(&line, ':'), column = str_cut(&line, ':');
    assert(str_eq(name, S("f")));
    assert(atoi(row.ptr) > 0 && atoi(column.ptr) > 0);
    assert(line.len > 2 && line.ptr[0] == ' ');
}

static void check_faults(struct str faults)
{
    assert(str_ends(faults, S("\n")));
    while (faults.len)
        check_fault(str_cut(&faults, '\n'));
}

/* What YAML writes in another way than it reads: line ends that are not ASCII, and ${...}. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x7f)
            return false;
    return str_find(text, S("${")) < 0;
}

static void check_printed(const struct config *c, struct buf *faults)
{
    struct buf first = {0}, second = {0};
    config_print(c, &first);
    if (is_plain(buf_str(&first)) && str_find(buf_str(&first), S("***@")) < 0) {
        struct config *again = config_parse(S("f"), buf_str(&first), faults);
        assert(again);
        config_print(again, &second);
        assert(str_eq(buf_str(&first), buf_str(&second)));
        config_free(again);
    }
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf faults = {0};
    setenv("AWS_REGION", "us-east-1", 1);
    struct config *other = config_parse(S("o"), S(""), &faults);
    config_add_rules(other, S("f"), str_from((const char *)data, size), &faults);
    assert(other->n_rules <= CONFIG_MOST_RULES);
    config_free(other);
    buf_clear(&faults);
    struct config *c = config_parse(S("f"), str_from((const char *)data, size), &faults);
    if (c)
        check_printed(c, &faults);
    else
        check_faults(buf_str(&faults));
    config_free(c);
    buf_fini(&faults);
    return 0;
}
