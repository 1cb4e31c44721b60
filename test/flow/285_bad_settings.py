# SPDX-License-Identifier: Apache-2.0
# timeout: 120, waits: 11
"""What cannot be batched is said where it can be known: of settings before the start, of a bucket at the start; and when the
bucket goes while people wait, they are answered on demand, the log and `weir batch ls` say why, and `weir batch retry` is
enough when it is there again."""
import threading
from batchflow import BUCKET, ROLE
from jobflow import Road
from weirflow import Story, check, equal, place, until

GOOD = {'bucket': 'acme-weir', 'role_arn': ROLE}
BAD = (  # batch, set.deadline, what is said
    (GOOD, '8d', 'rule nightly: a deadline is at most 7 days'), (GOOD, '0s', 'wants a time above 0'),
    (GOOD, 'soon', 'wants a time above 0'), (GOOD, '-8h', 'wants a time above 0'), (GOOD, '2026-01-01T00:00:00Z', 'wants a time'),
    (GOOD, '1s', 'cannot be met by a batch: its pool alone may wait for batch.linger. Set at least 20m,'),
    ({'bucket': 'acme-weir'}, '8h', 'batch.role_arn wants the role'),
    ({**GOOD, 'role_arn': 'arn:aws:iam::123456789012:user/me'}, '8h', 'batch.role_arn wants the role'),
    ({**GOOD, 'bucket': 's3://acme-weir'}, '8h', "batch.bucket wants a bucket's name alone"),
    ({**GOOD, 'bucket': 'acme weir'}, '8h', "batch.bucket wants a bucket's name alone"),
    ({**GOOD, 'bucket': 'Acme_Weir'}, '8h', "batch.bucket wants a bucket's name alone"),
    ({**GOOD, 'poll': '1ms'}, '8h', 'batch.poll wants at least 1s'),
    ({**GOOD, 'prefix': 'nightly work'}, '8h', 'batch.prefix wants letters'),
    ({**GOOD, 'spool_key_file': '/nowhere/key'}, '8h', '/nowhere/key'))

admin = place()  # the command asks there

with Story() as s:
    road = Road(s, linger='10m', admin={'address': admin})
    path = s.dir / 'bad.yaml'
    for batch, deadline, says in BAD:
        rule = {'name': 'nightly', 'match': {'workload': 'nightly'}, 'set': {'deadline': deadline}}
        road.weir.path, kept = path, road.weir.path
        road.weir.write(s.config(batch=batch, rules=[rule], state=str(s.dir / 'bad')))
        for command in ('check', 'serve'):
            said = road.weir.command(command, status=2)
            check(says in said and len(said.splitlines()) == 1, f'{command}: {batch}, {deadline}: {said}')
        road.weir.path = kept
    road.warm()

    got = []
    callers = threading.Thread(target=lambda: got.extend(road.ask_all(120, 'Gone', flush=False)))
    callers.start()
    until('120 that wait', lambda: road.left('pooled') == 120)
    since = len(road.weir.lines)
    road.batch.s3.delete_bucket(Bucket=BUCKET)
    road.weir.command('batch', 'flush')  # the job finds it
    road.weir.line(f'nothing is batched: .*{BUCKET}.*NoSuchBucket', since=since)
    callers.join()
    road.check_answers(got)
    listed = road.weir.command('batch', 'ls')
    check('\nbucket, since 20' in listed and 'tried again every 3 minutes' in listed and 'no job can be made' not in listed, listed)
    check(not [l for l in road.weir.lines if 'uploads that were left open' in l], 'uploads')
    road.check_answers(road.ask_all(3, 'Gone, and known'))
    equal((road.batch.jobs(), road.charged()), ([], 123), 'jobs, charges')

    road.batch.s3.create_bucket(Bucket=BUCKET)
    road.weir.command('batch', 'retry')
    road.weir.line('the bucket can be used again')
    road.check_answers(road.ask_all(120, 'There'))
    equal((len(road.batch.jobs()), road.charged()), (1, 243), 'jobs, charges')
