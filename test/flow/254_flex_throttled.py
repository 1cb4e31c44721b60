# SPDX-License-Identifier: Apache-2.0
"""Flex that is throttled is left at once, inside of one call of an unmodified SDK without retries, and for a minute; the
default tier's own 429 stays the client's to retry."""
from laneflow import FLEX, rule, tiers
from weirflow import Story, ask, check, converse, equal, model_path

QUESTION = [{'role': 'user', 'content': [{'text': 'Hello.'}]}]

with Story() as s:
    s.simulator()
    weir = s.weir(rules=[rule()])
    sdk = s.boto3(weir.url, retries={'total_max_attempts': 1})
    s.sim.control('/sim/fault', 'POST', b'{"fault":"throttle tier=flex","count":5}')
    answer = sdk.converse(modelId=FLEX, messages=QUESTION)
    check('lane=ondemand' in answer['ResponseMetadata']['HTTPHeaders']['x-weir-decision'], answer['ResponseMetadata'])
    equal(tiers(s.sim), [('flex', 429), (None, 200)], 'at once')
    for _ in range(3):
        sdk.converse(modelId=FLEX, messages=QUESTION)
    equal(tiers(s.sim)[2:], [(None, 200)] * 3, 'rests for a minute')
    other = ask(weir.url, model_path('converse', 'us.amazon.nova-pro-v1:0'), converse())
    equal((other.status, tiers(s.sim)[5:]), (200, [('flex', 429), (None, 200)]), 'each model for itself')
    s.sim.control('/sim/reset', 'POST')
    s.sim.control('/sim/fault', 'POST', b'{"fault":"throttle","count":1}')
    equal(ask(weir.url, model_path('converse', FLEX), converse('two')).status, 429, 'the default tier is throttled')
    equal(tiers(s.sim), [(None, 429)], 'once')
