/* SPDX-License-Identifier: Apache-2.0
 *
 * weir batch: what waits for batch jobs, and the operator's orders to it. Orders, and how things
 * stand, come from the running daemon; without one ls and show read STATE/spool, which changes
 * nothing. Suggestions are cmd_batch_suggest.c's.
 */
#include "cmd_batch.h"
#include "weir/base/text.h"
#include "weir/book/spool.h"
#include "weir/gate/admin_ask.h"
#include "weir/gate/batch_show.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* --- ls, show */

static int print(const struct batch_args *a, struct str json)
{
    struct buf text = {0};
    if (strcmp(a->format, "json") == 0)
        buf_add(&text, json);
    else if (!(a->name ? batch_show_fields(json, &text) : batch_show_table(json, &text))) {
        fprintf(stderr, "weir batch: what came is not what a daemon of this version says\n");
        return CMD_FAILED;
    }
    fputs(buf_cstr(&text), stdout);
    buf_fini(&text);
    return cmd_printed();
}

static int look_alone(const struct batch_args *a, const char *err)
{
    char dir[4096], why[512];
    struct spool *spool;
    struct buf json = {0};
    int status = CMD_FAILED;
    snprintf(dir, sizeof dir, "%.*s/spool", STR_ARG(a->config->state));
    if (spool_open_read(dir, NULL, &spool, why, sizeof why) < 0) {
        fprintf(stderr, "weir batch: no daemon answers (%s), and %s\n", err, why);
        return CMD_FAILED;
    }
    fprintf(stderr, "weir batch: no daemon answers (%s); this is what %s holds\n", err, dir);
    bool found = true;
    if (a->name)
        found = batch_show_json_one(spool, str_of(a->name), &json);
    else
        batch_show_json(spool, NULL, &json);
    if (found)
        status = print(a, buf_str(&json));
    else
        fprintf(stderr, "weir batch: there is no pool and no job \"%s\"; see weir batch ls\n",
                a->name);
    buf_fini(&json);
    spool_close_read(spool);
    return status;
}

static int look(const struct batch_args *a)
{
    char err[512], target[64];
    struct admin_answer answer;
    struct buf said = {0};
    int status = CMD_FAILED;
    snprintf(target, sizeof target, "/api/v1/batches%s%s", a->name ? "/" : "",
             a->name ? a->name : "");
    bool came = admin_ask(a->config, S("GET"), str_of(target), S(""), &answer, err, sizeof err);
    if (!came) {
        status = look_alone(a, err);
    } else if (answer.status == 200) {
        status = print(a, buf_str(&answer.body));
    } else {
        admin_answer_add_refusal(&answer, &said);
        fprintf(stderr, "weir batch: %s\n", buf_cstr(&said));
    }
    admin_answer_fini(&answer);
    buf_fini(&said);
    return status;
}

/* --- orders */

static unsigned long long count_of(const cJSON *top, const char *member)
{
    const cJSON *v = cJSON_GetObjectItem(top, member);
    return cJSON_IsNumber(v) && v->valuedouble > 0 ? (unsigned long long)v->valuedouble : 0;
}

/* What the order was given to, of "p7: 1 pool of 120 records". */
static void print_given(const struct batch_args *a, struct str json)
{
    cJSON *top = cJSON_ParseWithLength(json.ptr, json.len);
    unsigned long long pools = count_of(top, "pools"), jobs = count_of(top, "jobs"),
                       records = count_of(top, "records");
    printf("%s: %s%s", a->word, a->name ? a->name : "", a->name ? ": " : "");
    if (pools)
        printf("%llu pool%s of %llu record%s", pools, pools == 1 ? "" : "s", records,
               records == 1 ? "" : "s");
    if (jobs)
        printf("%s%llu job%s", pools ? ", " : "", jobs, jobs == 1 ? "" : "s");
    if (!pools && !jobs)
        printf("nothing waits for it");
    puts(strcmp(a->word, "retry") == 0 ? "; all that was closed is open again" : "");
    cJSON_Delete(top);
}

static int order(const struct batch_args *a)
{
    char err[512], target[64];
    struct admin_answer answer;
    struct buf text = {0};
    int status = CMD_FAILED;
    snprintf(target, sizeof target, "/api/v1/batches/%s", a->word);
    if (a->name)
        buf_addf(&text, "{\"name\":\"%s\"}", a->name);
    bool came =
        admin_ask(a->config, S("POST"), str_of(target), buf_str(&text), &answer, err, sizeof err);
    buf_clear(&text);
    if (!came) {
        fprintf(stderr, "weir batch: %s. Only a running daemon can do this\n", err);
    } else if (answer.status == 200) {
        print_given(a, buf_str(&answer.body));
        status = cmd_printed();
    } else {
        admin_answer_add_refusal(&answer, &text);
        fprintf(stderr, "weir batch: %s\n", buf_cstr(&text));
    }
    admin_answer_fini(&answer);
    buf_fini(&text);
    return status;
}

/* --- the door */

enum wants { NO_NAME, MAY_NAME, MUST_NAME, RULE_NAME };
static const struct {
    const char *word;
    enum wants wants;
    int (*run)(const struct batch_args *a);
} words[] = {{"ls", NO_NAME, look},
             {"show", MUST_NAME, look},
             {"flush", MAY_NAME, order},
             {"cancel", MUST_NAME, order},
             {"retry", MAY_NAME, order},
             {"suggest", NO_NAME, cmd_batch_suggest},
             {"accept", RULE_NAME, cmd_batch_accept},
             {"revoke", RULE_NAME, cmd_batch_revoke}};
enum { WORDS = sizeof words / sizeof *words };

/* A pool, "p7", or a job, "j12". */
static bool is_name(const char *s)
{
    uint64_t n;
    return (s[0] == 'p' || s[0] == 'j') && strlen(s) < 22 && text_u64(str_of(s + 1), &n);
}

/* Of a rule: so it is no JSON but its own. */
static bool is_rule_name(const char *s)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return strspn(s, signs) == strlen(s) && strlen(s) <= 64;
}

static bool good_name(const struct batch_args *a, enum wants wants)
{
    static const char *const sentences[] = {
        [NO_NAME] = "it takes no name",
        [MAY_NAME] = "say which: a pool, like p7, or a job, like j12",
        [MUST_NAME] = "say which: a pool, like p7, or a job, like j12",
        [RULE_NAME] = "say which: a name that weir batch suggest says"};
    bool good = a->name ? wants == RULE_NAME ? is_rule_name(a->name) : is_name(a->name)
                        : wants == NO_NAME || wants == MAY_NAME;
    if (good && !(a->name && wants == NO_NAME))
        return true;
    fprintf(stderr, "weir batch %s: %s; see weir batch --help\n", a->word, sentences[wants]);
    return false;
}

static bool read_args(int argc, char **argv, enum wants wants, struct batch_args *a)
{
    bool rule = strcmp(a->word, "accept") == 0;
    const struct cmd_option options[] = {{"-c", &a->path},
                                         {"--format", &a->format},
                                         {"--deadline", &a->deadline},
                                         {"--reply", &a->reply}};
    a->name = cmd_take_word(&argc, argv);
    if (!good_name(a, wants) || !cmd_options(argc, argv, 2, options, rule ? 4 : 2))
        return false;
    if (strcmp(a->format, "table") == 0 || strcmp(a->format, "json") == 0)
        return true;
    fprintf(stderr, "weir batch: --format takes table or json, not \"%s\"\n", a->format);
    return false;
}

int cmd_batch(int argc, char **argv)
{
    struct batch_args a = {
        .path = cmd_default_config(), .format = "table", .deadline = "8h", .reply = "wait"};
    size_t i = 0;
    a.word = cmd_take_word(&argc, argv);
    if (!a.word)
        a.word = "";
    while (i < WORDS && strcmp(words[i].word, a.word) != 0)
        i++;
    if (i == WORDS) {
        fprintf(stderr,
                "weir batch: say ls, show, flush, cancel, retry, suggest, accept or revoke; see "
                "weir batch --help\n");
        return CMD_USAGE;
    }
    if (!read_args(argc, argv, words[i].wants, &a))
        return CMD_USAGE;
    a.config = cmd_book_config(a.path);
    int status = a.config ? words[i].run(&a) : CMD_USAGE;
    config_free(a.config);
    return status;
}
