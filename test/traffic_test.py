#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Is the made-up traffic what tools/traffic says it is? Each kind is written as a command would write it,
and looked at from outside: ids, lengths and times."""
import collections
import gzip
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = 512


def run(*words):
    return subprocess.run([sys.executable, str(ROOT / 'tools/traffic'), *map(str, words)], check=True,
                          capture_output=True, text=True)


def rows(*words):
    return [json.loads(line) for line in run(*words).stdout.splitlines()]


def want(condition, words):
    if not condition:
        raise AssertionError(words)


def near(value, wanted, by, words):
    want(abs(value - wanted) <= by, f'{words}: {value:.4g} instead of {wanted:.4g}')


def shared(a, b):
    """How many ids two requests have in common, all of them at the beginning."""
    same = next((i for i, (x, y) in enumerate(zip(a['hash_ids'], b['hash_ids'])) if x != y), min(len(a['hash_ids']), len(b['hash_ids'])))
    want(not set(a['hash_ids'][same:]) & set(b['hash_ids'][same:]), 'the same id behind different ones')
    return same


def seeded():
    for kind in ('agents', 'documents', 'stops', 'new', 'bursts', 'clock', 'chat', 'mix'):
        once = run(kind, '--requests', 300).stdout
        want(once == run(kind, '--requests', 300).stdout, f'{kind}: not the same twice')
        want(once != run(kind, '--requests', 300, '--seed', 2).stdout, f'{kind}: the seed changes nothing')


def well_formed():
    for kind in ('agents', 'documents', 'stops', 'new', 'bursts', 'clock', 'chat', 'mix'):
        found = rows(kind, '--requests', 400)
        want(len(found) == 400, f'{kind}: {len(found)} requests')
        behind = {}
        for row in found:
            want(len(row['hash_ids']) == math.ceil(row['input_length'] / BLOCK), f'{kind}: ids do not fit the length')
            want(row['output_length'] > 0, f'{kind}: no answer')
            for before, this in zip([None] + row['hash_ids'], row['hash_ids']):
                want(behind.setdefault(this, before) == before, f'{kind}: id {this} behind two prefixes')
        times = [row['timestamp'] for row in found]
        want(times == sorted(times), f'{kind}: not in order of time')


def one_agent():
    """Extends its last prompt, block by block, unless it was summed up behind the same tools and system."""
    found = rows('agents', '--sessions', 1, '--turns', '200-200', '--compact-at', 30000)
    want(len(found) == 200, f'{len(found)} turns')
    compactions = 0
    for last, row in zip(found, found[1:]):
        if row['input_length'] > last['input_length']:
            want(shared(last, row) >= last['input_length'] // BLOCK, 'a prompt that does not extend the last')
            want(row['input_length'] > last['input_length'] + last['output_length'], 'the answer is not in the next prompt')
        else:
            compactions += 1
            want(last['input_length'] > 10000 and shared(last, row) == 9000 // BLOCK, 'no compaction behind 9,000 tokens')
    want(compactions > 3, f'{compactions} compactions')


def pauses():
    found = rows('agents', '--sessions', 1, '--turns', '200-200', '--pause', '5-900', '--compact-at', 30000, '--seed', 3)
    gaps = [(b['timestamp'] - a['timestamp']) / 1000 for a, b in zip(found, found[1:])]
    want(4.99 < min(gaps) and max(gaps) < 900.01, f'pauses of {min(gaps)} to {max(gaps)} seconds')
    middle = math.log(5 * 900) / 2
    near(sum(math.log(g) for g in gaps) / len(gaps), middle, .35, 'mean of the logarithms')
    night = rows('agents', '--night', 14, '--requests', 3000)
    want(all(row['timestamp'] / 1000 % 86400 <= 36000 for row in night), 'somebody was awake at night')


def many_agents():
    """Sessions of one run share tools and system and nothing else; as many as were asked for, interleaved."""
    found = rows('agents', '--sessions', 6, '--per-hour', 20, '--compact-at', 10 ** 9)
    head, sessions = 9000 // BLOCK, collections.defaultdict(list)
    for n, row in enumerate(found):
        want(row['hash_ids'][:head] == found[0]['hash_ids'][:head], 'other tools')
        if row['input_length'] >= (head + 2) * BLOCK:
            sessions[row['hash_ids'][head + 1]].append(n)
    want(len(sessions) == 6 and all(len(turns) >= 20 for turns in sessions.values()), f'{len(sessions)} sessions')
    first, second = sorted(sessions.values())[:2]
    want(second[0] < first[-1], 'sessions that do not overlap')


def zipf():
    found = rows('documents', '--documents', 20, '--zipf', 1.2, '--requests', 20000, '--system', 1024, '--document', 2048)
    asked = sorted(collections.Counter(row['hash_ids'][2] for row in found).values(), reverse=True)
    weights = [k ** -1.2 for k in range(1, 21)]
    want(len(asked) == 20, f'{len(asked)} documents')
    for k in (0, 1, 4, 19):
        wanted = 20000 * weights[k] / sum(weights)
        near(asked[k], wanted, 4 * math.sqrt(wanted), f'document {k + 1}')
    want(len({row['hash_ids'][1] for row in found}) == 1, 'several system prompts')
    want(len({row['hash_ids'][-1] for row in found}) == 20000, 'a question twice')


def all_new():
    for kind, *more in (('new',), ('bursts', '--burst', 20), ('clock', '--per-hour', 30)):
        ids = [i for row in rows(kind, '--requests', 1000, *more) for i in row['hash_ids']]
        # Two requests in one second may share the clock's prompt.
        want(len(set(ids)) > (.97 if kind == 'clock' else .999999) * len(ids), f'{kind}: something came back')
    minute = rows('clock', '--every', 'minute', '--requests', 1000)
    per_minute = collections.defaultdict(set)
    for row in minute:
        per_minute[row['timestamp'] // 60000].add(row['hash_ids'][0])
    want(all(len(ids) == 1 for ids in per_minute.values()), 'two prompts in a minute')
    want(len(set.union(*per_minute.values())) == len(per_minute), 'one prompt in two minutes')


def in_bursts():
    times = [row['timestamp'] for row in rows('bursts', '--burst', 30, '--burst-seconds', 4, '--per-hour', 2, '--requests', 300)]
    gaps = [b - a for a, b in zip(times, times[1:])]
    want(sum(gap > 10000 for gap in gaps) in range(7, 10), 'not ten bursts')
    want(times[29] - times[0] <= 4000, 'a burst that takes longer')


def stopping():
    for kind in ('agents', 'documents', 'chat'):
        told = run('stops', '--of', kind, '--requests', 2000, '--change', .4, '--back', .8, '--tell', '--system', 1024)
        found = [json.loads(line) for line in told.stdout.splitlines()]
        want(f'change: request 800, timestamp {found[800]["timestamp"]}\n' in told.stderr, 'the change is not told')
        want(f'back: request 1600, timestamp {found[1600]["timestamp"]}\n' in told.stderr, 'the way back is not told')
        before, between = ({i for row in part for i in row['hash_ids']} for part in (found[:800], found[800:1600]))
        want(not before & between, f'{kind}: something came back after the change')
        want(len(between) == sum(len(row['hash_ids']) for row in found[800:1600]), f'{kind}: not all new')
        want(before & {i for row in found[1600:] for i in row['hash_ids']}, f'{kind}: nothing is back')
        no_end = [] if kind == 'documents' else ['--sessions', 0]
        plain = rows(kind, '--requests', 2000, *no_end, '--system', 1024)
        want([(r['timestamp'], r['input_length']) for r in plain] == [(r['timestamp'], r['input_length']) for r in found],
             f'{kind}: lengths or times change')
    once = rows('stops', '--then', 'once', '--requests', 1000)
    want(all(shared(once[0], row) == 9000 // BLOCK for row in once[500:]), 'the tools are not the same')
    want(len({row['hash_ids'][9000 // BLOCK] for row in once[500:]}) == 500, 'a session goes on')


def chatting():
    found = rows('chat', '--requests', 5000, '--system', 1024, '--per-hour', 300)
    want(len({row['hash_ids'][1] for row in found}) == 1, 'several system prompts')
    last, gaps, turns = {}, [], collections.Counter()
    for row in found:
        row['hash_ids'] = row['hash_ids'][:row['input_length'] // BLOCK]
        before = next((last[i] for i in reversed(row['hash_ids'][2:]) if i in last), None)
        turns['first' if before is None else 'later'] += 1
        if before is not None:
            gaps.append((row['timestamp'] - before) / 1000)
        last.update(dict.fromkeys(row['hash_ids'][2:], row['timestamp']))
    gaps.sort()
    near(math.log(gaps[len(gaps) // 2]), math.log(45), .3, 'logarithm of the median thinking time')
    near(turns['later'] / len(found), .7, .1, 'share of later turns')


def logs():
    for dialect in ('converse', 'claude'):
        with tempfile.TemporaryDirectory() as folder:
            run('agents', '--requests', 40, '--sessions', 2, '--format', 'log', '--dialect', dialect, '--output', f'{folder}/log.json.gz')
            with gzip.open(f'{folder}/log.json.gz', 'rt') as log:
                found = [json.loads(line) for line in log]
        trace = rows('agents', '--requests', 40, '--sessions', 2)
        want([r['input']['inputTokenCount'] for r in found] == [r['input_length'] for r in trace], 'not the same traffic')
        for record in found:
            body = record['input']['inputBodyJson']
            near(len(json.dumps(body)) / record['input']['inputTokenCount'], 4, .4, 'bytes a token')
            roles = [message['role'] for message in body['messages']]
            want(roles == (['user', 'assistant'] * len(roles))[:len(roles)], 'roles do not take turns')
        by_length = sorted((r['input']['inputBodyJson']['messages'] for r in found), key=len)
        want(any(len(a) < len(b) and b[:len(a)] == a for a in by_length for b in by_length), 'nothing extends anything')
        want(len({json.dumps(r['input']['inputBodyJson']['system']) for r in found}) == 1, 'several system prompts')
    clock = json.loads(run('clock', '--requests', 1, '--format', 'log').stdout)
    want(clock['input']['inputBodyJson']['system'][0]['text'].startswith('It is 05 January 2026, 09:0'), 'no time of day')


def mixed():
    found = rows('mix', '--of', 'agents,documents', '--requests', 1000)
    agents = {tuple(row['hash_ids'][:2]) for row in rows('agents', '--requests', 5)}
    heads = collections.Counter(tuple(row['hash_ids'][:2]) for row in found)
    want(len(agents) == 1 and len(heads) == 2 and min(heads.values()) > 20, f'heads {heads}')


CASES = [('the same seed makes the same traffic', seeded), ('ids fit lengths and prefixes, times are in order', well_formed),
         ('each agent request extends the last, but for compactions', one_agent), ('pauses are in their range', pauses),
         ('sessions share tools and system', many_agents), ('documents are asked by Zipf', zipf),
         ('new, bursts and clock share nothing', all_new), ('bursts are short', in_bursts),
         ('stops: nothing comes back between the change and the way back', stopping), ('chats have a few turns', chatting),
         ('the log is the same traffic, with bodies', logs), ('a mix has all its kinds', mixed)]


def main():
    print(f'1..{len(CASES)}')
    bad = 0
    for number, (name, case) in enumerate(CASES, 1):
        try:
            case()
            print(f'ok {number} - {name}', flush=True)
        except (AssertionError, subprocess.CalledProcessError) as error:
            bad += 1
            print(f'not ok {number} - {name}\n# {error} {getattr(error, "stderr", "")}', flush=True)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
