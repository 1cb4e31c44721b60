# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Weir's clock is wrong, or Bedrock's: the refused signature is made again by Bedrock's clock, once, and the
next one is right from the start. The client, whose own signature nobody needs, notices nothing."""
import json
from weirflow import Story, ask, converse, equal, model_path

with Story() as s:
    weir = s.weir(workers=1)
    for minutes in (9, -47, 0):
        s.sim.control('/sim/clock', 'POST', json.dumps({'auth_ms': minutes * 60_000}).encode())
        before = weir.metric('weir_upstream_resent_total', reason='clock')
        for _ in range(3):
            equal(ask(weir.url, model_path('converse'), converse()).status, 200, f'{minutes} minutes off')
        equal(weir.metric('weir_upstream_resent_total', reason='clock'), before + 1, f'{minutes}: sent again')
    # More than a day is not believed: the refusal is the client's to see.
    s.sim.control('/sim/clock', 'POST', json.dumps({'auth_ms': 49 * 3_600_000}).encode())
    answer = ask(weir.url, model_path('converse'), converse())
    equal((answer.status, answer.header('x-amzn-errortype').split(':')[0]), (403, 'InvalidSignatureException'))
