/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's service: any body, at any of its operations. The first byte picks the operation.
 * It must answer whatever comes, once, with a known status.
 */
#include "ops.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const targets[] = {
    "/model/us.anthropic.claude-sonnet-4-6/converse",
    "/model/amazon.nova-lite-v1%3A0/converse-stream",
    "/model/us.anthropic.claude-sonnet-4-6/invoke",
    "/model/amazon.nova-pro-v1:0/invoke-with-response-stream",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fa/invoke",
    "/model/openai.gpt-oss-20b-1:0/count-tokens",
    "/guardrail/abc/version/1/apply",
    "/guardrail-checks/invoke",
    "/async-invoke",
    "/anthropic/v1/messages",
    "/openai/v1/chat/completions",
    "/openai/v1/responses",
};

static struct world *world;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fields none;
    struct ops_result out;
    if (size == 0 || size > 1 << 20)
        return 0;
    if (!world) {
        world = world_new(16, 4);
        world->auth.off = true;
    }
    size_t i = data[0] % (sizeof targets / sizeof *targets);
    struct ops_request r = {.method = S("POST"),
                            .target = str_of(targets[i]),
                            .authority = S("h"),
                            .fields = &none,
                            .body = {(const char *)data + 1, size - 1}};
    sha256_of(r.body, r.body_sha256);
    ops_answer(world, &r, &out);
    if (out.reply.status < 200 || out.reply.status > 599 || buf_len(&out.reply.body) == 0)
        abort();
    ops_result_fini(&out);
    return 0;
}
