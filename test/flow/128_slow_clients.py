# SPDX-License-Identifier: Apache-2.0
# timeout: 180, waits: 82
"""slowhttptest's slow heads (-H), slow bodies (-B) and slow readers (-X), 1,000 connections each, at the same
time: Weir ends them all, and everybody else is served meanwhile."""
import shutil
import statistics
import subprocess
import time
from weirflow import SANITIZED, Story, ask, check, converse, equal, model_path, skip, until

PROGRAM = shutil.which('slowhttptest', path='/usr/bin:/usr/local/bin')
if not PROGRAM:
    skip('slowhttptest is not installed: run tools/test flow')
CONNECTIONS, SECONDS = 1000, 110


def attack(s, weir, *how, path='/weir/healthz'):
    return subprocess.Popen([PROGRAM, *how, '-c', str(CONNECTIONS), '-r', '500', '-l', str(SECONDS), '-p', '3',
                             '-u', weir.url + path], cwd=s.dir, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def times(weir, seconds):
    """p50 and p99 in ms of honest calls, one after the other, all of which must be answered."""
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        equal(ask(weir.url, model_path('converse'), converse()).status, 200, 'an honest call')
        found.append((time.monotonic() - began) * 1e3)
    cuts = statistics.quantiles(found, n=100)
    return cuts[49], cuts[98]


with Story() as s:
    weir = s.weir()
    quiet = times(weir, 4)
    attacks = {'heads': attack(s, weir, '-H', '-i', '3', '-x', '24'),
               'bodies': attack(s, weir, '-B', '-i', '3', '-s', '8192', '-x', '10', path=model_path('converse')),
               'readers': attack(s, weir, '-X', '-w', '512', '-y', '1024', '-n', '5', '-z', '32', '-k', '1')}
    until('the attacks', lambda: weir.metric('weir_connections') > 2.5 * CONNECTIONS)
    busy = times(weir, 4)
    check(weir.anon_bytes() < 128 << 20 or SANITIZED, f'{weir.anon_bytes()} bytes of memory')
    for what, attacker in attacks.items():
        text = attacker.communicate(timeout=SECONDS + 30)[0]
        check('No open connections left' in text, f'slow {what}: {text[-300:]}')  # Weir closed them, not the time limit
    equal(ask(weir.url, model_path('converse'), converse()).status, 200, 'afterwards')
    print('honest calls, ms: alone p50 {:.1f} p99 {:.1f}, during the attacks p50 {:.1f} p99 {:.1f}'.format(*quiet, *busy))
