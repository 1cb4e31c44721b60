# SPDX-License-Identifier: Apache-2.0
"""A clock that is two hours off is learned from S3's first refusal, as it is from Bedrock's: all goes on by S3's clock,
puts, parts and reads. timeout: 120"""
import glob
from s3flow import Between, Driver, Rgw, got, made
from weirflow import Story, check, equal, skip

MIB = 1024 * 1024
libraries = glob.glob('/usr/lib/*/faketime/libfaketime.so.1')
if not libraries:
    skip('libfaketime is not here')

with Story() as s:
    rgw = s.start(Rgw(s))
    bucket = rgw.bucket()
    for off, key in ('-2h', 'slow'), ('+2h', 'fast'):
        wire = s.start(Between(rgw.url))
        fake = {'LD_PRELOAD': libraries[0], 'FAKETIME': off, 'FAKETIME_DONT_FAKE_MONOTONIC': '1'}
        drive = s.start(Driver(s, wire.url, bucket, **fake))
        equal(drive(f'put clock/{key} 1000 7'), 'good', off)
        equal(len(wire.seen), 2, f'{off}: {wire.seen}')                   # refused, and once more
        equal(drive(f'put clock/{key}/big {9 * MIB} 7'), 'good', off)
        equal(drive(f'get clock/{key}/big 5'), got(made(9 * MIB, 7)[5:]), off)
        equal(len(wire.seen), 7, f'{off}: {wire.seen}')                   # nothing was refused any more
        reader = s.start(Driver(s, wire.url, bucket, **fake))
        equal(reader(f'get clock/{key} 0'), got(made(1000, 7)), off)  # a stream learns it, too
    wrong = s.start(Driver(s, rgw.url, bucket, AWS_SECRET_ACCESS_KEY='wrong', **fake))
    check('SignatureDoesNotMatch' in wrong('probe') or 'RequestTimeTooSkewed' in wrong.log(), wrong.log())
