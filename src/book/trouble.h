/* SPDX-License-Identifier: Apache-2.0
 *
 * What keeps a writer (the clerk, the keeper, the spool) from its disk. It is told when it begins
 * or becomes another, and once when it is over. When it is tried again is the writer's to know.
 */
#ifndef WEIR_SRC_BOOK_TROUBLE_H
#define WEIR_SRC_BOOK_TROUBLE_H

enum { TROUBLE_MOST = 512 };

/* Of a damaged one. A backup of it would ask, and pay, for what was answered since. */
#define TROUBLE_SPOOL_CURE                                                                       \
    "move the folder away (Weir then begins a new spool; what waited is in the old one alone), " \
    "and put no backup there"

struct trouble {
    const char *dir;                   /* of the environment; borrowed */
    const char *full, *damaged, *gone; /* what is wrong with it. NULL: the disk failed */
    void (*tell)(void *arg, const char *sentence); /* NULL: it is over */
    void *arg;
    char told[TROUBLE_MOST]; /* empty: all is well */
};

/* `why` NULL: what `rc` says. */
void trouble_tell(struct trouble *t, int rc, const char *why);
void trouble_end(struct trouble *t);

#endif
