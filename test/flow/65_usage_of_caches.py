# SPDX-License-Identifier: Apache-2.0
"""Prompt caching: writes of each time to live and reads, in every dialect, as the simulator charged them."""
import json
from weirflow import BUILD, MODEL, Story, ask, check, claude, converse, equal, model_path

KINDS = ('input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write_30m')
LONG = ' '.join(f'Rule {n} of the river holds.' for n in range(1200))
NOVA, GPT = 'amazon.nova-lite-v1:0', 'us.openai.gpt-5.6-sol'


def point(ttl):
    return {'cachePoint': {'type': 'default', **({'ttl': ttl} if ttl else {})}}


def control(ttl):
    return {'cache_control': {'type': 'ephemeral', **({'ttl': ttl} if ttl else {})}}


def asks(name, ttl):
    """The first asker of each writes, the second one reads."""
    system = [{'text': name + LONG}, point(ttl)]
    said = [{'role': 'user', 'content': [{'text': 'Which?' + LONG}, point(None)]}]
    body = claude('Which?', system=[{'type': 'text', 'text': 'c' + name + LONG, **control(ttl)}])
    messages = {**{k: v for k, v in body.items() if k != 'anthropic_version'}, 'model': 'us.' + MODEL}
    nova = {'schemaVersion': 'messages-v1', 'system': [{'text': name + LONG, **point(None)}],
            'messages': [{'role': 'user', 'content': [{'text': 'Which?'}]}]}
    gpt = {'model': GPT, 'instructions': 'g' + name + LONG, 'input': 'Which?', 'store': False}
    return [(model_path('converse'), {**converse('Hi.', system=system), 'messages': said}),
            (model_path('converse-stream'), {**converse('Hi.', system=system), 'messages': said}),
            (model_path('invoke'), body), (model_path('invoke-with-response-stream'), body),
            ('/anthropic/v1/messages', messages), ('/anthropic/v1/messages', {**messages, 'stream': True}),
            (model_path('invoke', NOVA), nova), (model_path('invoke-with-response-stream', NOVA), nova),
            ('/openai/v1/responses', gpt), ('/openai/v1/responses', {**gpt, 'stream': True})]


with Story() as s:
    weir = s.weir(metering='strict', cache={'mode': 'off'})
    everything = asks('a', None) + asks('b', '1h') + asks('d', '1h')[1::2]
    answers = [ask(weir.url, target, body) for target, body in everything]
    text = s.run([BUILD / 'src' / 'weir', 'book', 'export', '-c', weir.path])
    records, rows = {(r := json.loads(line))['id']: r for line in text.splitlines()}, s.sim.rows()
    equal((len(records), len(rows)), (len(everything), len(everything)), 'records and rows')
    for (target, _), answer, row in zip(everything, answers, rows):
        equal(answer.status, 200, target)
        equal(records[answer.header('x-weir-request-id')]['tokens'], {kind: row[kind] for kind in KINDS}, target)
    for kind in KINDS:
        check(sum(row[kind] > 0 for row in rows) > 1, f'the story has too few of {kind}')
