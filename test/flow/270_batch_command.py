# SPDX-License-Identifier: Apache-2.0
"""weir batch: what waits is shown; flush makes a job of a pool before its time. The admin API says the same, and who
waits, without text; names that are none."""
import json
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, ask, check, converse, equal, http_ask, place, until

PATH = workload('night') + MODEL_PATH

admin = place()

with Story() as s:
    weir = holding(s, linger='10m', admin={'address': admin})
    equal(weir.command('batch', 'ls').splitlines()[0], 'waiting: 0 in pools, 0 in jobs, 0 go on demand; kept answers: 0', 'nothing')
    secret = 'a word of the prompt'
    urls = [ask(weir.url, PATH, converse(f'{secret} {i}'), {'x-weir-reply': 'ticket'}).json()['status_url']
            for i in range(120)]
    table = weir.command('batch', 'ls')
    check('120 in pools' in table and 'anonymous' in table and 'p1 ' in table, table)
    told = json.loads(weir.command('batch', 'show', 'p1', '--format', 'json'))
    equal((told['name'], told['records'], told['held'], told['kind']), ('p1', 120, 0, 'converse'), 'the pool')
    tickets = http_ask(weir.admin, 'GET', '/api/v1/tickets?client=anonymous&state=pooled&n=5').json()
    equal((len(tickets['tickets']), tickets['more'], tickets['tickets'][0]['workload']), (5, True, 'n-night'), 'tickets')
    check(all(len(t['id']) == 16 and not any(url.endswith(t['id']) for url in urls) for t in tickets['tickets']), 'no secret')
    equal(http_ask(weir.admin, 'GET', '/api/v1/tickets?client=nobody').json()['tickets'], [], 'nobody')
    check(secret not in json.dumps(tickets) + table, 'no text')
    for query in ('?state=done', '?n=0', '?color=red', '?client=%zz'):
        equal(http_ask(weir.admin, 'GET', '/api/v1/tickets' + query).status, 400, f'bad-query {query}')
    equal(weir.command('batch', 'flush', 'p1'), 'flush: p1: 1 pool of 120 records\n', 'flush')
    until('a job', lambda: weir.metric('weir_batch_jobs_total', event='created') == 1)
    job = until('its answers', lambda: (d := weir.command('batch', 'ls', '--format', 'json')) and
                json.loads(d)['answered']['batch'] == 120 and json.loads(d))
    equal(job['records']['done'], 120, 'answers that are kept')
    check(job['answered']['saved_usd'] > 0, 'saved')
    for name, status in (('p9', 404), ('p4294967297', 404), ('j9', 404), ('', 400), ('x"', 400)):
        answer = http_ask(weir.admin, 'POST', '/api/v1/batches/cancel', body=json.dumps({'name': name}).encode())
        equal(answer.status, status, f'no-such-batch or bad-batch {name}')
    equal(http_ask(weir.admin, 'POST', '/api/v1/batches/flush', body=b'[1').status, 400, 'bad-batch')
    weir.line(r'the operator: flush p1')
    equal(weir.command('batch', 'flush'), 'flush: nothing waits for it\n', 'nothing is there')
    check(weir.command('batch', 'retry').endswith('; all that was closed is open again\n'), 'retry')
    equal(ask(weir.url, urls[7], method='GET').status, 200, 'an answer')
