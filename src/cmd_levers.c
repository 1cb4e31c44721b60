/* SPDX-License-Identifier: Apache-2.0
 *
 * weir levers: asks the running daemon how its levers stand, or tells it how they are to stand.
 */
#include "cmd_book.h"
#include "weir/gate/admin_ask.h"
#include "weir/wire/json_pick.h"

#include <stdio.h>

/* The inside of a member that is a string. */
static struct str text_of(struct str json, const char *name)
{
    struct json_member m = {.name = str_of(name)};
    struct json_pick pick;
    json_pick_init(&pick, json, &m, 1);
    if (json_pick_step(&pick) != JSON_END || m.times != 1 || m.kind != JSON_STRING)
        return S("");
    return str_sub(m.raw, 1, m.raw.len - 2);
}

static bool print_state(struct str answer)
{
    struct str now = text_of(answer, "levers"), configured = text_of(answer, "configured");
    if (!now.len)
        return false;
    printf("levers: %.*s", STR_ARG(now));
    if (!str_eq(now, configured))
        printf(" (until a restart, or a reload with other levers; the configuration says %.*s)",
               STR_ARG(configured));
    printf("\n");
    return true;
}

static void say_how_else(const struct config *c, const char *path, const char *word,
                         const char *err)
{
    fprintf(stderr, "weir levers: %s. The running daemon is asked; when none runs, ", err);
    if (word)
        fprintf(stderr, "set \"levers: %s\" in %s, and it starts so\n", word,
                path ? path : "its configuration");
    else
        fprintf(stderr, "one starts with levers: %s, %s%s\n", levers_word(c->levers).ptr,
                path ? "by " : "as always without a configuration", path ? path : "");
}

static int ask(const struct config *c, const char *path, const char *word)
{
    struct admin_answer answer;
    struct buf text = {0};
    char err[512];
    int status = CMD_FAILED;
    if (word)
        buf_addf(&text, "{\"levers\":\"%s\"}", word);
    bool came = admin_ask(c, word ? S("POST") : S("GET"), S("/api/v1/levers"), buf_str(&text),
                          &answer, err, sizeof err);
    buf_clear(&text);
    if (!came) {
        say_how_else(c, path, word, err);
    } else if (answer.status == 200 && print_state(buf_str(&answer.body))) {
        status = cmd_printed();
    } else {
        admin_answer_add_refusal(&answer, &text);
        fprintf(stderr, "weir levers: %s\n", buf_cstr(&text));
    }
    admin_answer_fini(&answer);
    buf_fini(&text);
    return status;
}

int cmd_levers(int argc, char **argv)
{
    bool leads = argc > 2 && argv[2][0] != '-'; /* else the word stands behind the options */
    bool behind = !leads && argc == 5;
    const char *path = cmd_default_config();
    const char *word = leads ? argv[2] : behind ? argv[4] : NULL;
    const struct cmd_option option = {"-c", &path};
    enum levers_mode mode;
    if (word && !levers_read(str_of(word), &mode)) {
        fprintf(stderr, "weir levers: \"%s\" is not on, observe or off; see weir levers --help\n",
                word);
        return CMD_USAGE;
    }
    if (!cmd_options(argc - behind, argv, 2 + leads, &option, 1))
        return CMD_USAGE;
    struct config *c = cmd_book_config(path);
    int status = c ? ask(c, path, word) : CMD_USAGE;
    config_free(c);
    return status;
}
