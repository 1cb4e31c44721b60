# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Behind a load balancer that speaks the PROXY protocol the log names the client, in version 1 and 2;
without the header, or with a broken one, the connection is closed."""
import socket
from weirflow import Story, check, equal

V1 = b'PROXY TCP4 203.0.113.7 192.0.2.1 45678 443\r\n'
V2 = (b'\r\n\r\n\0\r\nQUIT\n' + b'\x21\x11\0\x0c' + socket.inet_aton('203.0.113.9') + socket.inet_aton('192.0.2.1')
      + b'\xb2\x6e\x01\xbb')
LOCAL = b'\r\n\r\n\0\r\nQUIT\n' + b'\x20\x00\0\0'
REQUEST = b'GET /nowhere HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n'


def say(port, *pieces):
    with socket.create_connection(('127.0.0.1', port), timeout=20) as sock:
        for piece in pieces:
            sock.sendall(piece)
        text = b''
        try:
            while piece := sock.recv(65536):
                text += piece
        except ConnectionResetError:
            pass
        return text


with Story() as s:
    weir = s.weir(listen=[{'address': '127.0.0.1:0', 'proxy_protocol': True}])
    for header, peer in ((V1, '203.0.113.7'), (V2, '203.0.113.9'), (LOCAL, '127.0.0.1')):
        check(say(weir.port, header + REQUEST).startswith(b'HTTP/1.1 404'), f'{peer} at once')
        weir.line(rf' exchange .*peer={peer}')
        check(say(weir.port, *(bytes([b]) for b in header), REQUEST).startswith(b'HTTP/1.1 404'), f'{peer} by bytes')
    for broken in (REQUEST, b'PROXY TCP4 nonsense\r\n' + REQUEST, V2[:-4], b'PROXY ' + b'x' * 200):
        answer = say(weir.port, broken) if broken != V2[:-4] else b''
        check(b' 404 ' not in answer and b' 200 ' not in answer, f'{broken[:20]} was taken')
    equal(s.sim.summary()['requests'], 0)
