#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the suites, two programs at a time and what waits beside them, and counts what they say.

    run.py [SUITE...]        all of them without a name
    run.py --list            their names and what each asks
    run.py flow/03 h2        a suite, or those of its programs whose name begins so

Everything that is run speaks TAP, or says it with its exit code: 0 passed, 77 skipped (its last line
is the reason), else failed. The last line of output is `N passed, N failed`. tools/test installs and
builds first, then calls this.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTHON = '/usr/bin/python3'
SHARED = pathlib.Path(os.environ.get('WEIR_SHARED', ROOT.parent / 'shared'))
BUILD, ASAN, FUZZ = ROOT / 'build', ROOT / 'build-asan', ROOT / 'build-fuzz'
FUZZ_SECONDS = int(os.environ.get('WEIR_FUZZ_SECONDS', '3'))
SKIP_STATUS, WIDTH = 77, 240  # of a line that a failed program said

Result = collections.namedtuple('Result', 'name outcome words')  # outcome: pass, fail, skip


# One program.

class Job:
    def __init__(self, name, argv, timeout=60, env=None, parse=None, waits=0):
        self.name, self.argv, self.timeout, self.env, self.waits = name, argv, timeout, env or {}, waits
        self.parse = parse or results_of_output


def run_job(job):
    """Runs it in a process group of its own, so that its time-out ends everything it began."""
    with tempfile.TemporaryFile('w+', errors='replace') as out:
        process = subprocess.Popen(job.argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env={**os.environ, **job.env}, start_new_session=True)
        try:
            status = process.wait(job.timeout)
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        out.seek(0)
        text = out.read()
    if status is None:
        return [Result(job.name, 'fail', f'no end after {job.timeout} s, {reason(text)}\n{excerpt(text)}')]
    return job.parse(job, status, text)


def reason(text):
    """The reason: what a story says behind `failed:`, else the last line."""
    lines = text.strip().split('\n')
    return next((line for line in lines if line.startswith('failed: ')), lines[-1])


def excerpt(text, first=6, last=36):
    """How it began (a seed, the reason) and how it ended (the reason again)."""
    lines = text.strip().split('\n')
    return '\n'.join(lines if len(lines) <= first + last else lines[:first] + ['...'] + lines[-last:])


TAP = re.compile(r'^(not )?ok\b\s*\d*\s*(?:- )?(.*)$', re.I)


def tap_results(name, text):
    """The ok and not ok lines. A failure takes the comment lines behind it along; a skipped test has
    its reason behind SKIP or, as cmocka tells it, on a line before: `skipped: REASON`."""
    found, plan, told = [], None, ''
    for line in text.split('\n'):
        told = line.partition('skipped: ')[2] or told
        m = TAP.match(line)
        if re.match(r'1\.\.\d+', line):
            plan = (plan or 0) + int(line.split()[0][3:])
        elif m:
            what, _, reason = m.group(2).partition('#')
            skipped = re.match(r'\s*skip\w*:?\s*(.*)', reason, re.I)
            if skipped and what.strip():
                found.append(Result(f'{name}: {what.strip()}', 'skip', skipped.group(1) or told))
            elif skipped:
                found.append(Result(f'{name}: {skipped.group(1)}', 'skip', told))
            else:
                found.append(Result(f'{name}: {what.strip()}', 'fail' if m.group(1) else 'pass',
                                    reason.strip()))
        elif line.startswith('#') and found and found[-1].outcome == 'fail':
            found[-1] = found[-1]._replace(words=found[-1].words + '\n' + line)
    return found, plan


def results_of_output(job, status, text):
    found, plan = tap_results(job.name, text)
    if plan is None:
        words = text.strip().split('\n')[-1]
        if status == SKIP_STATUS:
            return [Result(job.name, 'skip', words)]
        return [Result(job.name, 'pass', '') if status == 0 else
                Result(job.name, 'fail', f'exit {status}, {reason(text)}\n{excerpt(text)}')]
    if len(found) != plan:
        found.append(Result(job.name, 'fail', f'{len(found)} of {plan} were run, exit {status}, {reason(text)}\n'
                            + excerpt(text)))
    elif status and not any(r.outcome == 'fail' for r in found):
        found.append(Result(job.name, 'fail', f'exit {status}, {reason(text)}\n{excerpt(text)}'))
    return found


# Meson's tests: one run of meson, its log read afterwards.

def meson_job(name, build, suites):
    argv = ['meson', 'test', '-C', str(build), '--no-rebuild', '--logbase', f'run-{name}',
            '--num-processes', '2', '--timeout-multiplier', '10']
    for suite in suites:
        argv += ['--suite', suite]
    env = {'WEIR_SHARED': str(SHARED), 'ASAN_OPTIONS': 'detect_leaks=1:abort_on_error=0',
           'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1'}

    def parse(job, status, text):
        log = build / 'meson-logs' / f'run-{name}.json'
        if 'No suitable tests defined' in text or not log.exists():
            return [Result(name, 'fail', excerpt(text))]
        results = []
        for line in log.read_text(errors='replace').splitlines():
            entry = json.loads(line)
            title = entry['name'].split(' / ')[-1]
            found, plan = tap_results(title, entry.get('stdout') or '')
            # cmocka says "not ok # SKIP" and exits with 0; meson 1.0 takes that for a failure.
            bad = entry['result'] not in ('OK', 'SKIP', 'EXPECTEDFAIL') and (
                entry.get('returncode') != 0 or len(found) != plan)
            if bad and not any(r.outcome == 'fail' for r in found):
                words = f'{entry["result"]}\n{excerpt((entry.get("stdout") or "") + (entry.get("stderr") or ""))}'
                found.append(Result(title, 'fail', words))
            elif bad and entry.get('stderr'):
                found = [r._replace(words=r.words + '\n' + excerpt(entry['stderr'])) if r.outcome == 'fail' else r
                         for r in found]
            if not found and entry['result'] == 'SKIP' and entry.get('returncode') != SKIP_STATUS:
                found = [Result(title, 'fail', 'it told no results')]
            if not found:
                found = [Result(title, 'skip' if entry['result'] == 'SKIP' else 'pass', '')]
            results += found
        return results
    log = build / 'meson-logs' / f'run-{name}.json'
    log.unlink(missing_ok=True)
    return Job(name, argv, 600, env, parse)


# What is in each suite.

def unit_jobs():
    return [meson_job('unit', BUILD, ['unit', 'fuzz'])]


def asan_jobs():
    return [meson_job('asan', ASAN, ['unit', 'fuzz'])]


def corpora_jobs():
    """Those unit tests that replay the corpora; the suite unit has them too."""
    listed = subprocess.run(['meson', 'introspect', '--tests', str(BUILD)], capture_output=True,
                            text=True, check=True)
    names = [t['name'] for t in json.loads(listed.stdout) if 'corpora' in t['name']]
    job = meson_job('corpora', BUILD, [])
    job.argv += names
    return [job]


def story_jobs(suite, build, only=None):
    """test/flow/NN_name.py|mjs|sh. A story may say `timeout: N` in its first lines, where 300 seconds are too few, and
    `waits: N` where so many seconds pass in which it does nearly nothing."""
    jobs = []
    for path in sorted((ROOT / 'test' / 'flow').glob('[0-9]*_*'), key=lambda p: int(p.name.partition('_')[0])):
        if path.suffix not in ('.py', '.mjs', '.sh'):
            continue
        head = path.read_text(encoding='utf-8')[:1500]
        if only and not re.search(only, head):
            continue
        seconds, waits = (re.search(rf'{word}: (\d+)', head) for word in ('timeout', 'waits'))
        runner = {'.py': [PYTHON], '.sh': ['bash'],
                  '.mjs': [PYTHON, str(ROOT / 'test/flow/weirflow.py')]}[path.suffix]
        jobs.append(Job(f'{suite}/{path.stem}', runner + [str(path)],
                        max(300, int(seconds.group(1)) if seconds else 0),
                        {'WEIR_BUILD': str(build), 'WEIR_SHARED': str(SHARED)}, waits=int(waits.group(1)) if waits else 0))
    return jobs


def flow_jobs():
    return story_jobs('flow', BUILD)


def asan_flow_jobs():
    return story_jobs('asan-flow', ASAN, only=r'asan: yes')


def h2_jobs():
    serve = [PYTHON, str(ROOT / 'test/h2/against_weir.py')]
    env = {'WEIR_BUILD': str(BUILD), 'WEIR_SHARED': str(SHARED)}
    return [Job('h2/h2abuse', serve + ['h2abuse'], 300, env, waits=70), Job('h2/h2spec', serve + ['h2spec'], 180, env)]


def ledger_jobs():
    """WEIR_LEDGER_COUNT requests (10,000) in clear text, a tenth of them over TLS and HTTP/2 with strict
    metering, and WEIR_LEDGER_KILLS kills (6)."""
    here, env = ROOT / 'test' / 'ledger', {'WEIR_BUILD': str(BUILD), 'WEIR_SHARED': str(SHARED)}
    count = int(os.environ.get('WEIR_LEDGER_COUNT', '10000'))
    mixed = [PYTHON, str(here / 'mixed.py'), '--count']
    return [Job('ledger/mixed', mixed + [str(count)], 120 + count // 50, env),
            Job('ledger/mixed-tls', mixed + [str(count // 10), '--tls', '--strict'], 120 + count // 50, env),
            Job('ledger/kills', [PYTHON, str(here / 'kills.py')], 600, env)]


def torture_jobs():
    """One program per kind of ordeal; those that weigh memory do so without a sanitizer's own."""
    jobs = []
    for path in sorted((ROOT / 'test' / 'torture').glob('*.py')):
        if path.stem in ('rack', 'batch_kills'):  # what they share; of the kills
            continue
        build = BUILD if path.stem in ('reloads', 'body_memory', 'log_pipe') else ASAN
        jobs.append(Job(f'torture/{path.stem}', [PYTHON, str(path)], 240, {'WEIR_BUILD': str(build)}))
    return jobs


def fuzz_jobs():
    """A few seconds of search from the seeds; what is found new stays out of the work tree."""
    jobs = []
    for target in sorted((FUZZ / 'test' / 'fuzz').glob('fuzz_*')):
        if not target.is_file() or not os.access(target, os.X_OK):
            continue
        name = target.name[5:]
        found = FUZZ / 'found' / name
        found.mkdir(parents=True, exist_ok=True)
        seeds = ROOT / 'test' / 'fuzz' / 'seeds' / name
        jobs.append(Job(f'fuzz/{name}', [str(target), f'-max_total_time={FUZZ_SECONDS}', '-timeout=10',
                                         '-rss_limit_mb=2048', f'-artifact_prefix={found}/', str(found)]
                        + ([str(seeds)] if seeds.is_dir() else []), 60 + FUZZ_SECONDS))
    if not jobs:
        why = 'clang is missing' if not shutil.which('clang') else f'no fuzz targets in {FUZZ.name}'
        jobs.append(Job('fuzz', ['sh', '-c', f'echo {why}; exit {SKIP_STATUS}']))
    return jobs


def kills_jobs():
    batch = [PYTHON, str(ROOT / 'test' / 'torture' / 'batch_kills.py'), '--seed', '1']
    return [meson_job('kills', BUILD, ['kills']),
            Job('kills/batch', batch, 600, {'WEIR_BUILD': str(ASAN), 'WEIR_SHARED': str(SHARED)}, waits=58)]


def sim_jobs():
    """The batch core alone: 20,000 histories, the same each time."""
    return [meson_job('sim', BUILD, ['histories'])]


def tidy_jobs():
    return [Job('tidy', [PYTHON, str(ROOT / 'test/tidy.py')])]


def docs_jobs():
    return [Job('docs', [PYTHON, str(ROOT / 'test/docs.py')])]


def harness_jobs():
    """What the others are measured by: the runner's reading of TAP, the comparison of ledgers, made-up traffic."""
    return [Job('harness', [PYTHON, str(ROOT / 'test/run_test.py')]),
            Job('harness/ledger', [PYTHON, str(ROOT / 'test/ledger/book_test.py')]),
            Job('harness/traffic', [PYTHON, str(ROOT / 'test/traffic_test.py')])]


SUITES = {
    'tidy': (tidy_jobs, 'do the sources keep the house rules?'),
    'docs': (docs_jobs, 'does every row of a table stand in its document?'),
    'harness': (harness_jobs, 'does this runner count right, and is made-up traffic what it is called?'),
    'unit': (unit_jobs, 'does each module do what its door says? (release build)'),
    'asan': (asan_jobs, 'the same under the address and undefined-behaviour sanitizers'),
    'kills': (kills_jobs, 'is all that was acknowledged in the book, and once, after 500 times kill -9?'),
    'sim': (sim_jobs, 'do batch jobs keep their promises through 20,000 seeded histories?'),
    'corpora': (corpora_jobs, 'do the published corpora of ../shared get their verdicts? (part of unit)'),
    'fuzz': (fuzz_jobs, f'does a search of {FUZZ_SECONDS} s from the seeds find anything? (clang)'),
    'flow': (flow_jobs, 'do real clients work through Weir to the simulator?'),
    'asan-flow': (asan_flow_jobs, 'the stories marked for it, with the sanitizers watching'),
    'ledger': (ledger_jobs, 'does the book equal the bill, whatever happens to requests and to Weir?'),
    'torture': (torture_jobs, 'does it bear failing calls, refused memory, kills, signals and floods? (by name)'),
    'h2': (h2_jobs, 'the 147 server cases of h2spec and 27 abuse patterns, against Weir'),
}


BY_NAME = ('corpora', 'torture')  # part of another one; sampled by a seed that is new each time


def jobs_for(names):
    jobs = []
    for name in names or [n for n in SUITES if n not in BY_NAME]:
        suite, _, prefix = name.partition('/')
        if suite not in SUITES:
            sys.exit(f'{name}: no such suite; there are {", ".join(SUITES)}')
        jobs += [j for j in SUITES[suite][0]() if j.name.startswith(name if prefix else suite)]
        if prefix and not jobs:
            sys.exit(f'{name}: nothing of suite {suite} begins so')
    return jobs


def cut(line):
    return line[:3 * WIDTH if 'failed: ' in line else WIDTH]


def report(result, verbose):
    mark = {'pass': 'ok  ', 'fail': 'FAIL', 'skip': 'skip'}[result.outcome]
    if result.outcome == 'fail':
        print(f'{mark} {result.name}\n' + '\n'.join(f'       {cut(w)}' for w in result.words.split('\n') if w))
    elif verbose or result.outcome == 'skip':
        print(f'{mark} {result.name}' + (f' ({result.words})' if result.words else ''))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('suites', nargs='*')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--verbose', action='store_true', help='a line for each test, not only for each program')
    options = parser.parse_args()
    if options.list:
        for name, (_, asks) in SUITES.items():
            print(f'{name:10} {asks}')
        return 0
    started, everything = time.monotonic(), []
    if not SHARED.is_dir():
        print('no shared data (../shared): the tests that read it say so and are skipped')
    # Two at a time, and beside them three of those that mostly wait, the longest first.
    with concurrent.futures.ThreadPoolExecutor(2) as pool, concurrent.futures.ThreadPoolExecutor(3) as beside:
        running = {}
        for job in sorted(jobs_for(options.suites), key=lambda j: -j.waits):
            where = beside if job.waits else pool
            running[where.submit(lambda j=job: (time.monotonic(), run_job(j), time.monotonic()))] = job
        for future in concurrent.futures.as_completed(running):
            began, results, ended = future.result()
            count = collections.Counter(r.outcome for r in results)
            print(f'---- {running[future].name}: {count["pass"]} passed, {count["fail"]} failed'
                  + (f', {count["skip"]} skipped' if count['skip'] else '') + f' in {ended - began:.1f} s',
                  flush=True)
            for result in results:
                report(result, options.verbose)
            everything += results
    count = collections.Counter(r.outcome for r in everything)
    reasons = collections.Counter(r.words.split(' (')[0] for r in everything if r.outcome == 'skip')
    for reason, times in reasons.most_common():
        print(f'skipped {times}: {reason or "no reason given"}')
    for result in everything:
        if result.outcome == 'fail':
            print(f'FAIL {result.name}: {result.words.strip()}'.split('\n')[0][:3 * WIDTH])
    print(f'{time.monotonic() - started:.0f} s')
    print(f'{count["pass"]} passed, {count["fail"]} failed')
    return 1 if count['fail'] or not count['pass'] else 0


if __name__ == '__main__':
    sys.exit(main())
