# SPDX-License-Identifier: Apache-2.0
"""Clients that hang up: at any point of a stream or before an answer. The bill stays, and so does the record."""
import json
import socket
import struct
from weirflow import MODEL, Story, check, converse, equal, model_path, until


def leave(s, weir, target, body, after):
    before = len(s.sim.rows())
    data = json.dumps(body).encode()
    with socket.create_connection(('127.0.0.1', weir.port)) as sock:
        sock.sendall(f'POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n'.encode() + data)
        got = b''
        while len(got) < after:
            got += sock.recv(after - len(got))
        until('call upstream', lambda: len(s.sim.rows()) > before)
        # A reset: who only closes his side may still want the answer.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


with Story() as s:
    weir = s.weir(settle={'drain': '3s'})
    stream, whole = model_path('converse-stream'), model_path('converse')
    for n in range(6):
        leave(s, weir, stream, converse(f'[[sim:chunks=10]] [[sim:slow=20]] {n}'), n * 200)
    leave(s, weir, whole, converse('[[sim:delay=300]] gone before it came'), 0)
    until('record of each', lambda: weir.metric('weir_book_records_total') == 7)
    equal(weir.metric('weir_requests_total', outcome='client-left'), 7.0, 'clients that left')
    equal(weir.metric('weir_usage_estimated_total'), 0.0, 'estimates')
    rows = s.sim.rows()
    equal([row['outcome'] for row in rows], ['sent'] * 7, 'answers that were read on to their end')
    for kind in ('input', 'output'):
        equal(weir.metric('weir_tokens_total', kind=kind), float(sum(row[kind] for row in rows)), kind)

    leave(s, weir, stream, converse('[[sim:chunks=100]] [[sim:slow=200]] longer than settle.drain'), 300)
    until('its record', lambda: weir.metric('weir_book_records_total') == 8)
    equal(weir.metric('weir_usage_estimated_total'), 1.0, 'estimates')
    check(weir.metric('weir_answers_read_on') == 0 or until('end', lambda: not weir.metric('weir_answers_read_on')), '')
