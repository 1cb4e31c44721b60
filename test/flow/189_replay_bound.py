# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Where a marker for an hour prolongs for nothing, Weir does better than the bound, which chooses a time to live when a block
is written: the table then says why it shows more than 100 %, and says nothing of it elsewhere."""
import re
import subprocess
import sys
from weirflow import BUILD, ROOT, Story, check, equal

with Story() as s:
    def table(words, *more):
        trace = s.run([sys.executable, ROOT / 'tools/traffic', *words.split(), '--requests', '600'])
        return subprocess.run([BUILD / 'src' / 'weir', 'replay', '--trace', '-', *more], cwd=s.dir, env=s.clean_env(), input=trace,
                              capture_output=True, timeout=60, text=True, check=True).stdout

    above = table('agents --seed 7')
    check(float(re.search(r'^weir .* ([\d.]+) %$', above, re.M)[1]) > 100, f'this traffic does not show it: {above}')
    check(above.rstrip().endswith('(docs/REPLAY.md)') and 'chooses a block\'s time to live when it is written' in above, above)
    for words, *more in (('agents --seed 7', '--policy', 'end'), ('documents',)):
        below = table(words, *more)
        equal(re.findall(r'^\w+', below, re.M)[-1], 'clairvoyant', below)
        check('docs/REPLAY.md' not in below, below)
