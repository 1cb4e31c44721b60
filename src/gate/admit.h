/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a request comes in: whose it is (identify), and whether that client may (admit). Both are
 * steps of the exchange; nothing is forwarded or metered before them.
 */
#ifndef WEIR_SRC_GATE_ADMIT_H
#define WEIR_SRC_GATE_ADMIT_H

#include "weir/gate/exchange.h"

enum step_result admit_identify(struct exchange *ex);
/* Its model, its body, its limits: what it may need is reserved. */
enum step_result admit(struct exchange *ex);
/* Its budget does not cover it, and it was not accepted before. */
enum step_result admit_refuse(struct exchange *ex);
/* Its record is made: what it used is settled, the rest given back. */
void admit_settle(struct limits *l, struct limits_held *held, const struct record *r);
/* It ended without a record: all of it is given back, but that it came. */
void admit_give_back(struct exchange *ex);

#endif
