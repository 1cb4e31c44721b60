# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Bedrock tells usage that is missing or makes no sense: the client gets the bytes untouched, the record says
so and is an estimate, never zero and never absurd."""
from doubles import HttpDouble, event
from weirflow import Story, ask, check, converse, equal, model_path, until

GOOD = '{"inputTokens":11,"outputTokens":7,"totalTokens":18}'
BAD = {  # what stands for the usage: None: it does not
    'none': None, 'null': 'null', 'text': '"eighteen"', 'list': '[11,7]', 'empty': '{}',
    'negative': '{"inputTokens":-11,"outputTokens":7}', 'huge': '{"inputTokens":1e300,"outputTokens":7}',
    'digits': '{"inputTokens":' + '9' * 400 + ',"outputTokens":7}', 'part': '{"inputTokens":11.5,"outputTokens":7}',
    'string': '{"inputTokens":"11","outputTokens":7}', 'true': '{"inputTokens":true,"outputTokens":7}',
    'twice': '{"inputTokens":11,"inputTokens":12,"outputTokens":7}', 'two': GOOD + ',"usage":{"inputTokens":99,"outputTokens":99}',
    'deep': '{"inputTokens":' + '[' * 200 + ']' * 200 + '}',
}
TOLD = {'good': (11, 7), 'twice': (12, 7), 'two': (99, 99)}  # of two numbers the larger one counts
TEXT = 'A weir is a low dam. ' * 20


def answer(method, path, headers, body):
    usage = GOOD if b'case good' in body else BAD[body.split(b'case ')[1].split(b'"')[0].decode()]
    said = f',"usage":{usage}' if usage else ''
    if path.endswith('converse'):
        text = f'{{"output":{{"message":{{"content":[{{"text":"{TEXT}"}}]}}}}{said}}}'
        return 200, text, 'application/json'
    events = event('contentBlockDelta', f'{{"delta":{{"text":"{TEXT}"}}}}'.encode())
    return 200, events + event('metadata', f'{{"metrics":{{}}{said}}}'.encode()), 'application/vnd.amazon.eventstream'


with Story() as s, HttpDouble(answer) as bedrock:
    weir = s.weir(endpoints={'runtime': bedrock.url})
    cases = {}
    for operation in ('converse', 'converse-stream'):
        for case in ['good', *BAD]:
            asked = converse(f'case {case}')
            straight, through = (ask(url, model_path(operation), asked) for url in (bedrock.url, weir.url))
            equal((through.status, through.body), (straight.status, straight.body), f'{operation} {case}')
            cases[through.header('x-weir-request-id')] = case
    until('a quiet Weir', lambda: weir.metric('weir_requests_active') == 0)
    equal(weir.metric('weir_usage_unreadable_total'), 2 * (len(BAD) - 2), 'counted')  # not what is not there at all
    weir.end()
    records = weir.records()
    equal(sorted(r['id'] for r in records), sorted(cases), 'records')
    for record in records:
        name, told = cases[record['id']], (record['tokens']['input'], record['tokens']['output'])
        equal(record['unreadable'], name not in ('good', 'none', 'null'), f'{name}: unreadable')
        equal(record['estimated'], name not in TOLD, f'{name}: estimated')
        check(told == TOLD[name] if name in TOLD else all(0 < n < 1000 for n in told), f'{name}: {told}')
