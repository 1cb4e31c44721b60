# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What Weir refused itself is told as such: by limit, budget and list of models, in the report, the admin API and
the exported records; what Bedrock refused is not among it."""
import json
from limitflow import body_of, clients, post
from weirflow import BUILD, MODEL, Story, check, equal, http_ask, model_path, until

with Story() as s:
    s.simulator()
    weir = s.weir(metering='strict', **clients(
        s, {'name': 'search', 'models': ['anthropic.*'], 'limits': {'requests_per_minute': 4}},
        {'name': 'agents', 'budget': {'usd_per_day': 0.001, 'then': 'reject'}}))

    def ask(client, text, model=MODEL):
        return http_ask(weir.url, 'POST', model_path('converse', model),
                        {'Authorization': f'Bearer token-of-{client}-0123456789'}, body_of(text)).status

    equal(ask('search', 'No model of its.', 'us.amazon.nova-lite-v1:0'), 403, 'a model')
    equal([ask('search', text) for text in ('a', '[[sim:status=400]]', '[[sim:throttle]]', 'd', 'e')],
          [200, 400, 429, 200, 429], 'the fifth is one too many')
    equal(post(weir, 'agents', body_of('f')).status, 400, 'a budget')
    until('all records', lambda: weir.metric('weir_book_records_total') == 7)

    def report(*argv):
        return s.run([BUILD / 'src/weir', 'report', '-c', weir.path, '--by', 'client', *argv])
    told = json.loads(report('--format', 'json'))
    rows = {row['client']: row for row in told['rows']}
    counts = ('requests', 'invocations', 'client_errors', 'throttles', 'refused')
    equal([rows['search'][k] for k in counts], [6, 3, 1, 1, 2], 'search')
    equal([rows['agents'][k] for k in counts], [1, 0, 0, 0, 1], 'agents')
    equal(http_ask(weir.admin, 'GET', '/api/v1/usage?by=client').json()['total']['refused'], 3, 'the admin API')
    head, *lines = report('--format', 'csv').splitlines()
    place = head.split(',').index('refused')
    equal({line.split(',')[0]: line.split(',')[place] for line in lines}, {'agents': '1', 'search': '2'}, 'CSV')
    head, *lines = report().splitlines()[2:5]
    check('REFUSED' in head.split(), f'no column in {head}')
    refused = sorted((r['client'], r['outcome']) for r in weir.records(7) if r['refused'])
    equal(refused, [('agents', 'budget-spent'), ('search', 'model-forbidden'), ('search', 'rate-limited')], 'records')
