# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Random prompts of every dialect, as the property tests make them, through the real road: members in any order, white space
and escapes anywhere, markers of the client's own. What arrives is what was sent, or that minus the markers is; the simulator
takes each that it takes without Weir, asked once, with the same answer; never a fifth marker, an hour before five minutes.
    WEIR_SEED=7 WEIR_BODIES=2000 test/flow/168_generated.py        more of them"""
import collections
import os
import random
import re
from cacheflow import ALONE, check_markers, prefixes, taken_out, words
from weirflow import BUILD, MODEL, Failed, Story, ask, check, equal, model_path

SEED, COUNT = os.environ.get('WEIR_SEED', '1'), os.environ.get('WEIR_BODIES', '300')
NOVA, GPT = 'us.amazon.nova-2-lite-v1:0', 'us.openai.gpt-5.6-sol'
WAYS = {'converse': [model_path('converse'), model_path('converse-stream', 'eu.' + MODEL)], 'nova': [model_path('invoke', NOVA)],
        'converse-nova': [model_path('converse', NOVA)], 'chat': ['/openai/v1/chat/completions'],
        'claude': [model_path('invoke'), model_path('invoke-with-response-stream')], 'responses': ['/openai/v1/responses']}
SAID, ADDED = re.compile(rb'sim [0-9a-f]{16}'), b'"requestMetadata":{"team":"seven"},'  # of the question; of the rule


def bodies(s):
    rng, text = random.Random(SEED), s.run([BUILD / 'test/unit/sim/ask_bodies', SEED, COUNT]).encode()
    while text:
        head, _, text = text.partition(b'\n')
        dialect, length = head.split()
        body, text = text[:int(length)], text[int(length) + 1:]
        body = body.replace(b'"Z-', b'"Z-' + words(rng.random(), rng.choice((5, 600, 3000))).encode())
        if dialect in (b'chat', b'responses'):
            body = body.replace(b'{', b'{"model":"' + GPT.encode() + b'",', 1)
        yield dialect.decode(), rng.choice(WAYS[dialect.decode()]), body


with Story() as s:
    weir = s.weir(cache={**ALONE['cache'], 'mode': 'always'},
                  rules=[{'name': 'tag', 'match': {'workload': 'tagged'}, 'set': {'metadata': {'team': 'seven'}}}])
    good, marked = collections.Counter(), collections.Counter()
    for n, (dialect, target, body) in enumerate(bodies(s)):
        direct = ask(s.sim.url, target, body)
        for prefix in ('/w/tagged', '', ''):
            before, through = s.sim.summary()['requests'], ask(weir.url, prefix + target, body)
            equal(through.status, direct.status, f'body {n}: {direct.body[:200]} {through.body[:200]} {body[:3000]}')
            arrived = s.sim.last()['body'].replace(ADDED if prefix else b'\0', b'', 1)
            marked[dialect] += len(taken_out(body, arrived))
            if direct.status == 200:
                equal((s.sim.summary()['requests'] - before, SAID.findall(through.body)), (1, SAID.findall(direct.body)), f'body {n}')
                check_markers(arrived)
                good[dialect] += 1
    check(all(good[d] > 20 and (marked[d] > good[d] / 4 or d == 'chat') for d in WAYS), f'too few: {good}, {marked}')
    check(all(not v['refused'] for v in prefixes(weir)['verdicts']), 'verdicts')
