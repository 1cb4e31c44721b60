# SPDX-License-Identifier: Apache-2.0
"""A job of 12 MB by way of a server that verifies what Weir signs, in parts, while S3 is busy, loses answers and breaks
off: one job, each answer its own, and the bucket is empty afterwards, without an open upload. timeout: 120"""
from batchflow import BUCKET
from jobflow import Road
from s3flow import Between, Rgw
from weirflow import Story, equal

MB = 1000 * 1000

with Story() as s:
    rgw = s.start(Rgw(s))
    wire = s.start(Between(rgw.url))
    road = Road(s, url=rgw.url, between=wire.url)
    for rule in (('PUT .*partNumber=1&', 'lose'), ('PUT .*partNumber=2&', 503), ('POST .*uploadId', 'lose'),
                 ('GET .*out/.*jsonl.out', 'cut', MB), ('GET .*out/.*jsonl.out', 503),
                 ('GET .*out/.*jsonl.out', 'cut', 5 * MB), ('DELETE', 'lose')):
        wire.on(*rule)
    got = road.ask_all(120, 'x' * 100000)
    road.check_answers(got)
    equal(road.charged('BatchConverse'), 120, 'records that the job was charged for')
    equal(road.charged(), 120, 'charged calls')
    equal([(j['records'], j['state']) for j in road.batch.jobs()], [(120, 'Completed')])
    road.clean()
    equal(wire.rules, [], 'what did not happen')
    equal(rgw.uploads(BUCKET), 0, 'uploads that were left open')
