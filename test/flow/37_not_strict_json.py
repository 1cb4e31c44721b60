# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A body that Weir cannot read as strict JSON goes on as it came: what to make of it is Bedrock's to
say. The bytes at the simulator are the client's, and so is the answer to them."""
from weirflow import Story, ask, equal, model_path, same_answer

BODIES = {
    'no JSON at all': b'hello',
    'a trailing comma': b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}],}',
    'two values': b'{"messages":[]}{}',
    'a byte order mark': b'\xef\xbb\xbf{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}',
    'bytes that are not UTF-8': b'{"messages":[{"role":"user","content":[{"text":"\xff"}]}]}',
    'a number that JSON lacks': b'{"messages":[],"x":01}',
    'too deep': b'[' * 2000 + b']' * 2000,
    'a duplicate key': b'{"messages":[],"messages":[{"role":"user","content":[{"text":"Hi"}]}]}',
    'numbers that a tree would change': b'{"a":9007199254740993,"b":1.0,"c":1e400,"d":"\\u0000x"}',
    'nothing': b'',
}

with Story() as s:
    weir = s.weir()
    for name, body in BODIES.items():
        direct = ask(s.sim.url, model_path('converse'), body)
        through = ask(weir.url, model_path('converse'), body)
        equal(s.sim.last()['body'], body, f'{name}: body')
        same_answer(direct, through)
    weir.line(r' exchange .*outcome=refused-by-origin.* json=loose')
    weir.line(r' exchange .*outcome=refused-by-origin.* json=strict')
    weir.line(r' exchange .*outcome=refused-by-origin.* json=none')
