# SPDX-License-Identifier: Apache-2.0
"""Six requests a minute over two workers: of a hundred at once six get in, each is told what is left and when
to come again; a reload keeps the share; the limit of all holds above; who is refused takes nothing."""
import concurrent.futures
import time
from limitflow import body_of, clients, post, state
from weirflow import Story, check, equal

with Story() as s:
    s.simulator()

    def config(a_minute, of_all):
        return {**clients(s, {'name': 'search', 'limits': {'requests_per_minute': a_minute}}, {'name': 'agents'}),
                'limits': {'requests_per_minute': of_all}}

    weir = s.weir(**config(6, 12))
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        race = list(pool.map(lambda n: post(weir, 'search', body_of(str(n))), range(100)))
    flowed = 1 + int((time.monotonic() - began) / 10)  # so many may have come into the bucket meanwhile
    came = [a for a in race if a.status == 200]
    check(6 <= len(came) < 6 + flowed, f'{len(came)} of six')
    equal(sorted(a.header('x-weir-requests-left') for a in came)[:6], list('012345'), 'what was left')
    refused = [a for a in race if a.status != 200]
    equal({(a.status, a.header('x-amzn-errortype')) for a in refused}, {(429, 'ThrottlingException')}, 'refusals')
    check(all(0 < int(a.header('retry-after')) <= 10 for a in refused), 'Retry-After')
    equal(weir.metric('weir_limited_total', client='search', what='requests_per_minute'), 100.0 - len(came), 'counted')
    weir.line(r' client=search .*outcome=rate-limited .*trouble="over requests_per_minute"')
    equal(s.sim.summary()['requests'], len(came), 'calls upstream')
    check('requests_per_minute' in refused[0].json()['message'], refused[0].json()['message'])

    weir.reload(s.config(**config(60, 12)))  # nothing of the share is left
    check(state(weir, 'search')['limits']['requests_per_minute']['left'] <= 10 * flowed + 10, 'a reload filled it')
    weir.reload(s.config(**config(6, 6)))
    # Half of the twelve of all was left; it is half of six now, and one comes each ten seconds.
    answers = [post(weir, 'agents', body_of(f'all {n}')) for n in range(12)]
    in_time = [a.status for a in answers].count(200)
    check(3 <= in_time < 6, f'{in_time} of six for all')
    check('all clients together' in answers[-1].json()['message'], answers[-1].json()['message'])
    equal(weir.metric('weir_limited_total', client='agents', what='all.requests_per_minute'), 12.0 - in_time, 'counted')
