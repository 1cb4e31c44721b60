# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Nova by boto3's InvokeModel, whole and streamed: markers in system and messages, never in tools, up to the 20,000 tokens
that Nova caches. The simulator's ledger says what input costs; the answers are those without Weir."""
import json
from cacheflow import ALONE, NOVA, Ledger, as_json, check_markers, markers, taken_out, words
from weirflow import Story, check, equal

MODEL, TURNS = 'us.amazon.nova-pro-v1:0', 35
TOOLS = {'tools': [{'toolSpec': {'name': f'tool{n}', 'description': words(n, 200),
                                 'inputSchema': {'json': {'type': 'object'}}}} for n in range(3)]}

with Story() as s:
    weir = s.weir(**ALONE)
    client, off = (s.boto3(weir.url, retries={'total_max_attempts': 1}) for _ in range(2))
    off.meta.events.register('before-sign', lambda request, **_: request.headers.add_header('x-weir', 'off'))

    def said(asker, body, turn):
        if turn % 2:
            events = asker.invoke_model_with_response_stream(modelId=MODEL, body=body)['body']
            pieces = [json.loads(e['chunk']['bytes']) for e in events]
            return ''.join(p['contentBlockDelta']['delta']['text'] for p in pieces if 'contentBlockDelta' in p)
        return json.loads(asker.invoke_model(modelId=MODEL, body=body)['body'].read())['output']['message']['content'][0]['text']

    def session(asker):
        messages, answers = [], []
        for turn in range(TURNS):
            messages.append({'role': 'user', 'content': [{'text': words(turn, 700)}]})
            body = as_json({'schemaVersion': 'messages-v1', 'system': [{'text': words('s', 1500)}], 'toolConfig': TOOLS,
                            'messages': messages, 'inferenceConfig': {'maxTokens': 60}})
            answers.append(said(asker, body, turn))
            messages.append({'role': 'assistant', 'content': [{'text': answers[-1]}]})
            arrived = s.sim.last()['body']
            check_markers(arrived)
            taken_out(body, arrived)
            equal(markers({'tools': json.loads(arrived)['toolConfig']}), [], 'in tools')
        return answers

    plain = Ledger(s.sim)
    wanted = session(off)
    equal(plain.share(NOVA), 1, 'with x-weir: off')
    cached = Ledger(s.sim)
    equal(session(client), wanted, 'answers')
    print(f'# Nova InvokeModel: input costs {cached.share(NOVA):.3f}')
    check(cached.share(NOVA) < 0.5, f'the ledger says {cached.share(NOVA)}')
