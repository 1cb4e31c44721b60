# SPDX-License-Identifier: Apache-2.0
"""deploy/weir.service is one that systemd takes, and leaves little exposed; its sandbox allows what Weir asks of
the kernel."""
import os
import re
import shutil
import subprocess
from weirflow import BUILD, ROOT, Story, ask, check, converse, equal, model_path, skip, until

if not shutil.which('systemd-analyze'):
    skip('no systemd-analyze')


def analyze(*arguments, cwd=None):
    return subprocess.run(['systemd-analyze', *arguments], cwd=cwd, text=True, capture_output=True, check=False)


def calls_of(name):  # of a set, and of the sets in it
    words = [line.strip() for line in analyze('syscall-filter', name).stdout.splitlines()[1:]]
    found = set()
    for word in words:
        if word and not word.startswith('#'):
            found |= calls_of(word) if word.startswith('@') else {word}
    return found


with Story() as s:
    unit = (ROOT / 'deploy' / 'weir.service').read_text()
    here = unit.replace('/usr/local/bin/weir', str(BUILD / 'src' / 'weir'))
    (s.dir / 'weir.service').write_text(here)
    done = analyze('verify', '--man=no', './weir.service', cwd=s.dir)
    equal((done.returncode, done.stderr), (0, ''), 'systemd-analyze verify')
    done = analyze('security', '--offline=yes', '--threshold=15', './weir.service', cwd=s.dir)
    equal(done.returncode, 0, done.stdout[-100:])
    if not shutil.which('strace') or os.geteuid() != 0:
        skip('the unit is good; without strace and root its system calls cannot be looked at')
    allowed = set()
    for tilde, names in re.findall(r'^SystemCallFilter=(~?)(.*)$', unit, re.M):
        for name in names.split():
            allowed = allowed - calls_of(name) if tilde else allowed | calls_of(name)
    weir = s.weir(workers=1)
    out = s.dir / 'calls'
    tracer = subprocess.Popen(['strace', '-f', '-qq', '-o', out, '-p', str(weir.pid)], stderr=subprocess.DEVNULL)
    until('a trace', lambda: out.exists() and ask(weir.url, model_path('converse'), converse()) and out.stat().st_size)
    weir.reload(weir.config)
    weir.end()
    tracer.wait(20)
    used = set(re.findall(r'^\d+ +(\w+)\(', out.read_text(), re.M))
    check({'accept4', 'exit_group'} <= used <= allowed, f'outside the sandbox: {sorted(used - allowed)}')
