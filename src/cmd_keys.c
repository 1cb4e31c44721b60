/* SPDX-License-Identifier: Apache-2.0
 *
 * weir keys: makes, shows and revokes the keys that Weir issues. A change is made alone, under the
 * state directory's lock, or by the daemon that holds it, which knows the key at once. A secret is
 * printed once and kept nowhere in the clear.
 */
#include "cmd_book.h"
#include "weir/base/digest.h"
#include "weir/base/text.h"
#include "weir/gate/admin_ask.h"
#include "weir/gate/issue.h"
#include "weir/gate/state.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void wipe(struct buf *b)
{
    if (b->data)
        secret_wipe(b->data, b->cap);
    buf_fini(b);
}

/* Takes "NAME" without a value out of the arguments. */
static bool take_flag(int *argc, char **argv, const char *name)
{
    for (int i = 3; i < *argc; i++) {
        if (strcmp(argv[i], name) != 0)
            continue;
        memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i - 1) * sizeof *argv);
        --*argc;
        return true;
    }
    return false;
}

/* --- the lock, or the daemon */

struct change {
    const struct config *config;
    int (*alone)(struct change *ch);
    int (*asked)(struct change *ch);
    struct issue issue;
    struct str id; /* to revoke */
    struct buf new_id, secret;
};

static int run(struct change *ch)
{
    char why[512];
    int lock = -1;
    int err = state_hold(ch->config->state, &lock, why, sizeof why);
    if (err == ERR_BUSY)
        return ch->asked(ch);
    if (err) {
        fprintf(stderr, "weir: %s; run this as the user that weir runs as\n", why);
        return CMD_FAILED;
    }
    int status = ch->alone(ch);
    close(lock);
    return status;
}

/* False after a sentence on stderr. */
static bool ask(const struct config *c, struct str target, struct str body, int wanted,
                struct admin_answer *out)
{
    char err[512];
    struct buf said = {0};
    if (!admin_ask(c, S("POST"), target, body, out, err, sizeof err))
        fprintf(stderr, "weir: %s\n", err);
    else if (out->status == wanted)
        return true;
    else
        admin_answer_add_refusal(out, &said);
    if (buf_len(&said))
        fprintf(stderr, "weir: %s\n", buf_cstr(&said));
    buf_fini(&said);
    return false;
}

/* --- new */

static int make_alone(struct change *ch)
{
    const struct config *c = ch->config;
    const struct issue *i = &ch->issue;
    char why[512];
    if (keyring_add(c->state, c->seal_file, i->client, i->admin, i->kind, &ch->new_id, &ch->secret,
                    why, sizeof why) == 0)
        return CMD_DONE;
    fprintf(stderr, "weir: %s\n", why);
    return CMD_FAILED;
}

static int make_asked(struct change *ch)
{
    struct buf body = {0};
    struct admin_answer answer;
    issue_add_request(&ch->issue, &body);
    bool good = ask(ch->config, S("/api/v1/keys"), buf_str(&body), 201, &answer) &&
                issue_read_key(buf_str(&answer.body), &ch->new_id, &ch->secret) == 0;
    admin_answer_fini(&answer);
    buf_fini(&body);
    return good ? CMD_DONE : CMD_FAILED;
}

static int print_key(struct change *ch)
{
    if (ch->issue.kind == KEY_BEARER)
        printf("# bearer key %s of client %.*s; it is shown once\nAWS_BEARER_TOKEN_BEDROCK=%s\n",
               buf_cstr(&ch->new_id), STR_ARG(ch->issue.client), buf_cstr(&ch->secret));
    else
        printf("# SigV4 pair of %s%.*s; it is shown once\n"
               "AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n",
               ch->issue.admin ? "the admin port" : "client ", STR_ARG(ch->issue.client),
               buf_cstr(&ch->new_id), buf_cstr(&ch->secret));
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CMD_DONE;
    fprintf(stderr, "weir keys: the key could not be printed; revoke %s and make another\n",
            buf_cstr(&ch->new_id));
    return CMD_FAILED;
}

/* There is a secret in this process for a moment: no core, no tracing by others of the same user.
 */
static void close_process(void)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

static int make(const struct config *c, struct issue i)
{
    struct change ch = {.config = c, .alone = make_alone, .asked = make_asked, .issue = i};
    struct buf sentence = {0};
    int status = CMD_FAILED;
    close_process();
    (void)buf_reserve(&ch.secret, ISSUE_SECRET_ROOM);
    if (!issue_check(c, &i, &sentence))
        fprintf(stderr, "weir keys: %s\n", buf_cstr(&sentence));
    else if ((status = run(&ch)) == CMD_DONE)
        status = print_key(&ch);
    buf_fini(&sentence);
    buf_fini(&ch.new_id);
    wipe(&ch.secret);
    return status;
}

static int keys_new(int argc, char **argv)
{
    const char *path = cmd_default_config(), *client = NULL;
    const struct cmd_option options[] = {{"-c", &path}, {"--client", &client}};
    struct issue i = {.kind = take_flag(&argc, argv, "--bearer") ? KEY_BEARER : KEY_SIGV4,
                      .admin = take_flag(&argc, argv, "--admin")};
    if (!cmd_options(argc, argv, 3, options, 2))
        return CMD_USAGE;
    if (i.admin ? client != NULL || i.kind == KEY_BEARER : !client || !*client) {
        fprintf(stderr, "weir keys new: say --client NAME, with --bearer or without, or --admin\n");
        return CMD_USAGE;
    }
    i.client = str_of(client);
    struct config *c = cmd_book_config(path);
    int status = c ? make(c, i) : CMD_USAGE;
    config_free(c);
    return status;
}

/* --- ls */

static void print_table(const struct keyring *r)
{
    size_t n;
    const struct key *keys = keyring_keys(r, &n);
    char made[21], revoked[21];
    printf("%-20s  %-6s  %-20s  %-20s  %s\n", "ID", "KIND", "MADE", "REVOKED", "CLIENT");
    for (size_t i = 0; i < n; i++) {
        struct buf owner = {0};
        text_add_json(&owner, keys[i].client, keys[i].client.len);
        text_iso_time(keys[i].made_s, made);
        text_iso_time(keys[i].revoked_s, revoked);
        printf("%-20.*s  %-6.*s  %-20s  %-20s  %s\n", STR_ARG(keys[i].id),
               STR_ARG(issue_kind_word(keys[i].kind)), made, keys[i].revoked_s ? revoked : "-",
               keys[i].admin ? "(admin port)" : buf_cstr(&owner));
        buf_fini(&owner);
    }
}

static int list(const struct config *c, bool json)
{
    char why[512];
    struct buf out = {0};
    struct keyring *r = keyring_list(c->state, why, sizeof why);
    if (!r) {
        fprintf(stderr, "weir: %s\n", why);
        return CMD_FAILED;
    }
    if (json) {
        issue_add_list(r, &out);
        fputs(buf_cstr(&out), stdout);
    } else {
        print_table(r);
    }
    buf_fini(&out);
    keyring_unref(r);
    return cmd_printed();
}

static int keys_ls(int argc, char **argv)
{
    const char *path = cmd_default_config(), *format = "table";
    const struct cmd_option options[] = {{"-c", &path}, {"--format", &format}};
    if (!cmd_options(argc, argv, 3, options, 2))
        return CMD_USAGE;
    if (strcmp(format, "table") && strcmp(format, "json")) {
        fprintf(stderr, "weir keys: --format takes table or json, not \"%s\"\n", format);
        return CMD_USAGE;
    }
    struct config *c = cmd_book_config(path);
    int status = c ? list(c, *format == 'j') : CMD_USAGE;
    config_free(c);
    return status;
}

/* --- revoke */

static int revoke_alone(struct change *ch)
{
    char why[512];
    if (keyring_revoke(ch->config->state, ch->id, why, sizeof why) == 0)
        return CMD_DONE;
    fprintf(stderr, "weir keys: %s\n", why);
    return CMD_FAILED;
}

static int revoke_asked(struct change *ch)
{
    struct buf target = {0};
    struct admin_answer answer;
    buf_addf(&target, "/api/v1/keys/%.*s/revoke", STR_ARG(ch->id));
    bool good = ask(ch->config, buf_str(&target), S(""), 200, &answer);
    admin_answer_fini(&answer);
    buf_fini(&target);
    return good ? CMD_DONE : CMD_FAILED;
}

/* It becomes a part of a path. */
static bool is_id(const char *id)
{
    size_t n = strlen(id);
    return n > 0 && n < 64 &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

static int keys_revoke(int argc, char **argv)
{
    bool leads = argc > 3 && argv[3][0] != '-'; /* else the id stands behind the options */
    const char *path = cmd_default_config(), *id = leads ? argv[3] : argc > 4 ? argv[argc - 1] : "";
    const struct cmd_option option = {"-c", &path};
    if (!is_id(id)) {
        fprintf(stderr, "weir keys revoke: say the key's id, as weir keys ls shows it\n");
        return CMD_USAGE;
    }
    if (!cmd_options(argc - !leads, argv, 3 + leads, &option, 1))
        return CMD_USAGE;
    struct config *c = cmd_book_config(path);
    if (!c)
        return CMD_USAGE;
    struct change ch = {
        .config = c, .alone = revoke_alone, .asked = revoke_asked, .id = str_of(id)};
    int status = run(&ch);
    if (status == CMD_DONE)
        printf("revoked %s\n", id);
    config_free(c);
    return status;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} parts[] = {{"new", keys_new}, {"ls", keys_ls}, {"revoke", keys_revoke}};

int cmd_keys(int argc, char **argv)
{
    for (size_t i = 0; argc > 2 && i < sizeof parts / sizeof *parts; i++)
        if (strcmp(argv[2], parts[i].name) == 0)
            return parts[i].run(argc, argv);
    fprintf(stderr, "weir keys: cannot do \"%s\"; see weir keys --help\n", argc > 2 ? argv[2] : "");
    return CMD_USAGE;
}
