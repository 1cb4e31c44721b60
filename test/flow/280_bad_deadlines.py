# SPDX-License-Identifier: Apache-2.0
"""A deadline that cannot be read or kept is a clear 400 at once, as the SDK's ValidationException, and nothing of it
goes anywhere; a body that may not be batched goes on demand, untouched, and the answer says so."""
from batchflow import BATCH_MODEL
from holdflow import holding
from weirflow import Story, ask, check, converse, equal, model_path

PATH = model_path('converse', BATCH_MODEL)
BAD = {'soon': 'time from now', '': 'time from now', '0s': 'above 0', '8d': 'at most 7 days',
       '99999999999999999999h': 'time from now', '1999-01-01T00:00:00Z': 'has passed',
       '9999-12-31T23:59:59Z': 'at most 7 days', '-1h': 'time from now', '8h, 9h': 'time from now'}
TOOLS = {'toolConfig': {'tools': [{'toolSpec': {'name': 't', 'inputSchema': {'json': {'type': 'object'}}}}]}}

with Story() as s:
    weir = holding(s, rules=[{'name': 'r', 'match': {'workload': 'late'}, 'set': {'deadline': '8h'}}])
    began = s.sim.summary()['charged']
    for text, words in BAD.items():
        answer = ask(weir.url, PATH, converse('?'), {'x-weir-deadline': text})
        equal((answer.status, answer.header('x-amzn-errortype')), (400, 'ValidationException'), repr(text))
        check(words in answer.body.decode(), f'{text!r}: {answer.body}')
    for field, value in (('x-weir-reply', 'ticket'), ('x-weir-reply', 'carrier pigeon')):
        equal(ask(weir.url, PATH, converse('?'), {field: value}).status, 400, value)
    for value in (8, {'a': 1}, 'soon'):
        equal(ask(weir.url, PATH, converse('?', requestMetadata={'weir.deadline': value})).status, 400, f'{value}')
    equal(s.sim.summary()['charged'], began, 'calls')
    equal(weir.metric('weir_requests_total', outcome='bad-deadline'), len(BAD) + 5.0, 'counted')
    # What a batch does not take goes on demand at once, and byte for byte.
    for name, body in (('tools', converse('?', **TOOLS)),
                       ('guardrail', converse('?', guardrailConfig={'guardrailIdentifier': 'g', 'guardrailVersion': '1'})),
                       ('twice', b'{"messages":[{"role":"user","content":[{"text":"?"}]}],"system":[],"system":[]}')):
        answer = ask(weir.url, '/w/late' + PATH, body)
        equal(answer.status, 200, name)
        equal(answer.header('x-weir-decision').split(';')[-2], 'lane=ondemand', name)
    equal(ask(weir.url, '/w/late' + model_path('converse-stream', BATCH_MODEL), converse('?')).status, 200, 'stream')
    # x-weir: off asks nothing of the lanes, not even of a bad deadline.
    equal(ask(weir.url, PATH, converse('?'), {'x-weir-deadline': 'soon', 'x-weir': 'off'}).status, 200, 'off')
