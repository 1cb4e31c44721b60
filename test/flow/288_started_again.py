# SPDX-License-Identifier: Apache-2.0
"""A program that was killed while its question waited is started again when nothing can be batched any more: it gets what
waits, or the answer that nobody took, and pays once. What is new goes on demand."""
import json
import socket
import struct
from holdflow import PATH, holding, pooled, workload
from weirflow import Story, ask, converse, equal, place, until


def ask_and_die(weir, text):
    body = json.dumps(converse(text)).encode()
    with socket.create_connection(('127.0.0.1', weir.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        line.sendall(f'POST {workload("wait")}{PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n'.encode() + body)
        pooled(weir, 1)


with Story() as s:
    weir = holding(s, linger='60s', admin={'address': place()})
    ask_and_die(weir, 'killed')
    weir.line(r' exchange .*outcome=client-left')
    weir.reload({**weir.config, 'batch': {**weir.config['batch'], 'bucket': 'nobodys-bucket'}})
    weir.line('nothing is batched')

    for text in ('new', 'killed'):
        equal(ask(weir.url, workload('wait') + PATH, converse(text)).status, 200, text)
    until('the record is done', lambda: weir.metric('weir_batch_records', state='done') == 1)
    equal(sum(row['charged'] for row in s.sim.rows()), 2, 'each once')
