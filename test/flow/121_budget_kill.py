# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""kill -9 amid requests, again and again: with metering: strict every answer that a client has is spent; what
was only reserved is not; and after each start the budget is the book's sum, inference profiles included."""
import concurrent.futures
import random
import signal
import time
from limitflow import at_rest, body_of, booked, clients, nanousd, spent
from weirflow import BUILD, Story, check, equal, http_ask, model_path, until

ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'
dice, answered = random.Random(), []
fields = {'Authorization': 'Bearer token-of-search-0123456789'}


def client(weir, n):
    profile = model_path('converse', ARN + f'us.anthropic.claude-sonnet-4-6-{n}')
    for i in range(10000):
        try:
            target = profile if i % 5 == 0 else model_path('converse')
            answer = http_ask(weir.url, 'POST', target, fields, body_of(f'[[sim:delay={n}]] {i}', 20), seconds=20)
        except OSError:
            return
        if answer.status == 200:
            answered.append(answer.header('x-weir-request-id'))


with Story() as s:
    s.simulator()
    config = clients(s, {'name': 'search', 'budget': {'usd_per_day': 100, 'usd_per_month': 1000}})
    for round_ in range(6):
        weir = s.weir(metering='strict' if round_ % 2 else 'on', **config)
        weir.may_fail = True
        before, known = spent(weir, 'search'), len(answered)
        equal(before, booked(weir, 'search', 1) if before else 0, 'the budget and the book after a start')
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for n in range(8):
                pool.submit(client, weir, n)
            until('answers', lambda: len(answered) > known + 20)
            time.sleep(dice.uniform(0, 0.3))  # any moment
            weir.signal(signal.SIGKILL)
        if round_ % 2 == 0:  # without strict the last 100 ms may be lost
            del answered[known:]
    weir = s.weir(**config)
    ids = {record['id'] for record in weir.records(len(answered))}
    equal(set(answered) - ids, set(), 'answered and not in the book')
    day, month = (nanousd(at_rest(weir, 'search')['budget'][p]['spent_usd']) for p in ('day', 'month'))
    equal((day, month), (booked(weir, 'search', 1),) * 2, 'the budgets and the book')
    equal(at_rest(weir, 'search')['budget']['day']['reserved_usd'], 0, 'reserved')
    check(day > 0 and len(answered) > 60, f'{len(answered)} answers')
    check('good: every sum' in s.run([BUILD / 'src/weir', 'book', 'check', '-c', weir.path]), 'book check')
