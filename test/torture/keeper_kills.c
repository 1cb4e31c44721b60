/* SPDX-License-Identifier: Apache-2.0
 *
 * Kills a keeper with SIGKILL at random moments, in the middle of saving as a rule, and looks at
 * what the next one would know:
 *
 *     keeper_kills [KILLS [SEED]]
 *
 * The keeper is driven round by round, without a rest. Each round it saves the next state of all
 * rows and of two names; when the round is over it says so through a pipe. What was said must be
 * there, in that state or in the one that was being saved, and nothing else. Now and then the one
 * before it is damaged, or its folder removed: it begins anew.
 */
#include "../../src/book/keeper_private.h"
#include "kills.h"

enum { ROWS = 5000, INDEX_BYTES = 2 * ROWS * 64, ANEW = 20 };

static uint16_t state; /* of the rows, in the keeper's process */

/* --- the keeper's side */

static struct prefix row_of(size_t i, uint16_t version)
{
    return (struct prefix){.key = (i + 1) * 0x9e3779b97f4a7c15,
                           .last = 1000U + version,
                           .tokens = (uint32_t)i,
                           .count = version};
}

static size_t take(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    size_t taken = 0;
    while (taken < n && *cursor < ROWS)
        out[taken++] = row_of((*cursor)++, state);
    if (*cursor == ROWS)
        *cursor = 0;
    return taken;
}

static void each_named(void *arg, void (*each)(void *to, struct str name, struct str bytes),
                       void *to)
{
    struct str bytes = {(const char *)&state, sizeof state};
    each(to, S("a"), bytes);
    each(to, S("b"), bytes);
}

static void restore(void *arg, const struct prefix *rows, size_t n)
{
}

static void restore_named(void *arg, struct str name, struct str bytes)
{
}

static void keep(uint32_t from)
{
    const struct keeper_source s = {
        .take = take, .restore = restore, .each_named = each_named, .restore_named = restore_named};
    struct keeper *k = keeper_make(at.meter, INDEX_BYTES, &s);
    for (state = (uint16_t)from;; state++)
        if (!keeper_round(k) || write(journal, &state, sizeof state) != sizeof state)
            _exit(1);
}

/* --- this program */

/* The last state that was said to be saved; 0: none. */
static uint16_t run_and_hear(uint16_t from)
{
    uint16_t last = 0;
    buf_clear(&heard);
    run_and_kill(keep, from, 60000);
    if (buf_len(&heard))
        memcpy(&last, buf_str(&heard).ptr + buf_len(&heard) - sizeof last, sizeof last);
    return last;
}

static struct {
    uint16_t from, until; /* the states that may be there */
    size_t rows, names;
    bool wrong;
} seen;

static void see(void *arg, const struct prefix *p)
{
    struct prefix want = row_of(p->tokens, p->count);
    seen.rows++;
    if (memcmp(p, &want, sizeof want) != 0 || p->count < seen.from || p->count > seen.until)
        seen.wrong = true;
}

static void see_name(void *arg, struct str name, struct str bytes)
{
    uint16_t version;
    memcpy(&version, bytes.ptr, sizeof version);
    seen.names++;
    if (bytes.len != sizeof version || version < seen.from || version > seen.until)
        seen.wrong = true;
}

static void look(uint16_t from, uint16_t until)
{
    char why[512];
    seen.from = from;
    seen.until = until;
    seen.rows = seen.names = 0;
    int rc = keeper_read(at.meter, see, see_name, NULL, why, sizeof why);
    if (rc == ERR_NOT_FOUND && from == 0)
        return;
    if (rc) {
        printf("# %s\n", why);
        fail("it does not open");
    }
    if (seen.wrong)
        fail("a row is not in the state that was saved");
    if (from && (seen.rows != ROWS || seen.names != 2))
        fail("what was saved is not there");
}

/* What lies there is of no use any more: whatever is done to it, the next keeper goes on. */
static void ruin(void)
{
    if (random_below(2))
        folder_remove(at.meter);
    else if (truncate(at.data, 8192) != 0)
        fail("there is nothing to cut off");
}

int main(int argc, char **argv)
{
    unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : random_below(1000000), rounds = 0;
    uint16_t saved = 0;
    log_setup(LOG_ERROR, LOG_TEXT);
    random_seed(seed + 1);
    folder_make(&at);
    printf("1..1\n# seed %" PRIu64 "\n", seed);
    for (unsigned long i = 0; i < kills; i++) {
        if (i % ANEW == ANEW - 1 && folder_has(at.data)) {
            ruin();
            saved = 0;
        }
        uint16_t from = (uint16_t)(i * 100 + 1), last = run_and_hear(from);
        uint16_t tried = last ? last + 1 : from;
        saved = last ? last : saved;
        rounds += last ? (uint64_t)(last - from + 1) : 0;
        if (folder_has(at.data) && saved)
            look(saved, tried);
    }
    folder_remove(at.path);
    buf_fini(&heard);
    if (rounds < kills / 4)
        fail("hardly anything was saved: the kills come too early");
    printf("ok 1 - %lu kills, %" PRIu64 " rounds: what was saved is there\n", kills, rounds);
    return 0;
}
