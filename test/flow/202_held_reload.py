# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 9
"""A reload while requests are held, over both versions of HTTP: nobody notices, and who comes later has
the new rules. A client that may have one request at a time has two that are held, and a third one."""
import concurrent.futures
import json
from holdflow import PATH, holding, pooled, take_ticket, workload
from weirflow import Story, ask_as, check, converse, equal, token_of

with Story() as s:
    weir = holding(s, linger='6s', clients=[s.client('reports', data={'persist': 'spool'}, limits={'concurrent': 1})])
    (s.dir / 'body').write_text(json.dumps(converse('across a reload')))

    def held(options):
        text = s.run(['curl', '-sS', '--max-time', '30', *options, '--data-binary', '@body', '-H',
                      f'Authorization: Bearer {token_of("reports")}', workload('reload', weir.url) + PATH])
        return json.loads(text)['stopReason']

    equal(take_ticket(weir, 'company', client='reports').status, 202, 'a ticket')
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        asked = []
        for options in (['--http1.1'], ['--http2-prior-knowledge']):
            asked.append(pool.submit(held, options))
            pooled(weir, 1 + len(asked))
        check('in force' in weir.reload({**weir.config, 'rules': []}), 'it is taken')
        interactive = ask_as('reports', weir.url, workload('reload') + PATH, converse('at once'))
        check('lane=ondemand' in interactive.header('x-weir-decision'), 'it goes by the new rules')
        equal([a.result() for a in asked], ['end_turn', 'end_turn'], 'both are answered')
    equal(weir.metric('weir_requests_total', outcome='client-left'), 0, 'nobody left')
