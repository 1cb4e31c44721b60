/* SPDX-License-Identifier: Apache-2.0
 *
 * The random prompts of the property tests, for who sends them: `ask_bodies SEED COUNT` prints of
 * each a line "DIALECT LENGTH", then its bytes and an end of line. Dialects are converse,
 * converse-nova, claude, nova, chat and responses.
 */
#include "../plan/ask_make.h"

#include <stdio.h>
#include <stdlib.h>

static const char *dialect_of(const struct ask_make *m)
{
    static const char *const words[] = {
        [ASK_CONVERSE] = "converse", [ASK_CLAUDE] = "claude",       [ASK_NOVA] = "nova",
        [ASK_CHAT] = "chat",         [ASK_RESPONSES] = "responses",
    };
    return m->nova_model ? "converse-nova" : words[m->d];
}

int main(int argc, char **argv)
{
    uint64_t seed = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: ask_bodies SEED COUNT\n");
        return 2;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct ask_make m = {0};
        random_seed(seed * count + i + 1);
        ask_make(&m);
        printf("%s %zu\n%.*s\n", dialect_of(&m), buf_len(&m.body), STR_ARG(buf_str(&m.body)));
        buf_fini(&m.body);
    }
    return 0;
}
