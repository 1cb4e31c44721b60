# SPDX-License-Identifier: Apache-2.0
"""A body that a batch does not take goes on demand at once, as it came, and the answer says so."""
from batchflow import BATCH_MODEL
from holdflow import holding, workload
from weirflow import Story, ask, equal, converse, model_path, sha256

PATH, STREAM = (workload('late') + model_path(op, BATCH_MODEL) for op in ('converse', 'converse-stream'))
TOOLS = {'toolConfig': {'tools': [{'toolSpec': {'name': 't', 'inputSchema': {'json': {'type': 'object'}}}}]}}
GUARD = {'guardrailConfig': {'guardrailIdentifier': 'g', 'guardrailVersion': '1'}}
TWICE = b'{"messages":[{"role":"user","content":[{"text":"?"}]}], "system":[], "system":[]}'

with Story() as s:
    weir = holding(s)
    for name, path, body in (('tools', PATH, converse('?', **TOOLS)), ('a guardrail', PATH, converse('?', **GUARD)),
                             ('a member twice', PATH, TWICE), ('a stream', STREAM, converse('?')),
                             ('its own tier', PATH, converse('?', serviceTier={'type': 'default'}))):
        answer = ask(weir.url, path, body)
        equal(answer.status, 200, name)
        equal('lane=ondemand' in answer.header('x-weir-decision'), True, name)
        if isinstance(body, bytes):
            equal(sha256(s.sim.last()['body']), sha256(body), 'as it came')
    equal(weir.metric('weir_batch_records', state='pooled'), 0, 'nothing waits')
    answer = ask(weir.url, PATH, converse('?'), {'x-weir-reply': 'ticket'})
    equal(answer.status, 202, 'without all that it waits')
