/* SPDX-License-Identifier: Apache-2.0
 *
 * No change of a signed request gets past wire/sigv4_claim, class by class: the parts of
 * Authorization, every byte of method, path, query, fields and body, payload modes, the query's
 * credentials, other keys, other clocks. What is still accepted must have the canonical text of
 * the request that was signed, and nothing of weight outside it.
 *
 *     WEIR_MUTATIONS=1000000 WEIR_SEED=7 test_wire_sigv4_mutants
 */
#include "sigv4_claimed.h"
#include "weir/base/random.h"

enum { ROOM = 64 << 10, BASES_MOST = 64 };

/* A request that is accepted, and what its signature covers. */
struct base {
    struct own own;
    struct received q;
    struct sigv4_claim claim;
    struct buf canonical;
};

static struct base bases[BASES_MOST];
static size_t n_bases;

/* A copy of one that may be changed. Strings that a change makes live in `room`. */
struct mutant {
    const struct base *of;
    struct received q;
    struct str body;
    size_t used;
    char room[ROOM];
};

/* --- small changes of a string */

static size_t below(size_t n)
{
    return (size_t)random_below(n);
}

#define ANY(list) (list)[below(sizeof(list) / sizeof *(list))]

/* Three pieces as one string. */
static struct str join(struct mutant *m, struct str a, struct str b, struct str c)
{
    const struct str parts[] = {a, b, c};
    char *at = m->room + m->used;
    size_t len = 0;
    assert_true(a.len + b.len + c.len <= ROOM - m->used);
    for (int i = 0; i < 3; i++) {
        if (parts[i].len)
            memcpy(at + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    m->used += len;
    return str_from(at, len);
}

/* `drop` bytes from `at` on give way to `put`. */
static struct str splice(struct mutant *m, struct str s, size_t at, size_t drop, struct str put)
{
    return join(m, str_sub(s, 0, at), put, str_from_offset(s, at + drop));
}

static char any_char(void)
{
    static const char telling[] = " \t,;:=/%&?+.-_~aAzZ09\n\r\x7f\x80";
    return below(2) ? telling[below(sizeof telling)] : (char)below(256);
}

static char flipped(char c)
{
    return (char)(c ^ (1 << below(8)));
}

/* A bit, a byte, one more, one less, two swapped, one doubled. */
static struct str edit(struct mutant *m, struct str s)
{
    size_t at = below(s.len + 1), kind = at == s.len ? 2 : below(6);
    char two[2] = {any_char(), s.len ? s.ptr[at < s.len ? at : 0] : 'x'};
    if (kind == 0)
        two[0] = flipped(s.ptr[at]);
    if (kind <= 1)
        return splice(m, s, at, 1, str_from(two, 1));
    if (kind == 2)
        return splice(m, s, at, 0, str_from(two, 1));
    if (kind == 3)
        return splice(m, s, at, 1, S(""));
    if (kind == 4 && at + 1 < s.len) {
        two[0] = s.ptr[at + 1];
        return splice(m, s, at, 2, str_from(two, 2));
    }
    two[0] = s.ptr[at];
    return splice(m, s, at, 1, str_from(two, 2));
}

static struct str upper(struct mutant *m, struct str s)
{
    struct str copy = splice(m, s, 0, 0, S(""));
    for (char *c = (char *)(uintptr_t)copy.ptr; c < copy.ptr + copy.len; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
    return copy;
}

/* --- its fields */

static struct field *find(struct mutant *m, const char *name)
{
    for (size_t i = 0; i < m->q.fields.n; i++)
        if (str_eq(m->q.fields.at[i].name, str_of(name)))
            return &m->q.fields.at[i];
    return NULL;
}

static struct str *authorization(struct mutant *m)
{
    return &find(m, "authorization")->value;
}

static struct field *any_field(struct mutant *m)
{
    struct field *f;
    do
        f = &m->q.fields.at[below(m->q.fields.n)];
    while (str_eq(f->name, S("authorization")));
    return f;
}

static void insert_field(struct mutant *m, size_t at, struct str name, struct str value)
{
    struct fields *f = &m->q.fields;
    assert_true(f->n < FIELDS_MOST && at <= f->n);
    memmove(&f->at[at + 1], &f->at[at], (f->n - at) * sizeof *f->at);
    f->at[at] = (struct field){name, value};
    f->n++;
}

static void add_field(struct mutant *m, struct str name, struct str value)
{
    insert_field(m, below(m->q.fields.n + 1), name, value);
}

static void drop_field(struct mutant *m, struct field *f)
{
    struct fields *all = &m->q.fields;
    size_t at = (size_t)(f - all->at);
    memmove(f, f + 1, (all->n - at - 1) * sizeof *f);
    all->n--;
}

/* --- the parts of Authorization, as the signer wrote them */

static struct str part_of(struct mutant *m, const char *from, char to)
{
    struct str s = str_from_offset(*authorization(m), 0);
    ptrdiff_t at = str_find(s, str_of(from));
    if (at < 0)
        return str_from(s.ptr, 0);
    s = str_from_offset(s, (size_t)at + strlen(from));
    return str_cut(&s, to);
}

static void set_part(struct mutant *m, struct str part, struct str put)
{
    struct str *value = authorization(m);
    *value = splice(m, *value, (size_t)(part.ptr - value->ptr), part.len, put);
}

/* The name goes into SignedHeaders where it belongs. */
static void name_it(struct mutant *m, struct str name)
{
    struct str names = part_of(m, "SignedHeaders=", ','), rest = names;
    size_t at = 0;
    while (rest.len) {
        struct str next = str_cut(&rest, ';');
        if (str_cmp(next, name) >= 0)
            break;
        at += next.len + 1;
    }
    bool last = at > names.len;
    struct str put = join(m, last ? S(";") : S(""), name, last ? S("") : S(";"));
    set_part(m, names, splice(m, names, last ? names.len : at, 0, put));
}

/* --- the classes */

static void change_method(struct mutant *m)
{
    static const struct str others[] = {STR("GET"),  STR("PUT"),     STR("DELETE"),
                                        STR("post"), STR("POST\n/"), STR("")};
    struct str method = below(2) ? edit(m, m->q.r.method) : ANY(others);
    m->q.r.method = str_eq(method, m->q.r.method) ? S("PATCH") : method;
}

static struct str path_of(const struct mutant *m, struct str *query)
{
    struct str path = m->q.r.target;
    *query = path;
    path = str_cut(query, '?');
    return path;
}

static void change_path(struct mutant *m)
{
    static const struct str words[] = {STR("//"), STR("/./"), STR("/../"), STR("%2F"), STR("%2e")};
    struct str query, path = path_of(m, &query);
    if (below(2))
        path = edit(m, path);
    else
        path = splice(m, path, below(path.len + 1), below(3), ANY(words));
    m->q.r.target = join(m, path, query.ptr ? S("?") : S(""), query);
}

static void change_query(struct mutant *m)
{
    static const struct str more[] = {
        STR("&x=1"), STR("&"),        STR("&="),  STR("&maxResults=1000"),
        STR("a=b&"), STR("&%61=%62"), STR("%00"), STR("&x")};
    struct str query, path = path_of(m, &query);
    if (query.len == 0)
        query = S("");
    if (below(2))
        query = edit(m, query);
    else
        query = splice(m, query, below(query.len + 1), below(3), ANY(more));
    m->q.r.target = join(m, path, S("?"), query);
}

static void change_value(struct mutant *m)
{
    struct field *f = any_field(m);
    f->value = edit(m, f->value);
}

static void change_name(struct mutant *m)
{
    struct field *f = any_field(m);
    f->name = edit(m, f->name);
}

static void drop_any(struct mutant *m)
{
    drop_field(m, any_field(m));
}

static void double_any(struct mutant *m)
{
    struct field f = *any_field(m);
    if (below(2))
        f.value = edit(m, f.value);
    add_field(m, f.name, f.value);
}

static void swap_fields(struct mutant *m)
{
    struct field *a = any_field(m), *b = any_field(m), c = *a;
    *a = *b;
    *b = c;
}

/* "a: 1,2" is not "a: 1" and "a: 2" to everyone. */
static void split_value(struct mutant *m)
{
    struct field *f = any_field(m), behind = *f;
    size_t at = below(f->value.len + 1);
    f->value = str_sub(behind.value, 0, at);
    behind.value = str_from_offset(behind.value, at);
    insert_field(m, (size_t)(f - m->q.fields.at) + 1, behind.name, behind.value);
}

static const struct str weighty[] = {
    STR("x-amz-security-token"),
    STR("x-amz-target"),
    STR("x-amz-user-agent"),
    STR("x-amz-"),
    STR("x-amz-content-sha256"),
    STR("x-amz-date"),
    STR("content-type"),
    STR("host"),
    STR("x-amzn-bedrock-service-tier"),
    STR("x-amzn-bedrock-guardrailidentifier"),
    STR("x-amzn-bedrock-request-metadata"),
    STR("anthropic-beta"),
    STR("anthropic-version"),
};

static void add_unsigned(struct mutant *m)
{
    static const struct str values[] = {STR(""),
                                        STR("1"),
                                        STR("priority"),
                                        STR("text/plain"),
                                        STR("application/json; charset=utf-8"),
                                        STR("evil")};
    struct str value = ANY(values);
    add_field(m, ANY(weighty), value);
}

static void change_host(struct mutant *m)
{
    struct str other = edit(m, m->q.r.authority);
    struct field *host = find(m, "host");
    if (!fields_value_ok(other) || str_ieq(str_trim(other), m->q.r.authority))
        other = S("other.example");
    size_t which = below(3);
    if (host && which != 0)
        host->value = other;
    if (!host || which != 1)
        m->q.r.authority = other;
}

static void change_body(struct mutant *m)
{
    struct str body = edit(m, m->body);
    m->body = str_eq(body, m->body) ? S("{\"messages\":[]}") : body;
    set_hash(&m->q, m->body);
}

static void change_payload(struct mutant *m)
{
    static const struct str words[] = {
        STR("UNSIGNED-PAYLOAD"),
        STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        STR("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        STR("STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        STR("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"),
        STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        STR(""),
    };
    static const struct str name = STR("x-amz-content-sha256");
    struct str said = below(2) ? ANY(words) : upper(m, str_from(m->q.hash, SHA256_HEX));
    struct field *f = find(m, "x-amz-content-sha256");
    if (f) {
        f->value = said;
        return;
    }
    if (below(4) == 0)
        said = str_from(m->q.hash, SHA256_HEX); /* right, but it was not there */
    add_field(m, name, said);
    if (below(2))
        name_it(m, name);
}

static void change_authorization(struct mutant *m)
{
    struct str *value = authorization(m);
    *value = edit(m, *value);
}

static void change_scope(struct mutant *m)
{
    static const struct str others[] = {
        STR(""),           STR("20260101"),  STR("20260103"),     STR("2026010"),
        STR("us-east-2"),  STR("us"),        STR("US-EAST-1"),    STR("us-east-1/x"),
        STR("s3"),         STR("Bedrock"),   STR("aws4_request"), STR("bedrock-runtime"),
        STR("AKIDEXAMPL"), STR("AKIDOTHER"), STR("aws4_Request"), STR("AKIDEXAMPLE/AKIDEXAMPLE"),
    };
    struct str credential = part_of(m, "Credential=", ','), rest = credential, part = {NULL, 0};
    struct str other = ANY(others);
    for (size_t i = 0, which = below(5); i <= which; i++)
        part = str_cut(&rest, '/');
    if (below(2) || str_eq(part, other))
        other = edit(m, part);
    if (str_eq(part, other))
        other = S("x");
    set_part(m, part, other);
}

static void change_names(struct mutant *m)
{
    static const struct str more[] = {STR("x-other"),       STR(":path"),     STR(":method"),
                                      STR(":authority"),    STR(""),          STR("Host"),
                                      STR("authorization"), STR("x-amz-date")};
    struct str names = part_of(m, "SignedHeaders=", ','), rest = names, one = {NULL, 0};
    size_t n = 1, kind = below(6);
    for (size_t i = 0; i < names.len; i++)
        n += names.ptr[i] == ';';
    for (size_t i = 0, which = below(n); i <= which; i++)
        one = str_cut(&rest, ';');
    size_t at = (size_t)(one.ptr - names.ptr);
    if (kind == 0) /* one less */
        set_part(m, names, splice(m, names, at ? at - 1 : 0, one.len + 1, S("")));
    else if (kind == 1)
        name_it(m, ANY(more));
    else if (kind == 2) /* to the front */
        set_part(m, names, join(m, one, S(";"), at ? names : S("host")));
    else if (kind == 3)
        set_part(m, one, upper(m, one));
    else if (kind == 4) /* twice */
        set_part(m, one, join(m, one, S(";"), one));
    else /* a field that is there */
        name_it(m, any_field(m)->name);
}

static void change_signature(struct mutant *m)
{
    struct str hex = part_of(m, "Signature=", ',');
    size_t kind = below(4), at = below(hex.len);
    char nibble[] = {"0123456789abcdef"[below(16)]};
    if (kind == 0)
        set_part(m, hex, str_sub(hex, 0, at));
    else if (kind == 1)
        set_part(m, hex, splice(m, hex, at, 0, str_from(nibble, 1)));
    else if (kind == 2)
        set_part(m, hex, upper(m, hex));
    else if (nibble[0] == hex.ptr[at])
        set_part(m, hex, S("0000000000000000000000000000000000000000000000000000000000000000"));
    else
        set_part(m, hex, splice(m, hex, at, 1, str_from(nibble, 1)));
}

static void other_authorization(struct mutant *m)
{
    static const struct str algorithms[] = {STR("AWS4-ECDSA-P256-SHA256"),
                                            STR("AWS4-HMAC-SHA512"),
                                            STR("AWS4-HMAC-SHA256-PAYLOAD"),
                                            STR("aws4-hmac-sha256"),
                                            STR("AWS4-HMAC-SHA1"),
                                            STR("AWS3"),
                                            STR("Bearer"),
                                            STR("Basic"),
                                            STR("")};
    struct str value = *authorization(m), rest = value, none = S("Bearer x");
    struct str algorithm = str_cut(&rest, ' ');
    struct str credential = str_cut(&rest, ','), names = str_cut(&rest, ',');
    switch (below(5)) {
    case 0:
        set_part(m, algorithm, ANY(algorithms));
        return;
    case 1:
        add_field(m, S("authorization"), below(2) ? value : none);
        return;
    case 2:
        drop_field(m, find(m, "authorization"));
        return;
    case 3: /* parts in another order */
        *authorization(m) =
            join(m, join(m, algorithm, S(" "), names), S(", "), join(m, credential, S(","), rest));
        return;
    default: /* a part twice */
        *authorization(m) = join(m, value, S(", "), below(2) ? names : rest);
    }
}

static void query_credentials(struct mutant *m)
{
    static const struct str params[] = {
        STR("X-Amz-Signature=00"),  STR("x-amz-credential=AKID"),
        STR("X-Amz-Algorithm"),     STR("X%2DAmz-Date=20260102T030405Z"),
        STR("x-amz-expires=86400"), STR("%58-amz-security-token=t"),
    };
    struct str query;
    path_of(m, &query);
    m->q.r.target = join(m, m->q.r.target, query.ptr ? S("&") : S("?"), ANY(params));
    if (below(2))
        drop_field(m, find(m, "authorization"));
}

static void other_secret(struct mutant *m)
{
    static const struct str others[] = {
        STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), STR("x"), STR(""), {NULL, 0}};
    struct str other = ANY(others);
    m->q.secret = below(2) ? other : edit(m, m->q.secret);
    /* A zero behind a key is HMAC's own padding. */
    if (str_eq(m->q.secret, m->of->q.secret) || str_ends(m->q.secret, str_from("", 1)))
        m->q.secret = S("y");
}

static void change_date(struct mutant *m)
{
    static const struct str others[] = {STR("20260102T030406Z"),
                                        STR("20260102T030904Z"),
                                        STR("20260103T030405Z"),
                                        STR("20260102T030405"),
                                        STR("Fri, 02 Jan 2026 03:04:05 GMT"),
                                        STR("")};
    struct field *f = find(m, "x-amz-date");
    f->value = ANY(others);
}

static void change_clock(struct mutant *m)
{
    m->q.now_s += (int64_t)below(1202) - 601;
}

static void change_token(struct mutant *m)
{
    static const struct str name = STR("x-amz-security-token");
    struct field *f = find(m, "x-amz-security-token");
    if (f && below(2)) {
        drop_field(m, f);
        return;
    }
    if (f)
        drop_field(m, f);
    add_field(m, name, S("another token"));
    if (!f && below(2))
        name_it(m, name);
}

struct class
{
    const char *name;
    void (*change)(struct mutant *m);
    bool never; /* not one of them may be accepted */
    long refused, expired, same;
};

static struct class classes[] = {
    {"method", change_method, true},
    {"path", change_path, false},
    {"query", change_query, false},
    {"field value", change_value, false},
    {"field name", change_name, false},
    {"field dropped", drop_any, false},
    {"field doubled", double_any, false},
    {"fields swapped", swap_fields, false},
    {"value split", split_value, false},
    {"unsigned field added", add_unsigned, true},
    {"host", change_host, true},
    {"body", change_body, true},
    {"payload mode", change_payload, true},
    {"authorization byte", change_authorization, false},
    {"credential", change_scope, true},
    {"signed names", change_names, true},
    {"signature", change_signature, true},
    {"authorization", other_authorization, true},
    {"query credentials", query_credentials, true},
    {"secret", other_secret, true},
    {"date", change_date, true},
    {"clock", change_clock, false},
    {"token", change_token, true},
};

enum { CLASSES = sizeof classes / sizeof *classes };

/* --- what may be accepted */

static void canonical_of(const struct received *q, struct str names, struct buf *out)
{
    struct field all[FIELDS_MOST + 2] = {{STR(":authority"), q->r.authority}};
    struct sigv4_request r = {.method = q->r.method, .fields = all, .n_fields = 1};
    r.query = q->r.target;
    r.path = str_cut(&r.query, '?');
    r.payload = str_from(q->hash, SHA256_HEX);
    if (fields_count(&q->fields, S("host")) == 0)
        all[r.n_fields++] = (struct field){STR("host"), q->r.authority};
    memcpy(all + r.n_fields, q->fields.at, q->fields.n * sizeof *all);
    r.n_fields += q->fields.n;
    assert_int_equal(sigv4_canonical(&r, names, out), 0);
}

static bool weighs(struct str name)
{
    for (size_t i = 0; i < sizeof weighty / sizeof *weighty; i++)
        if (str_eq(name, weighty[i]))
            return true;
    return false;
}

/* All of weight once, and signed. */
static void check_weight(const struct received *q, struct str names)
{
    for (size_t i = 0; i < q->fields.n; i++) {
        const struct field *f = &q->fields.at[i];
        if (!weighs(f->name))
            continue;
        assert_int_equal(fields_count(&q->fields, f->name), 1);
        if (is_named(names, f->name) || str_eq(f->name, S("host")))
            continue;
        assert_str(f->name, S("content-type"));
        assert_str(str_trim(f->value), S("application/json"));
    }
}

static void check_same(const struct mutant *m, const struct sigv4_claim *c)
{
    const struct sigv4_claim *of = &m->of->claim;
    struct buf text = {0};
    assert_str(c->access_key, of->access_key);
    assert_str(c->time, of->time);
    assert_str(c->region, of->region);
    assert_str(c->service, of->service);
    assert_str(c->signed_names, of->signed_names);
    assert_int_equal(c->token.ptr != NULL, of->token.ptr != NULL);
    assert_memory_equal(c->signature, of->signature, sizeof c->signature);
    assert_int_equal(fields_count(&m->q.fields, S("authorization")), 1);
    assert_str(m->q.secret, m->of->q.secret);
    canonical_of(&m->q, c->signed_names, &text);
    assert_str(buf_str(&text), buf_str(&m->of->canonical));
    buf_fini(&text);
    check_weight(&m->q, c->signed_names);
}

/* --- the run */

static void copy_base(struct mutant *m, const struct base *of)
{
    m->of = of;
    m->used = 0;
    m->q = of->q;
    m->q.r.fields = &m->q.fields;
    m->q.r.body_sha256 = m->q.hash;
    m->body = of->own.s.body;
}

/* The access key is under no signature: it chooses the secret. */
static struct str secret_of(const struct mutant *m, struct str access_key)
{
    if (str_eq(access_key, m->of->claim.access_key))
        return m->q.secret;
    return str_eq(access_key, S("AKIDOTHER")) ? S("of another client") : (struct str){NULL, 0};
}

static bool gets_in(const struct mutant *m, struct sigv4_claim *c)
{
    return read_claim(&m->q, c) == SIGV4_CLAIMED &&
           sigv4_claim_holds(&m->q.r, c, secret_of(m, c->access_key));
}

static void judge(const struct mutant *m, struct class *class)
{
    struct sigv4_claim c;
    if (gets_in(m, &c)) {
        check_same(m, &c);
        class->same++;
    } else if (read_claim(&m->q, &c) == SIGV4_EXPIRED) {
        class->expired++;
    } else {
        class->refused++;
    }
}

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void nothing_that_was_changed_gets_in(void **state)
{
    static struct mutant m;
    long n = number_of("WEIR_MUTATIONS", 20000), seed = number_of("WEIR_SEED", 20261120);
    print_message("# %ld mutations of %zu requests, seed %ld\n", n, n_bases, seed);
    random_seed((uint64_t)seed);
    for (long i = 0; i < n; i++) {
        struct class *class = &classes[i % CLASSES];
        copy_base(&m, &bases[below(n_bases)]);
        class->change(&m);
        judge(&m, class);
    }
    random_seed(0);
    for (size_t i = 0; i < CLASSES; i++) {
        const struct class *k = &classes[i];
        print_message("# %-20s %6ld refused, %6ld expired, %6ld the same request\n", k->name,
                      k->refused, k->expired, k->same);
        assert_true(k->refused + k->expired > 0);
        if (k->never)
            assert_int_equal(k->same, 0);
    }
}

/* One byte after the other, each of its bits. */
static void no_bit_of_authorization_can_be_changed(void **state)
{
    static struct mutant m;
    struct sigv4_claim c;
    long refused = 0;
    for (size_t i = 0; i < n_bases; i++) {
        size_t bits = 8 * fields_get(&bases[i].q.fields, S("authorization")).len;
        for (size_t bit = 0; bit < bits; bit++) {
            copy_base(&m, &bases[i]);
            struct str *value = authorization(&m);
            char byte = (char)(value->ptr[bit / 8] ^ (1 << bit % 8));
            *value = splice(&m, *value, bit / 8, 1, str_from(&byte, 1));
            assert_false(gets_in(&m, &c));
            refused++;
        }
    }
    print_message("# %ld bits\n", refused);
    assert_true(refused > 20000);
}

/* --- the requests */

static int add_bases(void **state)
{
    struct vector_names names;
    vector_list("test/vectors/sigv4", &names);
    for (int i = 0; i < names.n; i++) {
        struct base *b = &bases[n_bases];
        if (strchr(names.at[i], '.'))
            continue;
        own_open(&b->own, names.at[i]);
        receive(&b->q, &b->own.s);
        b->q.r.fields = &b->q.fields;
        if (!str_eq(b->q.service, S("bedrock"))) {
            own_close(&b->own);
            memset(b, 0, sizeof *b);
            continue;
        }
        assert_int_equal(read_claim(&b->q, &b->claim), SIGV4_CLAIMED);
        canonical_of(&b->q, b->claim.signed_names, &b->canonical);
        n_bases++;
    }
    return n_bases ? 0 : -1;
}

static int drop_bases(void **state)
{
    while (n_bases) {
        own_close(&bases[--n_bases].own);
        buf_fini(&bases[n_bases].canonical);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_changed_gets_in),
        cmocka_unit_test(no_bit_of_authorization_can_be_changed),
    };
    return cmocka_run_group_tests(tests, add_bases, drop_bases);
}
