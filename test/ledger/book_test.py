#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Can the comparison fail? A made-up ledger and the book that fits it; then each way in which a book can be
wrong, one at a time."""
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'flow')]

import book
import mix
from weirflow import Failed


def made(count=400):
    """Specs, their rows, their records, and the ids that a client knows."""
    specs, rows, records, ids, rng = {}, [], [], {}, random.Random(1)
    for serial in range(1, count + 1):
        spec = mix.make(7, serial)
        if spec.fault or spec.leave == 'half':
            continue
        specs[spec.key] = spec
        tokens = {kind: rng.randrange(1, 50) for kind in book.KINDS} if spec.tells else dict.fromkeys(book.KINDS, 0)
        rows.append({'body_sha256': spec.key, 'path': spec.target, 'body_bytes': len(spec.body), 'status': 200, 'operation': spec.operation,
                     'charged': spec.tells, 'outcome': 'sent', 'tier': spec.tier, **tokens})
        records.append({'id': f'{serial:032x}', 'workload': spec.workload, 'operation': spec.operation,
                        'asked': spec.asked or '', 'model': spec.model or '', 'lane': book.LANES[spec.tier], 'attempts': 1,
                        'outcome': 'answered', 'estimated': False, 'joined': False, 'cost_usd': 0.1, 'tokens': dict(tokens)})
        ids[f'{serial:032x}'] = serial
    return specs, rows, records, ids


def passes(spoil):
    specs, rows, records, ids = made()
    spoil(rows, records)
    try:
        book.Comparison(specs, rows, records, ids).check()
        return True
    except Failed:
        return False


def with_tokens(records):
    return next(r for r in records if r['tokens']['input'])


def misplace(tokens):
    tokens['cache_write_5m'] += tokens['cache_write_1h']
    tokens['cache_write_1h'] = 0


def swap(rows, records):
    """Two requests of one kind have each other's tokens: the sums agree."""
    alike = [r for r in records if r['tokens']['input'] and (r['workload'], r['asked'], r['operation'], r['lane']) == (
        'chat', mix.SONNET, 'Converse', 'ondemand')]
    alike[0]['id'], alike[1]['id'] = alike[1]['id'], alike[0]['id']


WRONG = {
    'a record is missing': lambda rows, records: records.remove(with_tokens(records)),
    'a record without tokens is missing': lambda rows, records: records.remove(next(r for r in records if not r['tokens']['input'])),
    'a record stands twice': lambda rows, records: records.append(dict(with_tokens(records))),
    'a kind of token is dropped': lambda rows, records: [r['tokens'].update(cache_write_1h=0) for r in records],
    'cached tokens count as input too': lambda rows, records: [
        r['tokens'].update(input=r['tokens']['input'] + r['tokens']['cache_read']) for r in records],
    'a one-hour write counts as five minutes': lambda rows, records: misplace(with_tokens(records)['tokens']),
    'another workload': lambda rows, records: with_tokens(records).update(workload='other'),
    'another model': lambda rows, records: with_tokens(records).update(model='other'),
    'another lane': lambda rows, records: with_tokens(records).update(lane='reserved'),
    'an estimate for what was told': lambda rows, records: with_tokens(records).update(estimated=True),
    'no estimate for what was not told': lambda rows, records: next(r for r in rows if r['charged']).update(outcome='left'),
    'a call that is not in the ledger': lambda rows, records: with_tokens(records).update(attempts=2),
    'joined, with tokens': lambda rows, records: with_tokens(records).update(joined=True),
    "another request's tokens": swap,
}


def main():
    results = [('a book that fits', passes(lambda rows, records: None))]
    results += [(f'it is seen when {what}', not passes(spoil)) for what, spoil in WRONG.items()]
    for number, (what, good) in enumerate(results, 1):
        print(f'{"ok" if good else "not ok"} {number} - {what}')
    print(f'1..{len(results)}')
    return 0 if all(good for _, good in results) else 1


if __name__ == '__main__':
    sys.exit(main())
