# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""Clients that take an answer of 20 MB and do not read: Weir holds little of it, others are served, and
whoever reads in the end gets every byte."""
import json
import socket
from weirflow import SANITIZED, Story, ask, check, converse, equal, model_path, signed

SIZE, CLIENTS, MOST_EACH = 20_000_000, 8, 2 << 20

with Story() as s:
    weir = s.weir()
    path = model_path('converse-stream')
    body = json.dumps(converse(f'[[sim:bytes={SIZE}]] [[sim:chunks=2000]]')).encode()
    straight = ask(s.sim.url, path, body, seconds=60)
    check(len(straight.body) > SIZE, 'a big answer')
    before = weir.anon_bytes()
    sockets = []
    for _ in range(CLIENTS):
        sock = socket.create_connection(('127.0.0.1', weir.port), timeout=60)
        head = ''.join(f'{k}: {v}\r\n' for k, v in signed(weir.url, path, body).items())
        sock.sendall(f'POST {path} HTTP/1.1\r\nHost: {weir.addresses[0]}\r\nConnection: close\r\n{head}'
                     f'Content-Length: {len(body)}\r\n\r\n'.encode() + body)
        sockets.append(sock)
    for n in range(50):
        equal(ask(weir.url, model_path('converse'), converse(f'another {n}')).status, 200, 'another client')
    grown = weir.anon_bytes() - before
    check(SANITIZED or grown < CLIENTS * MOST_EACH, f'{grown >> 10} KiB held for {CLIENTS} clients that do not read')
    for sock in sockets:
        answer = bytearray()
        while piece := sock.recv(1 << 20):
            answer += piece
        check(answer.startswith(b'HTTP/1.1 200'), 'the answer')
        check(len(answer) > len(straight.body) and b'metadata' in answer[-3000:], 'the end is missing')
        sock.close()
    equal(s.sim.summary()['left'], 0)
