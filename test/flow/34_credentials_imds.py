# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Keys from the instance's metadata service, version 2. When it fails, what is still valid serves on."""
import json
import time
from doubles import HttpDouble
from weirflow import KEY, SECRET, Story, ask, converse, equal, model_path

down = []
asked = []


def imds(method, path, headers, body):
    asked.append((method, path))
    if down:
        return 500, ''
    if method == 'PUT' and path == '/latest/api/token' and headers.get('x-aws-ec2-metadata-token-ttl-seconds'):
        return 200, 'imds-token'
    if headers.get('x-aws-ec2-metadata-token') != 'imds-token':
        return 401, ''
    if path == '/latest/meta-data/iam/security-credentials/':
        return 200, 'weir-role'
    if path == '/latest/meta-data/iam/security-credentials/weir-role':
        soon = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 6 * 60))
        return 200, json.dumps({'Code': 'Success', 'AccessKeyId': KEY, 'SecretAccessKey': SECRET, 'Token': '',
                                'Expiration': soon})
    return 404, ''


with Story() as s, HttpDouble(imds) as double:
    weir = s.weir(env={'AWS_EC2_METADATA_DISABLED': 'false', 'AWS_EC2_METADATA_SERVICE_ENDPOINT': double.url})
    equal(ask(weir.url, model_path('converse'), converse()).status, 200)
    equal(s.sim.last()['access_key'], KEY)
    equal(asked[0], ('PUT', '/latest/api/token'), 'a token is asked for first')
    down.append(True)
    for n in range(20):
        equal(ask(weir.url, model_path('converse'), converse(f'{n}')).status, 200, 'while the service is down')
