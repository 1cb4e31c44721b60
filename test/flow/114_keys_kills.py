# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""kill -9 at each step of weir keys new, and at random moments: the keys that were there stay, the file is the old one or
the new one, and the next command works."""
import json
import random
import shutil
import subprocess
import time
from weirflow import BUILD, Story, check, equal

POINTS = [f'keys.{step}:{n}=kill' for step in ('write', 'sync', 'rename', 'folder') for n in (1, 2)]  # the seal's, the keys'
dice = random.Random()

with Story() as s:
    state, path = s.dir / 'state', s.dir / 'weir.yaml'

    def keys(*arguments, hook='', after=None):
        """(its status, what it printed); killed `after` so many seconds."""
        command = subprocess.Popen([BUILD / 'src/weir', 'keys', *arguments, '-c', path], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=s.clean_env(WEIR_HOOK=hook))
        if after is not None:
            time.sleep(after)
            command.kill()
        printed, _ = command.communicate(timeout=60)
        return command.returncode, printed

    def ls():
        return {k['id'] for k in json.loads(keys('ls', '--format', 'json')[1])['keys']}

    def new(**how):
        before = ls()
        status, printed = keys('new', '--client', 'search', **how)
        made = ls() - before
        check(before <= ls() and len(made) <= 1, 'a key is gone')
        check(status == -9 or (len(made) == 1 and made.pop() in printed), f'{status}: {printed}')
        return status

    path.write_text(json.dumps(s.config(clients=[{'name': 'search'}])))
    hooks = new(hook='keys.write:1=kill') == -9  # a build that has them
    for point in POINTS if hooks else ():
        shutil.rmtree(state)
        equal(new(hook=point), -9, point)  # the first of all, with its seal
        equal((new(), new()), (0, 0), f'after {point}')
    for _ in range(40):
        new(after=dice.uniform(0, 0.2 if hooks else 0.02))
    equal(new(), 0, 'at last')
    equal(sorted(file.name for file in state.iterdir()), ['keys', 'lock', 'seal.key'], 'nothing is left over')
