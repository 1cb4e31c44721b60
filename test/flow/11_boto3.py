# SPDX-License-Identifier: Apache-2.0
"""boto3: every operation that its service model has, with a model id and with an ARN."""
from weirflow import ARN, CLIENT_KEY, KEY, MODEL, Story, claude, check, equal
import json

with Story() as s:
    weir = s.weir()
    client = s.boto3(weir.url, retries={'total_max_attempts': 1})
    hello = [{'role': 'user', 'content': [{'text': 'Hi – ü'}]}]
    for model in (MODEL, ARN):
        whole = client.converse(modelId=model, messages=hello)
        text = whole['output']['message']['content'][0]['text']
        check(text.startswith('sim '), text)
        events = list(client.converse_stream(modelId=model, messages=hello)['stream'])
        equal(''.join(e['contentBlockDelta']['delta']['text'] for e in events if 'contentBlockDelta' in e), text)
        equal([e for e in events if 'metadata' in e][0]['metadata']['usage'], whole['usage'], 'usage')

        body = json.dumps(claude('Hi – ü'))
        invoked = json.loads(client.invoke_model(modelId=model, body=body, trace='ENABLED')['body'].read())
        pieces = [json.loads(e['chunk']['bytes']) for e in
                  client.invoke_model_with_response_stream(modelId=model, body=body)['body']]
        equal(''.join(p.get('delta', {}).get('text', '') for p in pieces), invoked['content'][0]['text'])
        check(client.count_tokens(modelId=model, input={'converse': {'messages': hello}})['inputTokens'] > 0, 'tokens')
    client.apply_guardrail(guardrailIdentifier='gr123456', guardrailVersion='1', source='INPUT',
                           content=[{'text': {'text': 'hi'}}])
    client.invoke_guardrail_checks(messages=hello, checks={'promptAttack': {'categories': [{'category': 'JAILBREAK'}]}})
    arn = client.start_async_invoke(modelId='amazon.nova-reel-v1:0', modelInput={'a': 1}, outputDataConfig={
        's3OutputDataConfig': {'s3Uri': 's3://bucket/prefix'}})['invocationArn']
    equal(client.get_async_invoke(invocationArn=arn)['invocationArn'], arn)
    client.list_async_invokes(maxResults=5, sortBy='SubmissionTime')
    equal({row['access_key'] for row in s.sim.rows()}, {KEY}, f'who signed (not {CLIENT_KEY})')
    equal({row['status'] for row in s.sim.rows()}, {200}, 'statuses')
