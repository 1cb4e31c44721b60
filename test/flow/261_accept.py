# SPDX-License-Identifier: Apache-2.0
# timeout: 400
"""weir batch accept beside a daemon: from then on that caller's requests wait in a pool in those hours, and nobody
else's; over reloads and restarts; until it is revoked. Who asks one after the other is accepted with --reply retry."""
import json
from nightflow import batch, make_book, night_now, nightly_weir, nights, waits
from weirflow import Story, check, equal, http_ask, until

hour, zone = night_now()

with Story() as s:
    make_book(s, nights(hour=hour), nights(hour=hour, client='slow', at_once=1, latency_ms=1000))
    weir = nightly_weir(s)
    equal(waits(weir), 400, 'before')
    equal(batch(s, weir, 'accept', 'reports-nightly', zone=zone), 'accept: reports-nightly\n', 'accept')
    weir.line('the operator: accept reports-nightly')
    equal(until('the rule', lambda: waits(weir) == 202), True, 'it waits')
    equal(weir.metric('weir_batch_records', state='pooled'), 1.0, 'in a pool')
    for other in ({'workload': 'chat'}, {'workload': ''}, {'client': 'slow'}):
        equal(waits(weir, **other), 400, f'{other} does not wait')
    told = json.loads(batch(s, weir, 'suggest', '--format', 'json', zone=zone))
    equal([r['name'] for r in told['accepted']], ['reports-nightly'], 'accepted')
    equal((told['accepted'][0]['hours'], told['accepted'][0]['deadline']), (f'02:00-03:00 {zone}', '8h'), 'its terms')
    check(all(one['accepted'] == (one['name'] == 'reports-nightly') for one in told['suggestions']), told)
    check('reports-nightly, 02:00-03:00' in batch(s, weir, 'suggest', zone=zone), 'for people')
    check('accepted already' in batch(s, weir, 'accept', 'reports-nightly', zone=zone, status=1), 'twice')
    check('--reply retry' in batch(s, weir, 'accept', 'slow-nightly', zone=zone, status=1), 'one by one')
    batch(s, weir, 'accept', 'slow-nightly', '--reply', 'retry', '--deadline', '6h', zone=zone)
    until('the other', lambda: waits(weir, client='slow') == 202)

    check('in force' in weir.reload({**weir.config, 'log': {'level': 'debug'}}), 'a reload')
    until('over a reload', lambda: waits(weir, 'Again.') == 202)
    weir.end()
    weir = s.weir(**{**weir.config, 'listen': [{'address': '127.0.0.1:0'}]})
    equal(waits(weir, 'Later.'), 202, 'over a restart')
    check('slow-nightly' in weir.command('check'), 'weir check')

    equal(batch(s, weir, 'revoke', 'reports-nightly'), 'revoke: reports-nightly\n', 'revoke')
    until('it is revoked', lambda: waits(weir) == 400)
    equal(waits(weir, client='slow'), 202, 'the other stays')
    check('No accepted rule' in batch(s, weir, 'revoke', 'reports-nightly', status=1), 'no-such-batch')
    for path, body in (('accept', {'name': 'x'}), ('revoke', {}), ('accept', {**told['accepted'][0], 'hours': '25:00-26:00'}),
                       ('accept', {**told['accepted'][0], 'workload': '${HOME}'})):
        answer = http_ask(weir.admin, 'POST', f'/api/v1/batches/{path}', body=json.dumps(body).encode())
        equal(answer.status, 400, f'bad-batch {path} {answer.body}')
    equal(waits(weir, client='slow'), 202, 'what was refused changed nothing')
