/* SPDX-License-Identifier: Apache-2.0
 *
 * weir: finds the subcommand in a table and calls it. The same table is the usage text.
 */
#include "cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name, *arguments, *what, *example;
    int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(name, arguments, what, example) {#name, arguments, what, example, cmd_##name},
#include "commands.def"
#undef COMMAND
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char default_path[] = "/etc/weir/weir.yaml";

static const struct cmd_option *find_option(const char *name, const struct cmd_option *options,
                                            size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

bool cmd_options(int argc, char **argv, int first, const struct cmd_option *options, size_t n)
{
    for (int i = first; i < argc; i += 2) {
        const struct cmd_option *o = find_option(argv[i], options, n);
        if (o && i + 1 < argc) {
            *o->value = argv[i + 1];
            continue;
        }
        fprintf(stderr, "weir %s: cannot use \"%s\"%s; see weir %s --help\n", argv[1], argv[i],
                o ? " without a value" : "", argv[1]);
        return false;
    }
    return true;
}

const char *cmd_take(int *argc, char **argv, int i)
{
    const char *taken = argv[i];
    memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i - 1) * sizeof *argv);
    --*argc;
    return taken;
}

const char *cmd_take_word(int *argc, char **argv)
{
    for (int i = 2; i < *argc; i += 2)
        if (argv[i][0] != '-' || !argv[i][1])
            return cmd_take(argc, argv, i);
    return NULL;
}

int cmd_printed(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? CMD_DONE : CMD_FAILED;
}

const char *cmd_default_config(void)
{
    return access(default_path, F_OK) == 0 ? default_path : NULL;
}

bool cmd_config_path(int argc, char **argv, const char **out_path)
{
    const struct cmd_option option = {"-c", out_path};
    *out_path = cmd_default_config();
    return cmd_options(argc, argv, 2, &option, 1);
}

/* A usage line, and each line of what it does behind `indent`. */
static void print_command(FILE *out, const struct command *c, const char *indent)
{
    fprintf(out, "weir %s%s%s\n", c->name, *c->arguments ? " " : "", c->arguments);
    for (const char *at = c->what; *at;) {
        int n = (int)strcspn(at, "\n");
        fprintf(out, "%s%.*s\n", indent, n, at);
        at += n + (at[n] == '\n');
    }
}

static void print_usage(FILE *out)
{
    fprintf(out, "weir stands in front of Amazon Bedrock clients.\n\nusage:\n");
    for (int i = 0; i < COMMANDS; i++) {
        fprintf(out, "  ");
        print_command(out, &commands[i], "      ");
    }
    fprintf(out,
            "\nweir COMMAND --help shows an example. Without -c FILE the configuration is\n"
            "%s where it exists, else the built-in defaults.\n"
            "Exit status: 0 done, 1 failed, 2 usage or configuration.\n",
            default_path);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return CMD_DONE;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (!wants_help(argc, argv))
            return commands[i].run(argc, argv);
        print_command(stdout, &commands[i], "  ");
        printf("\nexample:\n  %s\n", commands[i].example);
        return CMD_DONE;
    }
    if (*name)
        fprintf(stderr, "weir: there is no command \"%s\"\n\n", name);
    print_usage(stderr);
    return CMD_USAGE;
}
