# SPDX-License-Identifier: Apache-2.0
# waits: 17
"""Three requests at a time: the fourth is told to come again in a second, whichever worker it meets; whoever
ends, leaves or fails makes room; nothing stays counted."""
import concurrent.futures
import socket
from limitflow import at_rest, body_of, clients, post, state, until
from weirflow import Story, equal, model_path

with Story() as s:
    s.simulator()
    weir = s.weir(**clients(s, {'name': 'search', 'limits': {'concurrent': 3}}), settle={'drain': '1ms'})

    def running(n):
        until(f'{n} running', lambda: state(weir, 'search')['running'] == n)

    for operation in ('converse', 'converse-stream'):
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            first = [pool.submit(post, weir, 'search', body_of(f'[[sim:delay=8000]] {n}'), operation) for n in range(3)]
            running(3)
            refused = list(pool.map(lambda n: post(weir, 'search', body_of(str(n)), operation), range(50)))
            running(3)
            equal({(a.status, a.header('retry-after')) for a in refused}, {(429, '1')}, 'the others')
            equal([f.result().status for f in first], [200] * 3, 'the three')
        equal(post(weir, 'search', body_of('now'), operation, 200).status, 200, 'room again')

    for word in ('status=503', 'cut=before', 'garbage', 'throttle'):
        for n in range(4):
            post(weir, 'search', body_of(f'[[sim:{word}]] {n}'))
    body = body_of('[[sim:slow=300]] [[sim:chunks=200]]')
    head = (f'POST {model_path("converse-stream")} HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer token-of-search-0123456789\r\n'
            f'Content-Length: {len(body)}\r\n\r\n').encode()
    for _ in range(3):
        left = [socket.create_connection(('127.0.0.1', weir.port)) for _ in range(3)]
        for sock in left:
            sock.sendall(head + body)
        running(3)
        post(weir, 'search', body_of('?'), status=429)
        for sock in left:
            sock.close()
        running(0)
    equal(post(weir, 'search', b'no json', 'no-such-operation').status, 404, 'no operation')
    equal(at_rest(weir, 'search')['limits']['concurrent'], {'most': 3, 'left': 3}, 'in the end')
    equal(weir.metric('weir_limited_total', client='search', what='concurrent'), 103.0, 'refused')
