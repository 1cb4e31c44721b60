/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature Version 4 as S3 wants it (the path encoded once, the payload's hash in a header), over
 * a plain socket. What is sent is hashed first: pieces are asked for twice, so nothing large is
 * held.
 */
#include "s3.h"

#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/text.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 30, HEAD_MOST = 64 * 1024, ROOM = 64 * 1024 };

static bool keep(char *out, size_t room, struct str s)
{
    if (s.len == 0 || s.len >= room)
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
    return true;
}

bool s3_place_url(struct s3_place *p, struct str url)
{
    if (!str_starts(url, S("http://")))
        return false;
    struct str port = str_from_offset(url, 7), host;
    if (str_ends(port, S("/")))
        port.len--;
    host = str_cut(&port, ':');
    return keep(p->host, sizeof p->host, host) && keep(p->port, sizeof p->port, port);
}

bool s3_place_key(struct s3_place *p, struct str pair)
{
    struct str secret = pair, key = str_cut(&secret, ':');
    return keep(p->key, sizeof p->key, key) && keep(p->secret, sizeof p->secret, secret);
}

bool s3_name_read(struct str uri, struct s3_name *out)
{
    if (!str_starts(uri, S("s3://")))
        return false;
    out->key = str_from_offset(uri, 5);
    out->bucket = str_cut(&out->key, '/');
    return out->bucket.len > 0;
}

/* --- the request's head */

static void add_path(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~/", c));
        if (plain)
            buf_add_char(b, c);
        else
            buf_addf(b, "%%%02X", (unsigned char)c);
    }
}

static void sign(const struct s3_place *p, struct str canonical, const char time[17],
                 struct buf *signature)
{
    unsigned char key[SHA256_BYTES];
    struct buf b = {0};
    struct str k = {(char *)key, sizeof key};
    buf_addf(&b, "AWS4%s", p->secret);
    hmac_sha256(buf_str(&b), str_from(time, 8), key);
    hmac_sha256(k, S("us-east-1"), key);
    hmac_sha256(k, S("s3"), key);
    hmac_sha256(k, S("aws4_request"), key);
    buf_clear(&b);
    unsigned char digest[SHA256_BYTES];
    sha256_of(canonical, digest);
    buf_addf(&b, "AWS4-HMAC-SHA256\n%s\n%.8s/us-east-1/s3/aws4_request\n", time, time);
    text_add_hex(&b, digest, sizeof digest);
    hmac_sha256(k, buf_str(&b), digest);
    text_add_hex(signature, digest, sizeof digest);
    buf_fini(&b);
}

static void add_head(const struct s3_place *p, const char *method, const struct s3_name *name,
                     const char hash[SHA256_HEX + 1], uint64_t bytes, struct buf *head)
{
    struct buf path = {0}, canonical = {0}, signature = {0};
    char time[17];
    text_basic_time(clock_wall_ms() / 1000, time);
    buf_add_char(&path, '/');
    add_path(&path, name->bucket);
    buf_add_char(&path, '/');
    add_path(&path, name->key);
    buf_addf(&canonical,
             "%s\n%s\n\nhost:%s:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n"
             "host;x-amz-content-sha256;x-amz-date\n%s",
             method, buf_cstr(&path), p->host, p->port, hash, time, hash);
    sign(p, buf_str(&canonical), time, &signature);
    buf_addf(head,
             "%s %s HTTP/1.0\r\nHost: %s:%s\r\nConnection: close\r\nContent-Length: %llu\r\n"
             "X-Amz-Content-Sha256: %s\r\nX-Amz-Date: %s\r\nAuthorization: AWS4-HMAC-SHA256 "
             "Credential=%s/%.8s/us-east-1/s3/aws4_request, "
             "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=%s\r\n\r\n",
             method, buf_cstr(&path), p->host, p->port, (unsigned long long)bytes, hash, time,
             p->key, time, buf_cstr(&signature));
    buf_fini(&path);
    buf_fini(&canonical);
    buf_fini(&signature);
}

/* --- the socket */

static int fail(char *why, const char *sentence, int fd)
{
    snprintf(why, S3_WHY, "%s: %s", sentence, errno ? strerror(errno) : "the end came early");
    if (fd >= 0)
        close(fd);
    return 0;
}

static int connect_to(const struct s3_place *p)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = -1;
    if (getaddrinfo(p->host, p->port, &hints, &all) != 0)
        return -1;
    for (struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    return fd;
}

static bool send_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes = str_from_offset(bytes, (size_t)n);
    }
    return true;
}

/* Reads on; false at the end or when it fails. */
static bool receive(int fd, struct buf *in)
{
    errno = 0;
    ssize_t n = recv(fd, buf_reserve(in, ROOM), ROOM, 0);
    if (n > 0)
        buf_commit(in, (size_t)n);
    return n > 0;
}

/* The status; what came behind the head stays in `in`. 0: no head. */
static int read_head(int fd, struct buf *in, uint64_t *length)
{
    ptrdiff_t end;
    uint64_t status = 0;
    while ((end = str_find(buf_str(in), S("\r\n\r\n"))) < 0)
        if (buf_len(in) > HEAD_MOST || !receive(fd, in))
            return 0;
    struct str head = str_sub(buf_str(in), 0, (size_t)end);
    *length = UINT64_MAX;
    if (!str_starts(head, S("HTTP/1.")) || !text_u64(str_sub(head, 9, 3), &status))
        return 0;
    while (head.len) {
        struct str value = str_cut(&head, '\n'), name = str_cut(&value, ':');
        if (value.len && value.ptr[value.len - 1] == '\r')
            value.len--;
        if (str_ieq(name, S("content-length")) && !text_u64(str_trim(value), length))
            return 0;
    }
    buf_consume(in, (size_t)end + 4);
    return (int)status;
}

/* The body goes to `into`; without one it stays in `in`. False when it is not whole. */
static bool read_body(int fd, struct buf *in, uint64_t length, FILE *into)
{
    uint64_t written = 0;
    for (;;) {
        if (into) {
            written += buf_len(in);
            if (fwrite(in->data + in->head, 1, buf_len(in), into) != buf_len(in))
                return false;
            buf_clear(in);
        }
        if (written + buf_len(in) >= length)
            return true;
        if (buf_len(in) > HEAD_MOST || !receive(fd, in))
            return length == UINT64_MAX;
    }
}

/* The answer to what was sent; closes the socket. */
static int finish(int fd, FILE *into, char *why)
{
    struct buf in = {0};
    uint64_t length = 0;
    int status = read_head(fd, &in, &length);
    if (status == 0)
        return buf_fini(&in), fail(why, "no answer from S3", fd);
    bool whole = read_body(fd, &in, length, status == 200 ? into : NULL);
    ptrdiff_t at = str_find(buf_str(&in), S("<Code>"));
    struct str rest = str_from_offset(buf_str(&in), at < 0 ? buf_len(&in) : (size_t)at + 6);
    struct str code = str_sub(str_cut(&rest, '<'), 0, 60);
    snprintf(why, S3_WHY, "S3 answered %d %.*s", status, (int)code.len, code.len ? code.ptr : "");
    buf_fini(&in);
    if (status == 200 && !whole)
        return fail(why, "S3's answer is not whole", fd);
    close(fd);
    return status;
}

/* --- the calls */

static void hash_pieces(const struct s3_pieces *pieces, char hex[SHA256_HEX + 1], uint64_t *bytes)
{
    struct sha256 h;
    struct buf b = {0};
    unsigned char digest[SHA256_BYTES];
    sha256_init(&h);
    *bytes = 0;
    for (size_t i = 0; i < pieces->n; i++) {
        buf_clear(&b);
        pieces->add(pieces->arg, i, &b);
        sha256_add(&h, buf_str(&b));
        *bytes += buf_len(&b);
    }
    sha256_end(&h, digest);
    sha256_hex(digest, hex);
    hex[SHA256_HEX] = 0;
    buf_fini(&b);
}

static bool send_pieces(int fd, const struct s3_pieces *pieces)
{
    struct buf b = {0};
    bool good = true;
    for (size_t i = 0; i < pieces->n && good; i++) {
        pieces->add(pieces->arg, i, &b);
        if (buf_len(&b) < ROOM && i + 1 < pieces->n)
            continue;
        good = send_all(fd, buf_str(&b));
        buf_clear(&b);
    }
    buf_fini(&b);
    return good;
}

static int ask(const struct s3_place *p, const char *method, const struct s3_name *name,
               const struct s3_pieces *pieces, FILE *into, char *why)
{
    char hex[SHA256_HEX + 1];
    uint64_t bytes;
    struct buf head = {0};
    errno = 0;
    if (!p->host[0] || !p->key[0])
        return snprintf(why, S3_WHY, "the simulator has no S3 (--s3, --s3-key)"), 0;
    hash_pieces(pieces, hex, &bytes);
    int fd = connect_to(p);
    if (fd < 0)
        return fail(why, "no way to S3", fd);
    add_head(p, method, name, hex, bytes, &head);
    bool sent = send_all(fd, buf_str(&head));
    buf_fini(&head);
    if (!sent || !send_pieces(fd, pieces))
        return fail(why, "S3 does not take it", fd);
    return finish(fd, into, why);
}

int s3_get(const struct s3_place *p, const struct s3_name *name, FILE *into, char why[S3_WHY])
{
    struct s3_pieces none = {0};
    return ask(p, "GET", name, &none, into, why);
}

int s3_put(const struct s3_place *p, const struct s3_name *name, const struct s3_pieces *pieces,
           char why[S3_WHY])
{
    return ask(p, "PUT", name, pieces, NULL, why);
}
