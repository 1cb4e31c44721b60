# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Prompts of three programs: one says the time at its beginning, one sends its tools in another order each time, one does
neither. /api/v1/prefixes says where the first two change and what that costs a month, by position and kind, and has no
word of them."""
import json
import random
from weirflow import Story, ask_as, check, equal, http_ask, model_path

SONNET = 'anthropic.claude-sonnet-4-6'
RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(500))
TOOLS = [{'toolSpec': {'name': f'tool{n}', 'description': f'Opens gate {n}. ' * 20,
                       'inputSchema': {'json': {'type': 'object'}}}} for n in range(6)]


def clock(n):
    return {'system': [{'text': f'You keep the weir. It is 2026-11-20T12:{n:02}:07Z. {RULES}'}]}


def shuffled(n):
    return {'system': [{'text': RULES}], 'toolConfig': {'tools': random.Random(n).sample(TOOLS, len(TOOLS))}}


def steady(n):
    return {'system': [{'text': RULES}], 'toolConfig': {'tools': TOOLS}}


with Story() as s:
    weir = s.weir(clients=[s.client('clock'), s.client('shuffled'), s.client('steady')])
    for n in range(12):
        for client, make in (('clock', clock), ('shuffled', shuffled), ('steady', steady)):
            body = {**make(n), 'messages': [{'role': 'user', 'content': [{'text': f'Question {n} of the lock?'}]}]}
            equal(ask_as(client, weir.url, model_path('converse', SONNET), body).status, 200, client)
    answer = http_ask(weir.admin, 'GET', '/api/v1/prefixes')
    places = {p['client']: p for p in answer.json()['volatile']}
    equal(sorted(places), ['clock', 'shuffled'], 'who changes early')
    time, order = places['clock'], places['shuffled']
    equal([time[k] for k in ('model', 'kind', 'section', 'block')], [SONNET, 'time', 'system', 0], 'the time')
    begins = json.dumps(clock(0)['system'][0]).index('2026')
    equal(time['offset'], begins, 'where it begins in the block')
    equal(time['changes'], 10, 'two are needed to compare')
    equal([order[k] for k in ('kind', 'section', 'block')], ['order', 'tools', 0], 'the tools')
    for place in places.values():
        # what is behind it that often, at $2.70 a million; what that is in a month nobody knows yet
        check(place['changes'] >= 9 and place['tokens'] > 9 * 2500, f'{place}')
        check(abs(place['usd'] - place['tokens'] * 2.7e-6) < 0.0001, f'{place}')
        equal((place['tokens_a_month'], place['usd_a_month']), (None, None), 'after some seconds')
    equal(weir.metric('weir_volatile_places'), 2.0, 'the metric')
    line = weir.line(r' volatile .*').string
    check(f'model={SONNET} kind=' in line and 'usd_each=0.0' in line, line)
    for word in ('river', 'Question', '12:05', 'gate'):
        check(word not in answer.body.decode() and word not in line, 'no word of a prompt')
