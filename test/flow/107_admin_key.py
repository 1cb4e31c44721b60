# SPDX-License-Identifier: Apache-2.0
"""With a token on the admin port CloudWatch's actions are answered to who signs with a key issued for it; to no
client's key, no other service's signature, no changed body, no old one, and no revoked key."""
import datetime
import re
import urllib.parse
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from weirflow import REGION, Story, equal, http_ask

FORM, TYPE = 'Action=ListMetrics&Version=2010-08-01', 'application/x-www-form-urlencoded'
TOKEN = 'admin-token-0123456789-abcdefghijklmnop'

with Story() as s:
    path = s.dir / 'admin.token'
    path.touch(0o600)
    path.write_text(TOKEN)
    listens = {'address': '127.0.0.1:0', 'token_file': str(path)}
    weir = s.weir(admin=listens, clients=[{'name': 'search'}])
    weir.end()

    def issue(*arguments):
        said = weir.command('keys', 'new', *arguments)
        return re.search(r'ACCESS_KEY_ID=(\S+)', said)[1], re.search(r'SECRET_ACCESS_KEY=(\S+)', said)[1]

    admin, client, gone = issue('--admin'), issue('--client', 'search'), issue('--admin')
    weir.command('keys', 'revoke', gone[0])
    weir = s.weir(admin=listens, clients=weir.config['clients'], state=weir.config['state'])

    def status(key, service='monitoring', sent=FORM, hours=0):
        fields = {'Content-Type': TYPE, 'Host': urllib.parse.urlsplit(weir.admin).netloc}
        request = AWSRequest('POST', weir.admin + '/', data=FORM, headers=fields)
        SigV4Auth(Credentials(*key), service, REGION).add_auth(request)
        if hours:  # said first, whatever is signed
            then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)
            request.headers.replace_header('X-Amz-Date', then.strftime('%Y%m%dT%H%M%SZ'))
        answer = http_ask(weir.admin, 'POST', '/', dict(request.headers.items()), sent.encode())
        return answer.status, (re.findall(rb'<Code>(\w+)</Code>', answer.body) or [b''])[0].decode()

    equal(status(admin), (200, ''), 'an admin key')
    for wrong in ((client,), (gone,), ((admin[0], client[1]),), (('NOBODY', 'x' * 40),), (admin, 'bedrock'),
                  (admin, 'monitoring', FORM.replace('List', 'list'))):
        equal(status(*wrong), (403, 'InvalidClientTokenId'), f'{wrong}')
    for key in (admin, client):
        equal(status(key, hours=1), (403, 'SignatureDoesNotMatch'), 'an old signature, whoever signed')
    by_token = {'Content-Type': TYPE, 'Authorization': f'Bearer {TOKEN}'}
    equal(http_ask(weir.admin, 'POST', '/', by_token, FORM.encode()).status, 200, 'the token')
    signed = {'Authorization': 'AWS4-HMAC-SHA256 Credential=x'}
    equal(http_ask(weir.admin, 'GET', '/metrics', signed).status, 403, 'what is not a query')
