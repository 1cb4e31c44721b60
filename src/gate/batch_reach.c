/* SPDX-License-Identifier: Apache-2.0
 *
 * Where Bedrock's runtime cannot be asked for what goes on demand (no connection, refused
 * credentials, none at all), every record of a model meets it, again and again. It is told once,
 * as the model's trouble, and so is its end: an answer, or that nothing waits for it any more.
 */
#include "batch_reach.h"

#include "batch_jobs.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/text.h"

static const struct str prefix = STR("model ");

static void add_about(struct str model, struct buf *out)
{
    buf_add(out, prefix);
    buf_add(out, model);
}

static void say(const struct batch_call *c, struct str why)
{
    struct buf about = {0}, sentence = {0};
    add_about(c->rec.model, &about);
    buf_addf(&sentence,
             "what goes on demand cannot be asked of Bedrock: %.*s; each request is tried again "
             "with pauses up to a minute, and ends with an error when its deadline has passed",
             STR_ARG(why));
    if (batch_trouble_tell(c->batch, buf_str(&about), buf_str(&sentence)))
        log_say(LOG_ERROR, "batch", "%s: %s", buf_cstr(&about), buf_cstr(&sentence));
    buf_fini(&about);
    buf_fini(&sentence);
}

static void end(struct batch *b, struct str about, const char *how)
{
    int64_t since_ms;
    struct buf lasted = {0};
    if (batch_trouble_over(b, about, &since_ms)) {
        int64_t s = (clock_wall_ms() - since_ms) / 1000;
        text_add_duration(&lasted, (s > 1 ? s : 1) * 1000);
        log_say(LOG_INFO, "batch", "%.*s: %s, after %s", STR_ARG(about), how, buf_cstr(&lasted));
    }
    buf_fini(&lasted);
}

static void say_refused(const struct batch_call *c, const struct fetch_answer *a, struct str type)
{
    struct buf why = {0};
    buf_addf(&why, "%d %.*s: the credentials %s%.*s are refused", a->status, STR_ARG(type),
             c->rec.role.len ? "of client " : "of Weir",
             STR_ARG(c->rec.role.len ? c->rec.client : S("")));
    say(c, buf_str(&why));
    buf_fini(&why);
}

void batch_reach_heard(const struct batch_call *c, const struct fetch_answer *a, struct str type,
                       bool bad_creds)
{
    struct buf about = {0};
    add_about(c->rec.model, &about);
    if (a->end == ORIGIN_UNREACHABLE)
        say(c, str_of(a->why));
    else if (bad_creds)
        say_refused(c, a, type);
    else if (a->end == ORIGIN_DONE)
        end(c->batch, buf_str(&about), "Bedrock answers again");
    buf_fini(&about);
}

void batch_reach_no_creds(const struct batch_call *c)
{
    say(c, c->rec.role.len ? S("there are no valid AWS credentials for its client's role")
                           : S("there are no valid AWS credentials"));
}

/* --- nothing waits for it any more */

struct stale {
    bool (*waits)(void *arg, struct str model);
    void *arg;
    struct buf about;
};

static void find_stale(void *arg, const struct batch_trouble *t)
{
    struct stale *s = arg;
    if (!buf_len(&s->about) && str_starts(t->about, prefix) &&
        !s->waits(s->arg, str_from_offset(t->about, prefix.len)))
        buf_add(&s->about, t->about);
}

void batch_reach_tick(struct batch *b, bool (*waits)(void *arg, struct str model), void *arg)
{
    struct stale s = {.waits = waits, .arg = arg};
    batch_troubles(b, find_stale, &s);
    if (buf_len(&s.about))
        end(b, buf_str(&s.about), "nothing waits for it any more");
    buf_fini(&s.about);
}
