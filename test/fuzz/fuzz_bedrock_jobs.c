/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as answers about jobs, one job and a page of a list; and as what a job would be made
 * of: what is let through has only the bytes that the service allows.
 */
#include "../../src/aws/bedrock_jobs_read.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read(struct str json)
{
    struct bedrock_jobs_found f = {0};
    bool one = bedrock_jobs_read(&f, json, false);
    assert(f.n == (one ? 1 : 0));
    (void)bedrock_jobs_read(&f, json, true);
    for (size_t i = 0; i < f.n; i++)
        assert(f.jobs[i].arn.len > 0 && strlen(f.jobs[i].arn.ptr) == f.jobs[i].arn.len);
    bedrock_jobs_found_fini(&f);
}

static void create(struct str text)
{
    struct bedrock_jobs_create c = {.name = STR("n"),
                                    .token = STR("t"),
                                    .model = STR("m"),
                                    .role_arn = STR("arn:aws:iam::123456789012:role/r"),
                                    .input_uri = STR("s3://acme/in"),
                                    .output_uri = STR("s3://acme/out"),
                                    .hours = 24};
    assert(!bedrock_jobs_wrong(&c));
    c.name = text;
    assert(bedrock_jobs_wrong(&c) || (text.len <= 63 && str_chr(text, '_') < 0));
    c.name = S("n");
    c.token = text;
    assert(bedrock_jobs_wrong(&c) || (text.len <= 256 && str_chr(text, '.') < 0));
    c.token = S("t");
    c.input_uri = text;
    assert(bedrock_jobs_wrong(&c) || (text.len <= 1024 && str_chr(text, '=') < 0 &&
                                      str_chr(text, ' ') < 0 && str_chr(text, 0) < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_from((const char *)data, size);
    read(text);
    create(text);
    return 0;
}
