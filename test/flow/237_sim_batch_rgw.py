# SPDX-License-Identifier: Apache-2.0
"""The simulator's batch jobs with an S3 server that verifies signatures: a job, one with 60 MB of output in little
memory, and one that may not read."""
import pathlib
import re
from batchflow import S3_KEY, Batch, questions, settled
from s3flow import Rgw
from weirflow import SANITIZED, Story, check, equal

with Story() as s:
    b = Batch(s, url=s.start(Rgw(s)).url)
    uri = b.put("odd!*'()", questions(150))
    arn = b.create('odd', inputDataConfig={'s3InputDataConfig': {'s3Uri': uri}})
    equal((b.status(arn, 'Completed')['successRecordCount'], settled(b, arn, "odd!*'()")), (150, 150), 'a job')
    large = b.create('large', questions(200, '[[sim:bytes=300000]]'))
    b.status(large, 'Completed')
    check(len(b.text(large, 'large.jsonl.out')) > 60000000, 'its output')
    peak = int(re.search(r'VmHWM:\s+(\d+)', pathlib.Path(f'/proc/{b.sim.pid}/status').read_text())[1])
    check(SANITIZED or peak < 30000, f'{peak} KiB for 60 MB')
    stranger = Batch(s, '--s3-key', f'{S3_KEY}:wrong', url=b.url)
    arn = stranger.create('stranger', questions(100))
    equal(stranger.status(arn, 'Failed')['message'], 'Could not read the input: S3 answered 403 SignatureDoesNotMatch', 'key')
