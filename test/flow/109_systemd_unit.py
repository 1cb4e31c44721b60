# SPDX-License-Identifier: Apache-2.0
"""deploy/weir.service is one that systemd takes, leaves little exposed and allows what Weir asks of the kernel."""
import os
import pathlib
import re
import shutil
import subprocess
from weirflow import BUILD, ROOT, Story, ask, check, converse, equal, model_path, skip, until

if not shutil.which('systemd-analyze') or not shutil.which('strace') or os.geteuid() != 0:
    skip('it wants systemd-analyze, strace and root')


def analyze(*arguments, cwd=None):
    return subprocess.run(['systemd-analyze', *arguments], cwd=cwd, text=True, capture_output=True, check=False)


def calls_of(name):  # of a set, and of the sets in it
    words = re.findall(r'^ +([@\w-]+)$', analyze('syscall-filter', name).stdout, re.M)
    return set().union(*(calls_of(word) if word.startswith('@') else {word} for word in words))


with Story() as s:
    unit = (ROOT / 'deploy' / 'weir.service').read_text()
    (s.dir / 'weir.service').write_text(unit.replace('/usr/local/bin/weir', str(BUILD / 'src' / 'weir')))
    done = analyze('verify', '--man=no', './weir.service', cwd=s.dir)
    equal((done.returncode, done.stderr), (0, ''), 'systemd-analyze verify')
    done = analyze('security', '--offline=yes', '--threshold=15', './weir.service', cwd=s.dir)
    equal(done.returncode, 0, 'systemd-analyze security')
    elf = s.run(['readelf', '-hldW', '--dyn-syms', BUILD / 'src' / 'weir'])
    for sign in ('DYN (Position-Independent', 'GNU_RELRO', ' NOW', '__stack_chk_fail', '_chk@GLIBC'):
        check(sign in elf, f'the program lacks {sign}')
    check(re.search(r'GNU_STACK .* RW +0x', elf), 'its stack can be executed')
    allowed = set()
    for tilde, names in re.findall(r'^SystemCallFilter=(~?)(.*)$', unit, re.M):
        for name in names.split():
            allowed = allowed - calls_of(name) if tilde else allowed | calls_of(name)
    weir = s.weir(workers=1)
    check(re.search(r'Max core file size +0 +0 ', pathlib.Path(f'/proc/{weir.pid}/limits').read_text()), 'a core')
    out = s.dir / 'calls'
    tracer = subprocess.Popen(['strace', '-f', '-qq', '-o', out, '-p', str(weir.pid)], stderr=subprocess.DEVNULL)
    until('a trace', lambda: tracer.poll() is not None or
          (ask(weir.url, model_path('converse'), converse()) and out.exists() and out.stat().st_size))
    if tracer.poll() is not None:
        skip('the unit and the program are good; strace may not attach here')
    weir.reload(weir.config)
    weir.end()
    tracer.wait(20)
    used = set(re.findall(r'^\d+ +(\w+)\(', out.read_text(), re.M))
    check({'accept4', 'exit_group'} <= used <= allowed, f'outside the sandbox: {sorted(used - allowed)}')
