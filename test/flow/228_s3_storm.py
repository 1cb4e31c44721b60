# SPDX-License-Identifier: Apache-2.0
"""Four of ten requests to S3 fail in one way or another, for three jobs: each caller gets his answer, each record is
charged once, no job is made twice, and nothing is left in the bucket when the storm is over, also no open upload. timeout: 180"""
from jobflow import Road
from s3flow import Between, Rgw
from weirflow import Story, check, equal, seed

with Story() as s:
    rgw = s.start(Rgw(s))
    wire = s.start(Between(rgw.url))
    road = Road(s, url=rgw.url, between=wire.url, linger='10s')  # a second without a new one: all are there
    wire.on('GET .*[?]uploads', 403)  # for the first job, which has none
    wire.storm(0.4, seed())
    for i in range(3):
        road.check_answers(road.ask_all(110, f'Round {i} ' + 'x' * 90000 * (i == 1), seconds=120))
    wire.storm(0, 0)
    check(sum(wire.met.values()) > 2, f'{dict(wire.met)}')
    equal([(j['records'], j['state'], j['token_with_other_wish']) for j in road.batch.jobs()], [(110, 'Completed', 0)] * 3)
    equal((road.charged('BatchConverse'), road.charged()), (330, 330), 'charged calls')
    equal(len(road.weir.records(330)), 330, 'records in the book')
    road.clean()
    road.weir.line('uploads that were left open cannot be listed and aborted: .*403')
    print(dict(wire.met))
