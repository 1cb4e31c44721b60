# SPDX-License-Identifier: Apache-2.0
"""/metrics counts what was done, in a form that promtool approves of."""
import shutil
from weirflow import Story, ask, converse, equal, model_path, skip, until

with Story() as s:
    weir = s.weir()
    for n in range(10):
        ask(weir.url, model_path('converse'), converse(f'{n}'))
    ask(weir.url, model_path('converse'), converse('[[sim:throttle]]'))
    ask(weir.url, '/nowhere', b'{}')
    until('the last count', lambda: weir.metric('weir_requests_total', outcome='unknown-operation') == 1)
    equal(weir.metric('weir_requests_total', operation='Converse', outcome='answered'), 10)
    equal(weir.metric('weir_requests_total', operation='Converse', outcome='refused-by-origin'), 1)
    equal(weir.metric('weir_added_seconds_count', operation='Converse'), 11)
    equal(weir.metric('weir_upstream_calls_total'), 11)
    equal(weir.metric('weir_build_info'), 1)
    until('reused connections', lambda: weir.metric('weir_upstream_connections_reused_total') >= 5)
    if not shutil.which('promtool'):
        skip('no promtool')
    print(s.run(['promtool', 'check', 'metrics'], stdin=weir.metrics().encode()))
