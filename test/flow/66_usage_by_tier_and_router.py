# SPDX-License-Identifier: Apache-2.0
"""The tier served and the model that a prompt router chose: in every dialect the book has the lane and the model."""
import json
from weirflow import BUILD, MODEL, Story, ask, converse, equal, model_path

NOVA, OPEN = 'amazon.nova-premier-v1:0', 'openai.gpt-oss-120b-1:0'
ROUTER = 'arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1'
SAID = [{'role': 'user', 'content': 'Which river?'}]
NOVA_BODY = {'schemaVersion': 'messages-v1', 'messages': [{'role': 'user', 'content': [{'text': 'Which river?'}]}]}
LANES = {'default': 'ondemand', 'flex': 'flex', 'priority': 'priority'}


def asks(tier):
    field, chat = {'X-Amzn-Bedrock-Service-Tier': tier}, {'model': OPEN, 'service_tier': tier}
    typed, usage = {'serviceTier': {'type': tier}}, {'stream': True, 'stream_options': {'include_usage': True}}
    said, asked = {**chat, 'messages': SAID}, {**chat, 'input': 'Which river?', 'store': False}
    return [(model_path('converse', OPEN), converse('Hi.', **typed), {}),
            (model_path('converse-stream', NOVA), converse('Hi.', **typed), {}),
            (model_path('invoke', NOVA), NOVA_BODY, field), (model_path('invoke', OPEN), {'messages': SAID}, field),
            (model_path('invoke-with-response-stream', NOVA), NOVA_BODY, field),
            ('/openai/v1/chat/completions', said, {}), ('/openai/v1/chat/completions', {**said, **usage}, {}),
            ('/openai/v1/responses', asked, {}), ('/openai/v1/responses', {**asked, 'stream': True}, {})]


with Story() as s:
    weir = s.weir(metering='strict')
    wanted, answers = [], []
    for tier, lane in LANES.items():
        for target, body, fields in asks(tier):
            answers.append(ask(weir.url, target, body, fields))
            wanted.append((lane, NOVA if 'nova' in target else OPEN))
    for operation in ('converse', 'converse-stream'):
        answers.append(ask(weir.url, model_path(operation, ROUTER), converse('Which?')))
        wanted.append(('ondemand', 'anthropic.claude-sonnet-4-6'))
    answers.append(ask(weir.url, model_path('converse'), converse('Hi.')))
    wanted.append(('ondemand', MODEL))
    text = s.run([BUILD / 'src' / 'weir', 'book', 'export', '-c', weir.path])
    equal([a.status for a in answers], [200] * len(wanted), 'statuses')
    found = {(r := json.loads(line))['id']: r for line in text.splitlines()}
    records = [found[a.header('x-weir-request-id')] for a in answers]
    equal([(r['lane'], r['model']) for r in records], wanted, 'lanes and models')
    for record, row in zip(records, s.sim.rows()):
        equal((record['tokens']['input'], record['tokens']['output']), (row['input'], row['output']), 'tokens')
