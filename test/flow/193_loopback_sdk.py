# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A client for this machine: curl shows nothing, SDKs sign with whatever they have, and both are it. A key that Weir knows
is its owner's or nobody's; without such a client nobody unknown comes in."""
import json
from weirflow import MODEL, Story, check, converse, equal, http_ask, model_path, until

HELLO = [{'role': 'user', 'content': [{'text': 'Hi'}]}]
UNKNOWN = {'aws_access_key_id': 'AKIDNOBODY', 'aws_secret_access_key': 'x', 'aws_session_token': 'of a role'}

with Story() as s:
    s.simulator()
    weir = s.weir(clients=[s.pair('app'), {'name': 'here', 'loopback': True}])

    def status(**how):
        client = s.boto3(weir.url, retries={'total_max_attempts': 1}, **how)
        try:
            return client.converse(modelId=MODEL, messages=HELLO)['ResponseMetadata']['HTTPStatusCode']
        except client.exceptions.ClientError as error:
            return error.response['Error']['Code']

    def curl(**fields):
        return http_ask(weir.url, 'POST', model_path('converse'), {'Content-Type': 'application/json', **fields},
                        json.dumps(converse()).encode()).status

    equal(curl(), 200, 'curl')
    equal(status(keys=UNKNOWN), 200, 'boto3 with keys of its own')
    equal(s.sim.last()['access_key'], 'AKIDWEIR', 'Weir signed')
    equal(curl(Authorization='Bearer a-key-of-its-own'), 200, 'a bearer key')
    check('a-key-of-its-own' not in str(s.sim.last()), 'which does not go upstream')
    equal(status(), 200, 'the pair')
    equal(status(keys={'aws_secret_access_key': 'not its secret'}), 'UnrecognizedClientException', 'half a pair')
    equal(curl(Authorization='Bearer whatever', Origin='http://evil.example'), 403, 'a page')
    until('records', lambda: weir.metric('weir_book_records_total') == 4)
    for name, n in (('here', 3), ('app', 1)):
        decided = http_ask(weir.admin, 'GET', '/api/v1/decisions?n=9').json()['decisions']
        equal(len([d for d in decided if d['client'] == name]), n, name)

    weir.reload({**weir.config, 'clients': [s.pair('app')]})
    equal(status(keys=UNKNOWN), 'UnrecognizedClientException', 'no such client')
