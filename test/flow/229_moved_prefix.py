# SPDX-License-Identifier: Apache-2.0
# waits: 12
"""A reload, and then a restart, change batch.bucket, batch.prefix and batch.role_arn while a job runs: its answers are
found where its files are, nothing is paid for twice, the next job is at the new place, and both are empty at the end."""
from batchflow import BUCKET
from jobflow import Road
from weirflow import Story, equal, until

OTHER = {'bucket': 'weir-elsewhere', 'prefix': 'else/where', 'role_arn': 'arn:aws:iam::210987654321:role/other'}

with Story() as s:
    road = Road(s, reply='retry')
    road.batch.s3.create_bucket(Bucket=OTHER['bucket'])
    road.batch.order(job_ms=5000)
    road.ask_all(120)
    road.flush(120)
    until('the job runs', lambda: any(job['state'] == 'InProgress' for job in road.batch.jobs()))
    road.changes['batch'].update(OTHER)
    road.weir.reload(s.config(**road.changes))
    equal(road.weir.end(), 0, 'its end')
    road.again()
    until('all are answered', lambda: road.left() == 0)
    road.check_answers(road.ask_all(120))
    equal((road.charged('BatchConverse'), road.charged()), (120, 120), 'by the job alone')
    road.ask_all(110, 'Later')
    road.flush(110)
    until('the later ones are answered', lambda: len(road.batch.jobs()) == 2 and road.left() == 0)
    for job, place in zip(road.batch.jobs(), (f's3://{BUCKET}/weir/', 's3://weir-elsewhere/else/where/')):
        equal((job['input'].startswith(place), job['output'].startswith(place)), (True, True), f'{job} in {place}')
    road.clean()
    until('nothing is left there', lambda: not road.batch.s3.list_objects_v2(Bucket=OTHER['bucket'])['KeyCount'])
