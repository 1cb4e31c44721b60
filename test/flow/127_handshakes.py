# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Handshakes have a budget for each source, behind a balancer the one that its PROXY header names: who holds
200 of them is closed at once with the next, somebody else gets in, and he himself when he lets go."""
import contextlib
import json
import socket
import ssl
from weirflow import Story, converse, equal, model_path, until

UNDER_WAY = 200  # LIMIT_HANDSHAKES_UNDER_WAY

with Story() as s, contextlib.ExitStack() as held:
    s.certificates()
    weir = s.weir(workers=1, listen=[{'address': '127.0.0.1:0', 'proxy_protocol': True,
                                      'tls': {'cert': str(s.dir / 'tls.crt'), 'key': str(s.dir / 'tls.key')}}])
    trust = ssl.create_default_context(cafile=str(s.dir / 'ca.crt'))

    def dial(source):
        connection = held.enter_context(socket.create_connection(('127.0.0.1', weir.port), 20))
        connection.sendall(f'PROXY TCP4 {source} 198.51.100.1 4711 443\r\n'.encode())
        return connection

    def call(source):
        with trust.wrap_socket(dial(source), server_hostname='localhost') as tls:
            body = json.dumps(converse()).encode()
            tls.sendall(f'POST {model_path("converse")} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                        f'Content-Length: {len(body)}\r\n\r\n'.encode() + body)
            return int(tls.makefile('rb').readline().split()[1])

    def shed():
        return weir.metric('weir_shed_total', reason='handshakes')

    flood = [dial('192.0.2.66') for _ in range(UNDER_WAY)]
    until('all of them', lambda: weir.metric('weir_connections') >= UNDER_WAY)
    equal(call('192.0.2.10'), 200, 'somebody else')
    equal(shed(), 0.0, 'closed so far')
    more = [dial('192.0.2.66') for _ in range(50)]
    equal([c.recv(1) for c in more], [b''] * 50, 'what came behind the budget')
    equal(shed(), 50.0, 'closed')
    equal(call('192.0.2.10'), 200, 'somebody else, during it')
    for connection in flood:
        connection.close()
    until('room again', lambda: weir.metric('weir_connections') <= 1)  # this question's own
    equal(call('192.0.2.66'), 200, 'the same source, afterwards')
    weir.line(r' exchange .*peer=192\.0\.2\.66:4711 .*outcome=answered')
    equal(len([line for line in weir.lines if ' shed ' in line]), 1, 'lines about it')
