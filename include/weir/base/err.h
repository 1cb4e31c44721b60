/* SPDX-License-Identifier: Apache-2.0
 *
 * Expected failures: 0 is good, negative is one of these. Each has a word for logs.
 */
#ifndef WEIR_BASE_ERR_H
#define WEIR_BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
    ERR_OK = 0,
#define ERR(name, number, word) ERR_##name = -(number),
#include "weir/base/errors.def"
#undef ERR
};

/* "would-block", "eof", ...; "ok" for 0, "unknown" for what is not in the table. */
const char *err_word(int err);

#endif
