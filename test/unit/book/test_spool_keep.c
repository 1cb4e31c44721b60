/* SPDX-License-Identifier: Apache-2.0
 *
 * book/spool: how much it takes, how long it keeps it, and what can be read of it on the disk.
 */
#include "spool_side.h"

#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <fcntl.h>

static struct folder at;

static int setup(void **state)
{
    folder_make(&at);
    stand(0);
    n_spool_told = 0;
    spool_keeps_ms = KEEP_MS;
    return 0;
}

static int teardown(void **state)
{
    clock_real();
    folder_remove(at.path);
    return 0;
}

/* Then what is due is forgotten: it looks after each batch of letters, so at the second one. */
static void later(struct spool *s, int64_t ms)
{
    stand(ms);
    spool_settled(s);
    spool_settled(s);
}

/* --- forgetting */

static void delivered_answers_go_first(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller given, kept, waits;
    answered(s, "given", "answer", &given);
    answered(s, "kept", "answer", &kept);
    admit_body(s, "waits", "", &waits);
    delivered(s, &given, true);
    delivered(s, &kept, false);
    caller_free(&given);
    caller_free(&kept);
    later(s, REPLAY_MS - 1000);
    assert_false(is_forgotten(s, given.a.id.number));
    later(s, 2000);
    assert_true(is_forgotten(s, given.a.id.number));
    later(s, KEEP_MS - REPLAY_MS - 2000);
    assert_false(is_forgotten(s, kept.a.id.number));
    assert_int_equal(counts(s).unclaimed, 1);
    later(s, 2000);
    assert_true(is_forgotten(s, kept.a.id.number));
    assert_int_equal(counts(s).unclaimed, 0);
    assert_int_equal(counts(s).records[SPOOL_DONE], 0);
    assert_int_equal(record_of(s, waits.a.id.number).state, SPOOL_POOLED); /* that never goes */
    spool_free(s);
}

/* Nobody had time to fetch it. */
static void a_clock_that_jumps_ahead(void **state)
{
    struct caller c;
    spool_keeps_ms = 48 * KEEP_MS;
    struct spool *s = spool_of(&at);
    answered(s, "kept", "answer", &c);
    delivered(s, &c, false);
    caller_free(&c);
    clock_fake((now_s + 2) * 1000000000, SPOOL_NOW + 400 * 86400000LL);
    spool_settled(s);
    spool_settled(s);
    assert_false(is_forgotten(s, c.a.id.number));
    spool_free(s);
    s = spool_of(&at); /* nor with the next start */
    spool_settled(s);
    assert_false(is_forgotten(s, c.a.id.number));
    later(s, spool_keeps_ms + 4000); /* the clock is right again */
    assert_true(is_forgotten(s, c.a.id.number));
    spool_free(s);
}

static void a_reload_changes_how_long(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c;
    answered(s, "kept", "answer", &c);
    delivered(s, &c, false);
    caller_free(&c);
    spool_keep(s, 5000, 5000);
    later(s, 6000);
    assert_true(is_forgotten(s, c.a.id.number));
    spool_free(s);
}

/* Nothing of a record is left. */
static void nothing_is_left(void **state)
{
    enum { MANY = 1500 }; /* more than go in one transaction */
    static struct caller c[MANY];
    struct spool *s = spool_of(&at);
    struct moved m = {0};
    for (int i = 0; i < MANY; i++) {
        const struct spool_waiter w = {on_admitted, on_woken, &c[i]};
        char body[16], name[16];
        snprintf(body, sizeof body, "%d", i);
        snprintf(name, sizeof name, "try %d", i);
        struct spool_ask ask = ask_of("web", body);
        ask.invocation = str_of(name);
        c[i] = (struct caller){.admitted = 0};
        spool_admit(s, &ask, &w);
    }
    spool_cancel_pool(s, 1, 410, S("Gone"), S("given up"), on_done, &m);
    wait_for(&m.n, 1);
    for (int i = 0; i < MANY; i++) {
        wait_for(&c[i].woken, 1);
        caller_free(&c[i]);
        spool_delivered(s, c[i].a.id.number, i % 2);
    }
    spool_settled(s);
    stand(KEEP_MS + 1000);
    for (int looks = 0; looks < 100 && counts(s).records[SPOOL_DONE]; looks++)
        spool_settled(s);
    spool_settled(s); /* the last are counted before they are committed and measured */
    struct spool_counts n = counts(s);
    assert_int_equal(n.records[SPOOL_DONE], 0);
    for (int t = TABLE_SPOOLED; t < TABLES_ALL; t++)
        assert_int_equal(n.size.rows[t], t == TABLE_POOLS);
    spool_free(s);
    s = spool_of(&at);
    assert_int_equal(counts(s).size.rows[TABLE_POOLS], 0); /* nobody is of it any more */
    spool_free(s);
}

static struct spool_ticket_told told_ticket;
static unsigned tickets_told;

static void on_ticket(void *arg, const struct spool_ticket_told *t)
{
    pthread_mutex_lock(&news.lock);
    told_ticket = *t;
    spool_answer_free(t->answer);
    tickets_told++;
    news_came();
}

static enum spool_ticket ticket(struct spool *s, const struct spool_id *id, const char *client)
{
    tickets_told = 0;
    spool_ticket(s, id, str_of(client), on_ticket, NULL);
    wait_for(&tickets_told, 1);
    return told_ticket.what;
}

static void a_forgotten_ticket_is_gone(void **state)
{
    struct spool *s = spool_of(&at);
    struct spool_ask ask = ask_of("web", "body");
    struct caller c;
    ask.reply = SPOOL_TICKET;
    admit(s, &ask, &c);
    pool_direct(s, 1, 1);
    assert_int_equal(settle_one(s, NULL, c.a.id.number, "answer"), 1);
    assert_int_equal(ticket(s, &c.a.id, "web"), SPOOL_TICKET_READY);
    delivered(s, &c, true);
    later(s, REPLAY_MS + 1000);
    assert_int_equal(ticket(s, &c.a.id, "web"), SPOOL_TICKET_READY);
    delivered(s, &c, true);
    later(s, KEEP_MS);
    assert_true(is_forgotten(s, c.a.id.number));
    assert_int_equal(ticket(s, &c.a.id, "web"), SPOOL_TICKET_GONE);
    assert_int_equal(ticket(s, &c.a.id, "mobile"), SPOOL_NO_TICKET);
    struct spool_id wrong = c.a.id;
    wrong.secret[0] ^= 1;
    assert_int_equal(ticket(s, &wrong, "web"), SPOOL_NO_TICKET);
    later(s, 31 * 86400000LL);
    assert_int_equal(ticket(s, &c.a.id, "web"), SPOOL_NO_TICKET);
    assert_int_equal(counts(s).size.rows[TABLE_GONE], 0);
    spool_free(s);
}

/* --- how much */

static void it_is_full_at_four_fifths(void **state)
{
    enum { EACH = 60000, MOST = 400 };
    struct spool *s = spool_with(&at, 8 * SPOOL_MIB, NULL, NULL);
    static char body[EACH + 1], client[16];
    struct spool_ask ask, held = ask_of("client 0", "held");
    struct caller c, again;
    uint64_t taken = 0, first;
    memset(body, 'x', EACH);
    held.invocation = S("sdk");
    held.reply = SPOOL_RETRY;
    admit(s, &held, &c);
    first = c.a.id.number;
    for (int i = 0; i < MOST; i++) {
        snprintf(client, sizeof client, "client %d", i % 4); /* a quarter each */
        snprintf(body, 16, "%d", i);
        body[strlen(body)] = ' ';
        ask = ask_of(client, body);
        ask.reply = SPOOL_RETRY;
        admit(s, &ask, &c);
        if (c.a.said == SPOOL_NOT)
            break;
        taken += EACH;
    }
    assert_int_equal(c.a.said, SPOOL_NOT);
    assert_string_equal(c.a.why, "full");
    assert_true(counts(s).full);
    assert_true(taken > 4 * SPOOL_MIB && taken < 8 * SPOOL_MIB / 10 * 8);
    /* What is there is found, and what is answered makes room again. */
    admit(s, &held, &again);
    assert_int_equal(again.a.id.number, first);
    struct moved m = {0};
    spool_cancel_pool(s, 1, 410, S(""), S("no"), on_done, &m);
    wait_for(&m.n, 1);
    admit(s, &ask, &c);
    assert_int_equal(c.a.said, SPOOL_HELD);
    assert_false(counts(s).full);
    spool_free(s);
}

static const char *of_model(struct spool *s, const char *client, int n, struct caller *c)
{
    char model[24];
    struct spool_ask ask = ask_of(client, "body");
    snprintf(model, sizeof model, "model-%d", n);
    ask.model = str_of(model);
    ask.key[0] = (unsigned char)n;
    ask.key[1] = (unsigned char)(n >> 8);
    admit(s, &ask, c);
    return c->a.said == SPOOL_HELD ? "" : c->a.why;
}

/* Names of models are a client's own: it may not make up so many that nobody else has a pool. */
static void pools_of_one_client_are_few(void **state)
{
    struct spool *s = spool_of(&at);
    struct caller c, first;
    int n = 0;
    assert_string_equal(of_model(s, "greedy", n++, &first), "");
    while (*of_model(s, "greedy", n, &c) == 0)
        n++;
    assert_string_equal(c.a.why, "too many pools of one client");
    assert_int_equal(n, 256);
    assert_string_equal(of_model(s, "web", n, &c), "");
    spool_withdraw(s, first.a.id.number, &first);
    assert_string_equal(of_model(s, "greedy", n++, &c), "");
    for (; n < 4300; n++) { /* those that are empty make room */
        spool_withdraw(s, c.a.id.number, &c);
        wait_for(&c.woken, 1);
        assert_string_equal(of_model(s, "greedy", n, &c), "");
    }
    spool_settled(s);
    assert_true(counts(s).size.rows[TABLE_POOLS] < 4096);
    spool_free(s);
}

static void half_is_for_one_client(void **state)
{
    enum { EACH = 60000 };
    struct spool *s = spool_with(&at, 8 * SPOOL_MIB, NULL, NULL);
    static char body[EACH + 1];
    struct caller c;
    int n = 0;
    memset(body, 'y', EACH);
    for (int run = 0; run < 2; run++) {
        for (; n < 400; n++) {
            body[n % 100] ^= 1;
            body[200 + n / 100] ^= 1;
            struct spool_ask ask = ask_of("greedy", body);
            admit(s, &ask, &c);
            if (c.a.said == SPOOL_NOT)
                break;
        }
        assert_string_equal(c.a.why, "too much of one client");
        assert_true(n > 40 && n < 60); /* half of four fifths of 8 MiB */
        struct spool_ask other = ask_of("modest", run ? "one" : "two");
        admit(s, &other, &c);
        assert_int_equal(c.a.said, SPOOL_HELD);
        spool_free(s);
        s = spool_with(&at, 8 * SPOOL_MIB, NULL, NULL);
    }
    spool_free(s);
}

/* Lines of the log that a share made. */
static size_t lines_said(void)
{
    static char text[8192];
    FILE *f = tmpfile();
    size_t n = 0;
    assert_non_null(f);
    assert_true(log_drain(fileno(f)));
    rewind(f);
    while (fgets(text, sizeof text, f))
        n += strstr(text, "the share of one client is full") && strstr(text, "client web wants");
    fclose(f);
    return n;
}

static void a_full_share_is_said_once_an_hour(void **state)
{
    static char body[4 * SPOOL_MIB + 1];
    struct spool *s = spool_with(&at, 8 * SPOOL_MIB, NULL, NULL);
    struct caller c;
    memset(body, 'z', sizeof body - 1);
    log_ring(65536);
    const size_t lines[] = {1, 0, 1};
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            stand(61LL * MINUTE_MS);
        admit_body(s, body, "", &c);
        assert_string_equal(c.a.why, "too much of one client");
        assert_int_equal(lines_said(), lines[i]);
    }
    spool_free(s);
}

static void a_header_of_absurd_length(void **state)
{
    struct spool *s = spool_of(&at);
    static char text[70000];
    struct spool_ask ask = ask_of("web", "body");
    struct caller c;
    memset(text, 'a', sizeof text);
    ask.target = str_from(text, sizeof text);
    admit(s, &ask, &c);
    assert_int_equal(c.a.said, SPOOL_NOT);
    assert_string_equal(c.a.why, "too long");
    spool_free(s);
}

static void a_letter_without_memory(void **state)
{
    struct spool *s = spool_of(&at);
    struct moved m = {0};
    struct caller c, again;
    admit_body(s, "body", "", &c);
    pool_direct(s, 1, 1);
    mem_fail_at(1);
    admit_body(s, "another", "", &again);
    assert_int_equal(again.a.said, SPOOL_NOT);
    assert_string_equal(again.a.why, "no memory");
    const struct spool_end e = {.number = c.a.id.number, .status = 200, .body = S("answer")};
    mem_fail_at(1);
    spool_settle(s, NULL, &e, 1, on_settled, &m);
    wait_for(&m.n, 1);
    mem_fail_at(0);
    assert_true(!m.good && c.woken == 0);
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    wait_for(&c.woken, 1);
    caller_free(&c);
    spool_free(s);
}

/* --- bodies */

static void check_body(struct spool *s, size_t len)
{
    char *bytes = malloc(len + 1);
    struct buf out = {0};
    struct caller c;
    random_bytes(bytes, len);
    struct spool_ask ask = ask_of("web", "");
    ask.body = str_from(bytes, len);
    random_bytes(ask.key, sizeof ask.key);
    admit(s, &ask, &c);
    assert_int_equal(c.a.said, SPOOL_HELD);
    assert_int_equal(body_of(s, c.a.id.number, &out), 0);
    assert_true(str_eq(buf_str(&out), ask.body));
    buf_fini(&out);
    pool_direct(s, 1, 1);
    const struct spool_end e = {.number = c.a.id.number, .status = 200, .body = ask.body};
    assert_int_equal(settle_all(s, NULL, &e, 1), 1);
    wait_for(&c.woken, 1);
    assert_true(str_eq(c.answer->body, ask.body));
    caller_free(&c);
    delivered(s, &c, false);
    admit(s, &ask, &c); /* from the disk */
    assert_int_equal(c.a.said, SPOOL_READY);
    assert_true(str_eq(c.answer->body, ask.body));
    caller_free(&c);
    free(bytes);
}

static void bodies_of_every_size(void **state)
{
    static const size_t sizes[] = {0,     1,     2000,   65479,  65480,   65481,
                                   65536, 65537, 130960, 130961, 25000000};
    static const unsigned char key[SEAL_KEY_BYTES] = {1, 2, 3};
    for (int sealed = 0; sealed < 2; sealed++) {
        struct spool *s = spool_with(&at, 512 * SPOOL_MIB, sealed ? key : NULL, NULL);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_body(s, sizes[i]);
        spool_free(s);
        folder_remove(at.path);
        assert_int_equal(mkdir(at.path, 0700), 0);
    }
}

static bool disk_has(const char *words)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/spool/data.mdb", at.path);
    int fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &st), 0);
    char *all = malloc((size_t)st.st_size);
    assert_int_equal(read(fd, all, (size_t)st.st_size), st.st_size);
    close(fd);
    bool found = memmem(all, (size_t)st.st_size, words, strlen(words)) != NULL;
    free(all);
    return found;
}

/* Its bodies and answers are nowhere in the file, nor in pages that are free again. */
static void sealed_is_not_to_be_read(void **state)
{
    static const unsigned char key[SEAL_KEY_BYTES] = {7};
    struct caller c, waits;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct spool *s = spool_with(&at, 8 * SPOOL_MIB, sealed ? key : NULL, NULL);
        answered(s, "the question of questions", "the answer of answers", &c);
        caller_free(&c);
        admit_body(s, "the question that waits", "", &waits);
        assert_true(has_body(s, waits.a.id.number, "the question that waits"));
        spool_free(s);
        assert_int_equal(disk_has("the question of"), !sealed);
        assert_int_equal(disk_has("the answer of"), !sealed);
        assert_int_equal(disk_has("the question that"), !sealed);
        if (!sealed)
            folder_remove(at.path), assert_int_equal(mkdir(at.path, 0700), 0);
    }
    struct spool *s = spool_with(&at, 8 * SPOOL_MIB, key, NULL);
    assert_true(has_body(s, waits.a.id.number, "the question that waits"));
    admit_body(s, "the question of questions", "", &c);
    assert_true(str_eq(c.answer->body, S("the answer of answers")));
    caller_free(&c);
    spool_free(s);
}

/* --- the key */

static const unsigned char key_7[SEAL_KEY_BYTES] = {7}, key_8[SEAL_KEY_BYTES] = {8};

/* Nothing is taken and nothing is lost: with its own key it is all there. */
static void check_another(const unsigned char *own, const unsigned char *other, const char *words)
{
    struct caller c, refused, again;
    struct spool *s = spool_with(&at, 8 * SPOOL_MIB, own, NULL);
    admit_body(s, "the question", "", &c);
    assert_int_equal(c.a.said, SPOOL_HELD);
    spool_free(s);
    n_spool_told = 0;
    s = spool_with(&at, 8 * SPOOL_MIB, other, NULL);
    assert_false(counts(s).open);
    admit_body(s, "the question", "", &refused);
    assert_int_equal(refused.a.said, SPOOL_NOT);
    assert_string_equal(refused.a.why, "closed");
    stand(6000); /* tried again, and said once */
    spool_settled(s);
    assert_int_equal(n_spool_told, 1);
    assert_non_null(strstr(spool_told[0], "/spool: what is in it "));
    assert_non_null(strstr(spool_told[0], words));
    spool_free(s);
    s = spool_with(&at, 8 * SPOOL_MIB, own, NULL);
    assert_int_equal(n_spool_told, 1);
    assert_true(has_body(s, c.a.id.number, "the question"));
    admit_body(s, "the question", "", &again);
    assert_int_equal(again.a.id.number, c.a.id.number);
    spool_free(s);
    folder_remove(at.path);
    assert_int_equal(mkdir(at.path, 0700), 0);
}

static void with_another_key_it_stays_closed(void **state)
{
    check_another(key_7, key_8, "is sealed with another key than that of batch.spool_key_file");
    check_another(key_7, NULL, "is sealed, and batch.spool_key_file is not set");
    check_another(NULL, key_7, "is not sealed, and batch.spool_key_file is set");
}

/* What is empty takes any key. */
static void an_empty_one_takes_another_key(void **state)
{
    const unsigned char *const keys[] = {key_7, key_8, NULL, key_7};
    struct caller c;
    for (size_t i = 0; i < 4; i++) {
        struct spool *s = spool_with(&at, 8 * SPOOL_MIB, keys[i], NULL);
        assert_true(counts(s).open);
        admit_body(s, "the question", "", &c);
        assert_int_equal(c.a.said, SPOOL_HELD);
        spool_withdraw(s, c.a.id.number, &c);
        spool_settled(s);
        spool_free(s);
    }
    assert_int_equal(n_spool_told, 0);
}

static int reads_with(const unsigned char *key, char *why, size_t why_size)
{
    char dir[128];
    struct spool *s;
    snprintf(dir, sizeof dir, "%s/spool", at.path);
    int rc = spool_open_read(dir, key, &s, why, why_size);
    if (rc == 0)
        spool_close_read(s);
    return rc;
}

static void readers_are_told_too(void **state)
{
    char why[512];
    struct caller c;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct spool *s = spool_with(&at, 8 * SPOOL_MIB, sealed ? key_7 : NULL, NULL);
        admit_body(s, "the question", "", &c);
        spool_free(s);
        assert_int_equal(reads_with(key_7, why, sizeof why), sealed ? 0 : ERR_REFUSED);
        assert_int_equal(reads_with(key_8, why, sizeof why), ERR_REFUSED);
        assert_non_null(strstr(why, sealed ? "with another key" : "is not sealed"));
        assert_int_equal(reads_with(NULL, why, sizeof why), 0); /* what is in no body */
        folder_remove(at.path);
        assert_int_equal(mkdir(at.path, 0700), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delivered_answers_go_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_jumps_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_changes_how_long, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(a_forgotten_ticket_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_full_at_four_fifths, setup, teardown),
        cmocka_unit_test_setup_teardown(pools_of_one_client_are_few, setup, teardown),
        cmocka_unit_test_setup_teardown(half_is_for_one_client, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_share_is_said_once_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_of_absurd_length, setup, teardown),
        cmocka_unit_test_setup_teardown(a_letter_without_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_of_every_size, setup, teardown),
        cmocka_unit_test_setup_teardown(sealed_is_not_to_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(with_another_key_it_stays_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_one_takes_another_key, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_are_told_too, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
