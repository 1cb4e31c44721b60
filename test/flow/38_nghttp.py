# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""nghttp, the HTTP/2 reference client: with prior knowledge and by ALPN, several streams at once, a body
larger than the first windows."""
import json
from weirflow import Story, converse, equal, model_path

BODY = json.dumps(converse('nghttp asks. ' * 60_000)).encode()  # 780 KB

with Story() as s:
    d = s.certificates()
    weir = s.weir(cache={'mode': 'off'}, listen=[{'address': '127.0.0.1:0'},
                          {'address': '127.0.0.2:0',
                           'tls': {'cert': str(d / 'tls.crt'), 'key': str(d / 'tls.key')}}])
    (s.dir / 'body').write_bytes(BODY)
    for url in (f'http://{weir.addresses[0]}', f'https://{weir.addresses[1]}'):
        before = len(s.sim.rows())
        text = s.run(['nghttp', '--no-verify-peer', '--stat', '--multiply=8', '-d', 'body',
                      '-H', 'content-type: application/json', url + model_path('converse')])
        equal(text.count('"output"'), 8, f'answers from {url}')
        equal(len(set(line for line in text.splitlines() if '"output"' in line)), 1, 'different answers')
        rows = s.sim.rows()[before:]
        equal(len(rows), 8, 'requests at the simulator')
        equal(s.sim.last()['body'], BODY, 'body')
    weir.line(r' exchange .*via=h2 status=200')
