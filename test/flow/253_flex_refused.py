# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A tier that a model refuses is taken back at once, inside of one call of an unmodified SDK without retries, and is not
asked for again; on demand and in the book as on demand. What is refused for another reason stays refused, and teaches nothing."""
from laneflow import QUIET, catalogue_with_flex, rule, tiers
from weirflow import Story, check, equal, until

QUESTION = [{'role': 'user', 'content': [{'text': 'Hello.'}]}]

with Story() as s:
    weir = s.weir(rules=[rule()], catalogue=catalogue_with_flex(s) if s.simulator() else None)
    sdk = s.boto3(weir.url, retries={'total_max_attempts': 1})
    try:
        sdk.converse(modelId=QUIET, messages=[{'role': 'user', 'content': [{'text': '[[sim:error=ValidationException]]'}]}])
        check(False, 'a bad request was answered')
    except sdk.exceptions.ValidationException:
        pass
    equal(tiers(s.sim), [('flex', 400), (None, 400)], 'a bad request')
    answer = sdk.converse(modelId=QUIET, messages=QUESTION)
    equal(tiers(s.sim)[2:], [('flex', 400), (None, 200)], 'refused, and at once without')
    check('lane=ondemand' in answer['ResponseMetadata']['HTTPHeaders']['x-weir-decision'], answer['ResponseMetadata'])
    for _ in range(3):
        sdk.converse(modelId=QUIET, messages=QUESTION)
    for event in sdk.converse_stream(modelId=QUIET, messages=QUESTION)['stream']:
        check('Exception' not in str(event), str(event))
    equal(tiers(s.sim)[4:], [(None, 200)] * 4, 'remembered')
    rows = [row for row in weir.records(6) if row['status'] == 200]
    equal([row['lane'] for row in rows], ['ondemand'] * 5, 'the book')
    equal({row['untouched_usd'] - row['cost_usd'] for row in rows}, {0}, 'nothing is claimed')
