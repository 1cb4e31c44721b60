/* SPDX-License-Identifier: Apache-2.0
 *
 * One table of ends without an answer, and the rules for those with one.
 */
#include "batch_verdict.h"

#include "weir/wire/aws_error.h"

enum {
    WAIT_FIRST_MS = 1000,
    WAIT_MOST_MS = 60 * 1000,
    UNSIGNED_TRIES = 60 /* about an hour */
};

static int64_t wait_after(unsigned tries)
{
    int64_t ms = WAIT_FIRST_MS;
    for (unsigned i = 1; i < tries && ms < WAIT_MOST_MS; i++)
        ms *= 2;
    return ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS;
}

/* That is our affair, not the request's. */
static bool is_unsigned(const struct batch_ended *e)
{
    return (e->status == 403 || e->status == 400) && aws_error_signature(e->error_type);
}

/* A clock that Bedrock does not believe tells no deadline. */
static bool is_over(const struct batch_ended *e)
{
    unsigned least = is_unsigned(e) ? UNSIGNED_TRIES : BATCH_TRIES_LEAST;
    return e->now_ms >= e->deadline_ms && e->tries >= least;
}

static bool has_bad_creds(const struct batch_ended *e)
{
    return is_unsigned(e) || (e->status == 403 && aws_error_stale(e->error_type));
}

/* A 400 that says another thing than that the body is bad has nothing to do with a tier. */
static bool is_of_the_tier(const struct batch_ended *e)
{
    static const struct str others[] = {STR("ServiceQuotaExceeded"), STR("ExpiredToken"),
                                        STR("InvalidSignature"), STR("Throttling")};
    for (size_t i = 0; e->status == 400 && i < sizeof others / sizeof *others; i++)
        if (str_starts(e->error_type, others[i]))
            return false;
    return e->tier &&
           (e->status == 400 || e->status == 429 || e->status == 503 || e->status == 529);
}

static struct batch_verdict with_status(const struct batch_ended *e)
{
    int status = e->status;
    if (status >= 200 && status < 300)
        return (struct batch_verdict){.fate = BATCH_FATE_ANSWER};
    if (is_of_the_tier(e))
        return (struct batch_verdict){.fate = BATCH_FATE_NO_TIER, .throttled = status != 400};
    struct batch_verdict v = {.throttled = status == 429, .bad_creds = has_bad_creds(e)};
    bool may_pass = status < 400 || status == 408 || status == 429 || status >= 500 || v.bad_creds;
    v.wait_ms = wait_after(e->tries);
    v.fate = may_pass && !is_over(e) ? BATCH_FATE_AGAIN
             : status < 400          ? BATCH_FATE_ERROR
                                     : BATCH_FATE_ANSWER;
    v.status = 502;
    v.why = "Bedrock's address sends this request elsewhere.";
    return v;
}

/* Where no answer came: can it have been processed, and what is said in the end. */
static const struct {
    bool lost;
    int status;
    const char *why;
} ends[] = {
    [ORIGIN_UNSENT] = {false, 503, "Weir could not send this request to Bedrock."},
    [ORIGIN_UNREACHABLE] = {false, 503, "Weir could not connect to Bedrock."},
    [ORIGIN_GONE] = {true, 502, "The connection to Bedrock broke before it had answered."},
    [ORIGIN_TIMEOUT] = {true, 408, "Bedrock did not answer within timeouts.answer."},
    [ORIGIN_BAD] = {true, 502, "What came back from Bedrock's address is not a valid answer."},
};

struct batch_verdict batch_verdict_of(const struct batch_ended *e)
{
    if (e->end == ORIGIN_DONE)
        return with_status(e);
    bool last = e->too_big || is_over(e); /* a second one would not be smaller */
    return (struct batch_verdict){.fate = last ? BATCH_FATE_ERROR : BATCH_FATE_AGAIN,
                                  .wait_ms = wait_after(e->tries),
                                  .lost = ends[e->end].lost,
                                  .status = ends[e->end].status,
                                  .why = e->too_big ? "Bedrock's answer is larger than Weir keeps."
                                                    : ends[e->end].why};
}
