/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of a job's fault words and its reader.
 */
#include "job_order.h"

#include "jobs.h"

#include "weir/base/text.h"
#include "weir/wire/fields.h"

#include <stddef.h>
#include <string.h>

enum kind { FLAG, NUMBER, STATE, REFUSE, NAME };

static const struct word {
    struct str name;
    enum kind kind;
    size_t offset;
    const char *help;
} words[] = {
    {STR("refuse"), REFUSE, 0,
     "refuse=role      the create is refused: iam:PassRole; refuse=account: a support case;\n"
     "                     refuse=quota, refuse=conflict"},
    {STR("empty"), FLAG, offsetof(struct job_order, empty),
     "empty            the create is answered {}; the job is there"},
    {STR("hidden"), NUMBER, offsetof(struct job_order, hidden_ms),
     "hidden=N         ms in which lists do not have it"},
    {STR("unknown"), NUMBER, offsetof(struct job_order, unknown_ms),
     "unknown=N        ms in which Get and Stop answer 404"},
    {STR("ms"), NUMBER, offsetof(struct job_order, job_ms), "ms=N             its whole way"},
    {STR("stall"), STATE, offsetof(struct job_order, stall),
     "stall=STATE      stays there until it is stopped or expires (Submitted, Validating,\n"
     "                     Scheduled, InProgress: half of the records are processed)"},
    {STR("show"), NAME, offsetof(struct job_order, show),
     "show=WORD        is told instead of InProgress"},
    {STR("fail"), FLAG, offsetof(struct job_order, fail),
     "fail             Failed after Validating"},
    {STR("expire"), FLAG, offsetof(struct job_order, expire),
     "expire           Expired, half of the records processed"},
    {STR("partial"), NUMBER, offsetof(struct job_order, partial),
     "partial=N        PartiallyCompleted: N per cent of the records are processed"},
    {STR("stops-never"), FLAG, offsetof(struct job_order, stops_never),
     "stops-never      Stopping until it expires"},
    {STR("late"), NUMBER, offsetof(struct job_order, late_ms),
     "late=N           the output is there N ms after the end"},
    {STR("no-output"), FLAG, offsetof(struct job_order, no_output),
     "no-output        it is never there"},
    {STR("no-manifest"), FLAG, offsetof(struct job_order, no_manifest),
     "no-manifest      the output alone"},
    {STR("wrong-manifest"), FLAG, offsetof(struct job_order, wrong_manifest),
     "wrong-manifest   counts in manifest and Get that are not those of the lines"},
    {STR("no-newline"), FLAG, offsetof(struct job_order, no_newline),
     "no-newline       none behind the last line"},
};

void job_order_init(struct job_order *o)
{
    *o = (struct job_order){.stall = -1, .partial = -1, .job_ms = -1};
}

static bool put_state(struct job_order *o, struct str value)
{
    enum job_state s;
    if (!job_state_read(value, &s) || s > JOB_IN_PROGRESS)
        return false;
    o->stall = s;
    return true;
}

static bool put_refuse(struct job_order *o, struct str value)
{
    static const struct str names[] = {[JOB_NO_ROLE] = STR("role"),
                                       [JOB_NO_ACCOUNT] = STR("account"),
                                       [JOB_NO_QUOTA] = STR("quota"),
                                       [JOB_CONFLICT] = STR("conflict")};
    for (size_t i = JOB_NO_ROLE; i < sizeof names / sizeof *names; i++) {
        if (!str_eq(names[i], value))
            continue;
        o->refuse = (enum job_refuse)i;
        return true;
    }
    return false;
}

static bool put_name(char *at, size_t room, struct str value)
{
    if (value.len == 0 || value.len >= room || !fields_name_ok(value))
        return false;
    memcpy(at, value.ptr, value.len);
    at[value.len] = 0;
    return true;
}

static bool put(struct job_order *o, struct str text)
{
    struct str value = text, name = str_cut(&value, '=');
    const struct word *w = NULL;
    uint64_t n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(words[i].name, name))
            w = &words[i];
    if (!w || (value.ptr == NULL) != (w->kind == FLAG))
        return false;
    void *at = (char *)o + w->offset;
    switch (w->kind) {
    case FLAG:
        *(bool *)at = true;
        return true;
    case NUMBER:
        if (!text_u64(value, &n) || n > INT32_MAX)
            return false;
        *(int64_t *)at = (int64_t)n;
        return true;
    case STATE:
        return put_state(o, value);
    case REFUSE:
        return put_refuse(o, value);
    case NAME:
        return put_name(at, sizeof o->show, value);
    }
    return false;
}

bool job_order_read(struct job_order *o, struct str text, struct str *bad)
{
    size_t i = 0;
    while (i < text.len) {
        size_t begin = i;
        while (i < text.len && !strchr(" ,;\n\t", text.ptr[i]))
            i++;
        *bad = str_sub(text, begin, i - begin);
        if (bad->len && !put(o, *bad))
            return false;
        i++;
    }
    return o->partial <= 100;
}

bool job_orders_add(struct job_orders *all, const struct job_order *o, int64_t count,
                    struct str match)
{
    if (all->n == JOB_ORDERS_MOST || match.len >= sizeof all->at->match)
        return false;
    all->at[all->n].order = *o;
    all->at[all->n].left = count;
    memset(all->at[all->n].match, 0, sizeof all->at->match);
    if (match.len)
        memcpy(all->at[all->n].match, match.ptr, match.len);
    all->n++;
    return true;
}

void job_orders_take(struct job_orders *all, struct str name, struct str model,
                     struct job_order *out)
{
    job_order_init(out);
    for (size_t i = 0; i < all->n; i++) {
        struct str match = str_of(all->at[i].match);
        if (str_find(name, match) < 0 && str_find(model, match) < 0)
            continue;
        *out = all->at[i].order;
        if (--all->at[i].left == 0)
            memmove(&all->at[i], &all->at[i + 1], (--all->n - i) * sizeof *all->at);
        return;
    }
}

void job_order_add_help(struct buf *b)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        buf_addf(b, "    %s\n", words[i].help);
}
