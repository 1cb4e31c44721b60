# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""A budget at 99 %, 200 requests at once over two workers: exactly those get in whose reservations fit, and
what was spent is the book's sum, through reloads and restarts, to the nano-dollar."""
import concurrent.futures
from limitflow import body_of, booked, clients, post, reserved, spent, usd
from weirflow import Story, check, equal

with Story() as s:
    s.simulator()

    def config(nanousd):
        return clients(s, {'name': 'search', 'budget': {'usd_per_day': usd(nanousd), 'then': 'reject'}})

    weir = s.weir(**config(10**12))
    for n in range(3):
        post(weir, 'search', body_of(f'[[sim:bytes=40000]] {n}', 10000), status=200)
    bodies = [body_of(f'[[sim:delay=3000]] {n:05}', 20) for n in range(200)]
    each = reserved(bodies[0], 20)
    budget = spent(weir, 'search') + 3 * each + each - 1
    check(spent(weir, 'search') >= 0.99 * budget, f'{spent(weir, "search")} of {budget}')
    check('in force' in weir.reload(s.config(**config(budget))), 'a reload')
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        race = list(pool.map(lambda body: post(weir, 'search', body).status, bodies))
    equal((race.count(200), race.count(400)), (3, 197), 'came in and were refused')

    more = 0
    while spent(weir, 'search') + each <= budget:  # the short answers left something
        weir.reload(s.config(**config(budget)))
        before, more = spent(weir, 'search'), more + 1
        post(weir, 'search', body_of(f'[[sim:delay=1]] {more:08}', 20), status=200)
        weir.end()
        weir = s.weir(**config(budget))
        check(before < spent(weir, 'search') <= budget, f'{before} {spent(weir, "search")} {budget}')
    post(weir, 'search', body_of('[[sim:delay=1]] 99999999', 20), status=400)
    costs = booked(weir, 'search', 6 + more)
    equal(spent(weir, 'search'), costs, 'the budget and the book')
    check(more > 0 and costs <= budget, f'{costs - budget} too much after {more} more')
    equal(weir.metric('weir_limited_total', client='search', what='usd_per_day'), 1.0, 'refused since the start')
    equal(weir.metric('weir_budget_spent_usd', client='search', period='day'), usd(costs), '/metrics')
