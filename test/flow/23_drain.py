# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 7
"""SIGTERM while streams are open: readiness says no first, every stream ends whole, new connections are
refused, then Weir ends with 0."""
import concurrent.futures
import signal
from weirflow import Story, ask, check, converse, equal, http_ask, model_path, until


def ready(weir):
    try:
        return http_ask(weir.admin, 'GET', '/readyz').status
    except OSError:
        return None


with Story() as s:
    weir = s.weir()
    words = '[[sim:chunks=30]] [[sim:slow=200]]'
    straight = [ask(s.sim.url, model_path('converse-stream'), converse(f'[[sim:chunks=30]] {n}')).status for n in range(1)]
    equal(straight, [200])
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        streams = [pool.submit(ask, weir.url, model_path('converse-stream'), converse(f'{words} {n}')) for n in range(20)]
        until('20 streams at the simulator', lambda: s.sim.summary()['open'] == 20)
        weir.signal(signal.SIGTERM)
        until('readiness gone', lambda: ready(weir) == 503)
        until('outcome not-ready', lambda: weir.metric('weir_requests_total', outcome='not-ready') >= 1)
        check(not any(f.done() for f in streams), 'the streams were over before the drain')
        for stream in streams:
            answer = stream.result()
            equal(answer.status, 200)
            check(b'metadata' in answer.body and b'internalServerException' not in answer.body, 'a stream was cut')
    equal(weir.wait(30), 0, 'exit')
    equal(s.sim.summary()['left'], 0, 'streams that the simulator saw cut')
