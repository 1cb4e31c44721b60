# SPDX-License-Identifier: Apache-2.0
"""The admin port with a token, beyond loopback: health is for all, everything else for who shows it; commands of
the same configuration get in; what it is, is found nowhere."""
import os
from weirflow import Story, check, equal, http_ask, place

TOKEN = 'admin-token-0123456789-abcdefghijklmnop'

admin = place('0.0.0.0')  # the command asks the admin port that the configuration names

with Story() as s:
    path = s.dir / 'admin.token'
    path.write_text(TOKEN + '\n')
    os.chmod(path, 0o600)
    weir = s.weir(admin={'address': admin, 'token_file': str(path)})

    def status(target, value=None, method='GET', **more):
        fields = {**({'Authorization': value} if value else {}), **more}
        return http_ask(weir.admin, method, target, fields).status

    for target in ('/healthz', '/readyz'):
        equal(status(target), 200, target)
        equal(status(target, Host='weir.internal:8081'), 200, f'{target} by any name')
    for target in ('/metrics', '/api/v1/config', '/api/v1/usage'):
        equal(status(target, f'Bearer {TOKEN}', Host='weir.internal:8081'), 200, target)
        equal(status(target, f'bearer  {TOKEN}'), 200, target)
        for wrong in (None, 'Bearer', f'Bearer {TOKEN}x', f'Bearer {TOKEN[:-1]}', f'Basic {TOKEN}', TOKEN):
            equal(status(target, wrong), 403, f'{target} {wrong}')
        equal(status(target, f'Bearer {TOKEN}', Origin='http://page.example'), 403, 'a page in a browser')
    for target in ('/api/v1/reload', '/api/v1/drain', '/api/v1/book/compact', '/'):
        equal(status(target, method='POST'), 403, target)
    weir.line('op=AdminDrain .* outcome=admin-token ')
    equal(http_ask(weir.admin, 'GET', '/metrics').json()['message'][:32], 'The admin port wants its token: ')
    check('compacted by the running daemon' in weir.command('book', 'compact'), 'the command gets in')
    (s.dir / 'state' / 'lock').write_text('')
    check('compacted by the running daemon' in weir.command('book', 'compact'), '... by the token, too')
    path.write_text('another-' + TOKEN)
    weir.reload(weir.config)
    equal((status('/metrics', f'Bearer {TOKEN}'), status('/metrics', f'Bearer another-{TOKEN}')), (403, 200), 'a new token')
    check(TOKEN not in weir.log() and TOKEN not in weir.command('check'), 'the token is told nowhere')
