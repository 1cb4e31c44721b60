# SPDX-License-Identifier: Apache-2.0
"""What Weir says that traffic would have cost without it is what it does cost without it: the same conversations, half
of them with their client's own marker, through a Weir with its levers on and through one with its levers off."""
import random
from weirflow import MODEL, Story, check, equal

PRICE = {'input': 5, 'output': 0, 'read': 0.5, 'write_5m': 6.25, 'write_1h': 10}
CACHE = [{'cachePoint': {'type': 'default'}}]


def conversation(n):
    """Its questions: each is the history before it and something new."""
    words = random.Random(n)
    system = [{'text': f'The rules of shop {n % 7}. ' + 'Be kind and quick. ' * 600}] + CACHE * (n % 2)
    history = []
    for turn in range(5):
        said = ' '.join(words.choice(['why', 'how', 'when', 'who']) for _ in range(words.randrange(50, 900)))
        history.append({'role': 'user', 'content': [{'text': f'{n} {turn} {said}?'}]})
        yield {'modelId': MODEL, 'system': system, 'messages': list(history)}
        history.append({'role': 'assistant', 'content': [{'text': f'Because of {said}.'}]})


def run(levers):
    """Costs of input: by Weir's records, and by the simulator's ledger."""
    with Story() as s:
        weir = s.weir(levers=levers, cache={'holdout': '0%'}, prices={'overrides': {MODEL: PRICE}})
        client = s.boto3(weir.url)
        for n in range(24):
            for question in conversation(n):
                client.converse(**question)
        records = weir.records(24 * 5)
        due = sum(row[kind] * price for row in s.sim.rows() for kind, price in
                  (('input', 5), ('cache_read', 0.5), ('cache_write_5m', 6.25), ('cache_write_1h', 10))) / 1e6
        sums = {key: sum(r[key] for r in records) for key in ('cost_usd', 'unmarked_usd', 'untouched_usd', 'marks')}
        equal(round(sums['cost_usd'], 4), round(due, 4), 'the ledger')
        return sums


on, off = run('on'), run('off')
equal((off['marks'], off['untouched_usd']), (0, off['cost_usd']), 'nothing was done')
check(on['marks'] > 50 and on['cost_usd'] < 0.7 * off['cost_usd'], f'{on}, {off}')
check(abs(on['untouched_usd'] / off['cost_usd'] - 1) < 0.02, f'{on["untouched_usd"]} was said, {off["cost_usd"]} it is')
