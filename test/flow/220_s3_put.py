# SPDX-License-Identifier: Apache-2.0
"""Objects of every size arrive at two real S3 servers byte by byte, with their hash; one that is there is left when it
is the same, and replaced when it is another; memory is bounded by a part. timeout: 120"""
from s3flow import Between, Driver, Moto, Rgw, made
from weirflow import SANITIZED, Story, check, equal

MIB = 1024 * 1024
SIZES = (0, 1, 1000, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 40 * MIB)
LEFT, REPLACED = 'PUT HEAD', 'PUT HEAD PUT'

with Story() as s:
    for server in s.start(Rgw(s)), s.start(Moto(s)):
        bucket, wire = server.bucket(), s.start(Between(server.url))
        drive = s.start(Driver(s, wire.url, bucket))
        equal(drive('probe'), 'good', server.name)
        for size in SIZES:
            equal(drive(f'put weir/j{size}/in.jsonl {size} 7'), 'good', f'{server.name} {size}')
            equal(server.content(bucket, f'weir/j{size}/in.jsonl') == made(size, 7), True, f'{server.name} {size}')
        head = server.client.head_object(Bucket=bucket, Key='weir/j1000/in.jsonl')
        equal(head['ContentType'], 'application/jsonl', server.name)
        equal(len(head['Metadata']['weir-put']), 64, server.name)

        def asked(key, size, seed):
            """Puts it over what is there; what was asked of the server for that."""
            wire.seen.clear()
            equal(drive(f'put {key} {size} {seed}'), 'good', server.name)
            equal(server.content(bucket, key) == made(size, seed), True, f'{server.name} {key}')
            return ' '.join(line.split()[0] for line in wire.seen)

        equal(asked('weir/j1000/in.jsonl', 1000, 7), LEFT, f'{server.name}: the same again')
        equal(asked('weir/j1000/in.jsonl', 1000, 8), REPLACED, f'{server.name}: another of that length')
        equal(asked('weir/j1000/in.jsonl', 900, 8), REPLACED, f'{server.name}: a shorter one')
        equal(asked('weir/j0/in.jsonl', 0, 1), LEFT, f'{server.name}: nothing, again')
        parts = asked(f'weir/j{40 * MIB}/in.jsonl', 9 * MIB, 8)          # radosgw 16 knows no condition of Complete
        equal(parts, 'POST PUT PUT POST' + (' HEAD POST' if server.name == 'moto' else ''), f'{server.name}: in parts')
        equal(server.uploads(bucket), 0, f'{server.name}: uploads left open')
        check(SANITIZED or drive.peak_kib() < 64 * 1024, f'{server.name}: {drive.peak_kib()} KiB at 40 MiB')
        
