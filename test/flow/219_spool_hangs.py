# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 9
"""A disk that hangs, in the build with hooks: what would wait goes on demand after batch.linger (10 s at most); what
the spool took meanwhile is taken back, so each is paid for once. Without hooks the disk is well."""
import time
from holdflow import PATH, holding, workload
from weirflow import Story, ask, check, converse, equal, until

HANG_S = 6

with Story() as s:
    hang = {**s.keys(), 'WEIR_HOOK': f'spool.before_commit:2+=sleep:{HANG_S * 1000}'}
    weir = holding(s, linger='1s', env=hang)
    for n in range(2):
        began = time.monotonic()
        answer = ask(weir.url, workload('hangs') + PATH, converse(f'{n}'))
        slow = 'lane=ondemand' in answer.header('x-weir-decision')
        equal(answer.status, 200, 'status')
        check(not slow or time.monotonic() - began < HANG_S, 'it is not waited for')
    if slow:
        until('the spool to have heard all', lambda: sum(weir.metric('weir_batch_records', state=state)
                                                         for state in ('pooled', 'direct', 'done')) == 0)
        time.sleep(HANG_S)
    equal(sum(row['charged'] for row in s.sim.rows()), 2, 'paid once each')
