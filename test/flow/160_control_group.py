# SPDX-License-Identifier: Apache-2.0
"""Half of the prompts are left alone, by how they begin: boto3's traffic of many beginnings, and weir report says
what caching saved against them. The simulator's ledger has the same saving."""
import json
from weirflow import BUILD, MODEL, Story, check, equal, http_ask, until

BEGINNINGS, TIMES = 64, 4
PRICE = {'input': 5, 'output': 25, 'read': 0.5, 'write_5m': 6.25, 'write_1h': 10}


def cost(rows, kinds=(('input', 'input'), ('cache_read', 'read'), ('cache_write_5m', 'write_5m'), ('cache_write_1h', 'write_1h'))):
    return sum(row[kind] * PRICE[price] for row in rows for kind, price in kinds) / 1e6


def plain(rows):
    return cost(rows, [(kind, 'input') for kind in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')])


with Story() as s:
    weir = s.weir(cache={'mode': 'always', 'holdout': '50%'}, prices={'overrides': {MODEL: PRICE}})
    client = s.boto3(weir.url)
    for time in range(TIMES):
        for n in range(BEGINNINGS):
            client.converse(modelId=MODEL, system=[{'text': f'The rules of shop {n}. ' + 'Be kind and quick. ' * 600}],
                            messages=[{'role': 'user', 'content': [{'text': f'Question {time} of {n}?'}]}])
    records = weir.records(BEGINNINGS * TIMES)
    arms = {arm: [r for r in records if r['arm'] == arm] for arm in ('treated', 'control')}
    check(all(len(rows) % TIMES == 0 and len(rows) > 30 for rows in arms.values()), 'who begin alike are together')
    check(all(r['marks'] and r['input_usd'] != r['plain_usd'] for r in arms['treated']), 'marked')
    check(not any(r['marks'] or r['tokens']['cache_read'] for r in arms['control']), 'left alone')

    def report(*more):
        return s.run([BUILD / 'src' / 'weir', 'report', '-c', weir.path, '--by', '', *more])

    total = json.loads(report('--format', 'json'))['total']
    equal((total['treated'], total['control']), tuple(len(rows) for rows in arms.values()), 'sides')
    ledger = s.sim.rows()
    equal(round(total['saved_by']['cache'], 6), round(plain(ledger) - cost(ledger), 6), 'the ledger of the simulator')
    group, treated = total['control_group'], [r['tokens'] for r in arms['treated']]
    equal((group['state'], group['control']['input_usd']), ('known', group['control']['plain_usd']), 'the group')
    share = 1 - cost(treated) / plain(treated)
    check(abs(group['saved_share'] - share) < 1e-6 and share > 0.2, f'{group["saved_share"]}, {share}')
    low, high = group['saved_share_low'], group['saved_share_high']
    check(share - 0.1 < low <= share + 1e-6 and share - 1e-6 <= high < share + 0.1, f'{group}')
    check(group['saved_usd_low'] - 1e-6 <= total['saved_by']['cache'] <= group['saved_usd_high'] + 1e-6, f'{group}')
    check('(estimate); against the control group: ' in report(), report())
    savings = http_ask(weir.admin, 'GET', '/api/v1/savings').json()['total']
    equal(savings['control_group'], group, 'the admin API')
    until('what was saved', lambda: round(weir.metric('weir_saved_usd_total', lever='cache') -
                                          weir.metric('weir_lost_usd_total', lever='cache') - total['saved_usd'], 6) == 0)
