# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What Weir refuses by itself: the right status and type in the caller's dialect, one sentence, and
nothing of it reaches Bedrock."""
from weirflow import Story, equal, check, http_ask, model_path, until

CASES = [
    ('POST', '/model/m/unheard-of', 404, 'UnknownOperationException', 'unknown-operation'),
    ('GET', '/', 404, 'UnknownOperationException', 'unknown-operation'),
    ('POST', '/w/no+name' + model_path('converse'), 404, 'UnknownOperationException', 'unknown-operation'),
    ('POST', f'/w/{"n" * 65}' + model_path('converse'), 404, 'UnknownOperationException', 'unknown-operation'),
    ('GET', model_path('converse'), 405, 'UnknownOperationException', 'bad-method'),
    ('POST', '/model/x/invoke-with-bidirectional-stream', 400, 'ValidationException', 'bidirectional'),
    ('POST', '/model/%/converse', 400, 'ValidationException', 'bad-path'),
    ('POST', '/anthropic/v1/unheard-of', 404, 'not_found_error', 'unknown-operation'),
    ('POST', '/openai/v1/embeddings', 404, 'invalid_request_error', 'unknown-operation'),
    ('GET', '/openai/v1/chat/completions', 405, 'invalid_request_error', 'bad-method'),
]


def kind_and_sentence(path, answer):
    body = answer.json()
    if path.startswith('/anthropic/') or path.startswith('/openai/'):
        return body['error']['type'], body['error']['message']
    return answer.header('x-amzn-errortype'), body['message']


with Story() as s:
    weir = s.weir()
    for method, path, status, wanted, outcome in CASES:
        before = weir.metric('weir_requests_total', outcome=outcome)
        answer = http_ask(weir.url, method, path, {}, b'{}' if method == 'POST' else b'')
        equal(answer.status, status, f'{method} {path}')
        kind, sentence = kind_and_sentence(path, answer)
        equal(kind, wanted, f'{method} {path}')
        check(sentence.endswith('.') and len(sentence) > 20, f'no sentence: {sentence}')
        check(('name of the workload' in sentence) == path.startswith('/w/'), f'{path}: {sentence}')
        check(answer.header('x-weir-request-id'), 'no request id')
        until(f'one more {outcome}', lambda: weir.metric('weir_requests_total', outcome=outcome) == before + 1)
    huge = http_ask(weir.url, 'POST', model_path('converse'), {'x-huge': 'v' * 200_000}, b'{}')
    equal(huge.status, 431, 'a head of 200 KB')
    weir.line(r' exchange op=None .*status=431 outcome=bad-head trouble=')
    until('counted, too', lambda: weir.metric('weir_requests_total', outcome='bad-head') == 1)
    equal(http_ask(weir.url, 'PUT', '/async-invoke').header('allow'), 'POST, GET', 'Allow')
    equal([r['path'] for r in s.sim.rows() if r['path'] != model_path('converse')], [], 'paths at the simulator')
