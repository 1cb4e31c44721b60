# SPDX-License-Identifier: Apache-2.0
"""What prompts of 512-token blocks cost: an account of its own, to hold weir replay against.

bill(): a marker of five minutes behind some block of each prompt, or none. least(): the least that any
policy could cost, by another way than Weir's: for each block it looks at every stretch of visits that one
write could serve."""
import bisect
import random

BLOCK, READ, WRITE = 512, 0.1, {300_000: 1.25, 3_600_000: 2.0}


def prompts(seed, count=400):
    """Conversations that go on, questions under one beginning, and strangers; unlike gaps."""
    rng, now, ids, lines, rows = random.Random(seed), 0, iter(range(10**9)), [], []
    common = [next(ids) for _ in range(3)]
    for _ in range(count):
        now += int(rng.expovariate(1 / rng.choice((50, 3_000, 40_000, 900_000))))
        kind = rng.random()
        if kind < 0.5 and lines:
            line = rng.choice(lines[-6:])
        else:
            line = (common if kind < 0.85 else []) + [next(ids) for _ in range(rng.randrange(0, 9))]
            lines.append(line)
        line += [next(ids) for _ in range(rng.choice((0, 0, 1, 2, 5, 30)))]
        rows.append({'timestamp': now, 'input_length': len(line) * BLOCK + rng.randrange(1, BLOCK),
                     'output_length': 9, 'hash_ids': line + [next(ids)]})
    return rows


def boundaries(row):
    ids = row['hash_ids'][:row['input_length'] // BLOCK]
    return [tuple(ids[:n]) for n in range(1, len(ids) + 1)]


def bill(rows, where):
    """cost, read, written as shares; `where` says behind how many blocks of a prompt the marker stands."""
    until, sums = {}, {'cost': 0.0, 'read': 0, 'write': 0}
    for row in rows:
        now, places, at = row['timestamp'], boundaries(row), where(row)
        hit = 0
        if at >= 2:  # 1,024 tokens
            window = [n for n in range(max(1, at - 20), at + 1) if until.get(places[n - 1], -1) > now]
            hit = max(window, default=0)
            for n in {hit, at} - {0}:
                until[places[n - 1]] = now + 300_000
        written = at - hit if at >= 2 else 0
        sums['read'] += hit * BLOCK
        sums['write'] += written * BLOCK
        sums['cost'] += row['input_length'] + BLOCK * (hit * (READ - 1) + written * (WRITE[300_000] - 1))
    whole = sum(row['input_length'] for row in rows)
    return {name: value / whole for name, value in sums.items()}


def least(rows):
    visits = {}
    for row in rows:
        for place in boundaries(row):
            visits.setdefault(place, []).append(row['timestamp'])
    whole = sum(row['input_length'] for row in rows)
    cost = float(sum(row['input_length'] % BLOCK for row in rows))
    for times in visits.values():
        best = [0.0] * (len(times) + 1)  # of what comes from a visit on
        for i in reversed(range(len(times))):
            best[i] = 1 + best[i + 1]
            for life, price in WRITE.items():
                for j in range(i + 1, len(times) + 1):
                    if j > i + 1 and times[j - 1] - times[j - 2] >= life:
                        break
                    best[i] = min(best[i], price + READ * (j - i - 1) + best[j])
        cost += BLOCK * best[0]
    return cost / whole


def shared_by_most(rows):
    """How many blocks of a prompt stand before more than half of all prompts."""
    counts = {}
    for row in rows:
        for place in boundaries(row):
            counts[place] = counts.get(place, 0) + 1
    return lambda row: bisect.bisect_left([-counts[p] for p in boundaries(row)], -len(rows) / 2)
