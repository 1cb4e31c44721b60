/* SPDX-License-Identifier: Apache-2.0
 *
 * Refusals by their texts, the minimum by what was never written, hits by counting.
 *
 * A text is read from its beginning: "tools.0.cache_control: Extra inputs ..." is a path and what
 * is wrong there. What a client wrote is quoted further behind in some of them, and must not teach
 * anything: who can place words in a refusal could take the cache from everybody else.
 *
 *     The model returned the following errors: messages.2.content.0.cache_control.ttl: Extra ...
 *     ^ who says it                            ^ section                          ^ where  ^ what
 *
 * Silence is a mark that neither wrote nor read: below the model's minimum nothing is cached, and
 * nobody says so. Three in a row, and the minimum is believed to be a quarter above the longest
 * prefix that stayed silent, but not above one that was written.
 */
#include "weir/plan/verdict.h"

#include "weir/base/varint.h"

#include <string.h>

enum {
    FORM = 1,          /* of the stored bytes */
    FIELDS = 5,        /* numbers behind those of each verdict */
    PARTS = 1000,      /* of a try, in the stored bytes */
    SILENT_ENOUGH = 3, /* one may be an estimate that was too high */
    STALE_ENOUGH = 3,  /* one may be a miss like others */
    SUSPECTED_S = 3600,
    HALF_AFTER_S = 6 * 3600,
    FORGIVEN_S = VERDICT_AGAIN_S /* so long after its end a refusal is as the first one again */
};
/* As book/catalogue.h has the fields and the TTL of an hour in cache_terms. */
enum { FIELDS_ALL = 1 << ASK_TOOLS | 1 << ASK_SYSTEM | 1 << ASK_MESSAGES, TTL_OF_AN_HOUR = 2 };

/* A try counts 1/50 less with each that follows; before the first it is as if it had been tried
 * twice, and hit but for one time in a hundred. */
static const float KEPT = 0.98F, PRIOR_TRIES = 2, PRIOR_HITS = 1.98F;
static const float MOST_TRIES = 51;

struct str verdict_word(enum verdict_of v)
{
    static const struct str words[VERDICTS] = {STR("tools"), STR("system"), STR("messages"),
                                               STR("any"),   STR("1h"),     STR("renewal")};
    return words[v];
}

/* --- refusals */

/* An end that is further away than any was ever set: the clock went back, or the bytes are bad. */
static bool lasts(int64_t until_s, int64_t most_s, int64_t now_s)
{
    return now_s < until_s && until_s - now_s <= most_s;
}

static bool holds(const struct verdict *v, enum verdict_of of, int64_t now_s)
{
    return lasts(v->until_s[of], VERDICT_AGAIN_S, now_s);
}

/* While it holds it is not news: it went out before that was known. */
static void refuse(struct verdict *v, enum verdict_of of, int64_t now_s)
{
    if (holds(v, of, now_s))
        return;
    if (now_s - v->until_s[of] > FORGIVEN_S)
        v->times[of] = 0;
    v->until_s[of] = now_s + (v->times[of] ? VERDICT_AGAIN_S : VERDICT_FIRST_S);
    v->times[of]++;
}

static bool take(struct str *rest, struct str word)
{
    if (!str_istarts(*rest, word))
        return false;
    *rest = str_from_offset(*rest, word.len);
    return true;
}

/* What stands in front of the model's own words. */
static struct str skip_sayers(struct str text)
{
    static const struct str sayers[] = {STR("The model returned the following errors: "),
                                        STR("Malformed input request: ")};
    for (size_t i = 0; i < sizeof sayers / sizeof *sayers; i++)
        (void)take(&text, sayers[i]);
    return text;
}

static bool section_of(struct str path, enum verdict_of *out)
{
    static const struct {
        struct str word;
        enum verdict_of of;
    } words[] = {{STR("tools"), VERDICT_TOOLS},
                 {STR("toolConfig"), VERDICT_TOOLS},
                 {STR("system"), VERDICT_SYSTEM},
                 {STR("messages"), VERDICT_MESSAGES}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct str rest = path;
        if (take(&rest, words[i].word) && (rest.len == 0 || strchr("./[", rest.ptr[0]))) {
            *out = words[i].of;
            return true;
        }
    }
    return false;
}

/* A whole section is refused only where Weir marked it: else it was the client's own marker. */
static bool refuse_section(struct verdict *v, struct str path, unsigned marked, int64_t now_s)
{
    enum verdict_of of;
    if (!section_of(path, &of) || !(marked & 1U << of))
        return false;
    refuse(v, of, now_s);
    return true;
}

static bool refuse_hour(struct verdict *v, bool hour, int64_t now_s)
{
    if (hour)
        refuse(v, VERDICT_1H, now_s);
    return hour;
}

/* "#/toolConfig/tools/18: extraneous key [cachePoint] is not permitted, please reformat ..." */
static bool read_pointer(struct verdict *v, struct str path, struct str what, unsigned marked,
                         bool hour, int64_t now_s)
{
    if (take(&what, S("extraneous key [ttl] is not permitted")))
        return str_find(path, S("cachePoint")) >= 0 && refuse_hour(v, hour, now_s);
    return take(&what, S("extraneous key [cachePoint] is not permitted")) &&
           refuse_section(v, path, marked, now_s);
}

/* "messages.0.content.0.cache_control: Extra inputs are not permitted" */
static bool read_path(struct verdict *v, struct str path, struct str what, unsigned marked,
                      bool hour, int64_t now_s)
{
    enum verdict_of of;
    if (!section_of(path, &of))
        return false;
    if (str_istarts(what, S("cache_control cannot be set for empty text blocks")))
        return true;
    if (str_ends(path, S(".ttl")) && str_find(path, S(".cache_control.")) >= 0)
        return str_istarts(what, S("a ttl='1h' cache_control block must not come after")) ||
               refuse_hour(v, hour, now_s);
    if (!str_ends(path, S(".cache_control")) ||
        !str_istarts(what, S("Extra inputs are not permitted")))
        return false;
    return str_find(path, S("thinking.")) >= 0 || refuse_section(v, path, marked, now_s);
}

/* Texts of public bug reports, 2025-2026: 403 AccessDeniedException or 400 ValidationException. */
bool verdict_refused(struct verdict *v, struct str message, unsigned marked, bool hour,
                     int64_t now_s)
{
    static const struct str bodys_own[] = {
        STR("A maximum of 4 blocks with cache_control may be provided"),
        STR("There is nothing available to cache"), STR("Cache point cannot be inserted after")};
    struct str text = skip_sayers(message);
    if (str_istarts(text, S("You invoked an unsupported model or your request did not allow prompt "
                            "caching"))) {
        refuse(v, VERDICT_ANY, now_s);
        return true;
    }
    for (size_t i = 0; i < sizeof bodys_own / sizeof *bodys_own; i++)
        if (str_istarts(text, bodys_own[i]))
            return true;
    ptrdiff_t colon = str_find(text, S(": "));
    if (colon < 0)
        return false;
    struct str path = str_sub(text, 0, (size_t)colon);
    struct str what = str_from_offset(text, (size_t)colon + 2);
    if (take(&path, S("#/")))
        return read_pointer(v, path, what, marked, hour, now_s);
    return read_path(v, path, what, marked, hour, now_s);
}

/* Those of one second may have one reason, which is over. */
static void suspect(struct verdict *v, enum verdict_of of, int64_t now_s)
{
    bool again = v->suspect == 1U + of && lasts(v->suspect_s + SUSPECTED_S, SUSPECTED_S, now_s);
    if (again && now_s == v->suspect_s)
        return;
    if (again)
        refuse(v, of, now_s);
    v->suspect = again ? 0 : 1U + of;
    v->suspect_s = now_s;
}

void verdict_blamed(struct verdict *v, unsigned marked, bool hour, int64_t now_s)
{
    static const enum verdict_of in_turn[] = {VERDICT_TOOLS, VERDICT_MESSAGES, VERDICT_SYSTEM};
    bool known = holds(v, VERDICT_ANY, now_s) || (hour && holds(v, VERDICT_1H, now_s));
    for (size_t i = 0; i < sizeof in_turn / sizeof *in_turn; i++)
        known = known || (marked & 1U << in_turn[i] && holds(v, in_turn[i], now_s));
    if (known)
        return;
    if (hour) {
        suspect(v, VERDICT_1H, now_s);
        return;
    }
    for (size_t i = 0; i < sizeof in_turn / sizeof *in_turn; i++)
        if (marked & 1U << in_turn[i]) {
            suspect(v, in_turn[i], now_s);
            return;
        }
}

/* --- answers */

static bool silence_lasts(const struct verdict *v, int64_t now_s)
{
    return lasts(v->silent_until_s, VERDICT_FIRST_S, now_s);
}

static void forget_silence(struct verdict *v)
{
    v->silent_tokens = 0;
    v->silent_times = 0;
}

static void hear(struct verdict *v, uint32_t prefix_tokens)
{
    if (v->spoke_tokens == 0 || prefix_tokens < v->spoke_tokens)
        v->spoke_tokens = prefix_tokens;
    if (prefix_tokens <= v->silent_tokens)
        forget_silence(v);
}

static void hear_nothing(struct verdict *v, uint32_t prefix_tokens, int64_t now_s)
{
    if (v->spoke_tokens && prefix_tokens >= v->spoke_tokens)
        return; /* shorter ones were written: it is not the minimum */
    if (!silence_lasts(v, now_s))
        forget_silence(v);
    v->silent_until_s = now_s + VERDICT_FIRST_S;
    v->silent_times += v->silent_times < SILENT_ENOUGH;
    if (prefix_tokens > v->silent_tokens)
        v->silent_tokens = prefix_tokens;
}

/* What was tried six hours ago counts half. */
static float aged(const struct verdict *v, int64_t now_s)
{
    int64_t past_s = now_s > v->tried_s ? now_s - v->tried_s : 0;
    return (float)HALF_AFTER_S / (float)(HALF_AFTER_S + past_s);
}

/* A little less than expected is the estimate's error, not a miss. */
static void count_try(struct verdict *v, uint32_t expect_read, uint64_t read, int64_t now_s)
{
    float part = (float)read / (float)expect_read, kept = KEPT * aged(v, now_s);
    v->tries = v->tries * kept + 1;
    v->hits = v->hits * kept + (part > 0.8F ? 1 : part);
    v->tried_s = now_s;
}

/* A miss of what had to be prolonged says nothing of other reads. */
static bool was_stale(struct verdict *v, uint32_t expect_read, uint32_t renewed, uint64_t read,
                      int64_t now_s)
{
    if (renewed == 0)
        return false;
    bool stale = read + renewed / 2 < expect_read;
    v->stale_times = stale ? v->stale_times + 1 : 0;
    if (v->stale_times >= STALE_ENOUGH) {
        refuse(v, VERDICT_RENEWAL, now_s);
        v->stale_times = 0;
    }
    return stale;
}

void verdict_answered(struct verdict *v, uint32_t expect_read, uint32_t renewed,
                      uint32_t expect_write, uint32_t prefix_tokens, uint64_t read,
                      uint64_t written, int64_t now_s)
{
    bool silent = read == 0 && written == 0;
    bool below = v->spoke_tokens == 0 || prefix_tokens < v->spoke_tokens;
    if (expect_read == 0 && expect_write == 0)
        return;
    if (written)
        hear(v, prefix_tokens);
    if (silent)
        hear_nothing(v, prefix_tokens, now_s);
    if (was_stale(v, expect_read, renewed, read, now_s))
        return;
    if (expect_read && !(silent && below))
        count_try(v, expect_read, read, now_s);
}

/* --- what follows */

static uint32_t least(const struct verdict *v, uint32_t believed, int64_t now_s)
{
    if (v->silent_times < SILENT_ENOUGH || !silence_lasts(v, now_s) || v->silent_tokens < believed)
        return believed;
    uint64_t raised = (uint64_t)v->silent_tokens + v->silent_tokens / 4 + 1;
    if (v->spoke_tokens > v->silent_tokens && v->spoke_tokens < raised)
        raised = v->spoke_tokens;
    return raised < UINT32_MAX ? (uint32_t)raised : UINT32_MAX;
}

bool verdict_apply(const struct verdict *v, int64_t now_s, struct cache_terms *terms)
{
    float age = aged(v, now_s);
    for (unsigned i = VERDICT_TOOLS; i <= VERDICT_MESSAGES; i++)
        if (holds(v, (enum verdict_of)i, now_s))
            terms->fields &= ~(1U << i);
    if (holds(v, VERDICT_1H, now_s)) {
        terms->ttls &= ~(unsigned)TTL_OF_AN_HOUR;
        if (terms->ttl == CACHE_TTL_1H)
            terms->ttl = CACHE_TTL_AUTO;
    }
    terms->renews = !holds(v, VERDICT_RENEWAL, now_s);
    terms->least_tokens = least(v, terms->least_tokens, now_s);
    terms->hit = (v->hits * age + PRIOR_HITS) / (v->tries * age + PRIOR_TRIES);
    return !holds(v, VERDICT_ANY, now_s) && (terms->fields & FIELDS_ALL) != 0;
}

/* --- kept */

void verdict_write(const struct verdict *v, struct buf *out)
{
    char bytes[1 + (2 * VERDICTS + FIELDS + 2) * VARINT_MOST], *at = bytes;
    *at++ = FORM;
    for (size_t i = 0; i < VERDICTS; i++) {
        at = varint_put(at, (uint64_t)v->until_s[i]);
        at = varint_put(at, v->times[i]);
    }
    at = varint_put(at, v->silent_tokens);
    at = varint_put(at, v->spoke_tokens);
    at = varint_put(at, v->silent_times);
    at = varint_put(at, (uint64_t)v->silent_until_s);
    at = varint_put(at, (uint64_t)v->tried_s);
    at = varint_put(at, (uint64_t)(v->tries * PARTS));
    at = varint_put(at, (uint64_t)(v->hits * PARTS));
    buf_add(out, str_from(bytes, (size_t)(at - bytes)));
}

static bool take_upto(struct str *in, uint64_t most, uint64_t *out)
{
    return varint_take(in, out) && *out <= most;
}

int verdict_read(struct str bytes, struct verdict *out)
{
    static const uint64_t most[FIELDS] = {UINT32_MAX, UINT32_MAX, SILENT_ENOUGH, INT64_MAX,
                                          INT64_MAX};
    uint64_t until[VERDICTS], times[VERDICTS], n[FIELDS], tries, hits;
    struct str in = str_from_offset(bytes, 1);
    struct verdict v;
    if (bytes.len == 0 || bytes.ptr[0] != FORM)
        return ERR_BAD;
    for (size_t i = 0; i < VERDICTS; i++)
        if (!take_upto(&in, INT64_MAX, &until[i]) || !take_upto(&in, UINT32_MAX, &times[i]))
            return ERR_BAD;
    for (size_t i = 0; i < FIELDS; i++)
        if (!take_upto(&in, most[i], &n[i]))
            return ERR_BAD;
    if (!take_upto(&in, (uint64_t)MOST_TRIES * PARTS, &tries) || !take_upto(&in, tries, &hits) ||
        in.len)
        return ERR_BAD;
    v = (struct verdict){.silent_tokens = (uint32_t)n[0],
                         .spoke_tokens = (uint32_t)n[1],
                         .silent_times = (unsigned)n[2],
                         .silent_until_s = (int64_t)n[3],
                         .tried_s = (int64_t)n[4],
                         .tries = (float)tries / PARTS,
                         .hits = (float)hits / PARTS};
    for (size_t i = 0; i < VERDICTS; i++) {
        v.until_s[i] = (int64_t)until[i];
        v.times[i] = (unsigned)times[i];
    }
    *out = v;
    return ERR_OK;
}
