/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/http1 over tables of its own: what is understood, what is refused and how, the exact limits,
 * and that no way of cutting the bytes changes any of it. test_http1_corpora.c replays what others
 * collected.
 */
#include "http1_drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define POST    "POST /x HTTP/1.1\r\nHost: w\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define OK      "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *raw, *text;
} understood[] = {
    {"GET / HTTP/1.1\r\nHost: w.test:8080\r\n\r\n",
     "GET / host w.test:8080 1.1 keep length -1\nhost=w.test:8080\n\nend\n"},
    {"\r\nGET / HTTP/1.1\r\nHost: w\r\n\r\n", "GET / host w 1.1 keep length -1\nhost=w\n\nend\n"},
    {"GET /a?b=c%20d HTTP/1.1\r\nHost: [::1]:80\r\nX-A:\t v w \t\r\nEMPTY:\r\n\r\n",
     "GET /a?b=c%20d host [::1]:80 1.1 keep length -1\nhost=[::1]:80\nx-a=v w\nempty=\n\nend\n"},
    {"BREW /pot HTTP/1.2\r\nHost: w\r\nConnection: Close\r\n\r\n",
     "BREW /pot host w 1.1 length -1\nhost=w\nconnection=Close\n\nend\n"},
    {"GET / HTTP/1.0\r\n\r\n", "GET / host  1.0 length -1\n\nend\n"},
    {"GET / HTTP/1.0\r\nConnection: , keep-alive\r\n\r\n",
     "GET / host  1.0 keep length -1\nconnection=, keep-alive\n\nend\n"},
    {"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
     "GET / host  1.0 length -1\nexpect=100-continue\n\nend\n"},
    {"GET http://W.test/a?b HTTP/1.1\r\nHost: w.test\r\n\r\n",
     "GET /a?b host w.test 1.1 keep length -1\nhost=w.test\n\nend\n"},
    {"GET HTTPS://w.test HTTP/1.1\r\nHost: w.test\r\n\r\n",
     "GET / host w.test 1.1 keep length -1\nhost=w.test\n\nend\n"},
    {"GET http://w?q HTTP/1.1\r\nHost: w\r\n\r\n",
     "GET /?q host w 1.1 keep length -1\nhost=w\n\nend\n"},
    {POST "Content-Length: 0002 \r\nContent_Length: 9\r\n\r\n{}",
     "POST /x host w 1.1 keep length 2\nhost=w\ncontent-length=0002\n{}\nend\n"},
    {POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n{",
     "POST /x host w 1.1 keep expect length 1\nhost=w\nexpect=100-Continue\ncontent-length=1\n"
     "{\nend\n"},
    {POST "Connection: Upgrade, HTTP2-Settings, te\r\nUpgrade: h2c\r\n\r\n",
     "POST /x host w 1.1 keep length -1\nhost=w\nconnection=Upgrade, HTTP2-Settings, te\n"
     "upgrade=h2c\n\nend\n"},
    {POST "Content-Length: 1\r\n\r\naGET / HTTP/1.1\r\nHost: w\r\n\r\n",
     "POST /x host w 1.1 keep length 1\nhost=w\ncontent-length=1\na\nend\n"
     "GET / host w 1.1 keep length -1\nhost=w\n\nend\n"},
    {POST
     "Transfer-Encoding:CHUNKED\r\n\r\n2;a=\"b \\\"c\";d=e\r\n{}\r\n00a\r\n0123456789\r\n0;x\r\n"
     "X-T: 1\r\nAuthorization: x\r\n\r\n",
     "POST /x host w 1.1 keep chunked length -1\nhost=w\ntransfer-encoding=CHUNKED\n"
     "{}0123456789\nend\n"},
};

static const struct {
    int status;
    const char *raw;
} refused[] = {
    /* the first line */
    {400, "\nGET / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "\r\n\r\nGET / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET /\r\n"},
    {400, "GET  / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET / HTTP/1.1 \r\nHost: w\r\n\r\n"},
    {400, " GET / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET /\tHTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET / HTTP/1.10\r\nHost: w\r\n\r\n"},
    {400, "GET / http/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET / HTTP/1,1\r\nHost: w\r\n\r\n"},
    {400, "GET / HTTP/a.1\r\nHost: w\r\n\r\n"},
    {400, "GET HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET x HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET /\x80 HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET /a#b HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET /a\\b HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "G(T / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {405, "get / HTTP/1.1\r\nHost: w\r\n\r\n"},
    {405, "OPTIONS * HTTP/1.1\r\nHost: w\r\n\r\n"},
    {405, "CONNECT w:443 HTTP/1.1\r\nHost: w\r\n\r\n"},
    {505, "GET / HTTP/2.0\r\nHost: w\r\n\r\n"},
    {505, "GET / HTTP/0.9\r\nHost: w\r\n\r\n"},
    {400, "GET http://evil/a HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET http:///a HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET http://u@w/a HTTP/1.1\r\nHost: w\r\n\r\n"},
    {400, "GET http://w/ HTTP/1.0\r\n\r\n"},
    /* lines and fields */
    {400, "GET / HTTP/1.1\nHost: w\r\n\r\n"},
    {400, POST "A: b\rC: d\r\n\r\n"},
    {400, POST "A: b\r\n\n"},
    {400, POST "A: b\r\n c\r\n\r\n"},
    {400, POST "A : b\r\n\r\n"},
    {400, POST "A\r\n\r\n"},
    {400, POST ": b\r\n\r\n"},
    {400, POST "\"A\": b\r\n\r\n"},
    {400, POST "A: \x7f\r\n\r\n"},
    {400, POST "A: 0123456789abcdef\x01\r\n\r\n"},
    {400, POST "A: 0123456789abcdef\x7f\r\n\r\n"},
    {400, POST "\xc3\x84: b\r\n\r\n"},
    /* Host */
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, POST "Host: w\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: u@w\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    /* framing */
    {400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
    {400, POST "Content-Length: 1, 1\r\n\r\n"},
    {400, POST "Content-Length: +1\r\n\r\n"},
    {400, POST "Content-Length:\r\n\r\n"},
    {400, POST "Content-Length: 9223372036854775808\r\n\r\n"},
    {400, POST "Content-Length: 000000000000000000001\r\n\r\n"},
    {400, POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"},
    {400, POST "Transfer-Encoding: gzip,\r\n\r\n"},
    {400, POST "Transfer-Encoding:\r\n\r\n"},
    {501, POST "Transfer-Encoding: gzip\r\n\r\n"},
    {501, POST "Transfer-Encoding: Deflate, chunked\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {417, POST "Expect: 200-ok\r\n\r\n"},
    {417, POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"},
    {400, POST "Connection: close, authorization\r\n\r\n"},
    /* chunks */
    {400, CHUNKED "0x2\r\n"},
    {400, CHUNKED " 2\r\n"},
    {400, CHUNKED "2 \r\n"},
    {400, CHUNKED "\r\n"},
    {400, CHUNKED ";a\r\n"},
    {400, CHUNKED "2;\r\n"},
    {400, CHUNKED "2;a;\r\n"},
    {400, CHUNKED "2;a=\r\n"},
    {400, CHUNKED "2;a=\"b\r\n"},
    {400, CHUNKED "2;a=\"b\\\r\n"},
    {400, CHUNKED "2;a=\"b\\\"\r\n"},
    {400, CHUNKED "2;a=\"b\"c\r\n"},
    {400, CHUNKED "2;a=b=c\r\n"},
    {400, CHUNKED "2;a b\r\n"},
    {400, CHUNKED "2\n"},
    {400, CHUNKED "2\rx"},
    {400, CHUNKED "2;a\nb"},
    {400, CHUNKED "2;a\rb"},
    {400, CHUNKED "00000000000000002\r\n"},
    {400, CHUNKED "8000000000000000\r\n"},
    {400, CHUNKED "2\r\n{}0"},
    {400, CHUNKED "2\r\n{}\n"},
    {400, CHUNKED "2\r\n{}\rX"},
    {400, CHUNKED "0\r\nA\r\n\r\n"},
    {400, CHUNKED "0\r\n: b\r\n\r\n"},
    {400, CHUNKED "0\r\nA: b\r\n c\r\n\r\n"},
    {400, CHUNKED "0\r\nA: b\n\r\n"},
    {400, CHUNKED "0\r\nA: \x01\r\n\r\n"},
    {400, CHUNKED "0\r\nA: b\r\n\rX"},
};

static const struct {
    const char *raw, *text;
} answers[] = {
    {OK "Content-Length: 2\r\nX_Y: z\r\n\r\n{}",
     "200 1.1 keep length 2 body 2\ncontent-length=2\nx_y=z\n{}\nend\n"},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
     "200 1.1 keep chunked length -1 body 1\ntransfer-encoding=chunked\n{}\nend\n"},
    {"HTTP/1.1 200\r\nConnection: close, x-odd\r\n\r\nabc",
     "200 1.1 length -1 body 3\nconnection=close, x-odd\nabc"},
    {"HTTP/1.0 200 \r\n\r\nabc", "200 1.0 length -1 body 3\nabc"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \xc3\xa4\r\nContent-Length: 0\r\n\r\n",
     "100 1.1 keep length -1 body 0\n\nend\n204 1.1 keep length 0 body "
     "0\ncontent-length=0\n\nend\n"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
     "304 1.1 keep length 7 body 0\ncontent-length=7\n\nend\n"},
};

static const char *const bad_answers[] = {
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTP/1.1 200 OK\r\n",
    "ICY 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\n\n",
    OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
    OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK "Content-Length: -1\r\n\r\n",
    OK "A: b\r\n c\r\n\r\n",
    OK "A: b\nC: d\r\n\r\n",
    OK "A : b\r\n\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\n2\n",
    OK "Transfer-Encoding: chunked\r\n\r\n2\r\n{}X",
};

static void understands_requests(void **state)
{
    for (size_t i = 0; i < sizeof understood / sizeof *understood; i++) {
        struct drive d = {0};
        drive_feed(&d, str_of(understood[i].raw));
        assert_string_equal(buf_cstr(&d.text), understood[i].text);
        assert_true(drive_is_whole(&d, str_of(understood[i].raw)));
        drive_fini(&d);
    }
}

static void refuses_requests(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct drive d = {0};
        drive_feed(&d, str_of(refused[i].raw));
        if (d.err != ERR_BAD || d.fault.status != refused[i].status)
            fail_msg("%s\n-> %s", refused[i].raw, buf_cstr(&d.text));
        drive_fini(&d);
    }
}

/* NUL cannot stand in the tables. */
static void refuses_nul(void **state)
{
    static const struct str raws[] = {
        STR("GET /\0 HTTP/1.1\r\nHost: w\r\n\r\n"), STR(POST "A\0: b\r\n\r\n"),
        STR(POST "A: 0123456789abcdef\0\r\n\r\n"),  STR(CHUNKED "2;a\0\r\n"),
        STR(CHUNKED "0\r\nA: b\0\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof raws / sizeof *raws; i++) {
        struct drive d = {0};
        drive_feed(&d, raws[i]);
        assert_int_equal(d.err, ERR_BAD);
        assert_int_equal(d.fault.status, 400);
        drive_fini(&d);
    }
}

/* Refused at their last byte, with nothing behind it: whoever sends these may wait for the answer.
 */
static void rules_out_early(void **state)
{
    static const char *const prefixes[] = {
        "\x16",   "\n",        "\r\n\r\n",          "\rX",
        "GE\x01", "GET /\r\n", "GET / HTTP/1.1\rX", "GET / HTTP/1.1\r\nA: b\n",
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct http1_head_scan s = {0};
        struct http1_fault fault = {0};
        struct str prefix = str_of(prefixes[i]), before = str_sub(prefix, 0, prefix.len - 1);
        assert_int_equal(http1_head_end(&s, before, false, &fault), 0);
        assert_int_equal(http1_head_end(&s, prefix, false, &fault), ERR_BAD);
        assert_int_equal(fault.status, 400);
    }
}

static void understands_answers(void **state)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct drive d = {.response = true, .method = S("GET")};
        drive_feed(&d, str_of(answers[i].raw));
        assert_string_equal(buf_cstr(&d.text), answers[i].text);
        drive_fini(&d);
    }
}

static void refuses_answers(void **state)
{
    for (size_t i = 0; i < sizeof bad_answers / sizeof *bad_answers; i++) {
        struct drive d = {.response = true, .method = S("GET")};
        drive_feed(&d, str_of(bad_answers[i]));
        if (d.err != ERR_BAD)
            fail_msg("%s\n-> %s", bad_answers[i], buf_cstr(&d.text));
        drive_fini(&d);
    }
}

static void knows_answers_without_body(void **state)
{
    struct http1_response r = {.status = 200, .content_length = 5};
    assert_int_equal(http1_response_body(&r, S("GET")), HTTP1_BODY_LENGTH);
    assert_int_equal(http1_response_body(&r, S("HEAD")), HTTP1_BODY_NONE);
    assert_int_equal(http1_response_body(&r, S("CONNECT")), HTTP1_BODY_NONE);
    r = (struct http1_response){.status = 304, .content_length = 5, .chunked = true};
    assert_int_equal(http1_response_body(&r, S("GET")), HTTP1_BODY_NONE);
    r.status = 404;
    assert_int_equal(http1_response_body(&r, S("CONNECT")), HTTP1_BODY_CHUNKED);
    r = (struct http1_response){.status = 500, .content_length = -1};
    assert_int_equal(http1_response_body(&r, S("GET")), HTTP1_BODY_UNTIL_CLOSE);
}

/* --- limits, on the byte */

static void add_many(struct buf *b, char c, size_t n)
{
    char *at = buf_reserve(b, n);
    memset(at, c, n);
    buf_commit(b, n);
}

static int status_of(struct buf *b)
{
    struct drive d = {0};
    drive_feed(&d, buf_str(b));
    int status = d.err ? d.fault.status : drive_is_whole(&d, buf_str(b)) ? 200 : 0;
    drive_fini(&d);
    buf_fini(b);
    return status;
}

/* `before` and `after` around n times c, and Host. */
static int status_of_long(const char *before, char c, size_t n, const char *after)
{
    struct buf b = {0};
    buf_add(&b, str_of(before));
    add_many(&b, c, n);
    buf_add(&b, str_of(after));
    return status_of(&b);
}

static void bounds_the_first_line(void **state)
{
    const char *end = " HTTP/1.1\r\nHost: w\r\n\r\n";
    size_t room = 8192 - strlen("GET / HTTP/1.1");
    assert_int_equal(status_of_long("GET /", 'a', room, end), 200);
    assert_int_equal(status_of_long("\r\nGET /", 'a', room, end), 200);
    assert_int_equal(status_of_long("GET /", 'a', room + 1, end), 414);
    assert_int_equal(status_of_long("GET /", 'a', 8192, "\n"), 414);
    assert_int_equal(status_of_long("", 'A', 8193, ""), 400);
    assert_int_equal(status_of_long("", 'A', 32, " /x HTTP/1.1\r\nHost: w\r\n\r\n"), 200);
}

static void bounds_the_head(void **state)
{
    const char *begin = "GET / HTTP/1.1\r\nHost: w\r\nA: ";
    size_t room = 65536 - strlen(begin) - 4;
    assert_int_equal(status_of_long(begin, 'a', room, "\r\n\r\n"), 200);
    assert_int_equal(status_of_long(begin, 'a', room + 1, "\r\n\r\n"), 431);
    assert_int_equal(status_of_long(begin, 'a', room + 4, ""), 431);
    assert_int_equal(status_of_long(begin, 'a', room + 4, "\n"), 431);
    assert_int_equal(status_of_long(begin, 'a', room + 3, ""), 0);
}

static int status_of_lines(const char *before, const char *line, unsigned n, const char *after)
{
    struct buf b = {0};
    buf_add(&b, str_of(before));
    for (unsigned i = 0; i < n; i++)
        buf_add(&b, str_of(line));
    buf_add(&b, str_of(after));
    return status_of(&b);
}

static void bounds_the_fields(void **state)
{
    assert_int_equal(status_of_lines(POST, "A: b\r\n", 99, "\r\n"), 200);
    assert_int_equal(status_of_lines(POST, "A: b\r\n", 100, "\r\n"), 431);
    assert_int_equal(status_of_lines(POST, "A_B: c\r\n", 100, "\r\n"), 431);
    assert_int_equal(status_of_lines(CHUNKED "0\r\n", "A: b\r\n", 100, "\r\n"), 200);
    assert_int_equal(status_of_lines(CHUNKED "0\r\n", "A: b\r\n", 101, "\r\n"), 431);
}

static void bounds_the_trailer(void **state)
{
    assert_int_equal(status_of_long(CHUNKED "0\r\nA:", 'b', 65536 - 6, "\r\n\r\n"), 200);
    assert_int_equal(status_of_long(CHUNKED "0\r\nA:", 'b', 65536 - 5, "\r\n\r\n"), 431);
}

static void bounds_chunk_extensions(void **state)
{
    char chunk[512];
    assert_int_equal(status_of_long(CHUNKED "0;", 'a', 256, "\r\n\r\n"), 200);
    assert_int_equal(status_of_long(CHUNKED "0;", 'a', 257, "\r\n\r\n"), 400);
    snprintf(chunk, sizeof chunk, "1;%0256d\r\n \r\n", 0);
    assert_int_equal(status_of_lines(CHUNKED, chunk, 16, "0\r\n\r\n"), 200);
    assert_int_equal(status_of_lines(CHUNKED, chunk, 16, "0;a\r\n\r\n"), 400);
}

/* --- cutting */

static void assert_same_text(struct drive *d, struct buf *want, const char *raw)
{
    if (!str_eq(buf_str(&d->text), buf_str(want)))
        fail_msg("%s\nwhole: %s\ncut: %s", raw, buf_cstr(want), buf_cstr(&d->text));
    drive_fini(d);
}

static void cut_everywhere(const char *raw, bool response)
{
    struct drive fresh = {.response = response, .method = S("GET")}, whole = fresh;
    struct str bytes = str_of(raw);
    drive_feed(&whole, bytes);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        struct drive d = fresh;
        drive_cut(&d, bytes, cut);
        assert_same_text(&d, &whole.text, raw);
    }
    for (unsigned seed = 0; seed < 8; seed++) {
        struct drive d = fresh;
        drive_pieces(&d, bytes, 1 + seed, seed);
        assert_same_text(&d, &whole.text, raw);
    }
    drive_fini(&whole);
}

static void says_the_same_however_cut(void **state)
{
    for (size_t i = 0; i < sizeof understood / sizeof *understood; i++)
        cut_everywhere(understood[i].raw, false);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cut_everywhere(refused[i].raw, false);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        cut_everywhere(answers[i].raw, true);
    for (size_t i = 0; i < sizeof bad_answers / sizeof *bad_answers; i++)
        cut_everywhere(bad_answers[i], true);
}

/* While a size is being read nothing of it may be taken for data. */
static void counts_what_is_left_of_a_chunk(void **state)
{
    struct http1_chunked c = {0};
    struct http1_fault fault;
    struct str data;
    size_t used;
    assert_int_equal(http1_chunk_next(&c, S("1"), &used, &data, &fault), HTTP1_CHUNK_MORE);
    assert_int_equal(http1_chunk_left(&c), 0);
    assert_int_equal(http1_chunk_next(&c, S("0\r\nab"), &used, &data, &fault), HTTP1_CHUNK_DATA);
    assert_int_equal(used, 5);
    assert_true(str_eq(data, S("ab")));
    assert_int_equal(http1_chunk_left(&c), 14);
    assert_int_equal(http1_chunk_next(&c, S("cdefghijklmnop\r\n0\r\n\r\nX"), &used, &data, &fault),
                     HTTP1_CHUNK_DATA);
    assert_int_equal(used, 14);
    assert_int_equal(http1_chunk_left(&c), 0);
    assert_int_equal(http1_chunk_next(&c, S("\r\n0\r\n\r\nX"), &used, &data, &fault),
                     HTTP1_CHUNK_END);
    assert_int_equal(used, 7);
    assert_int_equal(http1_chunk_next(&c, S("X"), &used, &data, &fault), HTTP1_CHUNK_END);
    assert_int_equal(used, 0);
}

static void keeps_refusing_a_broken_body(void **state)
{
    struct http1_chunked c = {0};
    struct http1_fault fault;
    struct str data;
    size_t used;
    assert_int_equal(http1_chunk_next(&c, S("x"), &used, &data, &fault), ERR_BAD);
    assert_int_equal(http1_chunk_next(&c, S("0\r\n\r\n"), &used, &data, &fault), ERR_BAD);
}

/* --- writing */

static void writes_heads(void **state)
{
    const struct field fields[] = {{S("a"), S("b c")}, {S("x-empty"), S("")}};
    struct buf b = {0};
    http1_add_request_head(&b, S("POST"), S("/model/m%3A0/converse"), S("w.test"), fields, 2);
    http1_add_field(&b, S("content-length"), S("2"));
    http1_add_blank(&b);
    assert_string_equal(buf_cstr(&b), "POST /model/m%3A0/converse HTTP/1.1\r\nhost: w.test\r\n"
                                      "a: b c\r\nx-empty: \r\ncontent-length: 2\r\n\r\n");
    buf_clear(&b);
    http1_add_response_head(&b, 404, fields, 1);
    http1_add_response_head(&b, 299, NULL, 0);
    http1_add_blank(&b);
    assert_string_equal(buf_cstr(&b),
                        "HTTP/1.1 404 Not Found\r\na: b c\r\nHTTP/1.1 299 Unknown\r\n\r\n");
    buf_fini(&b);
    assert_true(str_eq(http1_reason(200), S("OK")));
}

static void write_bad_field(void)
{
    struct buf b = {0};
    http1_add_field(&b, S("a"), S("b\r\nevil: 1"));
}

static void write_bad_name(void)
{
    struct buf b = {0};
    http1_add_field(&b, S("a b"), S("c"));
}

static void write_bad_target(void)
{
    struct buf b = {0};
    http1_add_request_head(&b, S("GET"), S("/ HTTP/1.1\r\n"), S("w"), NULL, 0);
}

static void write_bad_authority(void)
{
    struct buf b = {0};
    http1_add_request_head(&b, S("GET"), S("/"), S("w\n"), NULL, 0);
}

/* In a child, whose complaint nobody needs to read. */
static void assert_dies(void (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        act();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

static void never_writes_a_second_message(void **state)
{
    assert_dies(write_bad_field);
    assert_dies(write_bad_name);
    assert_dies(write_bad_target);
    assert_dies(write_bad_authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_requests),
        cmocka_unit_test(refuses_requests),
        cmocka_unit_test(refuses_nul),
        cmocka_unit_test(rules_out_early),
        cmocka_unit_test(understands_answers),
        cmocka_unit_test(refuses_answers),
        cmocka_unit_test(knows_answers_without_body),
        cmocka_unit_test(bounds_the_first_line),
        cmocka_unit_test(bounds_the_head),
        cmocka_unit_test(bounds_the_fields),
        cmocka_unit_test(bounds_the_trailer),
        cmocka_unit_test(bounds_chunk_extensions),
        cmocka_unit_test(says_the_same_however_cut),
        cmocka_unit_test(counts_what_is_left_of_a_chunk),
        cmocka_unit_test(keeps_refusing_a_broken_body),
        cmocka_unit_test(writes_heads),
        cmocka_unit_test(never_writes_a_second_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
