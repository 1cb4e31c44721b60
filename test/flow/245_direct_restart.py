# SPDX-License-Identifier: Apache-2.0
# waits: 10
"""A restart while calls for what waits are under way: they end first, no new one begins, and the rest goes after it; so
nothing is paid for twice, and nothing says that it may have been."""
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, Weir, ask, converse, equal, until

PATH = workload('night') + MODEL_PATH

with Story() as s:
    weir = holding(s, linger='1s', metering='strict')
    urls = [ask(weir.url, PATH, converse(f'[[sim:delay=2500]] {i}'), {'x-weir-reply': 'ticket'}).json()['status_url']
            for i in range(4)]
    until('calls', lambda: weir.metric('weir_batch_direct_active') >= 2)
    equal(weir.end(), 0, 'its end')
    charged = sum(r['charged'] for r in s.sim.rows())
    equal(charged >= 2, True, f'calls that ended first: {charged}')
    again = Weir(s, weir.config, s.clean_env(**s.keys()))
    until('answers', lambda: all(ask(again.url, url, method='GET').status == 200 for url in urls), seconds=60)
    equal(sum(r['charged'] for r in s.sim.rows()), 4, 'charged')
    records = again.records(4)
    equal((len(records), sum(r['maybe_twice'] for r in records)), (4, 0), 'rows')
