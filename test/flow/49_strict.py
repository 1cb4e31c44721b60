# SPDX-License-Identifier: Apache-2.0
"""metering: strict: an answer that a client has whole is in the book, in every shape, through a reload and an end."""
from weirflow import ask, Story, claude, converse, equal, model_path, until

with Story() as s:
    weir = s.weir(metering='strict')
    asks = [(model_path('converse'), converse('a')), (model_path('converse-stream'), converse('b')),
            (model_path('invoke'), claude('c')), (model_path('invoke-with-response-stream'), claude('d')),
            ('/anthropic/v1/messages', {**claude('e'), 'model': 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'})]
    for n, (target, body) in enumerate(asks * 4, 1):
        answer = ask(weir.url, target, body)
        equal(answer.status, 200, target)
        equal(weir.metric('weir_book_records_total'), float(n), f'records when the answer to {target} was whole')
        if n == 9:
            weir.reload(s.config(metering='strict', settle={'drain': '5s'}))
    # Sent again while it runs: one charge, and the joined answer waits for the disk like any other.
    again, slow = {'amz-sdk-invocation-id': 'one'}, converse('[[sim:delay=3000]] sent again')
    try:
        ask(weir.url, model_path('converse'), slow, again, seconds=0.3)
    except TimeoutError:
        pass
    records = weir.metric('weir_book_records_total')
    equal(ask(weir.url, model_path('converse'), slow, again).status, 200, 'the second time')
    equal(weir.metric('weir_book_records_total'), records + 2, 'records')
    equal(weir.metric('weir_requests_joined_total'), 1.0, 'joined')
    until('the end of both', lambda: weir.metric('weir_requests_active') == 0)
    equal(weir.metric('weir_tokens_total', kind='output'), float(sum(row['output'] for row in s.sim.rows())), 'output')
    refused = weir.reload(s.config(metering='off'))
    assert 'needs a restart' in refused, refused
