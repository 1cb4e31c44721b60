# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""SIGTERM while requests are held: 503 for who has nothing yet, a reset for who has a space, within a second; the
records are kept, and the next Weir answers the same requests, each charged once."""
import http.client
import json
import signal
import threading
import time
from holdflow import PATH, again, holding, keep_company, pooled, workload
from weirflow import Story, ask, check, converse, equal

with Story() as s:
    weir = holding(s, linger='6s')
    ends = {}

    def held(name):
        try:
            answer = ask(weir.url, workload('stop') + PATH, converse(name), {'amz-sdk-invocation-id': name})
            ends[name] = (answer.status, answer.header('x-amzn-errortype'), time.monotonic())
        except (OSError, http.client.HTTPException) as error:
            ends[name] = (0, type(error).__name__, time.monotonic())

    keep_company(weir)
    threads = [threading.Thread(target=held, args=(name,)) for name in ('early', 'late')]
    threads[0].start()
    time.sleep(2.3)  # a third of linger: it has a space
    threads[1].start()
    pooled(weir, 3)
    stopped = time.monotonic()
    weir.signal(signal.SIGTERM)
    second = again(s, weir)
    for thread in threads:
        thread.join()
    equal(ends['late'][:2], (503, 'ServiceUnavailableException'), 'without a space')
    equal(ends['early'][0], 0, 'with a space')
    check(all(end[2] - stopped < 1 for end in ends.values()), f'too late: {ends}')
    for name in ends:
        answer = ask(second.url, workload('stop') + PATH, converse(name), {'amz-sdk-invocation-id': name})
        equal(json.loads(answer.body)['stopReason'], 'end_turn', name)
    equal(sum(row['charged'] for row in s.sim.rows()), 3, 'charges, one of them the ticket\'s')
    equal(len(second.records(3)), 3, 'records')
