# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A hundred requests written at once on one connection are answered in their order; a request cut into
single bytes is one request; a client that has closed its sending side still gets its answer."""
import json
import socket
import time
from weirflow import Story, check, converse, equal, http_ask, model_path


def request(text, close=False):
    body = json.dumps(converse(text)).encode()
    return (f'POST {model_path("converse")} HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\n'
            f'Content-Length: {len(body)}\r\n' + ('Connection: close\r\n' if close else '') + '\r\n').encode() + body


def read_all(sock):
    pieces = []
    while True:
        piece = sock.recv(65536)
        if not piece:
            return b''.join(pieces)
        pieces.append(piece)


with Story() as s:
    weir = s.weir()
    wanted = [http_ask(weir.url, 'POST', model_path('converse'), {}, json.dumps(converse(f'Q{n}')).encode()).json()
              ['output']['message']['content'][0]['text'] for n in range(100)]
    with socket.create_connection(('127.0.0.1', weir.port), timeout=30) as sock:
        sock.sendall(b''.join(request(f'Q{n}', close=n == 99) for n in range(100)))
        answers = read_all(sock).decode()
    equal(answers.count('HTTP/1.1 200'), 100, 'answers')
    places = [answers.find(text) for text in wanted]
    check(min(places) >= 0 and places == sorted(places), 'the answers are not in the order of the questions')

    for n in range(40):  # the end comes before, with or after the answer: each time we end, too
        with socket.create_connection(('127.0.0.1', weir.port), timeout=30) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in [request('Q5')] if n else [bytes([byte]) for byte in request('Q5')]:
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)
            check(wanted[5] in read_all(sock).decode(), 'no answer after the half-close')
    with socket.create_connection(('127.0.0.1', weir.port), timeout=30) as sock:
        sock.sendall(request('Q6')[:-5])
        time.sleep(0.1)
    equal(http_ask(weir.url, 'GET', '/weir/healthz').status, 200, 'alive')
