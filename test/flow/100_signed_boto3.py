# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""boto3 with a pair that Weir knows: every call passes as it would without Weir, and is this client's; with
any other secret, key or clock none does, and boto3 raises what it raises before Bedrock."""
import json
from weirflow import ARN, MODEL, Story, check, claude, equal, same_request, until

HELLO = [{'role': 'user', 'content': [{'text': 'Hi – ü'}]}]

with Story() as s:
    s.simulator()
    weir = s.weir(clients=[s.pair('app')])

    def calls(client):
        """What arrives at the simulator for each kind of call."""
        for model in (MODEL, ARN):
            for call in (lambda: client.converse(modelId=model, messages=HELLO),
                         lambda: list(client.converse_stream(modelId=model, messages=HELLO)['stream']),
                         lambda: client.invoke_model(modelId=model, body=json.dumps(claude('Hi – ü')), trace='ENABLED',
                                                     contentType='application/json')['body'].read(),
                         lambda: client.count_tokens(modelId=model, input={'converse': {'messages': HELLO}})):
                call()
                seen = s.sim.last()
                seen['headers'] = [pair for pair in seen['headers'] if pair[0] != 'amz-sdk-invocation-id']
                yield seen
        client.list_async_invokes(maxResults=5, sortBy='SubmissionTime', statusEquals='InProgress')
        yield s.sim.last()

    once = {'retries': {'total_max_attempts': 1}}
    for direct, through in zip(list(calls(s.boto3(s.sim.url, **once)))[:8], list(calls(s.boto3(weir.url, **once)))[:8]):
        same_request(direct, through)
        equal((direct['access_key'], through['access_key']), ('AKIDCLIENT', 'AKIDWEIR'), 'who signed')
    equal(weir.metric('weir_requests_total', outcome='answered'), 9.0, 'answers')
    until('its tokens', lambda: weir.metric('weir_tokens_total', client='app', kind='input') > 0)

    before, texts = s.sim.summary()['requests'], set()
    for wrong in ({'aws_secret_access_key': 'app/secret+that+is+not+it'}, {'aws_access_key_id': 'AKIDNOBODY'},
                  {'aws_session_token': 'a token'}):
        client = s.boto3(weir.url, **once, keys=wrong)
        try:
            client.converse(modelId=MODEL, messages=HELLO)
            check(False, f'{wrong} passed')
        except client.exceptions.ClientError as error:
            equal(error.response['Error']['Code'], 'UnrecognizedClientException', str(wrong))
            texts.add(error.response['Error']['Message'])
    equal(len(texts), 1, f'texts of refusals {texts}')
    equal(s.sim.summary()['requests'], before, 'calls upstream')
    equal(weir.metric('weir_requests_total', outcome='client-refused'), 3.0, 'refusals counted')
