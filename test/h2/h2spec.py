#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The 147 server cases of h2spec against a running server, one TAP line per case.

    h2spec.py HOST PORT [--path /] [--post-path /x] [--tls] [--only PREFIX] [--exceptions FILE]
    h2spec.py --list

The cases are ours frame by frame (cases_*.py); their ids and meaning are h2spec's, and where the
shared corpora are present the ids are held against corpora/h2spec/cases.json. A case named in the
exceptions file (`id reason` per line) is expected to fail; when it passes, that is a failure too.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases_generic
import cases_hpack
import cases_http2
from steps import Skip, Wrong
from wire import Target

CASES = {**cases_generic.CASES, **cases_hpack.CASES, **cases_http2.CASES}
ROOT = pathlib.Path(__file__).resolve().parents[2]


def load_exceptions(path):
    lines = pathlib.Path(path).read_text().splitlines() if path else []
    rows = [line.split(None, 1) for line in lines if line.strip() and not line.startswith('#')]
    return {row[0]: row[1] for row in rows}


def run(target, case_id):
    """'' when the case holds, else what was wrong."""
    conn = target.dial()
    try:
        for step in CASES[case_id]:
            step(conn)
        return 'pass', ''
    except Skip as reason:
        return 'skip', str(reason)
    except (Wrong, AssertionError, OSError) as reason:
        return 'fail', f'{type(reason).__name__}: {reason}'
    finally:
        conn.close()


def verdict(outcome, reason, excepted):
    """The TAP words of one case: (holds, what stands behind its name)."""
    if outcome == 'skip':
        return True, f' # SKIP {reason}'
    if excepted is None:
        return outcome == 'pass', f' ({reason})' if reason else ''
    if outcome == 'pass':
        return False, ' (passes: take it off the list of exceptions)'
    return True, f' (named exception: {excepted})'


def corpus_check():
    """The ids that we have and those of the corpus: (holds, words)."""
    shared = pathlib.Path(os.environ.get('WEIR_SHARED', ROOT.parent / 'shared'))
    corpus = shared / 'corpora' / 'h2spec' / 'cases.json'
    if not corpus.exists():
        return True, ' # SKIP no shared data'
    wanted = {c['id'] for c in json.loads(corpus.read_text()) if not c['id'].startswith('client/')}
    odd = sorted(wanted ^ set(CASES))
    return not odd, f' ({", ".join(odd)})' if odd else f' ({len(wanted)})'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('host', nargs='?')
    parser.add_argument('port', nargs='?', type=int)
    parser.add_argument('--path', default='/')
    parser.add_argument('--post-path')
    parser.add_argument('--tls', action='store_true')
    parser.add_argument('--timeout', type=float, default=20.0)
    parser.add_argument('--only', default='')
    parser.add_argument('--exceptions')
    parser.add_argument('--jobs', type=int, default=4)
    parser.add_argument('--list', action='store_true')
    options = parser.parse_args()
    wanted = [c for c in CASES if c.startswith(options.only)]
    if options.list or options.port is None:
        print('\n'.join(wanted))
        return 0
    target = Target(options.host, options.port, options.path, options.post_path, options.tls,
                    options.timeout)
    excepted = load_exceptions(options.exceptions)
    good = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda c: run(target, c), wanted))
    print(f'1..{len(wanted) + 1}')
    for number, (case_id, (outcome, reason)) in enumerate(zip(wanted, results), 1):
        holds, words = verdict(outcome, reason, excepted.get(case_id))
        good += holds and outcome != 'skip'
        skipped += outcome == 'skip'
        print(f'{"ok" if holds else "not ok"} {number} - h2spec {case_id}{words}')
    holds, words = corpus_check()
    print(f'{"ok" if holds else "not ok"} {len(wanted) + 1} - h2spec ids are those of the corpus{words}')
    print(f'# {good} of {len(wanted)} cases hold, {skipped} skipped')
    return 0 if holds and good + skipped == len(wanted) else 1


if __name__ == '__main__':
    sys.exit(main())
