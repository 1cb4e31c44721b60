# SPDX-License-Identifier: Apache-2.0
# timeout: 180
"""What Weir saves, with its defaults, of what could be saved on made-up traffic, and what it loses where nothing comes
back: agents, documents, traffic that stops, every prompt new. weir replay says it of the traces of tools/traffic."""
import json
import re
import subprocess
import sys
from weirflow import BUILD, ROOT, Story, check

LEAST = {'agents': .95, 'documents': .85}  # of the clairvoyant saving
KEPT = ['agents', 'agents --seed 2', 'agents --think 20', 'agents --sessions 2 --night 14', 'agents --sessions 6 --compact-at 40000',
        'documents', 'documents --seed 2 --documents 100', 'documents --per-hour 120', 'documents --system 0 --swing 4']
STOPS = ['stops', 'stops --of documents --back 0.75', 'stops --of chat', 'stops --of agents --then other', 'stops --of documents --system 0']
NEW = ['new', 'new --seed 2 --requests 300 --prompt 20000', 'bursts', 'clock', 'clock --per-hour 60 --system 20000']

with Story() as s:
    def run(*words):
        return subprocess.run(words, cwd=s.dir, env=s.clean_env(), capture_output=True, timeout=60, text=True, check=True)

    def traffic(words):
        """The trace, and how many requests it has before its change."""
        made = run(sys.executable, ROOT / 'tools/traffic', *words.split(), '--tell', '--output', 'trace')
        return (s.dir / 'trace').read_text().splitlines(True), [int(n) for n in re.findall(r'^(?:change|back): request (\d+)', made.stderr, re.M)]

    def replay(lines):
        """Input tokens; the share of their cost that is left with Weir, and at the least."""
        (s.dir / 'trace').write_text(''.join(lines))
        found = json.loads(run(BUILD / 'src' / 'weir', 'replay', '--trace', 'trace', '--format', 'json').stdout)
        return found['input_tokens'], found['policies']['weir']['cost'], found['policies']['clairvoyant']['cost']

    for words in KEPT:
        _, cost, least = replay(traffic(words)[0])
        saved = (1 - cost) / (1 - least)
        check(saved >= LEAST[words.split()[0]], f'{words}: {saved:.3f} of what could be saved')
    for words in STOPS:
        lines, (change, *back) = traffic(words)
        (before, spent, _), (all_of_it, cost, _) = replay(lines[:change]), replay(lines[:back[0]] if back else lines)
        lost = (cost * all_of_it - spent * before) / (all_of_it - before) - 1
        check(lost < .01, f'{words}: {lost:.4f} of input cost lost after the change')
    for words in NEW:
        check(replay(traffic(words)[0])[1] <= 1.005, f'{words}: dearer than without caching')
