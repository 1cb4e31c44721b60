# SPDX-License-Identifier: Apache-2.0
"""The loads: each function puts one on a peer and says what it took, as a flat dict of numbers."""
import itertools
import json
import pathlib
import re
import statistics
import subprocess
import time
import urllib.request

import peers

MODEL = '/model/anthropic.claude-sonnet-4-20250514-v1%3A0/converse'
SIZES = {'1k': 1 << 10, '64k': 64 << 10, '1m': 1 << 20}
PROMPT_BLOCKS = {'1k': 2, '64k': 60, '1m': 500}
# Calls a second that one round of each size should be about, so that each takes as long.
CALLS = {'1k': 40000, '64k': 12000, '1m': 1500}
TEXT = ('A weir is a low dam across a river. It raises the level of the water above it, steadies the flow, '
        'and lets what is too much run over its crest. Millers built them first, boatmen cursed them, and '
        'engineers learned to read from the depth over the crest how much water a river carries. ')


class Failed(Exception):
    pass


def body(size):
    """A Converse request of exactly so many bytes, nearly all of it one text."""
    def made(text):
        return json.dumps({'system': [{'text': 'Answer in one sentence.'}],
                           'messages': [{'role': 'user', 'content': [{'text': text}]}],
                           'inferenceConfig': {'maxTokens': 512, 'temperature': 0.2}})
    room = size - len(made(''))
    return made((TEXT * (room // len(TEXT) + 1))[:room])


def prompt(size, blocks):
    """A Converse request of about so many bytes: an agent's, cut into texts. Each has a number, for which
    weir-bench-load may put another one with each call."""
    each = size // blocks - 60
    text = '######## ' + (TEXT * (each // len(TEXT) + 1))[:each]
    return json.dumps({'system': [{'text': text}],
                       'messages': [{'role': 'assistant' if i % 2 else 'user', 'content': [{'text': text}]}
                                    for i in range(blocks - 1)]})


class Bench:
    """Where the programs and the bodies are."""

    def __init__(self, build, folder, seconds):
        self.build, self.folder, self.seconds = pathlib.Path(build), folder, seconds
        for name, size in SIZES.items():
            (folder / f'body-{name}').write_text(body(size))
            (folder / f'prompt-{name}').write_text(prompt(size, PROMPT_BLOCKS[name]))

    def start_origin(self):
        process = peers.begin([self.build / 'weir-bench-origin'], 1, stdout=subprocess.PIPE, text=True)
        return process, int(process.stdout.readline())

    def argv_of_own(self, peer, http, path, options):
        two = http == 'h2' and peer.name != 'direct'  # the origin speaks HTTP/1.1 only
        return [self.build / 'weir-bench-load', *(['--h2'] if two else []), '--body', self.folder / 'body-1k',
                *map(str, options), str(peer.port(http, False)), path]

    def own(self, peer, http, path, *options, timeout=120):
        """weir-bench-load to its end."""
        process = peers.begin(self.argv_of_own(peer, http, path, options), 1, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            peers.end(process)
        told = json.loads(out.strip().split('\n')[-1] or '{}') if out else {}
        if process.returncode != 0:
            raise Failed(f'{peer.name}: {told.get("failed", "all")} of {told.get("calls", "the")} calls failed: '
                         f'{err.strip()[:300]}')
        return told


def h2load(bench, peer, size, http, tls, calls):
    where = f'{"https" if tls else "http"}://127.0.0.1:{peer.port(http, tls)}{MODEL}'
    shape = ['--h1', '-c', '32'] if http == 'h1' else ['-c', '8', '-m', '4']
    process = peers.begin([peers.which('h2load'), *shape, '-n', calls, '-d', bench.folder / f'body-{size}',
                           '-H', 'content-type: application/json', where], 1,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, _ = process.communicate(timeout=120)
    finally:
        peers.end(process)
    ended = re.search(r'finished in [\d.]+\w+, ([\d.]+) req/s', out)
    good = re.search(r'status codes: (\d+) 2xx', out)
    if not ended or int(good.group(1)) != calls:
        raise Failed(f'{peer.name}: {good.group(1) if good else "none"} of {calls} calls were answered with 200')
    return float(ended.group(1))


def throughput(bench, peer, size, http, tls):
    """As many calls as go through 32 at a time, over kept connections."""
    calls = max(64, int(CALLS[size] * bench.seconds))
    before = peers.cpu_us(peer.process.pid)
    rate = h2load(bench, peer, size, http, tls, calls)
    return {'cpu_us': (peers.cpu_us(peer.process.pid) - before) / calls, 'per_second': rate}


def latency(bench, peer, rate=3000):
    """A fixed rate of 1 KB calls over 32 kept HTTP/1.1 connections."""
    skip = rate // 2
    told = bench.own(peer, 'h1', MODEL, '--keep', '--rate', rate, '--slots', 32, '--skip', skip,
                     '--count', skip + int(rate * bench.seconds * 2))
    return {'p50_us': told['whole_us']['p50'], 'p99_us': told['whole_us']['p99'],
            'late_p99_us': told['late_us']['p99']}


def streams(bench, peer, http):
    """200 new streams a second, a connection each; the first event comes after 20 ms, ten more follow."""
    told = bench.own(peer, http, '/model/bench.20.50.10/converse-stream', '--rate', 200, '--slots', 2000, '--skip', 50,
                     '--count', 50 + int(200 * bench.seconds * 2))
    return {'first_p50_us': told['first_us']['p50'], 'first_p99_us': told['first_us']['p99'],
            'late_p99_us': told['late_us']['p99']}


def connect(bench, peer, http):
    """A connection per call, 32 at a time."""
    calls = max(64, int(8000 * bench.seconds))
    before = peers.cpu_us(peer.process.pid)
    told = bench.own(peer, http, MODEL, '--count', calls, '--slots', 32)
    return {'cpu_us': (peers.cpu_us(peer.process.pid) - before) / calls, 'per_second': told['per_second'],
            'p50_us': told['whole_us']['p50'], 'p99_us': told['whole_us']['p99']}


PAIRS = 24


def metering(bench, peer):
    """What metering adds to a worker's CPU time: two Weirs that differ in `metering` alone, a short load on
    each in turn, the other one first each time; the median of the differences. What the clerk and the
    office do about it in their own threads stands beside it."""
    twins = [kind(f'metering-{kind.metering}', bench.folder, peer.origin_port, peer.cert)
             for kind in (peers.WeirQuiet, peers.WeirUnmetered)]
    calls, spent = max(64, int(CALLS['1k'] * bench.seconds / 3)), {twin.metering: [] for twin in twins}
    try:
        for twin in twins:
            twin.start()
            h2load(bench, twin, '1k', 'h1', False, calls)  # so that both have what they keep
        for turn in range(PAIRS):
            for twin in twins if turn % 2 else twins[::-1]:
                before = peers.thread_us(twin.process.pid)
                h2load(bench, twin, '1k', 'h1', False, calls)
                time.sleep(0.2)  # the clerk's last batch
                after = peers.thread_us(twin.process.pid)
                spent[twin.metering].append({name: (after[name] - before[name]) / calls for name in after})
    finally:
        for twin in twins:
            twin.stop()
    more = {name: statistics.median(on[name] - off[name] for on, off in zip(spent['on'], spent['off']))
            for name in ('worker', 'office', 'clerk')}
    return {'off_us': statistics.median(s['worker'] for s in spent['off']), 'more_us': more['worker'],
            'office_us': more['office'], 'clerk_us': more['clerk']}


LEVERS = (peers.WeirQuiet, peers.WeirObserving, peers.WeirActing)
TURNS = 9


def twins_of_levers(bench, peer, name):
    return {kind.levers: kind(f'{name}-{kind.levers}', bench.folder, peer.origin_port, peer.cert) for kind in LEVERS}


numbers = itertools.count(1, 100003)  # no two loads have one in common


def prompts(bench, twin, size, new, calls):
    """Over 32 kept connections; `new`: none is like another one, else all are the same."""
    bench.own(twin, 'h1', MODEL, '--keep', '--body', bench.folder / f'prompt-{size}',
              *(['--number', next(numbers)] if new else []), '--count', calls)


def caching(bench, peer):
    """What prompt caching adds to a worker's CPU time: three Weirs with levers off, observing (they plan and learn)
    and on (what is planned is put in, too, and the body hashed again), a short load on each in turn, another one
    first each time; the medians of the differences to levers off."""
    twins, found = twins_of_levers(bench, peer, 'caching'), {}
    try:
        for twin in twins.values():
            twin.start()
        for size, new in [(size, new) for size in SIZES for new in (False, True)]:
            calls, spent = max(64, int(CALLS[size] * bench.seconds / 8)), {levers: [] for levers in twins}
            for turn in range(-1, TURNS):
                names = [*twins]
                for levers in names[turn % 3:] + names[:turn % 3]:
                    before = peers.thread_us(twins[levers].process.pid)['worker']
                    prompts(bench, twins[levers], size, new, calls)
                    if turn >= 0:  # the first is so that they have what they keep
                        spent[levers].append((peers.thread_us(twins[levers].process.pid)['worker'] - before) / calls)
            name = f'{size}_{"new" if new else "same"}'
            found[f'{name}_off_us'] = statistics.median(spent['off'])
            for levers in ('observe', 'on'):
                found[f'{name}_{levers}_us'] = statistics.median(a - b for a, b in zip(spent[levers], spent['off']))
        found.update(memory_of_index(bench, twins))
    finally:
        for twin in twins.values():
            twin.stop()
    return found


def memory_of_index(bench, twins):
    """Behind so many new prompts that the index is full; and with levers off."""
    for _ in range(20):
        with urllib.request.urlopen(f'http://127.0.0.1:{twins["on"].admin}/api/v1/prefixes', timeout=5) as answer:
            index = json.load(answer)['index']
        if index['entries'] > 0.95 * index['places']:
            break
        prompts(bench, twins['on'], '64k', True, 2000)
    time.sleep(2)  # until spare memory for bodies is given back
    return {'index_entries': index['entries'], **Memory(twins['on']).look().mib('index_on'),
            **Memory(twins['off']).look().mib('index_off')}


def caching_wait(bench, peer, rate=3000):
    """The same prompt of 1 KB at a fixed rate, with levers off and on, a short load on each in turn."""
    twins, told = twins_of_levers(bench, peer, 'waiting'), {}
    del twins['observe']
    try:
        for twin in twins.values():
            twin.start()
            peers.set_pace(peers.paced, [twin.process.pid])
        for turn in range(TURNS):
            for levers in [*twins][::1 if turn % 2 else -1]:
                whole = bench.own(twins[levers], 'h1', MODEL, '--keep', '--body', bench.folder / 'prompt-1k', '--rate', rate,
                                  '--slots', 32, '--skip', rate // 4, '--count', rate // 4 + int(rate * bench.seconds))['whole_us']
                for p in ('p50', 'p99'):
                    told.setdefault(f'{levers}_{p}_us', []).append(whole[p])
    finally:
        for twin in twins.values():
            twin.stop()
    return {name: statistics.median(values) for name, values in told.items()}


def overload(bench, peer):
    """Twice as much as there is room for: a client's calls of 40 ms each, as many a second as its limit lets
    through, then twice as many at a fixed rate. What comes through of it, and how long a refusal takes."""
    limited = peers.WeirLimited('overload', bench.folder, peer.origin_port, peer.cert)
    calls = ['--keep', '--shed', '--token', limited.token]
    path, about = '/model/bench.40.0.1/converse-stream', int(limited.concurrent * 25 * max(bench.seconds, 0.2))
    try:
        limited.start()
        peers.set_pace(peers.paced, [limited.process.pid])
        peak = bench.own(limited, 'h1', path, *calls, '--slots', limited.concurrent, '--count', about)['per_second']
        told = bench.own(limited, 'h1', path, *calls, '--slots', 40 * limited.concurrent, '--rate', int(2 * peak),
                         '--count', 4 * about)
    finally:
        limited.stop()
    return {'goodput': (told['calls'] - told['refused']) / told['seconds'] / peak * 100,
            'refused_p99_ms': told['refused_us']['p99'] / 1e3}


class Memory:
    """The largest figures seen while something goes on."""

    def __init__(self, peer):
        self.peer, self.rss, self.anon = peer, 0, 0

    def look(self):
        rss, anon = peers.memory_kib(self.peer.process.pid)
        self.rss, self.anon = max(self.rss, rss), max(self.anon, anon)
        return self

    def mib(self, name):
        return {f'{name}_rss_mib': self.rss / 1024, f'{name}_anon_mib': self.anon / 1024}


def memory_at_rate(bench, peer, rate=3000):
    seen = Memory(peer)
    process = peers.begin(bench.argv_of_own(peer, 'h1', MODEL, ['--keep', '--rate', rate, '--count',
                                                                int(rate * bench.seconds * 2)]),
                          1, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        seen.look()
        time.sleep(0.1)
    return seen.mib('rate')


def memory_of_streams(bench, peer, n, name):
    """n streams open at a time, a connection each, as far as the limit of open files lets a proxy have
    two for each; what is over shares a connection with another. Each gets an event a second."""
    doubles = max(0, n - (peers.open_files() - 500 - n))
    process = peers.begin(bench.argv_of_own(peer, 'h2', '/model/bench.0.1000.60/converse-stream', [
        '--rate', 4000, '--slots', n, '--count', n, '--hold', 3, '--doubles', doubles]), 1,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline().split()
        seen = Memory(peer)
        for _ in range(20):
            seen.look()
            time.sleep(0.1)
        _, err = process.communicate(timeout=60)
    finally:
        peers.end(process)
    if said != ['open', str(n)]:
        raise Failed(f'{peer.name}: {said[1:] or "0"} of {n} streams opened: {err.strip()[:300]}')
    return {**seen.mib(name), f'{name}_shared': doubles}


def memory(bench, peer):
    """A fresh process: idle, at 3,000 calls a second, with 1,000 open streams; another one with 10,000."""
    peer.stop()
    peer.start()
    time.sleep(0.5)
    found = Memory(peer).look().mib('idle')
    found.update(memory_at_rate(bench, peer))
    found.update(memory_of_streams(bench, peer, 1000, 'streams_1k'))
    peer.stop()  # Weir reads on for a while what its clients left, and would need too many files
    peer.start()
    found.update(memory_of_streams(bench, peer, 10000, 'streams_10k'))
    return found


def longest_turn(bench, peer):
    """The longest time that Weir's loop was busy at a stretch while bodies of 24 MB pass, with levers off and
    on, by its own gauge, which is of the time since it was last read and set once a second."""
    path, found = bench.folder / 'body-24m', {}
    path.write_text(body(24000000))
    acting = peers.WeirActing('turn-on', bench.folder, peer.origin_port, peer.cert)
    acting.start()
    peers.set_pace(peers.paced, [acting.process.pid])
    try:
        for name, one in (('turn_ms', peer), ('turn_on_ms', acting)):
            scrape(one)
            for http in ('h1', 'h2'):
                bench.own(one, http, MODEL, '--body', path, '--count', 8, '--slots', 4)
            time.sleep(1.2)
            found[name] = scrape(one) * 1e3
    finally:
        acting.stop()
    return found


def scrape(peer):
    with urllib.request.urlopen(f'http://127.0.0.1:{peer.admin}/metrics', timeout=5) as answer:
        text = answer.read().decode()
    return float(re.search(r'^weir_loop_longest_turn_seconds (\S+)$', text, re.M).group(1))


def micro(bench, times):
    """weir-micro's figures in GB/s, by row: the best of some runs, since the aims are held against
    them and everything else on the machine only makes them smaller."""
    best = {}
    for _ in range(times):
        process = peers.begin([bench.build / 'weir-micro'], 0, stdout=subprocess.PIPE, text=True)
        for line in process.communicate()[0].strip().split('\n'):
            name, value, unit = line.split()
            if unit == 'GB/s':
                best[name] = max(best.get(name, 0), float(value))
    return best


def smoke(bench, peer):
    """A handful of everything that weir-bench-load does."""
    calls, stream = 0, '/model/bench.1.1.3/converse-stream'
    for http, path, *more in [('h1', MODEL, '--keep'), ('h1', MODEL), ('h1', stream), ('h2', MODEL), ('h2', stream),
                              *([('h2', stream, '--doubles', 4)] if peer.name != 'direct' else [])]:
        calls += bench.own(peer, http, path, '--count', 20, *more)['calls']
    return {'calls': calls}
