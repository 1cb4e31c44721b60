/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/http1 over what others collected: our 151 cases with a verdict each, llhttp's examples, and
 * h2o's fuzzing seeds. Each is replayed whole and cut in many ways, and must read the same. What a
 * parser cannot judge (routes, methods, time, the end of a connection) is test/flow's.
 */
#include "http1_drive.h"
#include "vectors.h"
#include "weir/wire/uri.h"

/* Cuts at every byte up to this length; longer inputs at a stride, and around the limits. */
enum { CUT_ALL = 1024, CUT_STRIDE = 509 };

static void same_when(struct drive *d, struct str want, const char *name)
{
    if (!str_eq(buf_str(&d->text), want))
        fail_msg("%s\nwhole: %.*s\ncut: %s", name, STR_ARG(want), buf_cstr(&d->text));
    drive_fini(d);
}

static bool is_worth_a_cut(size_t at, size_t len)
{
    return len <= CUT_ALL || at % CUT_STRIDE == 0 || (at > 8180 && at < 8240) || len - at < 100;
}

static void cut_in_many_ways(struct str bytes, bool response, struct str whole, const char *name)
{
    struct drive fresh = {.response = response, .method = S("GET")};
    for (size_t cut = 0; cut < bytes.len; cut++) {
        if (!is_worth_a_cut(cut, bytes.len))
            continue;
        struct drive d = fresh;
        drive_cut(&d, bytes, cut);
        same_when(&d, whole, name);
    }
    for (unsigned most = 1; most <= 27; most += 13) {
        struct drive d = fresh;
        drive_pieces(&d, bytes, most, most);
        same_when(&d, whole, name);
    }
}

/* The verdict on the whole, after checking that all cuts agree. Free with drive_fini. */
static struct drive replay(struct str bytes, bool response, const char *name)
{
    struct drive d = {.response = response, .method = S("GET")};
    drive_feed(&d, bytes);
    cut_in_many_ways(bytes, response, buf_str(&d.text), name);
    return d;
}

/* --- weir-http1 */

/* The value of "key": "..." in one line of cases.jsonl; none of those we read has an escape. */
static struct str json_word(struct str line, const char *key)
{
    char want[64];
    snprintf(want, sizeof want, "\"%s\": \"", key);
    ptrdiff_t at = str_find(line, str_of(want));
    struct str rest = at < 0 ? S("") : str_from_offset(line, (size_t)at + strlen(want));
    return str_cut(&rest, '"');
}

/* The path of the first request, for what uri decides. */
static int check_path(struct str bytes)
{
    struct str rest = bytes, path, query;
    str_cut(&rest, ' ');
    uri_split(str_cut(&rest, ' '), &path, &query);
    return uri_check_path(path);
}

/* What the wire room alone must say to a case; the rest of `expect` is the server's. */
static bool is_verdict_right(struct str name, struct str expect, const struct drive *d,
                             struct str bytes)
{
    if (str_starts(name, S("path-")) && str_eq(expect, S("400")))
        return d->fault.status == 400 || check_path(bytes) == ERR_BAD;
    if (str_starts(name, S("path-")))
        return drive_is_whole(d, bytes) && check_path(bytes) == 0;
    if (str_eq(name, S("line-trace"))) /* an upper-case token: the gate's 405 */
        return drive_is_whole(d, bytes);
    if (str_eq(expect, S("accept-x2")))
        return drive_is_whole(d, bytes) && d->messages == 2;
    if (str_eq(expect, S("accept-then-400-close")))
        return d->messages == 1 && d->fault.status == 400;
    if (str_starts(expect, S("accept")))
        return drive_is_whole(d, bytes) && d->messages == 1;
    if (str_starts(expect, S("drop")))
        return d->err == 0 && d->messages == 0;
    if (str_eq(expect, S("h2-or-400")) || str_eq(expect, S("400-close-or-drop")))
        return d->err != 0 && d->messages == 0;
    return d->err != 0 && d->messages == 0 && d->fault.status == atoi(expect.ptr);
}

static bool replay_case(struct str line)
{
    char name[64], hex[200000];
    struct str word = json_word(line, "name"), raw = json_word(line, "raw_hex");
    assert_true(word.len < sizeof name && raw.len < sizeof hex);
    snprintf(name, sizeof name, "%.*s", STR_ARG(word));
    snprintf(hex, sizeof hex, "%.*s", STR_ARG(raw));
    struct buf bytes = vector_unhex(hex);
    struct drive d = replay(buf_str(&bytes), false, name);
    bool right = is_verdict_right(word, json_word(line, "expect"), &d, buf_str(&bytes));
    if (!right)
        print_message("# %s: %s", name, buf_cstr(&d.text));
    drive_fini(&d);
    buf_fini(&bytes);
    return right;
}

static void replays_weir_http1(void **state)
{
    char path[VECTOR_PATH];
    struct buf file = vector_read(vector_shared("corpora/weir-http1/cases.jsonl", path));
    struct str rest = vector_chomp(&file);
    int right = 0, all = 0;
    while (rest.ptr) {
        right += replay_case(str_cut(&rest, '\n'));
        all++;
    }
    buf_fini(&file);
    print_message("# weir-http1: %d of %d as the parser must say\n", right, all);
    assert_int_equal(right, all);
    assert_true(all >= 151);
}

/* --- llhttp: Markdown with an input in a fence of kind http and its events in one of kind log */

struct example {
    struct str title, type, input, events;
};

/* The text between "```kind\n" and "\n```", searched from the front of *rest. */
static struct str fenced(struct str *rest, const char *kind)
{
    char open[16];
    snprintf(open, sizeof open, "```%s\n", kind);
    ptrdiff_t at = str_find(*rest, str_of(open));
    if (at < 0)
        return (struct str){NULL, 0};
    struct str body = str_from_offset(*rest, (size_t)at + strlen(open));
    ptrdiff_t end = str_find(body, S("\n```"));
    assert_true(end >= 0);
    *rest = str_from_offset(body, (size_t)end + 4);
    return str_sub(body, 0, (size_t)end);
}

static bool next_example(struct str *rest, struct example *out)
{
    ptrdiff_t at = str_find(*rest, S("<!-- meta={"));
    if (at < 0)
        return false;
    struct str before = str_sub(*rest, 0, (size_t)at);
    out->title = S("");
    while (before.ptr) {
        struct str line = str_cut(&before, '\n');
        if (str_starts(line, S("#")))
            out->title = line;
    }
    *rest = str_from_offset(*rest, (size_t)at);
    struct str meta = *rest;
    meta = str_cut(&meta, '\n');
    ptrdiff_t type = str_find(meta, S("\"type\":"));
    struct str tail = type < 0 ? S("\"\"") : str_from_offset(meta, (size_t)type + 7);
    str_cut(&tail, '"');
    out->type = str_cut(&tail, '"');
    out->input = fenced(rest, "http");
    out->events = fenced(rest, "log");
    return out->input.ptr != NULL;
}

/* The byte that the escape behind a backslash stands for; the backslash itself for no escape. */
static char unescaped(struct str *rest)
{
    static const struct {
        char name, value;
    } simple[] = {{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'f', '\f'}};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (rest->len && rest->ptr[0] == simple[i].name) {
            *rest = str_from_offset(*rest, 1);
            return simple[i].value;
        }
    char c = 0;
    if (rest->len >= 3 && rest->ptr[0] == 'x') {
        c = (char)(vector_digit(rest->ptr[1]) * 16 + vector_digit(rest->ptr[2]));
        *rest = str_from_offset(*rest, 3);
        return c;
    }
    if (rest->len == 0 || rest->ptr[0] < '0' || rest->ptr[0] > '7')
        return '\\';
    for (int i = 0; i < 3 && rest->len && rest->ptr[0] >= '0' && rest->ptr[0] <= '7'; i++) {
        c = (char)(c * 8 + rest->ptr[0] - '0');
        *rest = str_from_offset(*rest, 1);
    }
    return c;
}

/* As llhttp's own runner reads an input: line ends become CRLF unless a backslash stands before
 * them, then \r, \n, \t, \f, \xNN and octal ones are bytes. Host is added where it is missing,
 * since without it we would refuse for that alone. */
static struct buf example_bytes(const struct example *e, bool add_host)
{
    struct buf b = {0};
    struct str rest = e->input;
    while (rest.len) {
        char c = rest.ptr[0];
        rest = str_from_offset(rest, 1);
        if (c == '\\' && rest.len && rest.ptr[0] == '\n')
            rest = str_from_offset(rest, 1);
        else if (c == '\\')
            buf_add_char(&b, unescaped(&rest));
        else if (c == '\n')
            buf_add(&b, S("\r\n"));
        else
            buf_add_char(&b, c);
        if (c == '\n' && add_host && buf_len(&b) > 2) {
            buf_add(&b, S("Host: w\r\n"));
            add_host = false;
        }
    }
    return b;
}

static bool has_host(struct str s)
{
    return str_find(s, S("Host:")) >= 0 || str_find(s, S("host:")) >= 0;
}

/* Errors that are not ours: pauses that the runner asked for (21 to 23), bytes behind a last
 * message, which a server never reads (5), and methods, which the gate knows. */
static bool is_parse_error(struct str events)
{
    ptrdiff_t at = str_find(events, S("error code="));
    if (at < 0)
        return false;
    struct str error = str_from_offset(events, (size_t)at);
    int code = atoi(error.ptr + strlen("error code="));
    return code != 5 && !(code >= 21 && code <= 23) && str_find(error, S("method")) < 0;
}

/* Some examples stop at the byte that llhttp refuses; we may do so only when the head is whole. */
static bool is_refused_when_whole(const struct drive *d, struct buf *bytes, bool response)
{
    if (d->err)
        return true;
    buf_add(bytes, S("\r\n\r\n"));
    struct drive again = {.response = response, .method = S("GET")};
    drive_feed(&again, buf_str(bytes));
    drive_fini(&again);
    return again.err != 0;
}

struct tally {
    int examples, errors, refused, missed;
};

static void replay_example(const struct example *e, struct tally *t)
{
    bool response = str_starts(e->type, S("response"));
    bool strict = str_eq(e->type, S("request")) || str_eq(e->type, S("response"));
    char title[128];
    snprintf(title, sizeof title, "%.*s", STR_ARG(e->title));
    struct buf bytes = example_bytes(e, !response && !has_host(e->input));
    struct drive d = replay(buf_str(&bytes), response, title);
    t->examples++;
    t->refused += d.err != 0;
    if (strict && is_parse_error(e->events)) {
        t->errors++;
        if (!is_refused_when_whole(&d, &bytes, response)) {
            t->missed++;
            print_message("# not refused: %s\n%s\n", title, buf_cstr(&d.text));
        }
    }
    drive_fini(&d);
    buf_fini(&bytes);
}

static void replay_folder(const char *folder, struct tally *t)
{
    static struct vector_names names;
    char room[VECTOR_PATH], path[VECTOR_PATH + 300];
    vector_list(vector_shared(folder, room), &names);
    for (int i = 0; i < names.n; i++) {
        snprintf(path, sizeof path, "%s/%s", room, names.at[i]);
        struct buf file = vector_read(path);
        struct str rest = buf_str(&file);
        struct example e;
        while (next_example(&rest, &e))
            replay_example(&e, t);
        buf_fini(&file);
    }
}

static void replays_llhttp(void **state)
{
    struct tally t = {0};
    replay_folder("corpora/llhttp/request", &t);
    replay_folder("corpora/llhttp/response", &t);
    print_message(
        "# llhttp: %d examples, %d refused; %d are errors in its strict mode, %d missed\n",
        t.examples, t.refused, t.errors, t.missed);
    assert_int_equal(t.missed, 0);
    assert_true(t.examples > 200 && t.errors > 50);
}

/* --- h2o: bytes that once broke somebody */

static void replay_seed(struct str bytes, const char *name, int *heads, int *refused)
{
    struct drive request = replay(bytes, false, name);
    struct drive response = replay(bytes, true, name);
    *heads += buf_len(&request.text) && buf_str(&request.text).ptr[0] != 'r';
    *refused += request.err != 0;
    drive_fini(&request);
    drive_fini(&response);
}

/* A seed is several writes; each is tried by itself, and the whole file once more. */
static void replays_h2o(void **state)
{
    static struct vector_names names;
    char room[VECTOR_PATH], path[VECTOR_PATH + 300];
    int heads = 0, refused = 0;
    vector_list(vector_shared("corpora/h2o-fuzz/http1-corpus", room), &names);
    for (int i = 0; i < names.n; i++) {
        snprintf(path, sizeof path, "%s/%s", room, names.at[i]);
        struct buf file = vector_read(path);
        struct str rest = buf_str(&file);
        for (ptrdiff_t at; (at = str_find(rest, S("\n--MARK--\n"))) >= 0;) {
            replay_seed(str_sub(rest, 0, (size_t)at), names.at[i], &heads, &refused);
            rest = str_from_offset(rest, (size_t)at + 10);
        }
        replay_seed(buf_str(&file), names.at[i], &heads, &refused);
        buf_fini(&file);
    }
    print_message("# h2o: %d seeds; %d heads understood, %d inputs refused\n", names.n, heads,
                  refused);
    assert_true(names.n > 400 && heads > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_weir_http1),
        cmocka_unit_test(replays_llhttp),
        cmocka_unit_test(replays_h2o),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
