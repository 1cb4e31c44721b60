# SPDX-License-Identifier: Apache-2.0
# waits: 9
"""kill -9 while calls for what waits are under way: the next Weir makes them again, each record gets one answer and one
row, and those that were on their way are marked as perhaps paid twice."""
import signal
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, Weir, ask, check, converse, equal, until

PATH = workload('night') + MODEL_PATH

with Story() as s:
    weir = holding(s, linger='1s', metering='strict')
    urls = [ask(weir.url, PATH, converse(f'[[sim:delay=3000]] {i}'), {'x-weir-reply': 'ticket'}).json()['status_url']
            for i in range(3)]
    until('calls', lambda: weir.metric('weir_batch_direct_active') >= 2)  # the first of them is marked
    weir.may_fail = True
    weir.signal(signal.SIGKILL)
    weir.wait()
    again = Weir(s, weir.config, s.clean_env(**s.keys()))
    got = {}

    def answered():
        for url in urls:
            answer = ask(again.url, url, method='GET')
            if answer.status != 202:
                got[url] = answer.status
        return len(got) == 3
    until('answers', answered, seconds=60)
    equal(list(got.values()), [200] * 3, 'answers')
    records = again.records(3)
    equal((len(records), len({r['id'] for r in records})), (3, 3), 'one row each')
    twice = sum(r['maybe_twice'] for r in records)
    charged = [r for r in s.sim.rows() if r['charged']]
    check(1 <= twice <= 3, f'{twice} were on their way')
    check(3 <= len(charged) <= 3 + twice, f'{len(charged)} charged')
    equal(again.metric('weir_batch_maybe_twice_total'), float(twice), 'counted')
    usd = again.metric('weir_batch_maybe_twice_usd')
    again.end()
    third = Weir(s, weir.config, s.clean_env(**s.keys()))
    check(usd > 0, "the day's money")
    equal(third.metric('weir_batch_maybe_twice_usd'), usd, 'it stays that of the day')
