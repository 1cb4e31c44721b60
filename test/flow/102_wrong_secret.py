# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A secret that is not the client's, a key that nobody has, and a clock that is wrong: each SDK raises the class
that it raises for these before AWS, the texts do not tell the first two apart, and nothing goes upstream."""
import datetime
import json
import re
import sys
import types
from weirflow import HERE, MODEL, Story, check, converse, equal, need_clients

WRONG = ({'AWS_SECRET_ACCESS_KEY': 'client/secret+of+another+one'}, {'AWS_ACCESS_KEY_ID': 'AKIDNOBODY'})


class Late(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return datetime.datetime.utcnow() - datetime.timedelta(seconds=3600)


with Story() as s:
    need_clients()
    s.simulator()
    weir = s.weir(clients=[s.pair('app')])
    texts = set()
    for wrong in WRONG:
        out = s.run(['node', HERE / 'clients' / 'signed.mjs'], {**s.client_env(weir), **wrong})
        for line in (json.loads(text) for text in out.splitlines() if text.startswith('{"way"')):
            aws = line['way'].startswith('aws')
            equal((line.get('name'), line.get('status'), line.get('attempts', 1)),
                  ('UnrecognizedClientException' if aws else 'PermissionDeniedError', 403, 1), line['way'])
            check('The credentials in this request' in line['message'], line['message'])
            if aws:
                texts.add(line['message'])
    equal(len(texts), 1, f'one text for all: {texts}')

    # boto3 does not correct its clock; it is told what is wrong, whatever the key.
    for key in ('AKIDCLIENT', 'AKIDNOBODY'):
        client = s.boto3(weir.url, retries={'total_max_attempts': 1}, keys={'aws_access_key_id': key})
        for module in [m for name, m in sys.modules.items() if re.match(r'botocore(\.crt)?\.auth$', name)]:
            module.datetime = types.SimpleNamespace(datetime=Late, timezone=datetime.timezone)
            module.get_current_datetime = Late.utcnow  # where it is newer
        try:
            client.converse(modelId=MODEL, messages=converse()['messages'])
            check(False, 'an hour late')
        except client.exceptions.ClientError as error:
            equal(error.response['Error']['Code'], 'InvalidSignatureException')
            check(error.response['Error']['Message'].startswith('Signature expired'), str(error))
    equal((s.sim.summary()['requests'], weir.metric('weir_book_records_total')), (0, 0.0), 'calls and records')
    check('secret' not in weir.log() and 'Signature=' not in weir.log(), 'a secret in the log')
