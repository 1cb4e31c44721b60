# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""operations: {other: allow} passes on what Weir does not know, signed like the rest; what it knows keeps
its own rules, and methods that no REST service uses stay outside. A client whose models or money are bounded
may not: what it calls could not be told."""
from weirflow import Story, ask, equal, http_ask, model_path, same_request

with Story() as s:
    weir = s.weir(operations={'other': 'allow'})
    for method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE'):
        body = b'{"new": true}' if method != 'GET' else b''
        straight = ask(s.sim.url, '/an-operation/of%2Ftomorrow?a=b', body, method=method)
        direct = s.sim.last()
        through = ask(weir.url, '/an-operation/of%2Ftomorrow?a=b', body, method=method)
        equal((through.status, through.body), (straight.status, straight.body), method)
        same_request(direct, s.sim.last())
    arrived = s.sim.summary()['requests']
    equal(http_ask(weir.url, 'HEAD', '/an-operation/of-tomorrow').status, 404, 'HEAD')
    equal(http_ask(weir.url, 'GET', model_path('converse')).status, 405, 'a method that a known path does not take')
    equal(http_ask(weir.url, 'POST', '/a/../b', {}, b'{}').status, 400, 'a path that two readers take differently')
    equal(http_ask(weir.admin, 'POST', '/an-operation/of-tomorrow', {}, b'{}').status, 404, 'not on the admin port')
    equal(s.sim.summary()['requests'], arrived, 'none of them was sent on')
    weir.line(r' exchange .*op=Other .*outcome=refused-by-origin')
    bounds = ({'models': ['anthropic.*']}, {'budget': {'usd_per_day': 1}}, {'limits': {'tokens_per_minute': 1000}}, {})
    for bound in bounds:
        config = {**weir.config, 'clients': [{'name': 'a', 'loopback': True, **bound}]}
        weir.reload(config)
        arrived = s.sim.summary()['requests']
        answer = http_ask(weir.url, 'POST', '/model/x/converse/of-tomorrow', {}, b'{}')
        equal((answer.status == 403, s.sim.summary()['requests'] - arrived), (True, 0) if bound else (False, 1), f'{bound}')
