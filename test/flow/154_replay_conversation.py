# SPDX-License-Identifier: Apache-2.0
"""An hour of real chat (Mooncake's conversation trace) costs in weir replay what it is known to: 0.9723 with a marker at
every end, 0.7460 at the least. Weir, with its defaults, saves at least two fifths of what could be saved."""
import json
import subprocess
from weirflow import BUILD, SHARED, Story, check, equal, skip

TRACE = SHARED / 'traces' / 'mooncake-conversation.jsonl'
KNOWN = {'none': (1, 0, 0), 'end': (0.972333, 0.235558, 0.737343)}

if not TRACE.exists():
    skip('no shared data')
with Story() as s:
    def replay(trace):
        done = subprocess.run([BUILD / 'src' / 'weir', 'replay', '--trace', trace, '--format', 'json'], cwd=s.dir,
                              env=s.clean_env(), capture_output=True, timeout=60, text=True, check=True)
        return json.loads(done.stdout)
    found = replay(TRACE)
    equal((found['requests'], found['input_tokens']), (12031, 144793823))
    of = found['policies']
    for policy, known in KNOWN.items():
        check(all(abs(a - b) < 2e-6 for a, b in zip(of[policy].values(), known)), f'{policy}: {of[policy]}')
    check(abs(of['clairvoyant']['cost'] - 0.746039) < 2e-6, f'{of["clairvoyant"]}')
    saved, most = 1 - of['weir']['cost'], 1 - of['clairvoyant']['cost']
    check(saved >= 0.4 * most, f'weir saves {saved / most:.3f} of what could be saved: {of["weir"]}')
    equal(replay(TRACE), found, 'the same twice')

    # The same lengths and times, every prompt new: nothing comes back, and next to nothing is lost.
    rows = [json.loads(line) for line in TRACE.read_text().splitlines()]
    for n, row in enumerate(rows):
        row['hash_ids'] = [n * 1000 + k for k in range(len(row['hash_ids']))]
    (s.dir / 'new').write_text('\n'.join(map(json.dumps, rows)))
    of = replay('new')['policies']
    equal(of['clairvoyant'], {'cost': 1, 'read': 0, 'write': 0})
    check(of['weir']['cost'] <= 1.005, f'every prompt new: {of["weir"]}')
