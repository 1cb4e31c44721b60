/* SPDX-License-Identifier: Apache-2.0
 *
 * Which request is which, decided in the transaction that stores it. In this order: the record of
 * the same invocation id; the oldest one of the same key that nobody claims; of the answers (errors
 * are none) that were delivered not long ago the one delivered fewest times, then the oldest; a new
 * one. An invocation id counts with the key, so that the same id with another body is another
 * request.
 *
 * Who was told to come again has its record for a while: that keeps samples apart. A caller without
 * an id cannot be told from that one, so it gets the record that was told before, not a new one.
 *
 * A repeat counts as delivered when it is handed out: repeats at one time get one record each.
 *
 * What was nobody's is due as early as its new owner needs it. In a job that is not possible: one
 * whose job may end too late is left for somebody with more time.
 */
#include "spool_private.h"

#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/hash.h"
#include "weir/base/random.h"

#include <string.h>

enum {
    NUMBERS_AHEAD = 4096,
    CLOCK_STEP_MS = 60 * 1000 /* the same deadline, told again when the clock was set back */
};

/* A record that was found. Strings are borrowed from s->row_bytes. */
struct found {
    uint64_t number;
    struct spool_place place;
    struct spool_row row;
    bool given; /* it was delivered before */
};

/* --- finding */

/* ERR_NOT_FOUND also for one that cannot be read: it is given up. */
static int load(struct spool *s, uint64_t number, struct found *out)
{
    out->number = number;
    int rc = spool_table_place(s, number, &out->place);
    if (rc == 0)
        rc = spool_table_row(s, number, &out->row);
    out->given = rc == 0 && out->place.flags & SPOOL_DELIVERED;
    if (rc != ERR_BAD)
        return rc;
    rc = spool_table_give_up(s, number);
    return rc ? rc : ERR_NOT_FOUND;
}

static int by_attempt(struct spool *s, const unsigned char hash[SPOOL_HASH], uint64_t attempt,
                      struct found *out)
{
    struct spool_key key = spool_key_attempt(hash, attempt);
    struct str value;
    int rc = store_get(s->txn, TABLE_KEYS, spool_key_str(&key), &value);
    if (rc)
        return rc;
    return value.len == 8 ? load(s, store_get_u64(value.ptr), out) : ERR_NOT_FOUND;
}

/* Most are new: that is one look at the index, and it is a cold page of it. */
static int any_of_key(struct spool *s, const unsigned char hash[SPOOL_HASH])
{
    const struct spool_key first = spool_key_held(hash, 0);
    struct store_walk w;
    store_walk_init(&w, s->txn, TABLE_KEYS);
    int rc = store_walk_from(&w, spool_key_str(&first));
    if (rc == 0 && (w.key.len < SPOOL_HASH || memcmp(w.key.ptr, hash, SPOOL_HASH) != 0))
        rc = ERR_NOT_FOUND;
    store_walk_fini(&w);
    return rc;
}

/* One walk over the records of a key. */
struct look {
    const struct spool_ask *ask;
    bool left_one; /* that is nobody's, and answered too late for this one */
};

/* The first one that may be it. */
static int walk_keys(struct spool *s, const struct spool_key *from, struct look *look,
                     bool (*fits)(struct spool *s, struct look *look, uint64_t number),
                     struct spool_key *out)
{
    struct store_walk w;
    store_walk_init(&w, s->txn, TABLE_KEYS);
    int rc = store_walk_from(&w, spool_key_str(from));
    for (; rc == 0; rc = store_walk_next(&w)) {
        if (w.key.len != from->len || memcmp(w.key.ptr, from->bytes, SPOOL_HASH + 1) != 0) {
            rc = ERR_NOT_FOUND;
            break;
        }
        if (fits(s, look, spool_key_end(w.key)))
            break;
    }
    if (rc == 0) {
        out->len = w.key.len;
        memcpy(out->bytes, w.key.ptr, w.key.len);
    }
    store_walk_fini(&w);
    return rc;
}

/* What waits in a job is answered by the job's deadline: too late for who has less time. */
static bool is_in_time(struct spool *s, const struct spool_ask *ask, uint64_t number)
{
    struct spool_place p;
    if (spool_table_place(s, number, &p) != 0 || p.state != SPOOL_IN_JOB)
        return true;
    const struct spool_job_sum *j = spool_sums_job(s, p.of);
    int64_t due_ms = j ? j->job.deadline_ms : p.deadline_ms;
    return due_ms <= ask->deadline_ms + CLOCK_STEP_MS;
}

/* Behind one that was left nothing counts as passed: the next one may have time for it. */
static bool is_nobodys(struct spool *s, struct look *look, uint64_t number)
{
    if (!claims_has(&s->claims, number)) {
        look->left_one = !is_in_time(s, look->ask, number);
        return !look->left_one;
    }
    if (!look->left_one)
        claims_passed(&s->claims, look->ask->key, number + 1);
    return false;
}

static bool is_not_held(struct spool *s, struct look *look, uint64_t number)
{
    return !claims_held(&s->claims, number) && is_in_time(s, look->ask, number);
}

/* Who comes again after an error wants another try. */
static bool may_be_repeated(struct spool *s, struct look *look, uint64_t number)
{
    struct spool_place p;
    struct spool_row row;
    (void)look;
    int64_t after_ms = clock_wall_ms() - atomic_load(&s->replay_ms);
    return spool_table_place(s, number, &p) == 0 && p.delivered_ms > after_ms &&
           spool_table_row(s, number, &row) == 0 && row.status < 400;
}

static int by_key(struct spool *s, const struct spool_ask *ask, struct found *out)
{
    bool nameless = ask->reply == SPOOL_RETRY && !ask->invocation.len;
    uint64_t from = nameless ? 0 : claims_from(&s->claims, ask->key);
    struct spool_key held = spool_key_held(ask->key, from);
    struct spool_key given = spool_key_given(ask->key, 0, 0), key;
    struct look look = {ask, false};
    for (;;) {
        int rc = walk_keys(s, &held, &look, nameless ? is_not_held : is_nobodys, &key);
        if (rc == ERR_NOT_FOUND)
            rc = walk_keys(s, &given, &look, may_be_repeated, &key);
        if (rc)
            return rc;
        rc = load(s, spool_key_end(spool_key_str(&key)), out);
        if (rc != ERR_NOT_FOUND)
            return rc;
        rc = store_delete(s->txn, TABLE_KEYS, spool_key_str(&key)); /* it was given up */
        if (rc)
            return rc;
    }
}

/* --- attempts */

/* 0: it has none. */
static uint64_t attempt_of(const struct spool_ask *ask)
{
    return ask->invocation.len ? hash64(0, ask->invocation) : 0;
}

static bool has_attempt(struct str attempts, uint64_t attempt)
{
    for (size_t at = 0; at < attempts.len; at += SPOOL_ATTEMPT)
        if (store_get_u64(attempts.ptr + at) == attempt)
            return true;
    return false;
}

static int put_attempt(struct spool *s, uint64_t number, const unsigned char key[SPOOL_HASH],
                       uint64_t attempt)
{
    struct spool_key at = spool_key_attempt(key, attempt), value = spool_key_number(number);
    return store_put(s->txn, TABLE_KEYS, spool_key_str(&at), spool_key_str(&value));
}

/* Behind the others; the oldest one makes room. */
static int add_attempt(struct spool *s, struct found *f, uint64_t attempt)
{
    unsigned char all[SPOOL_ATTEMPTS * SPOOL_ATTEMPT];
    struct str old = f->row.attempts;
    int rc = 0;
    if (!attempt || has_attempt(old, attempt))
        return 0;
    if (old.len >= sizeof all) {
        struct spool_key key = spool_key_attempt(f->row.key, store_get_u64(old.ptr));
        rc = store_delete(s->txn, TABLE_KEYS, spool_key_str(&key));
        old = str_from_offset(old, SPOOL_ATTEMPT);
    }
    if (old.len)
        memcpy(all, old.ptr, old.len);
    store_put_u64(all + old.len, attempt);
    f->row.attempts = str_from((const char *)all, old.len + SPOOL_ATTEMPT);
    if (rc == 0)
        rc = spool_table_put_row(s, f->number, &f->row);
    return rc ? rc : put_attempt(s, f->number, f->row.key, attempt);
}

/* --- a record that is there */

static int count_repeat(struct spool *s, struct found *f)
{
    struct spool_key old = spool_key_given(f->row.key, f->place.deliveries, f->number);
    struct spool_place now = f->place;
    now.deliveries++;
    struct spool_key key = spool_key_given(f->row.key, now.deliveries, f->number);
    int rc = store_delete(s->txn, TABLE_KEYS, spool_key_str(&old));
    if (rc == 0)
        rc = store_put(s->txn, TABLE_KEYS, spool_key_str(&key), S(""));
    if (rc == 0)
        rc = spool_table_move(s, f->number, &f->place, &now);
    f->place = now;
    return rc;
}

static int note_ticket(struct spool *s, struct found *f)
{
    struct spool_place now = f->place;
    now.ticketed = true;
    int rc = spool_table_move(s, f->number, &f->place, &now);
    f->place = now;
    return rc;
}

/* Who has less time than the one before him: it is due earlier. On demand it goes as soon as it
 * may.
 */
static int hurry(struct spool *s, struct found *f, int64_t deadline_ms)
{
    struct spool_place now = f->place;
    if (now.state != SPOOL_POOLED || deadline_ms >= now.deadline_ms)
        return 0;
    now.deadline_ms = deadline_ms;
    int rc = spool_table_move(s, f->number, &f->place, &now);
    f->place = now;
    return rc;
}

/* ERR_NOT_FOUND: its answer is damaged. */
static int give_answer(struct spool *s, struct spool_mail *m, struct found *f)
{
    struct spool_admitted *out = &m->u.admit.out;
    int rc = spool_table_answer(s, f->number, &out->answer);
    if (rc == ERR_BAD) {
        rc = spool_table_give_up(s, f->number);
        return rc ? rc : ERR_NOT_FOUND;
    }
    if (rc == 0)
        out->said = SPOOL_READY;
    return rc ? rc : f->given ? count_repeat(s, f) : 0;
}

static void claim(struct spool *s, struct spool_mail *m, const unsigned char key[SPOOL_HASH])
{
    const struct spool_admitted *out = &m->u.admit.out;
    if (out->said == SPOOL_READY)
        claims_hand(&s->claims, out->id.number, key);
    else if (m->u.admit.ask.reply == SPOOL_WAIT)
        claims_wait(&s->claims, out->id.number, key, &m->u.admit.waiter);
    else
        claims_time(&s->claims, out->id.number, key, clock_mono_ns() + SPOOL_CLAIM_MS * NS_A_MS);
}

static void tell_found(const struct found *f, struct spool_admitted *out)
{
    *out = (struct spool_admitted){.said = SPOOL_HELD,
                                   .id.number = f->number,
                                   .deadline_ms = f->place.deadline_ms,
                                   .state = f->place.state};
    memcpy(out->id.secret, f->row.secret, sizeof out->id.secret);
}

static int take_found(struct spool *s, struct spool_mail *m, struct found *f)
{
    struct spool_admitted *out = &m->u.admit.out;
    const struct spool_ask *ask = &m->u.admit.ask;
    int rc = hurry(s, f, ask->deadline_ms);
    tell_found(f, out);
    if (rc == 0 && f->place.state == SPOOL_DONE) {
        rc = give_answer(s, m, f);
        if (rc == 0)
            rc = spool_table_row(s, f->number, &f->row); /* borrowed anew */
    }
    if (rc == 0)
        rc = add_attempt(s, f, attempt_of(ask));
    if (rc == 0 && ask->reply == SPOOL_TICKET && !f->place.ticketed)
        rc = note_ticket(s, f);
    if (rc == 0)
        claim(s, m, ask->key);
    return rc;
}

/* --- a new one */

static int pool_of(struct spool *s, const struct spool_ask *ask, struct spool_sum **out)
{
    const struct spool_whose w = {ask->client, ask->model, ask->role, ask->kind};
    unsigned char key[4];
    *out = spool_sums_find(s, &w);
    if (*out)
        return 0;
    int rc = s->n_pools >= SPOOL_POOLS_MOST ? spool_table_drop_pools(s) : 0;
    buf_clear(&s->scratch);
    spool_whose_write(s->next_pool, &w, &s->scratch);
    store_put_u32(key, s->next_pool);
    if (rc == 0)
        rc =
            store_put(s->txn, TABLE_POOLS, str_from((char *)key, sizeof key), buf_str(&s->scratch));
    if (rc == 0)
        *out = spool_sums_add(s, s->next_pool++, &w);
    return rc;
}

static int next_number(struct spool *s, uint64_t *out)
{
    if (s->next >= s->reserved) {
        uint64_t reserved = s->next + NUMBERS_AHEAD;
        int rc = spool_table_put_meta(s, S("next"), reserved);
        if (rc)
            return rc;
        s->reserved = reserved;
    }
    *out = s->next++;
    return 0;
}

static int put_record(struct spool *s, const struct spool_ask *ask, const struct spool_id *id)
{
    unsigned char attempt[SPOOL_ATTEMPT];
    struct spool_row row = {.kind = ask->kind,
                            .body_bytes = ask->body.len,
                            .client = ask->client,
                            .workload = ask->workload,
                            .model = ask->model,
                            .operation = ask->operation,
                            .role = ask->role,
                            .target = ask->target,
                            .content_type = ask->content_type,
                            .accept = ask->accept};
    memcpy(row.secret, id->secret, sizeof row.secret);
    memcpy(row.key, ask->key, sizeof row.key);
    int rc = 0;
    if (ask->invocation.len) {
        store_put_u64(attempt, attempt_of(ask));
        row.attempts = str_from((const char *)attempt, sizeof attempt);
        rc = put_attempt(s, id->number, ask->key, attempt_of(ask));
    }
    if (rc == 0)
        rc = spool_table_put_row(s, id->number, &row);
    return rc ? rc : spool_table_put_pieces(s, TABLE_BODIES, id->number, ask->body);
}

static int take_new(struct spool *s, struct spool_mail *m)
{
    const struct spool_ask *ask = &m->u.admit.ask;
    struct spool_admitted *out = &m->u.admit.out;
    struct spool_sum *pool = NULL;
    *out = (struct spool_admitted){.said = SPOOL_NOT, .why = spool_room_refusal(s, ask)};
    if (out->why)
        return 0;
    int rc = pool_of(s, ask, &pool);
    if (rc == 0)
        rc = next_number(s, &out->id.number);
    random_bytes(out->id.secret, sizeof out->id.secret);
    if (rc == 0)
        rc = put_record(s, ask, &out->id);
    if (rc)
        return rc;
    const struct spool_place place = {.state = SPOOL_POOLED,
                                      .flags = ask->flags,
                                      .pool = pool->pool.number,
                                      .reply = ask->reply,
                                      .ticketed = ask->reply == SPOOL_TICKET,
                                      .bytes = ask->body.len,
                                      .accepted_ms = ask->now_ms,
                                      .deadline_ms = ask->deadline_ms,
                                      .expect_nanousd = ask->expect_nanousd};
    struct spool_key held = spool_key_held(ask->key, out->id.number);
    rc = store_put(s->txn, TABLE_KEYS, spool_key_str(&held), S(""));
    if (rc == 0)
        rc = spool_table_move(s, out->id.number, NULL, &place);
    out->said = SPOOL_HELD;
    out->fresh = true;
    out->deadline_ms = ask->deadline_ms;
    out->state = SPOOL_POOLED;
    if (rc == 0)
        claim(s, m, ask->key);
    return rc;
}

/* --- the whole */

static int find(struct spool *s, const struct spool_ask *ask, struct found *out)
{
    claims_tick(&s->claims, clock_mono_ns());
    int rc = any_of_key(s, ask->key);
    if (rc)
        return rc;
    rc = ask->invocation.len ? by_attempt(s, ask->key, attempt_of(ask), out) : ERR_NOT_FOUND;
    return rc == ERR_NOT_FOUND ? by_key(s, ask, out) : rc;
}

int spool_admit_do(struct spool *s, struct spool_mail *m)
{
    struct found f;
    int rc = find(s, &m->u.admit.ask, &f);
    if (rc == 0)
        rc = take_found(s, m, &f);
    return rc == ERR_NOT_FOUND ? take_new(s, m) : rc;
}

/* Of a transaction that was lost. */
static void unclaim(struct spool *s, struct spool_mail *m)
{
    struct spool_admitted *a = &m->u.admit.out;
    struct spool_waiter left;
    if (a->said == SPOOL_READY)
        claims_unhand(&s->claims, a->id.number);
    else if (a->said == SPOOL_HELD)
        (void)claims_leave(&s->claims, a->id.number, m->u.admit.waiter.arg, &left);
    spool_answer_free(a->answer);
    *a = (struct spool_admitted){.said = SPOOL_NOT};
}

/* A ticket that cannot be noted would be nobody's, and a deadline that cannot would be missed. */
static bool may_join(const struct spool_ask *ask, const struct spool_place *p)
{
    bool late = p->state == SPOOL_POOLED && p->deadline_ms > ask->deadline_ms + CLOCK_STEP_MS;
    return !late && (ask->reply != SPOOL_TICKET || p->ticketed);
}

/* The attempt, and that an answer is given once more, are not noted then. */
bool spool_admit_join(struct spool *s, struct spool_mail *m)
{
    struct spool_admitted *out = &m->u.admit.out;
    struct found f;
    unclaim(s, m);
    if (m->no_room || !s->store || store_begin(s->store, false, &s->txn) != 0)
        return false;
    int rc = find(s, &m->u.admit.ask, &f);
    if (rc == 0 && !may_join(&m->u.admit.ask, &f.place))
        rc = ERR_NOT_FOUND;
    if (rc == 0)
        tell_found(&f, out);
    if (rc == 0 && f.place.state == SPOOL_DONE) {
        rc = spool_table_answer(s, f.number, &out->answer);
        out->said = rc ? SPOOL_NOT : SPOOL_READY;
    }
    if (rc == 0)
        claim(s, m, m->u.admit.ask.key);
    store_abort(s->txn);
    return rc == 0;
}

void spool_admit_end(struct spool *s, struct spool_mail *m, bool good, const char *why)
{
    struct spool_admitted *a = &m->u.admit.out;
    const struct spool_waiter *w = &m->u.admit.waiter;
    if (!good) {
        unclaim(s, m);
        a->why = why;
    }
    if (a->fresh) {
        pthread_mutex_lock(&s->lock);
        s->counts.taken++;
        pthread_mutex_unlock(&s->lock);
    }
    w->admitted(w->arg, a);
}

/* What may have gone out already stays, and somebody may still ask for its answer; so does what
 * somebody has a ticket of. `waited`: that was not this one. */
int spool_withdraw_do(struct spool *s, uint64_t number, bool waited)
{
    struct found f;
    int rc = load(s, number, &f);
    if (rc || f.place.state == SPOOL_DONE || claims_has(&s->claims, number))
        return rc == ERR_NOT_FOUND ? 0 : rc;
    bool has_ticket = waited && f.place.ticketed;
    if (f.place.state != SPOOL_IN_JOB && !(f.place.flags & SPOOL_SENT) && !has_ticket)
        return spool_table_forget(s, number, &f.row, &f.place);
    struct spool_place now = f.place;
    now.flags |= SPOOL_MAYBE_TWICE;
    return spool_table_move(s, number, &f.place, &now);
}

int spool_delivered_do(struct spool *s, uint64_t number)
{
    struct found f;
    int rc = load(s, number, &f);
    if (rc || f.given || f.place.state != SPOOL_DONE)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    struct spool_place now = f.place;
    struct spool_key held = spool_key_held(f.row.key, number);
    struct spool_key given = spool_key_given(f.row.key, 1, number);
    now.flags |= SPOOL_DELIVERED;
    now.delivered_ms = clock_wall_ms();
    now.deliveries = 1;
    rc = store_delete(s->txn, TABLE_KEYS, spool_key_str(&held));
    if (rc == 0)
        rc = store_put(s->txn, TABLE_KEYS, spool_key_str(&given), S(""));
    return rc ? rc : spool_table_move(s, number, &f.place, &now);
}

/* --- tickets */

static int was_there(struct spool *s, const struct spool_mail *m, bool *out)
{
    struct spool_key key = spool_key_number(m->u.ticket.id.number);
    unsigned char hash[SPOOL_HASH];
    struct spool_gone gone;
    struct str value;
    int rc = store_get(s->txn, TABLE_GONE, spool_key_str(&key), &value);
    *out = false;
    if (rc)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    spool_hash_ticket(&m->u.ticket.id, m->u.ticket.client, hash);
    *out = spool_gone_read(m->u.ticket.id.number, value, &gone) == 0 &&
           digest_equal(hash, gone.hash, sizeof hash);
    return 0;
}

void spool_hash_ticket(const struct spool_id *id, struct str client, unsigned char out[SPOOL_HASH])
{
    unsigned char digest[SHA256_BYTES];
    struct spool_key number = spool_key_number(id->number);
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, spool_key_str(&number));
    sha256_add(&h, str_from((const char *)id->secret, sizeof id->secret));
    sha256_add(&h, client);
    sha256_end(&h, digest);
    memcpy(out, digest, SPOOL_HASH);
}

int spool_ticket_do(struct spool *s, struct spool_mail *m)
{
    struct spool_ticket_told *out = &m->u.ticket.out;
    struct found f;
    bool gone;
    int rc = load(s, m->u.ticket.id.number, &f);
    if (rc == ERR_NOT_FOUND) {
        rc = was_there(s, m, &gone);
        out->what = gone ? SPOOL_TICKET_GONE : SPOOL_NO_TICKET;
        return rc;
    }
    if (rc || !f.place.ticketed || !str_eq(f.row.client, m->u.ticket.client) ||
        !digest_equal(f.row.secret, m->u.ticket.id.secret, sizeof f.row.secret))
        return rc;
    out->what = SPOOL_TICKET_WAITS;
    out->deadline_ms = f.place.deadline_ms;
    buf_add(&m->u.ticket.operation, f.row.operation);
    out->operation = buf_str(&m->u.ticket.operation);
    if (f.place.state != SPOOL_DONE)
        return 0;
    unsigned char key[SPOOL_HASH];
    memcpy(key, f.row.key, sizeof key);
    rc = spool_table_answer(s, f.number, &out->answer);
    if (rc == ERR_BAD) {
        out->what = SPOOL_TICKET_GONE;
        return spool_table_give_up(s, f.number);
    }
    if (rc)
        return rc;
    out->what = SPOOL_TICKET_READY;
    claims_hand(&s->claims, f.number, key);
    return 0;
}

void spool_ticket_end(struct spool *s, struct spool_mail *m, bool good)
{
    struct spool_ticket_told *out = &m->u.ticket.out;
    if (!good) {
        if (out->what == SPOOL_TICKET_READY)
            claims_unhand(&s->claims, m->u.ticket.id.number);
        spool_answer_free(out->answer);
        *out = (struct spool_ticket_told){.what = SPOOL_TICKET_LATER};
    }
    m->u.ticket.told(m->arg, out);
    buf_fini(&m->u.ticket.operation);
}
