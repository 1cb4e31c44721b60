/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of fault words and its reader.
 */
#include "fault.h"

#include "weir/base/text.h"
#include "weir/wire/fields.h"

#include <stddef.h>
#include <string.h>

enum { MOST = 100 * 1000 * 1000 };

enum kind { FLAG, NUMBER, NAME, CUT, THROTTLE };

static const struct word {
    struct str name;
    enum kind kind;
    size_t offset;
    const char *help;
    uint64_t most; /* of a number; 0: MOST */
} words[] = {
    {STR("status"), NUMBER, offsetof(struct fault, status),
     "status=503       answer this status with its usual error"},
    {STR("error"), NAME, offsetof(struct fault, error),
     "error=TYPE       answer this error, e.g. ModelNotReadyException"},
    {STR("throttle"), THROTTLE, 0, "throttle         429 ThrottlingException"},
    {STR("once"), NUMBER, offsetof(struct fault, once),
     "once=503         this status the first time this exact body is seen, then normal"},
    {STR("retry-after"), NUMBER, offsetof(struct fault, retry_after),
     "retry-after=2    adds Retry-After to an error"},
    {STR("delay"), NUMBER, offsetof(struct fault, delay_ms),
     "delay=250        milliseconds before the head"},
    {STR("slow"), NUMBER, offsetof(struct fault, slow_ms),
     "slow=10          milliseconds between the pieces of the answer"},
    {STR("hang"), FLAG, offsetof(struct fault, hang), "hang             never answers"},
    {STR("cut"), CUT, 0,
     "cut=before       end the connection before the answer; cut=head after its head;\n"
     "    cut=N            after N bytes of its body"},
    {STR("garbage"), FLAG, offsetof(struct fault, garbage),
     "garbage          bytes that are no HTTP, then the end"},
    {STR("refuse"), FLAG, offsetof(struct fault, refuse),
     "refuse           HTTP/2 REFUSED_STREAM; HTTP/1 closes without a byte"},
    {STR("early"), FLAG, offsetof(struct fault, early),
     "early            (control port only) answer before the body is read"},
    {STR("exception"), NAME, offsetof(struct fault, exception),
     "exception=TYPE   in a stream, after two deltas, e.g. modelStreamErrorException"},
    {STR("frame-error"), NAME, offsetof(struct fault, frame_error),
     "frame-error=CODE in an event stream, a message of type error"},
    {STR("bad-crc"), FLAG, offsetof(struct fault, bad_crc),
     "bad-crc          in an event stream, the second message has a wrong checksum"},
    {STR("bytes"), NUMBER, offsetof(struct fault, bytes),
     "bytes=N          the answer's text has exactly N bytes", 32 << 20},
    {STR("chunks"), NUMBER, offsetof(struct fault, chunks),
     "chunks=N         the stream has N deltas", 100000},
    {STR("tool"), FLAG, offsetof(struct fault, tool),
     "tool             answer with a call of the first tool"},
    {STR("guardrail"), FLAG, offsetof(struct fault, guardrail),
     "guardrail        a guardrail intervenes"},
    {STR("tier"), NAME, offsetof(struct fault, tier),
     "tier=flex        all this only where the request asks for that service tier"},
    {STR("batch"), NAME, offsetof(struct fault, batch),
     "batch=429        in a batch job, the record's line is an error with that code;\n"
     "    batch=missing, twice, malformed, neither (answer nor error), unknown (id),\n"
     "    batch=unmetered  (no usage)"},
};

void fault_init(struct fault *f)
{
    *f = (struct fault){.retry_after = -1, .bytes = -1, .chunks = -1};
}

bool fault_is_for(const struct fault *f, struct str tier)
{
    return f->tier[0] == 0 || str_eq(str_of(f->tier), tier.len ? tier : S("default"));
}

static bool put_number(struct fault *f, const struct word *w, struct str value)
{
    uint64_t n;
    if (!text_u64(value, &n) || n > (w->most ? w->most : MOST))
        return false;
    *(int64_t *)(void *)((char *)f + w->offset) = (int64_t)n;
    return true;
}

static bool put_name(struct fault *f, const struct word *w, struct str value)
{
    char *at = (char *)f + w->offset;
    if (value.len == 0 || value.len >= sizeof f->error || !fields_name_ok(value))
        return false;
    memcpy(at, value.ptr, value.len);
    at[value.len] = 0;
    return true;
}

static bool put_cut(struct fault *f, struct str value)
{
    uint64_t n = 0;
    f->cut = str_eq(value, S("before")) ? FAULT_CUT_BEFORE
             : str_eq(value, S("head")) ? FAULT_CUT_HEAD
                                        : FAULT_CUT_AT;
    if (f->cut == FAULT_CUT_AT && (!text_u64(value, &n) || n > MOST)) {
        f->cut = FAULT_WHOLE;
        return false;
    }
    f->cut_at = (int64_t)n;
    return true;
}

static bool put(struct fault *f, struct str text)
{
    struct str value = text, name = str_cut(&value, '=');
    const struct word *w = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(words[i].name, name))
            w = &words[i];
    if (!w || (value.ptr == NULL) != (w->kind == FLAG || w->kind == THROTTLE))
        return false;
    switch (w->kind) {
    case FLAG:
        *((bool *)f + w->offset) = true;
        return true;
    case NUMBER:
        return put_number(f, w, value);
    case NAME:
        return put_name(f, w, value);
    case CUT:
        return put_cut(f, value);
    case THROTTLE:
        f->status = 429;
        return true;
    }
    return false;
}

void fault_read_prompt(struct fault *f, struct str body)
{
    static const struct str open = STR("[[sim:");
    ptrdiff_t at, end;
    bool early = f->early;
    while ((at = str_find(body, open)) >= 0) {
        body = str_from_offset(body, (size_t)at + open.len);
        if ((end = str_find(body, S("]]"))) < 0)
            break;
        (void)put(f, str_sub(body, 0, (size_t)end));
    }
    f->early = early;
}

bool fault_read_words(struct fault *f, struct str text, struct str *bad)
{
    size_t i = 0;
    while (i < text.len) {
        size_t begin = i;
        while (i < text.len && !strchr(" ,;\n\t", text.ptr[i]))
            i++;
        *bad = str_sub(text, begin, i - begin);
        if (bad->len && !put(f, *bad))
            return false;
        i++;
    }
    return true;
}

void fault_add_help(struct buf *b)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        buf_addf(b, "    %s\n", words[i].help);
}
