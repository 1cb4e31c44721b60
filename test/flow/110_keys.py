# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir keys: through the daemon and alone: the lines to paste, the list without secrets, what is refused."""
import json
import os
import re
from weirflow import BUILD, Story, check, equal, http_ask, place

admin = place()  # the command asks the admin port that the configuration names

with Story() as s:
    weir = s.weir(admin={'address': admin}, clients=[{'name': 'search'}, {'name': 'agents'}])

    def keys(*arguments, status=0):
        return weir.command('keys', *arguments, status=status)

    def ls():
        return {k['id']: k for k in json.loads(keys('ls', '--format', 'json'))['keys']}

    equal(ls(), {}, 'no keys yet')
    pair = re.search(r'^AWS_ACCESS_KEY_ID=(WEIR[A-Z2-7]{16})\nAWS_SECRET_ACCESS_KEY=([\w+/]{40})$',
                     keys('new', '--client', 'search'), re.M)
    token = re.search(r'bearer key (\S+) of .*\nAWS_BEARER_TOKEN_BEDROCK=(weir-[\w-]{43})$',
                      keys('new', '--client', 'agents', '--bearer'), re.M)
    check(pair and token and 'AWS_ACCESS_KEY_ID=WEIR' in keys('new', '--admin'), 'the lines to paste')
    equal(sorted((str(k['client']), k['kind'], k['admin'], k['revoked']) for k in ls().values()),
          [('None', 'sigv4', True, None), ('agents', 'bearer', False, None), ('search', 'sigv4', False, None)], 'ls')
    equal(http_ask(weir.admin, 'GET', '/api/v1/keys').json(), json.loads(keys('ls', '--format', 'json')), 'the API')
    equal(keys('revoke', pair[1]), f'revoked {pair[1]}\n', 'revoke')
    check(ls()[pair[1]]['revoked'] and pair[2] not in keys('ls') and token[2] not in keys('ls'), 'ls afterwards')
    check(re.search(rf'^{pair[1]} .*Z .*Z .*search$', keys('ls'), re.M), 'the table')
    weir.line(rf' keys .*key={pair[1]} .*revoked')

    check('did you mean "search"?' in keys('new', '--client', 'serch', status=1), 'the nearest client')
    check('There is no key of this id' in keys('revoke', 'WEIRAAAAAAAAAAAAAAAA', status=1), 'no-such-key')
    for wrong in (['new'], ['new', '--admin', '--bearer'], ['new', '--client'], ['revoke'], ['revoke', '../x'], ['rotate'],
                  ['ls', '--format', 'csv'], ['new', '--client', 'search', '--admin']):
        keys(*wrong, status=2)

    weir.end()
    check('AWS_BEARER' in keys('new', '--client', 'agents', '--bearer'), 'alone')
    check('did you mean "agents"?' in keys('new', '--client', 'agent', status=1), 'the nearest client, alone')
    s.run([BUILD / 'src' / 'weir', 'keys', 'revoke', '-c', weir.path, token[1]])  # the id last
    check(ls()[token[1]]['revoked'] and len(ls()) == 4, 'revoked alone')
    check('there is no key' in keys('revoke', 'WEIRAAAAAAAAAAAAAAAA', status=1), 'none of that id, alone')
    equal(sorted(os.listdir(s.dir / 'state')), ['keys', 'lock', 'meter', 'prefixes', 'seal.key'], 'nothing is left over')
