# SPDX-License-Identifier: Apache-2.0
"""Weir's memory is for nobody else of the same user: gcore cannot look at it, /proc shows nothing of it, and a
crash leaves no core."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
from weirflow import BUILD, Process, Story, check, equal, skip, until

NOBODY = 65534
if os.geteuid() != 0 or not shutil.which('gcore') or not shutil.which('setpriv'):
    skip('it wants root (to become somebody else), gcore and setpriv')
AS_NOBODY = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', '--']

with Story() as s:
    shutil.copy(BUILD / 'src' / 'weir', s.dir / 'weir')
    (s.dir / 'weir').chmod(0o755)
    (s.dir / 'weir.yaml').write_text(f'{{"listen": [{{"address": "127.0.0.1:0"}}], "admin": {{"address": "127.0.0.1:0"}}, '
                                     f'"state": "{s.dir}/state", "region": "us-east-1", "workers": 1}}')
    for path in (s.dir, *s.dir.iterdir()):
        os.chown(path, NOBODY, NOBODY)

    def nobody(*argv):
        done = subprocess.run([*AS_NOBODY, *map(str, argv)], cwd=s.dir, env=s.clean_env(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def look(pid):
        status, text = nobody('gcore', '-o', s.dir / 'core', pid)
        return status, text, nobody('cat', f'/proc/{pid}/environ')[0], nobody('cat', f'/proc/{pid}/maps')[0], list(s.dir.glob('core*'))

    other = s.start(Process('sleep', [*AS_NOBODY, 'sleep', '60'], s.clean_env(), s.dir))
    until('setpriv', lambda: pathlib.Path(f'/proc/{other.pid}/comm').read_text() == 'sleep\n')
    status, text, environ, maps, cores = look(other.pid)
    if (status, environ, maps) != (0, 0, 0):
        skip(f'gcore is of no use here: {text[-200:]}')
    for core in cores:
        core.unlink()
    weir = s.start(Process('weir', [*AS_NOBODY, s.dir / 'weir', 'serve', '-c', s.dir / 'weir.yaml'], s.clean_env(**s.keys()), s.dir))
    weir.line(' ready ')
    status, text, environ, maps, cores = look(weir.pid)
    check(status != 0 and 'not permitted' in text, f'gcore: {text[-200:]}')
    check(environ != 0 and maps != 0 and not cores, f'it can be looked at: {environ} {maps} {cores}')
    limits = pathlib.Path(f'/proc/{weir.pid}/limits').read_text()
    check(re.search(r'Max core file size +0 +0 ', limits), 'a core may be written')
    weir.signal(signal.SIGABRT)  # which would write one, and nobody handles or ignores it
    equal(weir.wait(), -signal.SIGABRT, 'its end')
    check(not list(s.dir.glob('core*')), 'a core')
