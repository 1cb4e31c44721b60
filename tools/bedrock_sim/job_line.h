/* SPDX-License-Identifier: Apache-2.0
 *
 * A record of a batch job: a line of input in, what stands for it in the output out, and its row in
 * the ledger. The answer is made by the code that answers on-line requests.
 */
#ifndef SIM_JOB_LINE_H
#define SIM_JOB_LINE_H

#include "jobs.h"

/* What of it can be wrong for the whole job: no object, no modelInput. `id` (may be NULL) gets the
 * hash of its recordId, 0: it has none. False with a sentence. */
bool job_line_check(struct str line, uint64_t *id, const char **why);

struct job_line {
    bool good;       /* an answer, else an error */
    unsigned copies; /* of the line in the output: 0, 1 or 2 */
    uint64_t input_tokens, output_tokens;
};
/* Answers record `number`, writes its row, and appends its line with the newline. */
void job_line_answer(struct jobs *j, const struct job *job, uint64_t number, struct str line,
                     struct buf *out, struct job_line *told);

#endif
