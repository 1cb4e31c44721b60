# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""Bodies up to Bedrock's 25,000,000 bytes arrive whole; one byte more is refused in a sentence, and what
Weir cannot read as JSON is carried all the same."""
import json
from weirflow import Story, ask, claude, equal, model_path, sha256

MOST = 25_000_000


def body_of(size):
    """JSON for Claude of exactly this size, no two places of it alike."""
    before, after = json.dumps(claude('@')).encode().split(b'@')
    room = size - len(before) - len(after)
    return before + b''.join(b'%08d lorem ipsum ' % n for n in range(room // 21 + 1))[:room] + after


with Story() as s:
    weir = s.weir()
    path = model_path('invoke')
    for size in (1_000, 65_536, 65_537, 1 << 20, 24_000_000, MOST):
        body = body_of(size)
        equal(len(body), size, 'the test\'s own body')
        straight = ask(s.sim.url, path, body, seconds=60)
        through = ask(weir.url, path, body, seconds=60)
        equal((through.status, through.body), (straight.status, straight.body), f'{size} bytes')
        equal([row['body_sha256'] for row in s.sim.rows()[-2:]], [sha256(body)] * 2, f'{size} bytes arrived')
    arrived = s.sim.summary()['requests']
    answer = ask(weir.url, path, body_of(MOST + 1), seconds=60)
    equal((answer.status, answer.header('x-amzn-errortype')), (413, 'ValidationException'), 'too big')
    zipped = ask(weir.url, path, b'\x1f\x8b', {'Content-Encoding': 'gzip'})
    equal((zipped.status, zipped.header('x-amzn-errortype')), (415, 'ValidationException'), 'encoded')
    equal(s.sim.summary()['requests'], arrived, 'neither was sent on')
    for odd in (b'not json', b'{"a":1,"a":2}', b'[1,]', b'\xff\xfe', b'{"messages":'):
        ask(weir.url, path, odd)
        equal(s.sim.last()['body'], odd, 'carried untouched')
    weir.line(r' exchange .*outcome=body-too-big')
    weir.line(r' exchange .*outcome=body-encoded')
