#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""27 ways to abuse an HTTP/2 server, against a running one; one TAP line each.

    h2abuse.py HOST PORT [--path /weir/healthz] [--post-path /model/m/converse] [--pid PID]
               [--only NAME] [--quick]

Each pattern must end within its bound (attacks.py says which), and after each one the server must
answer a connection that was open before it and a new one. --pid names the server's process: then
what the patterns may cost in memory and processor time is looked at too. --quick leaves out the slow
patterns, which take as long as the server's patience (about 75 s, all at the same time).
Where the shared corpora are present the names are held against corpora/weir-h2/attacks.json.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from attacks import ATTACKS, Broken, SLOW
from wire import CLOSED, END_HEADERS, END_STREAM, HEADERS, SILENT, Target, block, frame

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Bystander:
    """Somebody else's connection, open while the server is abused."""

    def __init__(self, target):
        self.target, self.stream = target, 1
        self.conn = target.dial()
        self.conn.hello()

    def asks(self):
        """'' when a request is answered, else what came."""
        self.conn.send(frame(HEADERS, END_STREAM | END_HEADERS, self.stream,
                             block(self.target.request())))
        for f in self.conn.frames(40):
            if f in (CLOSED, SILENT):
                return str(f)
            if f.kind == HEADERS and f.stream == self.stream:
                self.stream += 2
                return ''
        return 'nothing'


def run(name, target, pid):
    """(outcome, words) of one pattern."""
    try:
        bystander = Bystander(target)
        words = ATTACKS[name](target, pid)
        others = [('the connection beside it', bystander), ('a new one', Bystander(target))]
        for who, other in others[1:] if name in SLOW else others:
            odd = other.asks()
            if odd:
                return 'fail', f'{who} is not answered: {odd}'
            other.conn.close()
        return 'pass', words or ''
    except Broken as reason:
        return 'fail', str(reason)
    except (AssertionError, OSError) as reason:
        return 'fail', f'{type(reason).__name__}: {reason}'


def corpus_check():
    shared = pathlib.Path(os.environ.get('WEIR_SHARED', ROOT.parent / 'shared'))
    corpus = shared / 'corpora' / 'weir-h2' / 'attacks.json'
    if not corpus.exists():
        return True, ' # SKIP no shared data'
    odd = sorted({a['name'] for a in json.loads(corpus.read_text())} ^ set(ATTACKS))
    return not odd, f' ({", ".join(odd)})' if odd else f' ({len(ATTACKS)})'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('host')
    parser.add_argument('port', type=int)
    parser.add_argument('--path', default='/')
    parser.add_argument('--post-path')
    parser.add_argument('--tls', action='store_true')
    parser.add_argument('--pid', type=int)
    parser.add_argument('--only', default='')
    parser.add_argument('--quick', action='store_true')
    options = parser.parse_args()
    target = Target(options.host, options.port, options.path, options.post_path, options.tls)
    wanted = [n for n in ATTACKS if options.only in n]
    slow = [n for n in wanted if n in SLOW]
    with concurrent.futures.ThreadPoolExecutor(max(len(slow), 1)) as pool:
        waiting = {} if options.quick else {n: pool.submit(run, n, target, None) for n in slow}
        results = {n: run(n, target, options.pid) for n in wanted if n not in SLOW}
        results.update((n, future.result()) for n, future in waiting.items())
    print(f'1..{len(wanted) + 1}')
    good = 0
    for number, name in enumerate(wanted, 1):
        outcome, words = results.get(name, ('skip', 'slow pattern, left out by --quick'))
        good += outcome == 'pass'
        words = f' # SKIP {words}' if outcome == 'skip' else f' ({words})' if words else ''
        print(f'{"not ok" if outcome == "fail" else "ok"} {number} - h2abuse {name}{words}')
    holds, words = corpus_check()
    print(f'{"ok" if holds else "not ok"} {len(wanted) + 1} - h2abuse names are those of the corpus{words}')
    failed = sum(outcome == 'fail' for outcome, _ in results.values())
    print(f'# {good} of {len(wanted)} patterns are bounded, {failed} are not')
    return 1 if failed or not holds else 0


if __name__ == '__main__':
    sys.exit(main())
