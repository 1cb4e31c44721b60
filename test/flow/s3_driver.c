/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives aws/s3 against a real server: one command a line on standard input, one line of answer.
 *
 *     s3_driver URL BUCKET [OWNER [KMS-KEY]]
 *
 * with keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
 *
 *     probe
 *     put KEY BYTES SEED      words that count from the seed on, in pieces of 300,000 bytes
 *     get KEY OFFSET [AT]     length and SHA-256; "paused" after AT bytes, until a line comes
 *     list PREFIX
 *     delete KEY
 *     abort PREFIX            uploads that were left open
 *
 * An answer is "good ...", "none WHY", "refused WHY" or "failed WHY".
 */
#include "weir/aws/s3.h"
#include "weir/base/digest.h"
#include "weir/base/mem.h"
#include "weir/net/dns.h"
#include "weir/net/loop.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    struct loop *loop;
    struct s3 *s3;
    struct creds creds;
    struct s3_call *call;
    bool over;
    uint64_t left, next; /* of a put */
    uint64_t length, pause_at;
    struct sha256 hash;
} t;

static struct creds *get_creds(void *arg)
{
    return creds_ref(&t.creds);
}

static void say(enum s3_end end, struct str why)
{
    static const char *words[] = {"good", "none", "refused", "failed"};
    printf("%s%s%.*s\n", words[end], why.len ? " " : "", STR_ARG(why));
    t.over = true;
}

static void on_told(void *arg, enum s3_end end, struct str why)
{
    say(end, why);
}

static int more(void *arg, struct buf *out)
{
    enum { PIECE = 300 * 1000 };
    uint64_t n = t.left < PIECE ? t.left : PIECE;
    char *at = n ? buf_reserve(out, n) : NULL;
    for (uint64_t i = 0; i < n; i += 8) {
        uint64_t word = t.next++; /* the story counts, too */
        memcpy(at + i, &word, n - i < 8 ? n - i : 8);
    }
    if (n)
        buf_commit(out, n);
    t.left -= n;
    return t.left > 0;
}

static void on_bytes(void *arg, struct str bytes)
{
    char line[16];
    sha256_add(&t.hash, bytes);
    t.length += bytes.len;
    if (t.pause_at && t.length >= t.pause_at) {
        t.pause_at = 0;
        printf("paused\n");
        if (!fgets(line, sizeof line, stdin))
            exit(1);
    }
    s3_credit(t.call, bytes.len);
}

static void on_got(void *arg, enum s3_end end, struct str why)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX], text[128];
    sha256_end(&t.hash, digest);
    sha256_hex(digest, hex);
    snprintf(text, sizeof text, "%" PRIu64 " %.*s", t.length, SHA256_HEX, hex);
    say(end, end == S3_GOOD ? str_of(text) : why);
}

static void on_listed(void *arg, const struct s3_listed *l)
{
    char text[2200] = "";
    if (l->n)
        snprintf(text, sizeof text, "%zu %s %.*s %.*s", l->n, l->more ? "more" : "all",
                 STR_ARG(l->keys[0]), STR_ARG(l->keys[l->n - 1]));
    else
        snprintf(text, sizeof text, "0 all");
    say(l->end, l->end == S3_GOOD ? str_of(text) : l->why);
}

static bool begin(const char *line)
{
    static const struct s3_reader reader = {on_bytes, on_got, NULL};
    static char word[16], key[1100];
    unsigned long long a = 0, b = 0;
    key[0] = 0;
    int n = sscanf(line, "%15s %1099s %llu %llu", word, key, &a, &b);
    struct str k = str_of(key);
    t.over = false;
    t.left = a;
    t.next = b;
    t.length = 0;
    t.pause_at = b;
    sha256_init(&t.hash);
    if (strcmp(word, "probe") == 0)
        t.call = s3_probe(t.s3, on_told, NULL);
    else if (strcmp(word, "put") == 0 && n == 4)
        t.call = s3_put(t.s3, k, S("application/jsonl"), more, on_told, NULL);
    else if (strcmp(word, "get") == 0 && n >= 3)
        t.call = s3_get(t.s3, k, a, &reader);
    else if (strcmp(word, "list") == 0)
        t.call = s3_list(t.s3, k, on_listed, NULL);
    else if (strcmp(word, "abort") == 0)
        t.call = s3_abort_uploads(t.s3, k, on_told, NULL);
    else if (strcmp(word, "delete") == 0 && n == 2)
        t.call = s3_delete(t.s3, k, on_told, NULL);
    else
        return false;
    return true;
}

static struct str word_of(char **argv, int argc, int i)
{
    return i < argc ? str_of(argv[i]) : (struct str){NULL, 0};
}

int main(int argc, char **argv)
{
    char err[256], line[2048];
    struct s3_options o = {.region = S("us-east-1"), .creds = get_creds};
    if (argc < 3 || !endpoint_parse(str_of(argv[1]), &o.at, err, sizeof err)) {
        fprintf(stderr, "usage: s3_driver URL BUCKET [OWNER [KMS-KEY]]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    o.bucket = word_of(argv, argc, 2);
    o.owner = word_of(argv, argc, 3);
    o.kms_key = word_of(argv, argc, 4);
    t.creds.access_key = str_of(getenv("AWS_ACCESS_KEY_ID"));
    t.creds.secret_key = str_of(getenv("AWS_SECRET_ACCESS_KEY"));
    atomic_init(&t.creds.users, 1);
    t.loop = loop_new();
    struct dns *dns = dns_new(t.loop);
    t.s3 = s3_new(t.loop, dns, &o);
    while (fgets(line, sizeof line, stdin)) {
        if (!begin(line)) {
            printf("what?\n");
            continue;
        }
        while (!t.over)
            loop_turn(t.loop, 1000);
    }
    s3_free(t.s3);
    loop_turn(t.loop, 0);
    dns_free(dns);
    loop_free(t.loop);
    return 0;
}
