# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Bodies of 12 MB that may wait are looked at in slices: one is taken into the spool, one whose last member is a tool goes on
demand at once, one that is not strict at its end, too; what arrives upstream is what was sent."""
import json
from holdflow import PATH, holding, pooled, workload
from weirflow import Story, ask, check, equal

TEXT = 'Wie weit ist es \u6c34\n bis "dorthin"? ' * 400_000
TARGET = workload('night') + PATH
TICKET = {'x-weir-reply': 'ticket'}


def body(**more):
    return json.dumps({'messages': [{'role': 'user', 'content': [{'text': TEXT}]}], **more}, ensure_ascii=False).encode()


with Story() as s:
    weir = holding(s, linger='60s')
    check(len(body()) > 12_000_000, 'big')
    taken = ask(weir.url, TARGET, body(), TICKET)
    equal((taken.status, taken.json()['status']), (202, 'waiting'), 'taken')
    for text in (body(toolConfig={'tools': []}), body()[:-1] + b',"a":tru}'):
        answer = ask(weir.url, TARGET, text, TICKET)
        check(answer.status in (200, 400) and 'lane=ondemand' in answer.header('x-weir-decision'), answer.header('x-weir-decision'))
        equal(s.sim.last()['body'] == text, True, 'as it came')
    pooled(weir, 1)
