# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir batch cancel says what happened. A pool that is just becoming a job is not cancelled, and the sentence says what to
run; what it says of the job is true, too. Without hooks it may come before the move, then all of it is cancelled; or
after it, and that is told."""
import json
from holdflow import PATH as MODEL_PATH
from jobflow import Road
from weirflow import Story, ask, check, converse, equal, place, until

PATH = '/w/nightly' + MODEL_PATH

with Story() as s:
    road = Road(s, linger='10m', admin={'address': place()}, env={**s.keys(), 'WEIR_HOOK': 'spool.cut=sleep:2000'})
    batch = lambda *words, **more: road.weir.command('batch', *words, **more)
    ls = lambda: json.loads(batch('ls', '--format', 'json'))
    road.batch.order(order='stall=Scheduled')
    urls = [ask(road.weir.url, PATH, converse(f'Question {i}'), {'x-weir-reply': 'ticket'}).json()['status_url']
            for i in range(110)]
    status = lambda: {ask(road.weir.url, url, method='GET').status for url in urls}
    pool = ls()['pools'][0]['name']
    batch('flush', pool)
    said = batch('cancel', pool, status=None)
    if said.startswith('cancel: '):
        equal(said, f'cancel: {pool}: 1 pool of 110 records\n', 'all of it')
        until('errors', lambda: status() == {400})
        equal(len(road.batch.jobs()), 0, 'no job')
    else:
        # before the move is on the disk, or after it: which of the two, the machine's speed decides
        check(any(f'{why} weir batch ls shows the job; weir batch cancel takes' in said for why in (
            'It is just becoming a job, and nothing was cancelled.', 'and nothing was cancelled: it has become a job.')), said)
        job = until('the job', lambda: ls()['jobs'])[0]
        equal((job['records'], status()), (110, {202}), 'nothing was cancelled')
        check('Only a pool can be flushed. ' in batch('flush', job['name'], status=1), 'no pool')
        equal(batch('cancel', job['name']), f"cancel: {job['name']}: 1 job\n", 'the job')
        until('they go on demand', lambda: all(j['waiting'] == 0 for j in ls()['jobs']))
        said = batch('cancel', job['name'], status=None)
        check('nothing waits for it' in said or 'There is no pool and no job of this name' in said, said)
