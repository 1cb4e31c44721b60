#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The runner counts what programs say: passes, failures, skips, and those that end too early."""
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import run

CASES = {
    'a passed test': ('1..1\nok 1 - a\n', 0, 'pass'),
    'a failed test': ('1..1\nnot ok 1 - a\n# why\n', 1, 'fail'),
    'a failed test of a program that exits with 0': ('1..1\nnot ok 1 - a\n', 0, 'fail'),
    'a skipped test': ('1..1\nok 1 - a # SKIP no data\n', 0, 'skip'),
    "cmocka's skipped test": ('1..1\n# skipped: no data\nnot ok 1 # SKIP a\n', 0, 'skip'),
    'fewer tests than were planned': ('1..2\nok 1 - a\n', 0, 'pass fail'),
    'passed, and then it crashed': ('1..1\nok 1 - a\n', -11, 'pass fail'),
    'no TAP and exit 0': ('hello\n', 0, 'pass'),
    'no TAP and exit 1': ('hello\n', 1, 'fail'),
    'no TAP and exit 77': ('no such client\n', 77, 'skip'),
}


def main():
    print(f'1..{len(CASES) + 2}')
    bad = 0
    for number, (name, (text, status, wanted)) in enumerate(CASES.items(), 1):
        got = ' '.join(r.outcome for r in run.results_of_output(run.Job('x', []), status, text))
        bad += got != wanted
        print(f'{"ok" if got == wanted else "not ok"} {number} - {name}: {got}')
    late = run.run_job(run.Job('x', ['sleep', '30'], timeout=0.2))
    ok = late[0].outcome == 'fail' and 'no end' in late[0].words
    print(f'{"ok" if ok else "not ok"} {len(CASES) + 1} - a program that does not end is ended, and failed')
    told = run.results_of_output(run.Job('x', []), 1, 'WEIR_SEED=7\nfailed: why\n' + 'log\n' * 99 + 'failed: why\n')[0]
    lines = told.words.split('\n')
    first = lines[0] == 'exit 1, failed: why' and lines[1] == 'WEIR_SEED=7' and lines[-1] == 'failed: why' and len(lines) < 50
    print(f'{"ok" if first else "not ok"} {len(CASES) + 2} - why a story failed is told first and last')
    return 1 if bad or not ok or not first else 0


if __name__ == '__main__':
    sys.exit(main())
