# SPDX-License-Identifier: Apache-2.0
"""weir batch ls names what is in trouble (the bucket, a pool), since when, why, what is done meanwhile and what to do, to
its last word; it goes when the cause is gone, and a pool's by weir batch retry. timeout: 120"""
import json
from batchflow import BATCH_MODEL
from holdflow import PATH as MODEL_PATH
from jobflow import Road
from weirflow import Story, ask, check, converse, equal, place, until

PATH = '/w/nightly' + MODEL_PATH

with Story() as s:
    road = Road(s, bucket='not-yet', linger='10m', admin={'address': place()})
    ls = lambda: json.loads(road.weir.command('batch', 'ls', '--format', 'json'))
    first = until('its trouble', lambda: ls()['troubles'])[0]
    equal((first['about'], ls()['trouble']), ('bucket', first['why']), 'about')
    table = road.weir.command('batch', 'ls')
    check('bucket, since 20' in table and 'nothing is batched: bucket "not-yet": 404 NoSuchBucket: ' in table, table)
    check('; what waits goes on demand; ' in table and 'by weir batch retry (docs/LANES.md says what it needs)' in table, table)
    equal(road.weir.metric('weir_batch_trouble'), 1, 'metric')
    road.batch.s3.create_bucket(Bucket='not-yet')
    road.weir.command('batch', 'retry')
    until('no trouble', lambda: not ls()['troubles'])
    road.weir.line('the bucket can be used again')
    equal((ls()['trouble'], road.weir.metric('weir_batch_trouble')), (None, 0), 'none')

    def fill(text):
        for i in range(120):
            equal(ask(road.weir.url, PATH, converse(f'{text} {i}'), {'x-weir-reply': 'ticket'}).status, 202, 'ticket')
        return ls()['pools'][0]['name']
    road.batch.order(order='refuse=role')
    pool = fill('First')
    road.weir.command('batch', 'flush', pool)
    told = until('its trouble', lambda: ls()['troubles'])[0]
    equal(told['about'], pool, 'which pool')
    check(told['why'].startswith(f'no job can be made for client anonymous and {BATCH_MODEL}: 4'), told)
    check('iam:PassRole' in told['why'] and told['why'].endswith(', or after weir batch retry'), told)
    check(f'\n{pool}, since 20' in road.weir.command('batch', 'ls'), 'in the table')
    road.weir.command('batch', 'retry')
    equal((ls()['troubles'], road.weir.metric('weir_batch_trouble')), ([], 0), 'none')

    road.batch.order(order='stall=Scheduled')
    road.weir.command('batch', 'flush', fill('Second'))
    job = until('a job', lambda: [j['name'] for j in ls()['jobs'] if j['state'] == 'running'])[0]
    check('Only a pool can be flushed. ' in road.weir.command('batch', 'flush', job, status=1), 'no pool')
    here = road.weir.config
    road.weir.reload({**here, 'endpoints': {**here['endpoints'], 'control': 'http://127.0.0.1:1'}})
    line = f"\n{job}: Bedrock's control plane does not answer: "
    until('its trouble', lambda: line in (table := road.weir.command('batch', 'ls')) and '; tried again at 20' in table)
