# SPDX-License-Identifier: Apache-2.0
# waits: 10
"""A role's keys are renewed ahead under load: no request fails and none is signed with keys that have ended.
While STS is down they serve to their end, then the client is refused; another client notices nothing."""
import concurrent.futures
import time
from doubles import Sts
from weirflow import KEY, SECRET, Story, ask_as, check, converse, equal, model_path, until

ARN = 'arn:aws:iam::123456789012:role/search'

with Story() as s, Sts((KEY, SECRET), {ARN: 'search'}, life_s=4) as sts:
    s.simulator(*sts.options(20))
    weir = s.weir(clients=[s.client('search', role_arn=ARN), s.client('plain')], endpoints={'sts': sts.url})
    stop, seen = [], {'search': [], 'plain': []}

    def load(name):
        while not stop:
            seen[name].append((time.time(), ask_as(name, weir.url, model_path('converse'), converse()).status))
            time.sleep(0.01)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(load, name) for name in ('search', 'search', 'plain')]
        try:
            until('renewals', lambda: sts.given['search'] >= 4)
            for name, answers in seen.items():
                equal({status for _, status in answers}, {200}, f'{name} over {sts.given["search"]} sets of keys')
            sts.mode = 'down'
            until('an end', lambda: any(status != 200 for _, status in seen['search']))
            ended = next(at for at, status in seen['search'] if status != 200)
            last = max(sts.expires.values())
            check(last - 1 <= ended, f'refused {last - ended} s before the end')
            sts.mode = 'well'
            until('the role', lambda: seen['search'][-1][1] == 200)
        finally:
            stop.append(True)
        for run in runs:
            run.result()
    equal({status for _, status in seen['plain']}, {200}, 'the other client')
    equal({status for _, status in seen['search']}, {200, 503}, 'the one concerned')
    rows = [r for r in s.sim.rows() if r['access_key'] in sts.expires]
    late = [r for r in rows if r['time_ms'] / 1000 > sts.expires[r['access_key']] + 0.5]
    check(rows and not late, f'{len(late)} of {len(rows)} were signed with keys that had ended')
    check(len({r['access_key'] for r in rows}) >= 4, 'renewed keys are used')
