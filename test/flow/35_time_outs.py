# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 13
"""An answer that never begins is 408 (SDKs do not buy it again); a stream that falls silent ends with an
exception in its own language; a client that leaves is noticed."""
import socket
from weirflow import Story, ask, check, converse, equal, model_path, until

with Story() as s:
    weir = s.weir(timeouts={'answer': '1s', 'stream_silence': '1s'})
    before = s.sim.summary()['requests']
    answer = ask(weir.url, model_path('converse'), converse('[[sim:hang]]'))
    equal((answer.status, answer.header('x-amzn-errortype')), (408, 'ModelTimeoutException'))
    equal(s.sim.summary()['requests'] - before, 1, 'calls upstream')
    weir.line(r' exchange .*outcome=origin-timeout')

    answer = ask(weir.url, model_path('converse-stream'), converse('[[sim:chunks=5]] [[sim:slow=60000]]'))
    equal(answer.status, 200)
    check(b'modelStreamErrorException' in answer.body, 'no exception in the stream')
    weir.line(r' exchange .*outcome=stream-silent')

    with socket.create_connection(('127.0.0.1', weir.port)) as sock:
        body = b'{"messages":[{"role":"user","content":[{"text":"[[sim:chunks=50]] [[sim:slow=200]]"}]}]}'
        sock.sendall(f'POST {model_path("converse-stream")} HTTP/1.1\r\nHost: weir\r\nContent-Length: {len(body)}'
                     '\r\n\r\n'.encode() + body)
        sock.recv(100)
    weir.line(r' exchange .*outcome=client-left')
    until('no request left', lambda: weir.metric('weir_requests_active') <= 1)

    with socket.create_connection(('127.0.0.1', weir.port), timeout=20) as sock:
        sock.sendall(f'POST {model_path("converse")} HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n\r\n'
                     'zz\r\n'.encode())
        check(b' 400 ' in sock.recv(4096), 'a chunk without a size')
    weir.line(r' exchange .*outcome=bad-message')
