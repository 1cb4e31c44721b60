# SPDX-License-Identifier: Apache-2.0
"""Answers are lost, connections refused, S3 is slow or says no for now: each object is put once all the same, whole,
and no upload stays open but that whose beginning nobody was told of. timeout: 120 waits: 28"""
from s3flow import Between, Driver, Moto, Rgw, got, made
from weirflow import Story, equal

MIB = 1024 * 1024
BUSY = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce</Message></Error>'
CLASH = b'<Error><Code>ConditionalRequestConflict</Code><Message></Message></Error>'
LATE = b'\n<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>'
ONE, PARTS = 1000, 17 * MIB
CASES = (  # size, what fails, how, and how many uploads nobody knows of
    (ONE, 'PUT', ('lose',), 0), (ONE, 'PUT', ('lose', b'', 3), 0), (ONE, 'PUT', ('refuse', b'', 2), 0),
    (ONE, 'PUT', (503, BUSY, 2), 0), (ONE, 'PUT', (409, CLASH), 0), (ONE, 'PUT', (500, b''), 0),
    (ONE, 'PUT', (429, b''), 0),
    (PARTS, 'POST .*uploads', ('lose',), 1), (PARTS, 'PUT .*partNumber=1&', ('lose',), 0),
    (PARTS, 'PUT .*partNumber=2&', ('refuse', b'', 2), 0), (PARTS, 'PUT .*partNumber=3&', (503, BUSY), 0),
    (PARTS, 'POST .*uploadId', ('lose',), 0), (PARTS, 'POST .*uploadId', (200, LATE), 0))

with Story() as s:
    for server in s.start(Rgw(s)), s.start(Moto(s)):
        wire, bucket = s.start(Between(server.url)), server.bucket()
        drive = s.start(Driver(s, wire.url, bucket))
        for i, (size, fits, how, left_open) in enumerate(CASES):
            what, before = f'{server.name}: {fits} {how[0]}', server.uploads(bucket)
            wire.on(fits, *how)
            equal(drive(f'put weir/j{i} {size} {i}'), 'good', what)
            equal(wire.rules, [], what)
            equal(server.content(bucket, f'weir/j{i}') == made(size, i), True, what)
            equal(server.uploads(bucket) - before, left_open, what)
        wire.on('PUT', 503, BUSY, 5)
        equal(drive('put weir/never 1000 1'), f'failed bucket "{bucket}": 503 SlowDown: Please reduce', server.name)
        wire.on('PUT .*partNumber=2', 503, BUSY, 5)
        before = server.uploads(bucket)
        equal(drive(f'put weir/never {PARTS} 1').split()[0], 'failed', server.name)
        equal(server.keys(bucket, 'weir/never'), [], server.name)
        drive('probe')                                                   # the upload is aborted meanwhile
        equal(server.uploads(bucket), before, f'{server.name}: uploads after giving up')
        wire.on('GET .*weir/j0', 'refuse')
        wire.on('GET .*list-type', 503, BUSY)
        wire.on('DELETE', 'lose')
        equal(drive('get weir/j0 0'), got(made(ONE, 0)), server.name)
        equal(drive('list weir/').split()[:3], ['good', str(len(CASES)), 'all'], server.name)
        equal(drive('delete weir/j0'), 'good', server.name)
        equal(drive('get weir/j0 0').split()[0], 'none', server.name)
