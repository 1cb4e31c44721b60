# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Bedrock as it really is: TLS and HTTP/2. Calls share few connections; what the origin refused unprocessed
is sent again; whole and streamed answers are the same bytes; a certificate of somebody else is refused."""
import concurrent.futures
import json
from weirflow import Story, ask, claude, converse, equal, check, model_path, same_answer, until

with Story() as s:
    d = s.certificates()
    s.simulator('--tls-listen', '127.0.0.1:0', '--cert', str(d / 'tls.crt'), '--key-file', str(d / 'tls.key'))
    origin = f'https://localhost:{s.sim.tls_address.rsplit(":", 1)[1]}'
    weir = s.weir(workers=1, endpoints={'runtime': origin, 'ca_file': str(d / 'ca.crt')})
    for path, body in ((model_path('converse'), converse('One')), (model_path('converse-stream'), converse('Two')),
                       (model_path('invoke'), claude('x' * 3_000_000))):
        same_answer(ask(s.sim.url, path, body), ask(weir.url, path, body))
        row = s.sim.rows()[-1]
        equal((row['tls'], row['protocol']), (True, 'h2'), 'how it arrived')

    before = s.sim.summary()['connections']
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ask(weir.url, model_path('converse'), converse(f'[[sim:delay=50]] {n}')),
                                range(100)))
    equal({a.status for a in answers}, {200})
    check(s.sim.summary()['connections'] - before <= 4, 'a connection for each call')

    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'refuse', 'count': 1}).encode())
    equal(ask(weir.url, model_path('converse'), converse('Refused at first')).status, 200, 'sent again')
    equal(weir.metric('weir_upstream_resent_total', reason='not-processed'), 1, 'counted')
    equal(ask(weir.url, model_path('converse'), converse('[[sim:cut=before]]')).status, 502, 'not sent again')

    s.certificates()  # another authority by the same name: what the origin shows is not of it
    weir.reload({**weir.config, 'timeouts': {'connect': '2s'}})
    until('the origin is refused', lambda: ask(weir.url, model_path('converse'), converse()).status == 503)
    weir.line(r' exchange .*outcome=origin-unreachable.*certificate')
