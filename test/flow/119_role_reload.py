# SPDX-License-Identifier: Apache-2.0
# asan: yes
# timeout: 90
"""Under load a reload gives a client another role, takes it away, and gives it back: no request fails, and what
comes after a reload is signed as that says. A client that is taken out is refused. A role of before is let go."""
import concurrent.futures
from doubles import Sts
from weirflow import KEY, SECRET, Story, ask_as, check, converse, equal, model_path

ARN = 'arn:aws:iam::123456789012:role/'

with Story() as s, Sts((KEY, SECRET), {ARN + 'a': 'a', ARN + 'b': 'b'}) as sts:
    s.simulator(*sts.options(12))
    stop, answers = [], []

    def clients(role_of_a):
        a = s.client('a', **({'role_arn': ARN + role_of_a} if role_of_a else {}))
        return [s.client('plain'), a, s.client('b', role_arn=ARN + 'b')]

    def signed_as(name):
        equal(ask_as(name, weir.url, model_path('converse'), converse(f'probe {name}')).status, 200)
        return [r for r in s.sim.rows()][-1]['access_key']

    def load(name):
        while not stop:
            answers.append(ask_as(name, weir.url, model_path('converse'), converse()).status)

    weir = s.weir(clients=clients('a'), endpoints={'sts': sts.url})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(load, name) for name in ('a', 'b', 'plain')]
        try:
            for n in range(5):
                for role in ('', 'a'):
                    check('in force' in weir.reload({**weir.config, 'clients': clients(role)}), 'reload')
            weir.reload({**weir.config, 'clients': clients('a')[1:] + clients('a')[:1]})  # other places
        finally:
            stop.append(True)
        for run in runs:
            run.result()
    equal(set(answers), {200}, f'{len(answers)} answers over the reloads')
    equal(sts.given['b'], 1, 'a role that nobody changed was assumed anew')
    check(signed_as('a').startswith('ASIAA') and signed_as('b').startswith('ASIAB'), 'each its own')
    equal(signed_as('plain'), KEY)
    weir.reload({**weir.config, 'clients': clients('')})
    equal(signed_as('a'), KEY, 'without a role')
    weir.reload({**weir.config, 'clients': clients('')[:1]})
    equal(ask_as('b', weir.url, model_path('converse'), converse()).status, 403, 'a client that was taken out')
