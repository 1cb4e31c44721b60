# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""kill -9 with metering: strict, again and again: what was answered is in the book, nothing twice, and it opens."""
import concurrent.futures
import random
import signal
import time
from weirflow import BUILD, Story, ask, check, converse, equal, model_path

dice = random.Random()
answered = []


def client(weir, n):
    while True:
        try:
            answer = ask(weir.url, model_path('converse'), converse(f'{n}'), seconds=5)
        except OSError:
            return
        if answer.status == 200:
            answered.append(answer.header('x-weir-request-id'))


with Story() as s:
    for round_ in range(8):
        weir = s.weir(metering='strict')
        weir.may_fail = True
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for n in range(8):
                pool.submit(client, weir, n)
            time.sleep(dice.uniform(0.05, 0.6))  # any moment
            weir.signal(signal.SIGKILL)
    weir = s.weir(metering='strict')
    ids = [record['id'] for record in weir.records(len(answered))]
    equal(len(ids), len(set(ids)), 'records and different ids')
    equal(set(answered) - set(ids), set(), 'answered and not in the book')
    check(len(answered) > 100, f'{len(answered)} answers')
    said = s.run([BUILD / 'src/weir', 'book', 'check', '-c', weir.path])
    check('good: every sum is that of its parts' in said, said)
