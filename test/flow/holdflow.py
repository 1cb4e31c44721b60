# SPDX-License-Identifier: Apache-2.0
"""What a story of held requests needs: a Weir with a bucket, whose pools never fill, so that what waits goes on
demand when batch.linger is over; meanwhile a space comes each third of it."""
import json
import socket
import struct
import time
from batchflow import BATCH_MODEL, BUCKET, ROLE, Batch
from weirflow import Weir, ask, ask_as, converse, equal, http_ask, model_path, token_of, until

PATH = model_path('converse', BATCH_MODEL)
NIGHTLY = {'name': 'nightly', 'match': {'workload': 'n-*'}, 'set': {'deadline': '8h'}}


def holding(s, linger='3s', reply='wait', batch=None, **more):
    s.batch = Batch(s)
    rule = {**NIGHTLY, 'set': {'deadline': '8h', 'reply': reply}}
    return s.weir(endpoints={'s3': s.batch.url}, rules=[rule], **more,
                  batch={'bucket': BUCKET, 'role_arn': ROLE, 'linger': linger, 'poll': '1s', **(batch or {})})


def workload(name, url=''):
    """By /w/n-NAME: what goes there has the rule's deadline."""
    return f'{url}/w/n-{name}'


def keep_company(weir):
    """A ticket in the pool: where all members hold a connection, it waits for a tenth of its time alone."""
    answer = take_ticket(weir, 'company')
    equal(answer.status, 202, 'a ticket')
    return answer.json()


def pooled(weir, wanted):
    """So many records wait in pools now."""
    until(f'{wanted} that wait', lambda: weir.metric('weir_batch_records', state='pooled') == wanted)


def take_ticket(weir, text, client=None, **fields):
    headers = {'x-weir-reply': 'ticket', **fields}
    target = workload('tickets') + PATH
    if client:
        return ask_as(client, weir.url, target, converse(text), headers)
    return ask(weir.url, target, converse(text), headers)


def look(weir, url, client=None):
    headers = {'Authorization': f'Bearer {token_of(client)}'} if client else {}
    return http_ask(weir.url, 'GET', url, headers)


def text_of(answer):
    return answer.json()['output']['message']['content'][0]['text']


def again(s, weir):
    """Another one in its place, as soon as it is gone."""
    weir.may_fail = True
    weir.wait()
    return Weir(s, {**weir.config, 'listen': [{'address': weir.addresses[0]}]}, s.clean_env(**s.keys()))


def ask_and_go(weir, text, invocation):
    """For a ticket, as `search`; a reset in place of reading the answer."""
    body = json.dumps(converse(text)).encode()
    with socket.create_connection(('127.0.0.1', weir.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        line.sendall(f'POST {workload("tickets")}{PATH} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token_of("search")}'
                     f'\r\nx-weir-reply: ticket\r\namz-sdk-invocation-id: {invocation}\r\nContent-Length: {len(body)}'
                     '\r\n\r\n'.encode() + body)
        time.sleep(0.05)
