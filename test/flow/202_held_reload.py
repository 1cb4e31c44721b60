# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A reload while requests are held, over both versions of HTTP: nobody notices, and who comes later has the new rules."""
import concurrent.futures
import json
from holdflow import PATH, holding, keep_company, pooled, workload
from weirflow import Story, ask, check, converse, equal

with Story() as s:
    weir = holding(s)
    (s.dir / 'body').write_text(json.dumps(converse('across a reload')))

    def held(options):
        text = s.run(['curl', '-sS', '--max-time', '30', *options, '--data-binary', '@body', '-H',
                      'Content-Type: application/json', workload('reload', weir.url) + PATH])
        return json.loads(text)['stopReason']

    keep_company(weir)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(held, options) for options in (['--http1.1'], ['--http2-prior-knowledge'])]
        pooled(weir, 3)
        check('in force' in weir.reload({**weir.config, 'rules': []}), 'it is taken')
        interactive = ask(weir.url, workload('reload') + PATH, converse('at once'))
        check('lane=ondemand' in interactive.header('x-weir-decision'), 'it goes by the new rules')
        equal([a.result() for a in asked], ['end_turn', 'end_turn'], 'both are answered')
    equal(weir.metric('weir_requests_total', outcome='client-left'), 0, 'nobody left')
