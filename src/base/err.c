/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of errors.def.
 */
#include "weir/base/err.h"

const char *err_word(int err)
{
    switch (err) {
    case 0:
        return "ok";
#define ERR(name, number, word) \
    case ERR_##name:            \
        return word;
#include "weir/base/errors.def"
#undef ERR
    }
    return "unknown";
}
