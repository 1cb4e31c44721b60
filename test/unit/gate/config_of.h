/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration from a few lines of YAML; the test fails when it is none.
 */
#ifndef WEIR_TEST_UNIT_GATE_CONFIG_OF_H
#define WEIR_TEST_UNIT_GATE_CONFIG_OF_H

#include "weir/gate/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static inline struct config *config_of(const char *yaml)
{
    struct buf faults = {0};
    char whole[1024];
    snprintf(whole, sizeof whole, "region: us-east-1\n%s", yaml);
    struct config *c = config_parse(S("x"), str_of(whole), &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    return c;
}

#endif
