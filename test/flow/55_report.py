# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir report says what the simulator charged, by model and kind of token, in dollars of known prices; the admin
API says the same, and both beside the running daemon."""
import collections
import json
from weirflow import BUILD, MODEL, Story, ask, converse, equal, http_ask, model_path, until

DEAR, CHEAP, UNKNOWN = MODEL, 'us.amazon.nova-lite-v1:0', 'twelvelabs.pegasus-1-2-v1:0'
PRICES = {DEAR: {'input': 5, 'output': 25, 'read': 0.5, 'write_5m': 6.25, 'write_1h': 10},
          CHEAP: {'input': 0.06, 'output': 0.24, 'read': 0.015, 'write_5m': 0.07}}
KINDS = ('input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h')
CACHED = [{'text': 'What is known. ' * 2000}, {'cachePoint': {'type': 'default'}}]

with Story() as s:
    weir = s.weir(metering='strict', prices={'overrides': PRICES}, cache={'mode': 'off'})
    for model in (DEAR, DEAR, CHEAP, UNKNOWN):
        system = CACHED if model != UNKNOWN else [{'text': 'Be brief.'}]
        equal(ask(weir.url, model_path('converse', model), converse('Hi.', system=system)).status, 200, model)
        ask(weir.url, '/w/nightly' + model_path('converse-stream', model), converse('More.'))
    ask(weir.url, model_path('converse', DEAR), converse('[[sim:throttle]]'))
    ask(weir.url, model_path('converse', DEAR), converse('[[sim:status=400]]'))
    until('all records', lambda: weir.metric('weir_book_records_total') == 10)

    due = collections.defaultdict(collections.Counter)
    for row in s.sim.rows():
        due[row['model']].update({kind: row[kind] for kind in KINDS} if row['charged'] else {})
    told = json.loads(s.run([BUILD / 'src/weir', 'report', '-c', weir.path, '--by', 'model', '--format', 'json']))
    rows = {row['model']: row for row in told['rows']}
    equal(sorted(rows), sorted((DEAR, CHEAP, UNKNOWN)), 'models')
    for model, row in rows.items():
        equal({kind: row['tokens'][kind] for kind in KINDS}, {kind: due[model][kind] for kind in KINDS}, model)
        price = PRICES.get(model, {})
        cost = sum(due[model][k] * price.get(k.removeprefix('cache_'), 0) for k in KINDS) / 1e6
        equal(row['cost_usd'] and round(row['cost_usd'], 7), round(cost, 7) if price else None, f'cost of {model}')
        equal(row['saved_usd'], 0 if price else None, 'nothing saved')
    equal([rows[DEAR][k] for k in ('requests', 'invocations', 'client_errors', 'throttles')], [6, 5, 1, 1], 'counts')
    equal((rows[UNKNOWN]['unpriced'], told['total']['unpriced'], told['gaps']), (2, 2, []), 'unpriced')
    equal(rows[DEAR]['first_token_ms']['count'], 2, 'streams')

    usage = http_ask(weir.admin, 'GET', '/api/v1/usage?by=model').json()
    equal((usage['rows'], usage['total']), (told['rows'], told['total']), 'the admin API')
    nightly = http_ask(weir.admin, 'GET', '/api/v1/usage?by=workload&period=1h&since=2h').json()['rows']
    equal(sum(row['requests'] for row in nightly if row['workload'] == 'nightly'), 4, 'of a workload')
    savings = http_ask(weir.admin, 'GET', '/api/v1/savings').json()
    equal(savings['total']['cost_usd'], told['total']['cost_usd'], 'savings')
    equal({row['model']: row['saved_usd'] for row in savings['rows']}, {DEAR: 0, CHEAP: 0, UNKNOWN: None}, 'saved')
