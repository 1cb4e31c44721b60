# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""Large bodies that Weir puts something into arrive whole: they are hashed in slices before they go out, each time
they go out."""
import json
from weirflow import Story, ask, equal, model_path, sha256

ADDED = b'"requestMetadata":{"team":"search"},'
SLICE = 512 * 1024


def body_of(size):
    """A Converse body of exactly this size, no two places of it alike."""
    before, after = b'{"messages":[{"role":"user","content":[{"text":"', b'"}]}]}'
    room = size - len(before) - len(after)
    return before + b''.join(b'%08d lorem ipsum ' % n for n in range(room // 21 + 1))[:room] + after


with Story() as s:
    weir = s.weir(cache={'mode': 'off'}, rules=[{'name': 'all', 'set': {'metadata': {'team': 'search'}}}])
    path = model_path('converse')

    def arrives(body, what):
        edited = body[:1] + ADDED + body[1:]
        equal(ask(weir.url, path, body, seconds=60).status, 200, what)
        equal(s.sim.rows()[-1]['body_sha256'], sha256(edited), what)

    for size in (1_000, *(n * SLICE - len(ADDED) + by for n in (1, 2, 3) for by in (-1, 0, 1)), 10_000_000):
        arrives(body_of(size), f'{size} bytes')
    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'status=503', 'count': 1, 'match': '/converse'}).encode())
    arrives(body_of(10_000_000), 'sent again')
    equal(weir.metric('weir_upstream_resent_total', reason='unavailable'), 1.0, 'sent again')
