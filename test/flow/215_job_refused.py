# SPDX-License-Identifier: Apache-2.0
"""Where no job can be made, the log says so in a sentence at once, and everybody is answered on demand: a bucket that is
not there (known at the start), a role or an account that is refused. timeout: 200 waits: 18"""
from batchflow import BUCKET
from jobflow import Road
from weirflow import Story, equal

with Story() as s:
    road = Road(s, bucket='nobodys-bucket')
    road.weir.line('nothing is batched: .*nobodys-bucket.*NoSuchBucket')
    road.warm()
    road.check_answers(road.ask_all(20, 'Bucket'))
    equal(road.charged('Converse'), 20, 'on demand')
    equal(road.weir.metric('weir_batch_answered_total', by='direct'), 0, 'held')
    road.changes['batch']['bucket'] = BUCKET
    road.weir.reload(s.config(**road.changes))
    for word, sentence in (('role', 'iam:PassRole'), ('account', 'support case')):
        since = len(road.weir.lines)
        road.batch.order(order=f'refuse={word}')
        road.check_answers(road.ask_all(120, word))
        road.weir.line(f'no job can be made for client .*{sentence}', since=since)
        road.check_answers(road.ask_all(3, word + ' again'))
        road.weir.reload(s.config(**road.changes))
    equal((len(road.batch.jobs()), road.charged('BatchConverse')), (0, 0), 'jobs')
