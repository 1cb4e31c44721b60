# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 10
"""SIGTERM while requests are held: 503 for who has nothing yet, a reset for who has a space; the
records are kept, and the next Weir answers the same requests, each charged once."""
import http.client
import json
import signal
import threading
from holdflow import PATH, again, holding, keep_company, pooled, workload
from weirflow import Story, ask, converse, equal

with Story() as s:
    weir = holding(s, linger='6s')
    ends, begun = {}, threading.Event()

    def held(name):
        conn = http.client.HTTPConnection('127.0.0.1', weir.port, timeout=60)
        try:
            conn.request('POST', workload('stop') + PATH, json.dumps(converse(name)), {'amz-sdk-invocation-id': name})
            answer = conn.getresponse()
            begun.set()
            answer.read()
            ends[name] = (answer.status, answer.headers['x-amzn-errortype'])
        except (OSError, http.client.HTTPException) as error:
            ends[name] = (0, type(error).__name__)

    keep_company(weir)
    threads = [threading.Thread(target=held, args=(name,)) for name in ('early', 'late')]
    threads[0].start()
    begun.wait(60)  # it has a space
    threads[1].start()
    pooled(weir, 3)
    weir.signal(signal.SIGTERM)
    second = again(s, weir)
    for thread in threads:
        thread.join()
    equal(ends['late'], (503, 'ServiceUnavailableException'), 'without a space')
    equal(ends['early'][0], 0, 'with a space')
    for name in ends:
        answer = ask(second.url, workload('stop') + PATH, converse(name), {'amz-sdk-invocation-id': name})
        equal(json.loads(answer.body)['stopReason'], 'end_turn', name)
    equal(sum(row['charged'] for row in s.sim.rows()), 3, 'charges, one of them the ticket\'s')
    equal(len(second.records(3)), 3, 'records')
