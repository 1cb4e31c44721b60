# SPDX-License-Identifier: Apache-2.0
"""weir report and weir book export for people and programs: table, CSV, JSON lines; and what they say when they cannot."""
import csv
import io
import json
import os
from weirflow import BUILD, MODEL, Story, ask, check, converse, equal, model_path

with Story() as s:
    weir = s.weir(metering='strict', cache={'mode': 'off'})

    def run(*arguments, status=0, config=weir.path, **more):
        return s.run([BUILD / 'src/weir', *arguments, '-c', config], s.clean_env(**more), status=status)

    check('No requests were recorded' in run('report'), 'an empty book')
    for n in range(3):
        ask(weir.url, model_path('converse'), converse(f'{n}'))
    ask(weir.url, model_path('converse', 'twelvelabs.pegasus-1-2-v1:0'), converse('what does that cost?'))

    lines = run('report').splitlines()
    equal(lines[2].split()[:5], ['MODEL', 'LANE', 'COST', 'REQUESTS', 'INVOCATIONS'], 'head')
    equal((lines[3].split()[0], lines[4].split()[2], lines[5].split()[0]), (MODEL, 'unpriced', 'total'), 'rows')
    check(lines[-1].startswith('1 request is unpriced'), lines[-1])
    narrow = run('report', COLUMNS='80').splitlines()
    check(max(map(len, narrow[2:])) <= 80 and narrow[3].startswith(MODEL[:20]), f'narrow: {narrow}')
    rows = list(csv.DictReader(io.StringIO(run('report', '--format', 'csv', '--by', 'client,model'))))
    equal([(r['client'], r['model'], r['requests'], bool(r['cost_usd'])) for r in rows],
          [('anonymous', MODEL, '3', True), ('anonymous', 'twelvelabs.pegasus-1-2-v1:0', '1', False)], 'csv')

    records = [json.loads(line) for line in run('book', 'export', '--since', '1h').splitlines()]
    equal([(r['operation'], r['end'], r['status'], r['invocation']) for r in records],
          [('Converse', 'good', 200, True)] * 4, 'export')
    equal(sum(r['tokens']['output'] for r in records), sum(row['output'] for row in s.sim.rows()), 'tokens')
    same = list(csv.DictReader(io.StringIO(run('book', 'export', '--format', 'csv'))))
    equal([(r['id'], r['time'], r['input']) for r in same],
          [(r['id'], r['time'], str(r['tokens']['input'])) for r in records], 'csv of records')
    equal(run('book', 'export', '--until', '1h', '--since', '2h'), '', 'another time')

    check('client, workload, model and lane' in run('report', '--by', 'tenant', status=2), 'a bad group')
    check('a time ago' in run('report', '--since', 'yesterday', status=2), 'a bad time')
    check('table, json or csv' in run('report', '--format', 'xml', status=2), 'a bad format')
    other = s.dir / 'other.yaml'
    other.write_text(json.dumps({**s.config(), 'state': str(s.dir / 'nowhere')}))
    check('there is no book yet; weir serve begins one' in run('report', config=other, status=1), 'no book')
    equal((s.dir / 'nowhere').exists(), False, 'a folder made by reading')
    before = sorted(os.listdir(s.dir / 'state' / 'meter'))
    weir.end()
    equal(json.loads(run('report', '--format', 'json'))['total']['requests'], 4, 'without a daemon')
    equal(sorted(os.listdir(s.dir / 'state' / 'meter')), before, 'files')
