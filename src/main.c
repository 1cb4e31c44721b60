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

bool cmd_config_path(int argc, char **argv, const char **out_path)
{
    *out_path = access(default_path, F_OK) == 0 ? default_path : NULL;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "-c") == 0 && i + 1 < argc) {
            *out_path = argv[++i];
            continue;
        }
        fprintf(stderr, "weir %s: cannot use \"%s\"; see weir %s --help\n", argv[1], argv[i],
                argv[1]);
        return false;
    }
    return true;
}

static void print_usage(FILE *out)
{
    fprintf(out, "weir stands in front of Amazon Bedrock clients.\n\nusage:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  weir %-8s %-10s %s\n", commands[i].name, commands[i].arguments,
                commands[i].what);
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
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (!wants_help(argc, argv))
            return commands[i].run(argc, argv);
        printf("weir %s %s\n  %s\n\nexample:\n  %s\n", commands[i].name, commands[i].arguments,
               commands[i].what, commands[i].example);
        return CMD_DONE;
    }
    if (*name)
        fprintf(stderr, "weir: there is no command \"%s\"\n\n", name);
    print_usage(stderr);
    return CMD_USAGE;
}
