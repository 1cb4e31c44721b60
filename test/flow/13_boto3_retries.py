# SPDX-License-Identifier: Apache-2.0
"""What boto3 sends again it sends through Weir again, and Weir adds nothing to it."""
import re
from weirflow import MODEL, Story, check, equal

with Story() as s:
    weir = s.weir()
    client = s.boto3(weir.url, retries={'mode': 'standard', 'total_max_attempts': 3})

    def converse(text):
        return client.converse(modelId=MODEL, messages=[{'role': 'user', 'content': [{'text': text}]}])

    before = s.sim.summary()['requests']
    equal(converse('[[sim:once=429]] throttled at first')['ResponseMetadata']['RetryAttempts'], 1, "boto3's retries")
    equal(s.sim.summary()['requests'] - before, 2, 'calls upstream')

    before = s.sim.summary()['requests']
    try:
        converse('[[sim:throttle]] for ever')
        check(False, 'it should have been throttled')
    except client.exceptions.ThrottlingException as error:
        equal(error.response['ResponseMetadata']['RetryAttempts'], 2, "boto3's retries")
    equal(s.sim.summary()['requests'] - before, 3, 'calls upstream')
    seen = [dict(row['headers']) for row in s.sim.rows()[-3:]]
    equal(len({fields['amz-sdk-invocation-id'] for fields in seen}), 1, 'one invocation id')
    tries = [re.search(r'attempt=\d', fields['amz-sdk-request'])[0] for fields in seen]  # a ttl may come first
    equal(tries, ['attempt=1', 'attempt=2', 'attempt=3'], 'attempts')
