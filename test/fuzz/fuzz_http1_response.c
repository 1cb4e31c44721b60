/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection full of answers, to GET and to HEAD: read alike however cut.
 */
#include "http1_differ.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void parse_alone(struct str bytes)
{
    static struct http1_response r;
    struct http1_fault fault = {0};
    char *head = mem_try(bytes.len ? bytes.len : 1);
    if (bytes.len)
        memcpy(head, bytes.ptr, bytes.len);
    int err = http1_parse_response(head, bytes.len, &r, &fault);
    assert(err == 0 || (err == ERR_BAD && fault.sentence));
    if (err == 0)
        assert(r.status >= 100 && r.status <= 599 && !(r.chunked && r.content_length >= 0));
    mem_free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str s = {(const char *)bytes, n};
    struct drive get = differ((struct drive){.response = true, .method = S("GET")}, s);
    struct drive head = differ((struct drive){.response = true, .method = S("HEAD")}, s);
    drive_fini(&get);
    drive_fini(&head);
    parse_alone(s);
    return 0;
}
