# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What is no trace is told by weir replay in one sentence, with the file and the line; exit 1, and 2 for a wrong option."""
import gzip
import subprocess
from weirflow import BUILD, Story, check, equal

ROW = b'{"timestamp": 5, "input_length": 1600, "hash_ids": [0, 4, 17, 18]}\n'
LOG = b'{"schemaType":"ModelInvocationLog","timestamp":"2026-01-02T03:04:05Z","input":{"inputBodyJson":{}}}\n'
BAD = {
    ROW + b'hello\n': 'trace:2: not JSON: something that is no object',
    ROW + b'{"timestamp": 5, "hash_ids": [,]}\n': 'trace:2: ',
    ROW + b'\n{"timestamp": "soon", "input_length": 1, "hash_ids": []}\n': 'trace:3: timestamp is not a number of milliseconds',
    b'{"timestamp": 5,\n "input_length": -1,\n "hash_ids": []}\n': 'trace:2: input_length is not a number of tokens',
    ROW + b'{"timestamp": 5, "input_length": 1600, "hash_ids": [0, "4"]}': 'trace:2: an id in hash_ids is not a number',
    ROW + b'{"timestamp": 5, "input_length": 160, "hash_ids": [0,1,2,3,4,5]}': 'trace:2: more hash_ids than one for each 512 tokens',
    ROW + b'{"timestamp": 5, "input_length": 9000000, "hash_ids": [' + b'0,' * 9000 + b'0]}': 'trace:2: a prompt of more blocks',
    b'[' + ROW + b',' + ROW: 'trace:2: it ends in the middle of a list',
    ROW + ROW[:-9]: 'trace:2: it ends in the middle of a record',
    ROW + b'{"a": 1}': 'trace:2: neither a row with hash_ids nor a ModelInvocationLog',
    b'{"events": [{"message": "{}"}]}': "trace:1: events of CloudWatch; the records are in them: jq -r '.events[].message'",
    ROW.replace(b'5', b'99999999999999999', 1): 'trace:1: timestamp is not a number of milliseconds',
    ROW + LOG: 'trace:2: rows and logs do not go together',
    LOG.replace(b'T03', b' at '): 'trace:1: timestamp is not a time as 2026-01-02T03:04:05Z',
    LOG.replace(b'{"inputBodyJson":{}}', b'7'): 'trace:1: input is not an object',
    LOG.replace(b'{}', b'null'): 'trace: there is no prompt in it',
    b'': 'trace: there is no prompt in it',
    b'\n \n': 'trace: there is no prompt in it',
    b'[]': 'trace: there is no prompt in it',
    gzip.compress(ROW * 9)[:-9]: ': the gzip file is cut off',
    gzip.compress(ROW) + b'junk': 'trace:2: broken gzip',
    b'\x1f\x8bjunk and more junk': 'trace:1: broken gzip',
    b'\x00\xff': 'trace:1: not JSON: something that is no object',
}

with Story() as s:
    def replay(*argv):
        return subprocess.run([BUILD / 'src' / 'weir', 'replay', *argv], cwd=s.dir, env=s.clean_env(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    for text, sentence in BAD.items():
        (s.dir / 'trace').write_bytes(text)
        done = replay('--trace', 'trace')
        equal((done.returncode, done.stdout), (1, ''), f'{text[:80]}: {done.stderr}')
        last = done.stderr.splitlines()[-1]
        check(last.startswith('weir replay: ') and sentence in last, f'{text[:80]} gave {done.stderr}')
    equal(replay('--trace', 'missing').returncode, 1)
    equal(replay('--trace', '.').returncode, 1, 'a folder')
    for argv in ([], ['--trace'], ['--trace', 'trace', '--policy', 'best'], ['--trace', 'trace', '--format', 'csv'],
                 ['--trace', '-', '--trace', '-'], ['--trace', 'trace', '--model', 'no.such'], ['--trace', 'trace', '--policy', 'clairvoyant'],
                 ['--trace', 'trace', '-c', 'missing.yaml'], ['trace']):
        equal(replay(*argv).returncode, 2, f'{argv}')
    check('weir replay --trace' in replay('--help').stdout, 'help')
