# SPDX-License-Identifier: Apache-2.0
"""The load: many kept connections on one loop, each asking one request after another as an SDK would,
and leaving as people do. It remembers what only a client knows: which request got which
x-weir-request-id, and when its answer was whole.

HTTP/1.1 by hand, because a library would not let go of a connection in the middle of anything.
"""
import asyncio
import collections
import random
import socket
import struct
import time

RESET = struct.pack('ii', 1, 0)
AGAIN = {429, 500, 502, 503, 529}  # what SDKs send again
TRIES = 3
PATIENCE = 60


class Connection(asyncio.Protocol):
    """One request at a time. `done` gets 'whole', 'left' or 'closed'."""

    def __init__(self):
        self.transport, self.buffer, self.done, self.leave_at = None, bytearray(), None, None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, why):
        self.transport = None
        self.tell('closed')

    def tell(self, how):
        if self.done and not self.done.done():
            self.done.set_result(how)

    def leave(self, rudely):
        if not self.transport:
            return
        if rudely:
            self.transport.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.tell('left')
        self.transport.abort()

    def begin(self, loop):
        self.done, self.status, self.id, self.got, self.rest = loop.create_future(), 0, None, 0, None
        self.chunked = self.closing = False
        self.buffer.clear()
        return self.done

    def data_received(self, data):
        self.got += len(data)
        self.buffer += data
        if self.leave_at is not None and self.got >= self.leave_at:
            _ = self.status or self.read_head()
            self.leave(self.got % 2)
            return
        if not self.status and not self.read_head():
            return
        if self.read_body():
            if self.closing and self.transport:
                self.transport.close()
            self.tell('whole')

    def read_head(self):
        end = self.buffer.find(b'\r\n\r\n')
        if end < 0:
            return False
        lines = bytes(self.buffer[:end]).decode('latin-1').split('\r\n')
        del self.buffer[:end + 4]
        self.status = int(lines[0][9:12])
        for line in lines[1:]:
            name, _, value = line.partition(':')
            name = name.lower()
            if name == 'x-weir-request-id':
                self.id = value.strip()
            elif name == 'content-length':
                self.rest = int(value)
            elif name == 'transfer-encoding':
                self.chunked, self.rest = True, 0
            elif name == 'connection':
                self.closing = 'close' in value
        return True

    def read_body(self):
        """True at the end of the answer."""
        if not self.chunked:
            return self.rest is not None and len(self.buffer) >= self.rest
        while True:  # rest: what is left of the chunk, its line end too
            if len(self.buffer) < self.rest:
                self.rest -= len(self.buffer)
                self.buffer.clear()
                return False
            del self.buffer[:self.rest]
            self.rest = 0
            end = self.buffer.find(b'\r\n')
            if end < 0:
                return False
            size = int(self.buffer[:end], 16)
            if size == 0:
                return len(self.buffer) >= end + 4
            del self.buffer[:end + 2]
            self.rest = size + 2


class Drive:
    """`where()`: host and port now; None while there is no Weir."""

    def __init__(self, where, parallel=96, pause=0):
        self.where, self.parallel, self.pause = where, parallel, pause
        self.ids = {}        # x-weir-request-id -> serial
        self.whole = {}      # the same -> when the answer was whole (time.time)
        self.counts = collections.Counter()
        self.stop = False

    def run(self, specs):
        asyncio.run(self.all(iter(specs)))

    async def all(self, specs):
        self.loop = asyncio.get_running_loop()
        await asyncio.gather(*[self.one_after_another(specs) for _ in range(self.parallel)])

    async def one_after_another(self, specs):
        conn = None
        for spec in specs:
            if self.stop:
                break
            conn = await self.ask_as_sdk(conn, spec)
            spec.forget()
            if self.pause:
                await asyncio.sleep(self.pause)
        if conn and conn.transport:
            conn.transport.close()

    async def ask_as_sdk(self, conn, spec):
        """Sends again what SDKs send again; the one that left `again` comes back with the same call."""
        leave = spec.leave
        for attempt in range(1, TRIES + 1):
            conn = await self.dial(conn)
            if not conn:
                return None
            how = await self.ask(conn, spec, attempt, leave)
            self.counts[how] += 1
            if how == 'left':
                if not leave.endswith('again'):
                    return None
                leave = ''
            elif how == 'whole' and conn.status not in AGAIN:
                return conn
        return conn

    async def dial(self, conn):
        while not (conn and conn.transport and not conn.transport.is_closing()):
            if self.stop:
                return None
            address = self.where()
            try:
                _, conn = await self.loop.create_connection(Connection, *address) if address else (None, None)
            except OSError:
                conn = None
            if not conn:
                await asyncio.sleep(0.02)
        return conn

    async def ask(self, conn, spec, attempt, leave):
        rng = random.Random(spec.serial + attempt)
        done, when = conn.begin(self.loop), leave.split(' ')[0]
        conn.leave_at = {'head': 1, 'bytes': rng.randrange(1, 6000)}.get(when)
        head = (f'{spec.method} {spec.path} HTTP/1.1\r\nHost: weir\r\namz-sdk-invocation-id: {spec.invocation}\r\n'
                f'amz-sdk-request: attempt={attempt}; max={TRIES}\r\n'
                + ''.join(f'{name}: {value}\r\n' for name, value in spec.headers)
                + (f'Content-Type: application/json\r\nContent-Length: {len(spec.body)}\r\n\r\n' if spec.body else '\r\n'))
        conn.transport.write(head.encode() + (spec.body[:-1 - len(spec.body) // 2] if when == 'half' else spec.body))
        if when in ('soon', 'half'):
            self.loop.call_later(rng.choice([0, 0.001, 0.005, 0.02, 0.1]), conn.leave, rng.randrange(2))
        try:
            how = await asyncio.wait_for(done, PATIENCE)
        except asyncio.TimeoutError:
            conn.leave(True)
            how = 'silent'
        if conn.id:
            self.ids[conn.id] = spec.serial
            if how == 'whole':
                self.whole[conn.id] = time.time()
        return how
