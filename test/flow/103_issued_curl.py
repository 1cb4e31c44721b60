# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A pair that Weir issued, in curl's hands and in boto3's: over HTTP/1.1 and HTTP/2, until it is revoked. curl signs
a path as it stands, which Bedrock refuses where a byte of it is encoded once more, and so does Weir."""
import json
import re
from weirflow import ARN, MODEL, Story, check, converse, equal, place

BODY = json.dumps(converse('Hi, from curl.'))
PLAIN = '/model/us.anthropic.claude-opus-5/converse'

admin = place()  # the command asks the admin port that the configuration names

with Story() as s:
    s.simulator()
    weir = s.weir(admin={'address': admin}, clients=[{'name': 'app'}])
    made = weir.command('keys', 'new', '--client', 'app')
    key, secret = re.search(r'AWS_ACCESS_KEY_ID=(\S+)\nAWS_SECRET_ACCESS_KEY=(\S+)', made).groups()

    def curl(*options, target=PLAIN, pair=f'{key}:{secret}', fields=()):
        text = s.run(['curl', '-sS', '--path-as-is', '--max-time', '30', '-w', '\n%{http_code}', *options,
                      '--aws-sigv4', 'aws:amz:eu-central-1:bedrock', '--user', pair,
                      *[f'-H{field}' for field in ('Content-Type: application/json', *fields)], '--data-binary', BODY, weir.url + target])
        return int(text.rpartition('\n')[2])

    for way in ('--http1.1', '--http2-prior-knowledge'):
        equal(curl(way), 200, way)
        equal(s.sim.last()['body'].decode(), BODY, f'{way}: body')
        equal(curl(way, fields=['X-Amz-User-Agent: curl', 'Anthropic-Beta: a-beta']), 200, f'{way}: more fields')
    equal(curl(target=f'/model/{MODEL}/converse'), 403, 'a colon in the path')
    equal(curl(pair=f'{key}:x{secret}'), 403, 'a wrong secret')
    equal(curl(pair=f'WEIR{16 * "A"}:{secret}'), 403, 'another key')

    pair = {'aws_access_key_id': key, 'aws_secret_access_key': secret}
    client = s.boto3(weir.url, keys=pair, retries={'total_max_attempts': 1})
    for model in (MODEL, ARN):
        client.converse(modelId=model, messages=converse()['messages'])
    weir.command('keys', 'revoke', key)
    equal(curl(), 403, 'revoked')
    equal([row['access_key'] for row in s.sim.rows()], 6 * ['AKIDWEIR'], 'calls upstream')
    equal({record['client'] for record in weir.records(6)}, {'app'}, 'whose records')
    check(secret not in weir.log(), 'a secret in the log')
