# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Secrets of the configuration are files that nobody else may read: weir check and weir serve say what is wrong
with one, and never what is in it. Listeners and the admin port beyond loopback say what they want first."""
import json
import os
from weirflow import BUILD, Story, check, equal

SECRET = 'hunter2-hunter2-hunter2-hunter2-hunter2'
FAR, HERE = [{'address': '0.0.0.0:0'}], [{'address': '127.0.0.1:0'}]

with Story() as s:
    path, config = s.dir / 'secret', s.dir / 'weir.yaml'

    def refused(wanted, **changes):
        config.write_text(json.dumps({'region': 'us-east-1', 'listen': HERE, **changes}))
        for command in ('check', 'serve'):
            said = s.run([BUILD / 'src' / 'weir', command, '-c', config], status=2)
            check(wanted in said and 'hunter2' not in said, f'{command}: wanted {wanted}, got {said}')

    users = ({'admin': {'token_file': str(path)}}, {'clients': [{'name': 'a', 'bearer_file': str(path)}]},
             {'clients': [{'name': 'a', 'sigv4': {'access_key_id': 'K', 'secret_file': str(path)}}]})
    for user in users:
        for text, mode, wrong in ((SECRET, 0o644, 'chmod 600'), (SECRET, 0o620, 'chmod 600'), ('', 0o600, 'empty'),
                                  ('hunter2', 0o600, 'too short'), (SECRET + '\n' + SECRET, 0o600, 'more than one word')):
            path.write_text(text)
            os.chmod(path, mode)
            refused(wrong, **user)
        path.unlink()
        refused('cannot open', **user)
        os.mkfifo(path)
        refused('not a regular file', **user)
        path.unlink()
    refused('who may come in', listen=FAR)
    refused('who may come in', listen=[{**FAR[0], 'plaintext': 'allow'}])
    refused('readable on the way', listen=FAR, clients=[{'name': 'a'}])
    refused('Set admin.token_file', admin={'address': '0.0.0.0:0'})
    path.write_text(SECRET)
    os.chmod(path, 0o600)
    config.write_text(json.dumps({'region': 'us-east-1', 'listen': [{**FAR[0], 'plaintext': 'allow'}],
                                  'clients': [{'name': 'a', 'bearer_file': str(path)}],
                                  'admin': {'address': '0.0.0.0:0', 'token_file': str(path)}}))
    good = s.run([BUILD / 'src' / 'weir', 'check', '-c', config])
    equal((str(path) in good, 'hunter2' in good), (True, False), 'the effective configuration names the file')
