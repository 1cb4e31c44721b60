# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A signed request that was changed on its way, or that says less than the whole: refused alike each time, in the
text for a wrong secret, and not a byte of it goes upstream or into the book."""
import json
from weirflow import Story, check, converse, equal, http_ask, model_path, sha256, signed

TARGET, BODY = model_path('converse'), json.dumps(converse('Buy ten.')).encode()
OTHER = json.dumps(converse('Buy two.')).encode()

with Story() as s:
    s.simulator()
    weir = s.weir(clients=[s.pair('app'), s.pair('second', 'AKIDSECOND', 'second/secret+of+a+client')])

    def sign(headers=None, **more):
        return signed(weir.url, TARGET, BODY, headers, **more)

    def change(find, put):
        check(find in good['Authorization'], find)
        return {**good, 'Authorization': good['Authorization'].replace(find, put)}

    def send(headers, target=TARGET, body=BODY):
        return http_ask(weir.url, 'POST', target, headers, body)

    def twice(value):
        return send([*good.items(), ('Authorization', value)])

    good = sign()
    flipped, query = good['Authorization'][:-1] + '01'[good['Authorization'][-1] == '0'], '?X-Amz-Signature=00'
    changed = {
        'body': send(good, body=OTHER), 'no body': send(good, body=b''), 'a byte more': send(good, body=BODY + b' '),
        'path': send(good, target=model_path('converse', 'us.amazon.nova-lite-v1:0')),
        'operation': send(good, target=model_path('count-tokens')), 'query': send(good, target=TARGET + '?a=b'),
        'content type': send({**good, 'Content-Type': 'text/plain'}), 'host': send({**good, 'Host': 'localhost:1'}),
        'an unsigned field': send({**good, 'X-Amz-Target': 'x'}), 'a token': send(sign({'X-Amz-Security-Token': 't'})),
        'an unsigned tier': send({**good, 'X-Amzn-Bedrock-Service-Tier': 'priority'}),
        'unsigned payload': send(sign({'X-Amz-Content-SHA256': 'UNSIGNED-PAYLOAD'})),
        'a hash of another': send({**good, 'X-Amz-Content-SHA256': sha256(OTHER)}, body=OTHER),
        'the signature': send({**good, 'Authorization': flipped}), 'in the query': send({}, target=TARGET + query),
        'and in the query': send(good, target=TARGET + query), 'a bearer key too': twice('Bearer x'),
        'twice': twice(good['Authorization']), 'key': send(change('AKIDCLIENT', 'AKIDSECOND')),
        'algorithm': send(change('HMAC-SHA256', 'ECDSA-P256-SHA256')), 'service': send(change('/bedrock/', '/s3/')),
        'region': send(change('us-east-1', 'eu-west-1')), 'names': send(change('content-type;', '')),
        'a secret of another': send(sign(secret='second/secret+of+a+client'))}
    equal({(a.status, a.header('x-amzn-errortype'), a.json()['message']) for a in changed.values()},
          {(403, 'UnrecognizedClientException', changed['body'].json()['message'])}, 'refusals')
    equal(s.sim.summary()['requests'], 0, 'calls upstream')
    equal(weir.metric('weir_requests_total', outcome='client-refused'), float(len(changed)), 'refusals')
    equal(send(good).status, 200, 'and as it was signed')
    equal([record['client'] for record in weir.records()], ['app'], 'records')
