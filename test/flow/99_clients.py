# SPDX-License-Identifier: Apache-2.0
"""Two clients and nobody else: who may what, what a refusal says, and whose record it is."""
import json
from weirflow import MODEL, Story, check, converse, equal, http_ask, model_path, until

with Story() as s:
    s.simulator()
    for name in ('search', 'agents'):
        path = s.dir / f'{name}.token'
        path.write_text(f'token-of-{name}-0123456789\n')
        path.chmod(0o600)
    weir = s.weir(clients=[
        {'name': 'search', 'bearer_file': str(s.dir / 'search.token'), 'models': ['anthropic.*'],
         'limits': {'requests_per_minute': 4, 'body_bytes': '2KiB'}},
        {'name': 'agents', 'bearer_file': str(s.dir / 'agents.token'),
         'budget': {'usd_per_day': 0.001, 'then': 'reject'}}])

    def post(token, body, target=model_path('converse')):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {'Authorization': f'Bearer {token}'} if token else {}
        return http_ask(weir.url, 'POST', target, {'Content-Type': 'application/json', **fields}, data)

    def refused(answer, status, kind):
        equal((answer.status, answer.header('x-amzn-errortype')), (status, kind), 'refusal')
        check(answer.json()['message'], 'it says nothing')

    search, agents = 'token-of-search-0123456789', 'token-of-agents-0123456789'
    refused(post(None, converse()), 403, 'MissingAuthenticationTokenException')   # no-client
    refused(post('token-of-nobody', converse()), 403, 'UnrecognizedClientException')  # client-refused
    old = {'Authorization': 'AWS4-HMAC-SHA256 Credential=AKIDNOBODY/20200101/us-east-1/bedrock/aws4_request, '
           'SignedHeaders=host;x-amz-date, Signature=' + 64 * '0', 'X-Amz-Date': '20200101T000000Z'}
    late = http_ask(weir.url, 'POST', model_path('converse'), old, b'{}')
    refused(late, 403, 'InvalidSignatureException')  # signature-expired
    check(late.json()['message'].startswith('Signature expired') and late.header('date'), 'no help for a wrong clock')
    equal(s.sim.summary()['requests'], 0, 'calls upstream by nobody')
    equal(weir.metric('weir_book_records_total'), 0.0, 'records of nobody')

    refused(post(search, converse('x' * 3000)), 413, 'ValidationException')
    refused(post(search, converse(), model_path('converse', 'us.amazon.nova-lite-v1:0')), 403, 'AccessDeniedException')  # model-forbidden
    refused(post(agents, b'{"inferenceConfig":{"maxTokens":1},"inferenceConfig":{"maxTokens":9},"messages":[]}'),
            400, 'ValidationException')  # unreadable
    refused(post(agents, {'modelId': 'amazon.nova-reel-v1:0', 'modelInput': {}, 'outputDataConfig': {}}, '/async-invoke'),
            403, 'AccessDeniedException')  # nobody would tell what it used
    imported = 'arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdef123456'
    refused(post(agents, converse(), model_path('converse', imported)), 403, 'AccessDeniedException')  # who knows its price
    answers = [post(search, converse(str(n))) for n in range(5)]
    equal([a.status for a in answers], [200] * 4 + [429], 'four a minute')  # rate-limited
    check(int(answers[4].header('retry-after')) in range(1, 61), 'Retry-After')
    equal(answers[0].header('x-weir-requests-left'), '3', 'what is left')
    one = converse('?', inferenceConfig={'maxTokens': 20})
    statuses = [post(agents, one).status for _ in range(12)]
    check(statuses[0] == 200 and statuses[-1] == 400, f'{statuses}')
    spent = post(agents, one)
    refused(spent, 400, 'ServiceQuotaExceededException')  # budget-spent
    check('usd_per_day' in spent.json()['message'], spent.json()['message'])
    decided = http_ask(weir.admin, 'GET', '/api/v1/decisions?n=1000').json()
    check({r['client'] for r in decided['decisions']} <= {'search', 'agents'}, 'a record of nobody')
    until('records', lambda: weir.metric('weir_tokens_total', client='search', kind='input') > 0 and
          weir.metric('weir_tokens_total', client='agents', kind='input') > 0)
    check(weir.metric('weir_cost_usd_total', client='agents') <= 0.001, 'more was spent than there was')
    weir.line('client=search')
    check(search not in weir.log() and agents not in weir.log(), 'a token in the log')
