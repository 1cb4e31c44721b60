# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Keys by the admin API: only who shows the token or the lock's word changes them; files that are open to others,
or that cannot be read, stop a change, a reload and a start, with a sentence."""
import json
from weirflow import Story, check, equal, http_ask, place

admin = place()

with Story() as s:
    path = s.dir / 'admin.token'
    path.write_text('token-of-the-admin-0123456789abcdef\n')
    path.chmod(0o600)
    weir = s.weir(admin={'address': admin}, clients=[{'name': 'agents'}])

    def api(method, target, body=None, **headers):
        data = json.dumps(body).encode() if body is not None else b''
        return http_ask(weir.admin, method, target, {'Content-Type': 'application/json', **headers}, data)

    order = {'client': 'agents', 'kind': 'bearer'}
    word = {'Authorization': 'Bearer ' + (s.dir / 'state/lock').read_text()}
    key = api('POST', '/api/v1/keys', order, **word).json()
    for shown in ({}, {'Authorization': 'Bearer x'}, {'Authorization': 'Bearer ' + '0' * 64}, {'Authorization': 'Bearer '}):
        equal(api('POST', '/api/v1/keys', order, **shown).status, 403, 'keys-not-yours')
        equal(api('POST', f'/api/v1/keys/{key["id"]}/revoke', **shown).status, 403, 'keys-not-yours')
    weir.reload(s.config(admin={'address': admin, 'token_file': str(path)}, clients=weir.config['clients']))
    token = {'Authorization': 'Bearer token-of-the-admin-0123456789abcdef'}
    made = api('POST', '/api/v1/keys', order, **token)
    equal((made.status, made.json()['secret'][:5], sorted(made.json())), (201, 'weir-', ['admin', 'client', 'id', 'kind', 'secret']), 'by the token')
    for body in ({'client': 'nobody'}, {'client': 'agents', 'admin': True}, {'kind': 'bearer'}, {'client': 'agents', 'x': 1},
                 {'client': 'agents', 'kind': 'none'}, {'admin': True, 'kind': 'bearer'}, {'client': 7}, [], 'x' * 5000):
        equal(api('POST', '/api/v1/keys', body, **token).status, 400, f'bad-key {body}')
    equal(api('POST', '/api/v1/keys/WEIRAAAAAAAAAAAAAAAA/revoke', **token).status, 404, 'no-such-key')
    check('AWS_ACCESS' in weir.command('keys', 'new', '--client', 'agents'), 'the command shows the token')

    (s.dir / 'state/keys').chmod(0o640)
    equal(api('POST', f'/api/v1/keys/{key["id"]}/revoke', **token).status, 503, 'keys-closed')
    check('chmod 600' in weir.command('keys', 'ls', status=1) and 'chmod 600' in weir.reload(weir.config), 'the remedy')
    (s.dir / 'state/keys').rename(s.dir / 'aside')
    equal(api('POST', '/api/v1/keys', order, **token).status, 503, 'it would be the only one')
    check('issued keys are gone' in weir.reload(weir.config), 'a reload')
    (s.dir / 'aside').rename(s.dir / 'state/keys')
    weir.end()
    (s.dir / 'state/keys').chmod(0o600)
    (s.dir / 'state/keys').write_text((s.dir / 'state/keys').read_text() + '{"id":"WEIR\n')
    refused = s.run([weir.popen.args[0], 'serve', '-c', weir.path], env=s.clean_env(**s.keys()), status=2)
    check('the issued keys cannot be read' in refused and 'state/keys:4: ' in refused, refused)
