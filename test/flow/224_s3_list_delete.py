# SPDX-License-Identifier: Apache-2.0
"""A thousand keys of more are listed, deleted, and the rest is listed then; keys of every kind keep their bytes; a
prefix is a prefix. Uploads that somebody left open are aborted, below their prefix. timeout: 120"""
import concurrent.futures
from s3flow import Driver, Moto, Rgw
from weirflow import Story, equal

ODD = ("weir/j7/a b.out", "weir/j7/a&b<c>.out", "weir/j7/a+b.out", "weir/j7/ü.out", "weir/j7/a%2Fb.out", "weir/j7/!*'()~")

with Story() as s:
    for server in s.start(Rgw(s)), s.start(Moto(s)):
        bucket = server.bucket()
        drive = s.start(Driver(s, server.url, bucket))
        equal(drive('list weir/'), 'good 0 all', server.name)
        with concurrent.futures.ThreadPoolExecutor(8) as many:
            list(many.map(lambda i: server.store(bucket, f'many/{i:04}', b'x'), range(1005)))
        equal(drive('list many/'), 'good 1000 more many/0000 many/0999', server.name)
        equal(drive('list many/00'), 'good 100 all many/0000 many/0099', server.name)
        for i in range(10):
            equal(drive(f'delete many/{i:04}'), 'good', server.name)
        equal(drive('list many/'), 'good 995 all many/0010 many/1004', server.name)
        equal(drive('delete many/0000'), 'good', f'{server.name}: what is not there')
        for key in ODD:
            server.store(bucket, key, key.encode())
            equal(drive(f'list {key}') if ' ' not in key else f'good 1 all {key} {key}', f'good 1 all {key} {key}', server.name)
            if ' ' not in key:
                equal(drive(f'delete {key}'), 'good', server.name)
        equal(server.keys(bucket, 'weir/'), [k for k in ODD if ' ' in k], server.name)
        for key in 'weir/j7/in&.jsonl', 'weir/j7/in&.jsonl', 'weir/j8/in.jsonl':
            upload = server.client.create_multipart_upload(Bucket=bucket, Key=key)['UploadId']
            server.client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b'x')
        equal((drive('abort weir/j7/'), server.uploads(bucket)), ('good', 1), f'{server.name}: uploads')
