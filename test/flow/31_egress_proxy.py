# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Bedrock is reached through a proxy with a password, by CONNECT and by name: Weir looks nothing up by
itself. A proxy that refuses is an origin out of reach, and the password is in no log."""
import base64
from doubles import ConnectProxy
from weirflow import Story, ask, converse, equal, check, http_ask, model_path

NAME = 'bedrock-runtime.example.internal'

with Story() as s:
    s.simulator()
    basic = 'Basic ' + base64.b64encode(b'weir:pass word').decode()
    with ConnectProxy({f'{NAME}:80': s.sim.address.rsplit(':', 1)}, basic) as proxy:
        url = proxy.url.replace('http://', 'http://weir:pass%20word@')
        weir = s.weir(endpoints={'runtime': f'http://{NAME}', 'egress_proxy': url})
        for n in range(10):
            equal(ask(weir.url, model_path('converse'), converse(f'{n}')).status, 200)
        equal({a for a in proxy.asked}, {('CONNECT', f'{NAME}:80')}, 'what the proxy was asked')
        check(len(proxy.asked) <= 10, 'tunnels are not kept')
        weir.reload({**weir.config, 'endpoints': {'runtime': f'http://{NAME}',
                                                  'egress_proxy': url.replace('word', 'WRONG')}})
        equal(ask(weir.url, model_path('converse'), converse()).status, 503, 'a wrong password')
        config = http_ask(weir.admin, 'GET', '/api/v1/config').body.decode()
        equal(weir.log().count('pass') + config.count('pass%20'), 0, 'the password was shown')
