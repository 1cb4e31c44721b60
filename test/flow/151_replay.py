# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir replay bills seeded traces as an account of its own does (cachebill.py): no marker, one behind the system
prompt, one at the end, and the least that any policy could cost."""
import gzip
import json
import subprocess
from weirflow import BUILD, Story, check, equal
from cachebill import bill, least, prompts, shared_by_most

with Story() as s:
    def replay(*argv, stdin=b''):
        done = subprocess.run([BUILD / 'src' / 'weir', 'replay', *argv], cwd=s.dir, env=s.clean_env(), input=stdin,
                              capture_output=True, timeout=60)
        equal(done.returncode, 0, f'{argv}: {done.stderr.decode()}')
        return done.stdout.decode()

    def near(got, wanted, what):
        for name in ('cost', 'read', 'write'):
            check(abs(got[name] - wanted[name]) < 2e-6, f'{what}: {name} {got[name]}, wanted {wanted[name]}')

    for seed in range(6):
        rows = prompts(seed)
        lines = [json.dumps(row) + '\n' for row in rows]
        (s.dir / 'rows').write_text(''.join(lines))
        told = replay('--trace', 'rows', '--format', 'json')
        found = json.loads(told)
        equal((found['requests'], found['input_tokens']), (len(rows), sum(r['input_length'] for r in rows)))
        equal(list(found['policies']), ['weir', 'none', 'system', 'end', 'clairvoyant'])
        of = found['policies']
        system = shared_by_most(rows)
        near(of['none'], {'cost': 1, 'read': 0, 'write': 0}, f'{seed} none')
        near(of['system'], bill(rows, system), f'{seed} system')
        near(of['end'], bill(rows, lambda row: row['input_length'] // 512), f'{seed} end')
        floor = least(rows)
        check(abs(of['clairvoyant']['cost'] - floor) < 2e-6, f'{seed} clairvoyant: {of["clairvoyant"]}, wanted {floor}')
        check(floor < of['weir']['cost'] < 1.01, f'{seed} weir: {of["weir"]}')

    # However the same requests come: packed, from stdin, as a list, in pieces, in another order.
    packed = gzip.compress(''.join(lines[:100]).encode()) + gzip.compress(''.join(lines[100:]).encode())
    equal(replay('--trace', '-', '--format', 'json', stdin=packed), told, 'packed')
    equal(replay('--trace', '-', '--format', 'json', stdin=('[' + ',\n'.join(lines) + ']').encode()), told, 'a list')
    (s.dir / 'late').write_text(''.join(lines[200:]))
    (s.dir / 'early').write_text(''.join(lines[:200]))
    equal(replay('--trace', 'late', '--trace', 'early', '--format', 'json'), told, 'in pieces')
    equal(json.loads(replay('--trace', 'rows', '--policy', 'end', '--format', 'json'))['policies'], {'end': of['end']})
    table = replay('--trace', 'rows').splitlines()
    check(table[0].startswith('400 requests of 1 client in ') and table[-1].startswith('clairvoyant '), f'{table}')
