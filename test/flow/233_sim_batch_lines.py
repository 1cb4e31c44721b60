# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Lines of the simulator's batch output that are not as they should be: by order in the prompt, and for what a batch
does not take. What was answered is charged, an error is not."""
import json
from batchflow import Batch, questions, read_lines
from weirflow import Story, equal

TOOLS = {'tools': [{'toolSpec': {'name': 't', 'inputSchema': {'json': {}}}}]}
SCHEMA = {'textFormat': {'type': 'json_schema', 'structure': {'jsonSchema': {'schema': '{}'}}}}
ODD = {'a429': '[[sim:batch=429]]', 'b500': '[[sim:status=500]]', 'c0': '[[sim:batch=missing]]', 'd2': '[[sim:batch=twice]]',
       'e5': '[[sim:batch=malformed]]', 'fx': '[[sim:batch=unknown]]', 'gn': '[[sim:batch=neither]]',
       'hh': '[[sim:bytes=3000000]]', 'iu': '[[sim:batch=unmetered]]'}
UNFIT = {'tools': {'toolConfig': TOOLS}, 'schema': {'outputConfig': SCHEMA}, 'tier': {'serviceTier': {'type': 'flex'}},
         'other': {'unheardOf': 1}, 'marker': {'system': [{'text': 'x'}, {'cachePoint': {'type': 'default'}}]}}


def claude(**more):
    return {'anthropic_version': 'bedrock-2023-05-31', 'max_tokens': 5, **more,
            'messages': [{'role': 'user', 'content': 'Hello'}]}


with Story() as s:
    b = Batch(s)
    records = questions(100) + [(i, questions(1, word)[0][1]) for i, word in ODD.items()]
    records += [(i, {**questions(1)[0][1], **more}) for i, more in UNFIT.items()]
    b.order(order='no-newline wrong-manifest')
    arn = b.create('odd', records)
    job, lines = b.status(arn, 'Completed'), b.text(arn, 'odd.jsonl.out').split('\n')
    equal((len(lines), lines[-1] != ''), (114, True), 'lines, and no newline behind the last')
    good, broken = read_lines(lines)
    rows = {r['record']: r for r in b.sim.rows() if r.get('job') == arn}
    equal((len(broken), 'e5' in good, 'c0' in good, len(good['d2'])), (1, False, False, 2), 'spoiled lines')
    equal({i: good[i][0]['error']['errorCode'] for i in good if 'error' in good[i][0]},
          {'a429': 429, 'b500': 500, **dict.fromkeys(UNFIT, 400)}, 'errors')
    equal(('usage' in good['iu'][0]['modelOutput'], rows['iu']['charged']), (False, True), 'no usage')
    equal(sorted(good['gn'][0]), ['modelInput', 'recordId'], 'neither')
    equal(('nobodys-fx' in good, 'fx' in good), (True, False), 'an unknown id')
    equal(len(good['hh'][0]['modelOutput']['output']['message']['content'][0]['text']), 3000000, 'a huge line')
    equal({i for i, r in rows.items() if not r['charged']}, {'a429', 'b500', *UNFIT}, 'not charged')
    equal(('c0' in rows, rows['e5']['spoiled']), (False, 'malformed'), 'in the ledger')
    equal(json.loads(b.text(arn, 'manifest.json.out'))['successRecordCount'], sum(r['charged'] for r in rows.values()) - 1,
          'a manifest that is one off')

    bodies = {'tools': claude(tools=[]), 'marker': claude(system=[{'type': 'text', 'text': 'x', 'cache_control': {'type': 'ephemeral'}}]),
              'other': claude(unheard_of=1), 'format': claude(output_config={})}
    arn = b.create('claude', [(f'r{i}', claude()) for i in range(100)] + list(bodies.items()), modelInvocationType='InvokeModel')
    b.status(arn, 'Completed')
    equal({r['recordId'] for r in b.output(arn, 'claude') if 'error' in r}, set(bodies), 'InvokeModel')
