# SPDX-License-Identifier: Apache-2.0
"""A budget and what waits: each takes what it is expected to cost, to the nano-dollar, until its answer is paid, over a
reload and a kill -9. What does not fit is refused; who asks again for what was accepted gets it."""
import signal
from holdflow import again, holding, look, pooled, take_ticket
from limitflow import nanousd, state
from weirflow import Story, check, equal, until

DAY = 85 * 10**6  # a few tickets' worth, since what one may cost on demand is looked at first


def budget(weir):
    return {name: nanousd(usd) for name, usd in state(weir, 'search')['budget']['day'].items() if name != 'resets'}


with Story() as s:
    row = s.client('search', data={'persist': 'spool'}, budget={'usd_per_day': DAY / 10**9})
    weir = holding(s, linger='15m', clients=[row])
    tickets, refused = [], None
    while refused is None:
        answer = take_ticket(weir, f'{len(tickets):04}', client='search', **{'amz-sdk-invocation-id': f'i-{len(tickets)}'})
        refused = answer if answer.status != 202 else tickets.append(answer.json())
    equal((refused.status, refused.header('x-amzn-errortype')), (400, 'ServiceQuotaExceededException'), 'what does not fit')
    pooled(weir, len(tickets))
    full = until('nothing is under way', lambda: (lambda b: b if b['reserved_usd'] == 0 else None)(budget(weir)))
    each, rest = divmod(full['waiting_usd'], len(tickets))
    equal((rest, full['spent_usd'], full['left_usd']), (0, 0, DAY - full['waiting_usd']), 'each waits with the same')
    check(each > 0 and len(tickets) > 2, f'{len(tickets)} of {each}')

    def same(text):
        first = take_ticket(weir, '0000', client='search', **{'amz-sdk-invocation-id': 'i-0'})
        equal((first.status, first.json()), (202, tickets[0]), f'the first one, asked again {text}')
        equal(take_ticket(weir, 'new', client='search').status, 400, f'a new one {text}')
        equal(budget(weir), full, f'the budget {text}')

    same('at once')
    check('in force' in weir.reload(weir.config), 'a reload')
    same('after a reload')
    weir.signal(signal.SIGKILL)
    weir = again(s, weir)
    same('after kill -9')
    equal(weir.metric('weir_budget_waiting_usd', client='search', period='day'), full['waiting_usd'] / 10**9, '/metrics')

    weir.reload({**weir.config, 'batch': {**weir.config['batch'], 'linger': '1s'}})  # now it goes
    for ticket in tickets:
        until('its answer', lambda t=ticket: look(weir, t['status_url'], 'search').status == 200, 90)
    costs = until('the book has all', lambda: (lambda c: c if len(c) == len(tickets) else None)(
        [nanousd(r['cost_usd']) for r in weir.records() if r['cost_usd']]))
    paid = sum(costs)
    equal(budget(weir), {**full, 'waiting_usd': 0, 'spent_usd': paid, 'left_usd': DAY - paid}, 'the budget at the end')
