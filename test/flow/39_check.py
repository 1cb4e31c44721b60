# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir check says of a file what weir serve would: every fault with its place, exit 2; or the effective
configuration, exit 0, which can be checked again; what may be a mistake and may be right beside it."""
import subprocess
from weirflow import BUILD, Story, check, equal

GOOD = 'region: eu-west-1\nlisten: [{address: "127.0.0.1:0", prefix: /bedrock}]\n'
BAD = {
    'listn: []\nregion: x\n': 'weir.yaml:1:1: unknown key "listn"; did you mean "listen"?',
    'region: eu-west-1\ntimeouts: {connect: soon}\n': 'weir.yaml:2:21: timeouts.connect wants a time',
    'region: eu-west-1\nlisten: [{address: "127.0.0.1:0", tls: {cert: no.crt, key: no.key}}]\n': 'no.key: cannot open',
    'region: eu-west-1\nendpoints: {ca_file: no.pem, runtime: "https://localhost"}\n': 'no.pem',
    'region: eu-west-1\nmetrics: {emf: {to: /nowhere/x/emf.log}}\n': 'metrics.emf.to: there is no folder /nowhere/x/',
    'region: eu-west-1\nprices: {overrides: {amazon.nova-lite-v1:0: {}}}\n': 'is empty: it wants a price',
    'region: eu-west-1\ncredentials: {profile: nobody}\n': 'nobody',
    'region: eu-west-1\ncredentials: {bearer_file: no.key}\n': 'no.key',
    'region: [eu-west-1\n': 'weir.yaml:2:1: ',
    GOOD + 'rules: [{name: n, set: {lane: []}}]\n': 'rule n: set.lane is empty',
    GOOD + 'rules: [{name: n, set: {lane: [bacth]}}]\n': 'set.lane wants ondemand, flex, batch or priority\n',
    '\x00': 'weir.yaml:1:1: ',
}

with Story() as s:
    def weir(*argv, **env):
        return subprocess.run([BUILD / 'src' / 'weir', *argv], cwd=s.dir, env=s.clean_env(**env), text=True,
                              capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    for text, fault in BAD.items():
        (s.dir / 'weir.yaml').write_text(text)
        for command in ('check', 'serve'):
            done = weir(command, '-c', 'weir.yaml')
            equal((done.returncode, done.stdout), (2, ''), f'{command} of {text!r}')
            check(fault in done.stderr, f'{command} of {text!r} said {done.stderr}')
            check('sets nothing' not in done.stderr, done.stderr)
    (s.dir / 'weir.yaml').write_text(GOOD)
    first = weir('check', '-c', 'weir.yaml')
    equal((first.returncode, first.stderr), (0, ''))
    (s.dir / 'again.yaml').write_text(first.stdout)
    equal(weir('check', '-c', 'again.yaml').stdout, first.stdout, 'the effective configuration, checked')
    (s.dir / 'odd.yaml').write_text(GOOD + 'clients: [{name: a, models: [antropic.*]}]\n')
    odd = weir('check', '-c', 'odd.yaml')  # misspelt, or newer than the catalogue: it may be right
    equal((odd.returncode, odd.stdout.count('antropic')), (0, 1))
    check(odd.stderr.startswith('weir: note: odd.yaml:3:30: client a: models: no model of the catalogue'), odd.stderr)
    (s.dir / 'odd.yaml').write_text(GOOD + 'rules: [{name: n, set: {deadline: 8h}}]\n')
    odd = weir('check', '-c', 'odd.yaml')
    equal((odd.returncode, odd.stderr), (0, 'weir: note: odd.yaml:3:35: rule n: nothing of it is batched: '
                                            'batch.bucket is not set\n'))
    equal(weir('check', '-c', 'missing.yaml').returncode, 2)
    equal(weir('check', AWS_REGION='us-east-1').returncode, 0, 'without a file')
    equal(weir('check', '--what').returncode, 2)
    equal(weir('dance').returncode, 2)
    for argv in (['--help'], ['serve', '--help'], ['report', '--help'], ['version'], ['--version']):
        done = weir(*argv)
        equal((done.returncode, done.stderr), (0, ''), f'{argv}')
        check('weir' in done.stdout, f'{argv}: {done.stdout}')
    check(', LMDB 0.' in weir('version').stdout, weir('version').stdout)
