# SPDX-License-Identifier: Apache-2.0
# asan: yes
# timeout: 120
"""Odd bodies where markers are wanted always: what cannot be read without doubt arrives byte for byte, the rest with nothing but
markers more; and Bedrock says of each what it says without Weir, asked once."""
from cacheflow import check_markers, marks_of, taken_out
from oddbodies import MARKED, UNTOUCHED
from weirflow import Story, ask, equal, same_answer

with Story() as s:
    weir = s.weir(cache={'mode': 'always', 'holdout': '0%'})
    for name, (target, body) in {**UNTOUCHED, **MARKED}.items():
        direct, before = ask(s.sim.url, target, body), s.sim.summary()['requests']
        through, calls = ask(weir.url, target, body), s.sim.summary()['requests'] - before
        arrived, ours = s.sim.last()['body'], marks_of(through) or 0
        equal((through.status, calls), (direct.status, 1), name)
        equal(ours > 0, name in MARKED, f'{name}: {through.header("x-weir-decision")}')
        if name in UNTOUCHED:
            equal(arrived, body, name)
            same_answer(direct, through)
        else:
            equal(len(taken_out(body, arrived)), ours + sum(b'[' in span for span in taken_out(body, arrived)), name)
            check_markers(arrived)
    equal(weir.metric('weir_upstream_resent_total'), 0.0, 'sent again')
