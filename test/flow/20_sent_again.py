# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""503 and 529 are tried once more, within a tenth of the traffic; 429 is the client's own affair; a
refused stream was never processed and is sent again."""
from weirflow import Story, ask, check, converse, equal, http_ask, model_path

PATH = model_path('converse')

with Story() as s:
    weir = s.weir(workers=1)  # each worker has a budget of its own

    def calls(words, status):
        before = s.sim.summary()['requests']
        equal(ask(weir.url, PATH, converse(words)).status, status, words)
        return s.sim.summary()['requests'] - before

    equal(calls('[[sim:once=503]] a', 200), 2, '503 and then well')
    for n in range(10):
        equal(calls(f'good {n}', 200), 1, 'ten good ones pay for another')
    equal(calls('[[sim:once=529]] b', 200), 2, '529 and then well')
    equal(calls('[[sim:once=500]] c', 500), 1, '500')
    equal(calls('[[sim:once=429]] d', 429), 1, '429')
    equal(weir.metric('weir_upstream_resent_total', reason='unavailable'), 2, 'counted')

    # All of Bedrock is unavailable: the answers stay 503, and the load on it grows by a tenth.
    before = s.sim.summary()['requests']
    for n in range(200):
        equal(ask(weir.url, PATH, converse(f'[[sim:status=503]] {n}')).status, 503, 'unavailable')
    extra = s.sim.summary()['requests'] - before - 200
    check(extra <= 40, f'{extra} of 200 were sent again')
    equal(http_ask(weir.url, 'GET', '/weir/readyz').status, 200, 'ready all the same')
