# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Refusals of Weir's markers at bad times: the client who asked is gone and its retry waits for the answer; the text
comes slowly, without end, or breaks off. Whoever is there gets the answer that it would have had without Weir."""
import json
import socket
import struct
import time
from cacheflow import prefixes, words
from doubles import RawOrigin
from weirflow import MODEL, Story, ask, check, equal, model_path, until

SAYS = b'{"message":"messages.0.content.0.cache_control: Extra inputs are not permitted"}'
ANSWER = json.dumps({'output': {'message': {'role': 'assistant', 'content': [{'text': 'yes'}]}}, 'stopReason': 'end_turn',
                     'usage': {'inputTokens': 9000, 'outputTokens': 1, 'totalTokens': 9001}}).encode()
RULE = {'name': 'all', 'match': {'client': '*'}, 'set': {'metadata': {'team': 'x'}}}
REFUSALS = {'us.': lambda: time.sleep(1) or [400, len(SAYS), SAYS],                    # late
            'eu.': lambda: [400, 800] + 800 * [b'x', 0.05],                            # forty seconds long
            'apac.': lambda: [400, 10**9] + 100 * [b'x' * 65536],                      # larger than anybody reads
            'jp.': lambda: [400, 200, b'{"mess'],                                      # breaks off
            'au.': lambda: [403, 0]}                                                   # says nothing
EXPIRED = 'ExpiredTokenException'


def act(path, body):
    if b'"team":"x"' in body:
        return [400, 2, b'{}']
    if b'cachePoint' not in body:
        return [200, len(ANSWER), ANSWER]
    return next((r() for geo, r in REFUSALS.items() if geo in path), [403, len(SAYS), SAYS, EXPIRED])


def body(n):
    return {'system': [{'text': words(1, 9000)}], 'messages': [{'role': 'user', 'content': [{'text': f'{n}'}]}]}


def send(weir, geo, data):
    sock = socket.create_connection(('127.0.0.1', weir.port))
    sock.sendall((f'POST {model_path("converse", geo + MODEL)} HTTP/1.1\r\nHost: x\r\namz-sdk-invocation-id: 7\r\n'
                  f'Content-Length: {len(data)}\r\n\r\n').encode() + data)
    return sock


with Story() as s, RawOrigin(act) as origin:
    weir = s.weir(endpoints={'runtime': origin.url, 'control': origin.url}, cache={'mode': 'always', 'holdout': '0%'})
    first = send(weir, 'us.', json.dumps(body(0)).encode())
    until('its call', lambda: origin.seen)
    retry = send(weir, 'us.', json.dumps(body(0)).encode())
    until('both', lambda: weir.metric('weir_requests_active') >= 2)
    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    first.close()
    equal(retry.recv(12), b'HTTP/1.1 200', 'a retry does not get what Weir brought upon the first')

    for geo in ('eu.', 'apac.', 'jp.', 'au.'):
        began = time.monotonic()
        equal(ask(weir.url, model_path('converse', geo + MODEL), body(1)).status, 200, geo)
        check(time.monotonic() - began < 30, f'{geo}: the text was waited for')
    equal(ask(weir.url, model_path('converse'), body(2)).status, 403, 'not of the markers, and not sent again')
    equal(prefixes(weir, MODEL), set(), 'an expired token is nothing against markers')
    weir.reload({**weir.config, 'rules': [RULE]})
    equal(ask(weir.url, model_path('converse'), body(3)).status, 200, 'an entry of a rule was refused')
    equal(prefixes(weir, MODEL), set(), 'which is nothing against markers, either')
