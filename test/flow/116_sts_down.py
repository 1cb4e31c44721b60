# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""STS is down, throttles, or is slow: clients without a role do not notice, those with one are told, and are
served as soon as STS is back. Requests wait for a first answer of STS that is on its way."""
import concurrent.futures
from doubles import Sts
from weirflow import KEY, SECRET, Story, ask_as, check, converse, equal, http_ask, model_path, until

ARN = 'arn:aws:iam::123456789012:role/search'

with Story() as s, Sts((KEY, SECRET), {ARN: 'search'}) as sts:
    s.simulator(*sts.options())
    clients = [s.client('search', role_arn=ARN), s.client('plain')]

    def status(name):
        return ask_as(name, weir.url, model_path('converse'), converse()).status

    for mode in ('down', 'throttled'):
        sts.mode = mode
        weir = s.weir(clients=clients, endpoints={'sts': sts.url}, state=str(s.dir / mode))
        equal((status('search'), status('plain')), (503, 200), mode)
        equal(http_ask(weir.admin, 'GET', '/readyz').status, 200, 'ready')
        weir.line(r'role .*client search: .*STS: (ServiceUnavailable|Throttling)')
        sts.mode = 'well'
        until('the role', lambda: status('search') == 200)
        failed = [status(name) for _ in range(10) for name in ('search', 'plain')]
        equal(set(failed), {200}, 'from then on')
        equal(weir.metric('weir_requests_total', outcome='no-credentials') >= 1, True, 'counted')
        weir.end()

    # Slow: what comes meanwhile waits; a client without a role does not.
    sts.wait_s = 4
    weir = s.weir(clients=clients, endpoints={'sts': sts.url}, state=str(s.dir / 'slow'))
    asked = len(sts.calls)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(status, 'search') for _ in range(6)]
        equal(status('plain'), 200)
        check(not any(w.done() for w in waiting), 'a client without a role waited for STS')
        equal({w.result() for w in waiting}, {200}, 'those who waited')
    equal(len(sts.calls) - asked <= 1, True, 'one AssumeRole for all of them')
    equal(s.sim.last()['access_key'][:10], 'ASIASEARCH')
