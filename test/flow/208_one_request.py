# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 20
"""Which request is which: one that is sent again on 40 connections at once is one; the same id with another body is
another; five samples of one question are five; a delivered answer is repeated for batch.replay, and then not."""
import concurrent.futures
import time
from holdflow import PATH, holding, keep_company, text_of, workload
from weirflow import Story, ask, equal

REPLAY_S = 8

with Story() as s:
    weir = holding(s, batch={'replay': f'{REPLAY_S}s'})

    def held(text, invocation):
        return ask(weir.url, workload('same') + PATH, converse_once(text), {'amz-sdk-invocation-id': invocation})

    def converse_once(text):
        return {'messages': [{'role': 'user', 'content': [{'text': text}]}], 'inferenceConfig': {'temperature': 1}}

    def charges():
        return sum(row['charged'] for row in s.sim.rows())

    keep_company(weir)
    with concurrent.futures.ThreadPoolExecutor(46) as pool:
        again = [pool.submit(held, 'one', 'i-1') for _ in range(40)]
        other = pool.submit(held, 'two', 'i-1')
        samples = [pool.submit(held, 'sampled', f'i-s{n}') for n in range(5)]
        texts = {text_of(a.result()) for a in again}
        equal(len(texts), 1, 'one answer for all')
        equal({a.result().status for a in (*samples, other)}, {200}, 'the others')
    asked = time.monotonic()
    equal(charges(), 1 + 1 + 1 + 5, 'charges, one of them the ticket\'s')
    equal({text_of(held('one', 'i-2'))}, texts, 'delivered again')
    equal(charges(), 8, 'and not bought again')
    time.sleep(max(0, asked + REPLAY_S + 0.5 - time.monotonic()))
    equal(held('one', 'i-3').status, 200, 'a new one')
    equal(charges(), 9, 'bought')
    equal(len(weir.records(9)), 9, 'records')
