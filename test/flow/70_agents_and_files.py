# SPDX-License-Identifier: Apache-2.0
"""Embedded metric format to stdout, to a file that is rotated, and to an agent on TCP that goes away, comes
back and does not read: every minute once, in one place, and nobody waits."""
import socket
import time
from exports import Clock, book, emf, settings, told, use
from weirflow import Story, equal, until

with Story() as s:
    s.simulator()
    clock, lines = Clock(s), s.dir / 'emf.log'
    weir = s.weir(env=clock.env(), **settings(s, emf={'to': 'stdout'}))

    def go_to(to):
        weir.reload({**weir.config, 'metrics': {'emf': {'to': to}}})

    def minute(n, sent):
        use(weir, n)
        clock.forward(70)
        told(weir, 'emf', sent)

    minute(4, 1)
    until('a line', lambda: any(t.startswith('{"_aws"') for t in weir.lines))
    heard = '\n'.join(t for t in weir.lines if t.startswith('{"_aws"')) + '\n'
    equal(emf(heard), book(s, weir), 'stdout')

    go_to(str(lines))
    minute(4, 2)
    lines.rename(s.dir / 'emf.log.1')
    minute(4, 3)
    heard += (s.dir / 'emf.log.1').read_text() + lines.read_text()
    equal(emf(heard), book(s, weir), 'two files')

    with socket.create_server(('127.0.0.1', 0)) as agent:
        address = 'tcp://127.0.0.1:%d' % agent.getsockname()[1]
    go_to(address)  # nobody listens there now
    use(weir, 4)
    clock.forward(70)
    weir.line(r'export .*emf: .*it is tried again')
    started = time.monotonic()
    use(weir, 4)
    equal(time.monotonic() - started < 20, True, 'requests do not wait')
    with socket.create_server(('127.0.0.1', int(address.rsplit(':', 1)[1]))) as agent:
        peer = agent.accept()[0]
        weir.line(r'export .*emf: it is well again', seconds=70)
        clock.forward(70)
        told(weir, 'emf', 5)
        peer.settimeout(60)
        until('all lines', lambda: globals().update(heard=heard + peer.recv(1 << 20).decode()) or
              (heard.endswith('\n') and emf(heard) == book(s, weir)))
    equal(weir.metric('weir_export_unknown_total'), 0)
