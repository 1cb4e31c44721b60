# SPDX-License-Identifier: Apache-2.0
"""What may wait goes to the Flex tier where the model has it: boto3's Converse, ConverseStream and InvokeModel, unmodified;
half the price, in the book as flex. Without a deadline, and for models without Flex, nothing is changed."""
import json
from laneflow import FIELD, FLEX, QUIET, rule
from weirflow import Story, check, equal

QUESTION = [{'role': 'user', 'content': [{'text': 'Hello.'}]}]
CHAT = json.dumps({'messages': [{'role': 'user', 'content': 'Hi'}]})

with Story() as s:
    weir = s.weir(rules=[rule(match={'workload': 'night*'})])
    night = s.boto3(weir.url + '/w/nightly', retries={'total_max_attempts': 1})

    def sent():
        seen = s.sim.last()
        fields = {name.lower(): value for name, value in seen['headers']}
        return fields.get(FIELD) or json.loads(seen['body']).get('serviceTier', {}).get('type')

    answer = night.converse(modelId=FLEX, messages=QUESTION)
    equal((sent(), answer['serviceTier']), ('flex', {'type': 'flex'}), 'converse')
    check('lane=flex' in answer['ResponseMetadata']['HTTPHeaders']['x-weir-decision'], answer['ResponseMetadata'])
    told = [e['metadata'] for e in night.converse_stream(modelId=FLEX, messages=QUESTION)['stream'] if 'metadata' in e]
    equal((sent(), told[0]['serviceTier']), ('flex', {'type': 'flex'}), 'stream')
    answer = night.invoke_model(modelId=FLEX, body=CHAT)
    equal((sent(), answer['serviceTier']), ('flex', 'flex'), 'invoke')
    night.converse(modelId=QUIET, messages=QUESTION)
    equal(sent(), None, 'a model without Flex')
    day = s.boto3(weir.url + '/w/daily', retries={'total_max_attempts': 1})
    answer = day.converse(modelId=FLEX, messages=QUESTION)
    equal(sent(), None, 'no deadline')
    check('lane=ondemand' in answer['ResponseMetadata']['HTTPHeaders']['x-weir-decision'], 'no deadline')
    day.converse(modelId=FLEX, messages=QUESTION, requestMetadata={'weir.deadline': '1h', 'team': 'a'})
    equal(sent(), 'flex', 'its own deadline')
    equal([row['status'] for row in s.sim.rows()], [200] * 6, 'each once')
    rows = weir.records(6)
    equal(sorted(row['lane'] for row in rows), ['flex'] * 4 + ['ondemand'] * 2, 'the book')
    equal({round(row['untouched_usd'] / row['cost_usd'], 3) for row in rows if row['lane'] == 'flex'}, {2}, 'half the price')
