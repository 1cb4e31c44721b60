# SPDX-License-Identifier: Apache-2.0
"""What was taken in is answered whatever the configuration says by then: a client that was taken out, and one that may
not leave anything on the disk any more. Budgets pay when the answer comes, and refuse what is beyond them."""
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, check, equal, http_ask, token_of, until

PATH = workload('night') + MODEL_PATH

with Story() as s:
    gone = s.client('gone', data={'persist': 'spool'})
    stays = s.client('stays', data={'persist': 'spool'}, budget={'usd_per_day': 1, 'then': 'reject'})
    weir = holding(s, linger='2s', metering='strict', clients=[gone, stays])

    def as_client(name, target, body=None):
        head = {'Authorization': f'Bearer {token_of(name)}', 'x-weir-reply': 'ticket'}
        return http_ask(weir.url, 'POST' if body else 'GET', target, head, b'' if body is None else body)

    body = b'{"messages":[{"role":"user","content":[{"text":"Which?"}]}],"inferenceConfig":{"maxTokens":50}}'
    tickets = {name: as_client(name, PATH, body) for name in ('gone', 'stays')}
    equal([t.status for t in tickets.values()], [202, 202], 'tickets')
    never = {**stays, 'data': {'persist': 'never'}, 'budget': {'usd_per_day': '0.0001', 'then': 'reject'}}
    check('in force' in weir.reload({**weir.config, 'clients': [never]}), 'reloaded')
    answer = until('an answer', lambda: (a := as_client('stays', tickets['stays'].json()['status_url'])).status == 200 and a)
    check(answer.json()['usage']['inputTokens'] > 0, 'an answer of Bedrock')
    records = weir.records(2)
    equal(sorted(r['client'] for r in records), ['gone', 'stays'], 'rows')
    spent = weir.metric('weir_budget_spent_usd', client='stays', period='day')
    equal(spent, next(r['cost_usd'] for r in records if r['client'] == 'stays'), 'paid')
    beyond = as_client('stays', PATH, body)
    equal((beyond.status, beyond.header('x-amzn-errortype')), (400, 'ServiceQuotaExceededException'), 'beyond it')
