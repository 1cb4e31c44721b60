# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand: frames, literal header blocks and one blocking connection.

Nothing here is a client. Every byte that leaves is a byte that a case asked for, legal or not; what
arrives is cut into frames and nothing more. Header blocks are written as literals without indexing,
so that a block means the same at any place of a connection; answers are decoded with python3-hpack
only where a case asks for a status.
"""
import select
import socket
import ssl
import struct
import time

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
NAMES = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH_PROMISE', 'PING', 'GOAWAY',
         'WINDOW_UPDATE', 'CONTINUATION']
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)
CODES = ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT',
         'STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR',
         'CONNECT_ERROR', 'ENHANCE_YOUR_CALM']

(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
CLOSED, SILENT = 'connection closed', 'silence'


def code_name(code):
    return CODES[code] if code < len(CODES) else hex(code)


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def code(self):
        """The error code of a RST_STREAM or a GOAWAY."""
        at = 4 if self.kind == GOAWAY else 0
        return struct.unpack_from('>I', self.payload, at)[0]

    def last_stream(self):
        return struct.unpack_from('>I', self.payload)[0] & 0x7fffffff

    def __str__(self):
        name = NAMES[self.kind] if self.kind < len(NAMES) else f'type {self.kind:#x}'
        if self.kind in (RST_STREAM, GOAWAY):
            name += f'({code_name(self.code())})'
        return f'{name} flags={self.flags:#x} stream={self.stream} length={len(self.payload)}'


def frame(kind, flags=0, stream=0, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def settings(*pairs, flags=0, stream=0):
    return frame(SETTINGS, flags, stream, b''.join(struct.pack('>HI', k, v) for k, v in pairs))


def priority_payload(parent=0, weight=256, exclusive=False):
    return struct.pack('>IB', parent | (0x80000000 if exclusive else 0), weight - 1)


def goaway(code=NO_ERROR, last=0, stream=0):
    return frame(GOAWAY, 0, stream, struct.pack('>II', last, code))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack('>I', increment))


def rst_stream(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack('>I', code))


def ping(payload=b'weirweir', flags=0, stream=0):
    return frame(PING, flags, stream, payload)


def hpack_int(value, bits, first):
    """An HPACK integer with a prefix of `bits` bits below the pattern `first`."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes(out + [value])


def hpack_string(raw, huffman=False):
    return hpack_int(len(raw), 7, 0x80 if huffman else 0) + raw


def literal(name, value, first=0x00):
    """A literal field with a new name: 0x00 without indexing, 0x40 with, 0x10 never indexed."""
    name, value = (x.encode('latin-1') if isinstance(x, str) else x for x in (name, value))
    return bytes([first]) + hpack_string(name) + hpack_string(value)


def block(fields):
    return b''.join(literal(name, value) for name, value in fields)


class Target:
    """Whom the cases speak to, and how an ordinary request to it looks."""

    def __init__(self, host, port, path='/', post_path=None, tls=False, timeout=20.0):
        self.host, self.port, self.tls, self.timeout = host, port, tls, timeout
        self.path, self.post_path = path, post_path or path
        self.authority = f'{host}:{port}'
        self.answer_length = None

    def request(self, method='GET', extra=(), without=(), replace=None):
        replace = replace or {}
        pseudo = [(':method', method), (':scheme', 'https' if self.tls else 'http'),
                  (':path', self.path if method in ('GET', 'HEAD') else self.post_path),
                  (':authority', self.authority)]
        return [(k, replace.get(k, v)) for k, v in pseudo if k not in without] + list(extra)

    def dial(self):
        return Conn(self)

    def body_length(self):
        """How many body bytes a plain GET is answered with (asked once)."""
        if self.answer_length is None:
            conn = self.dial()
            conn.hello()
            conn.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block(self.request())))
            length = 0
            for f in conn.frames():
                if f in (CLOSED, SILENT):
                    break
                if f.kind == DATA and f.stream == 1:
                    length += len(f.payload)
                if f.stream == 1 and f.kind in (DATA, HEADERS) and f.flags & END_STREAM:
                    break
            conn.close()
            self.answer_length = length
        return self.answer_length


class Conn:
    def __init__(self, target):
        self.target = target
        self.sock = socket.create_connection((target.host, target.port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(['h2'])
            self.sock = context.wrap_socket(self.sock, server_hostname='localhost')
        self.received = bytearray()
        self.gone = False
        self.peer_settings = {}
        self.first_frame = None

    def close(self):
        self.sock.close()

    def send(self, *pieces):
        """A peer that has closed already is an answer, not an error."""
        if self.gone:
            return
        try:
            self.sock.settimeout(30)
            self.sock.sendall(b''.join(pieces))
        except OSError:
            self.drain_after_reset()

    def drain_after_reset(self):
        """What the peer said before it closed can still lie in the socket."""
        try:
            while True:
                self.sock.settimeout(0.2)
                piece = self.sock.recv(65536)
                if not piece:
                    break
                self.received += piece
        except OSError:
            pass
        self.gone = True

    def cut(self):
        """One frame out of what has arrived, or None."""
        if self.received.startswith(b'HTTP/1'):
            self.received.clear()
        if len(self.received) < 9:
            return None
        length = int.from_bytes(self.received[:3], 'big')
        if len(self.received) < 9 + length:
            return None
        kind, flags, stream = struct.unpack_from('>BBI', self.received, 3)
        f = Frame(kind, flags, stream & 0x7fffffff, bytes(self.received[9:9 + length]))
        del self.received[:9 + length]
        if self.first_frame is None:
            self.first_frame = f
        return f

    def fill(self, wait):
        """Reads what is there; False when nothing came in time."""
        pending = getattr(self.sock, 'pending', lambda: 0)()
        if not pending and not select.select([self.sock], [], [], max(wait, 0))[0]:
            return False
        try:
            self.sock.settimeout(30)
            piece = self.sock.recv(262144)
        except OSError:
            piece = b''
        if not piece:
            self.gone = True
        self.received += piece
        return True

    def next(self, deadline):
        """The next frame, CLOSED, or SILENT at the deadline."""
        while True:
            f = self.cut()
            if f is not None:
                return f
            if self.gone:
                return CLOSED
            if not self.fill(deadline - time.monotonic()):
                return SILENT

    def frames(self, wait=None):
        """Frames until the connection closes or stays silent; those two words are the last item."""
        deadline = time.monotonic() + (self.target.timeout if wait is None else wait)
        while True:
            f = self.next(deadline)
            yield f
            if f in (CLOSED, SILENT):
                return

    def hello(self, *pairs):
        """The preface and both SETTINGS, each acknowledged."""
        self.send(PREFACE, settings(*pairs))
        acked = heard = False
        for f in self.frames(30):
            if f in (CLOSED, SILENT):
                raise AssertionError(f'no handshake: {f}')
            if f.kind == SETTINGS and f.flags & ACK:
                acked = True
            elif f.kind == SETTINGS:
                for at in range(0, len(f.payload), 6):
                    key, value = struct.unpack_from('>HI', f.payload, at)
                    self.peer_settings[key] = value
                self.send(settings(flags=ACK))
                heard = True
            if acked and heard:
                return
