# SPDX-License-Identifier: Apache-2.0
"""The words in which the h2spec cases are written: what to send, and what must come back.

A step takes the connection. It sends, or it waits for one thing and raises Wrong when something else
is all that came. The verdicts are h2spec's own: an error of the connection is a GOAWAY with one of
the codes or a closed connection; an error of the stream is either of those or a RST_STREAM.
"""
from wire import (ACK, CLOSED, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HAS_PRIORITY,
                  HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, PADDED, PING,
                  PREFACE, PRIORITY, RST_STREAM, SETTINGS, SILENT, block, code_name, frame,
                  priority_payload)
import wire


class Wrong(Exception):
    pass


class Skip(Exception):
    pass


# What to send.

def hello(*pairs):
    return lambda conn: conn.hello(*pairs)


def raw(*pieces):
    return lambda conn: conn.send(*pieces)


def req(method='GET', **changes):
    """The header block of an ordinary request, with changes."""
    return lambda conn: block(conn.target.request(method, **changes))


def plus(make, tail):
    return lambda conn: make(conn) + tail


def headers(stream, make=None, end=True, done=True, flags=0, before=b'', after=b''):
    """A HEADERS frame: `end` ends the stream, `done` ends the header block."""
    make = make or req()
    bits = flags | (END_STREAM if end else 0) | (END_HEADERS if done else 0)
    return lambda conn: conn.send(frame(HEADERS, bits, stream, before + make(conn) + after))


def padded_headers(stream, pad, make=None):
    return headers(stream, make, flags=PADDED, before=bytes([pad]), after=b'\0' * pad)


def weighted_headers(stream, make=None, **priority):
    return headers(stream, make, flags=HAS_PRIORITY, before=priority_payload(**priority))


def post(stream, **changes):
    """The head of a request whose body follows."""
    return headers(stream, req('POST', **changes), end=False)


def data(stream, payload=b'test', end=False):
    return raw(frame(DATA, END_STREAM if end else 0, stream, payload))


def continuation(stream, payload=None, done=True):
    payload = dummy() if payload is None else payload
    return raw(frame(CONTINUATION, END_HEADERS if done else 0, stream, payload))


def priority(stream, **what):
    return raw(frame(PRIORITY, 0, stream, priority_payload(**what)))


def settings(*pairs, **more):
    return raw(wire.settings(*pairs, **more))


def window_update(stream, increment):
    return raw(wire.window_update(stream, increment))


def rst(stream, code=wire.CANCEL):
    return raw(wire.rst_stream(stream, code))


def ping(payload=b'weirweir', **more):
    return raw(wire.ping(payload, **more))


def dummy(length=64, count=1):
    return block([(f'x-dummy{i}', 'x' * length) for i in range(count)])


def too_long(kind, stream, flags):
    """A frame one byte longer than the peer allows."""
    def step(conn):
        size = conn.peer_settings.get(MAX_FRAME_SIZE, 16384) + 1
        payload = b'x' * size
        if kind == HEADERS:
            payload = (block(conn.target.request()) + dummy(1000, size // 1000 + 1))[:size]
        conn.send(frame(kind, flags, stream, payload))
    return step


def one_stream_too_many(conn):
    limit = conn.peer_settings.get(MAX_CONCURRENT_STREAMS)
    if limit is None or limit > 1000:
        raise Skip('the server states no limit of concurrent streams worth trying')
    make = block(conn.target.request())
    conn.send(*(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, make) for i in range(limit + 1)))


def needs_body(length):
    def step(conn):
        if conn.target.body_length() < length:
            raise Skip(f'a GET is answered with fewer than {length} bytes')
    return step


# What must come back.

def until(what, passes, wait=None):
    """Waits for the frame (or the closing) that `passes`; tells the last thing that came instead."""
    def step(conn):
        last = None
        for f in conn.frames(wait):
            verdict = passes(conn, f)
            if verdict:
                return
            if f != SILENT or last is None:
                last = f
        raise Wrong(f'wanted {what}, got {last}')
    return step


def is_frame(f, kind):
    return f not in (CLOSED, SILENT) and f.kind == kind


def names(codes):
    return ' or '.join(code_name(c) for c in codes)


def conn_error(*codes):
    return until(f'connection error {names(codes)}', lambda conn, f: f == CLOSED or (
        is_frame(f, GOAWAY) and f.code() in codes))


def stream_error(*codes):
    return until(f'stream error {names(codes)}', lambda conn, f: f == CLOSED or (
        (is_frame(f, GOAWAY) or is_frame(f, RST_STREAM)) and f.code() in codes))


closed = until('the connection closed', lambda conn, f: f == CLOSED)
told_goaway = until('GOAWAY', lambda conn, f: is_frame(f, GOAWAY))
settings_ack = until('SETTINGS with ACK', lambda conn, f: is_frame(f, SETTINGS) and f.flags & ACK)
any_data = until('DATA', lambda conn, f: is_frame(f, DATA))


def pong(payload=b'weirweir'):
    return until('PING with ACK', lambda conn, f: is_frame(f, PING) and f.flags & ACK
                 and f.payload == payload)


def first_pong(payload):
    """The first PING with ACK must be this one: a PING that was an ACK itself is not answered."""
    def passes(conn, f):
        if is_frame(f, PING) and f.flags & ACK:
            if f.payload != payload:
                raise Wrong(f'a PING with ACK was answered: {f}')
            return True
        return False
    return until('PING with ACK', passes)


def pong_or_closed(payload=b'weirweir'):
    return until('PING with ACK or a closed connection', lambda conn, f: f == CLOSED or (
        is_frame(f, PING) and f.flags & ACK and f.payload == payload))


def answer(stream=1):
    return until(f'HEADERS on stream {stream}', lambda conn, f: is_frame(f, HEADERS)
                 and f.stream == stream)


def stream_end(stream=1):
    return until(f'the end of stream {stream}', lambda conn, f: f not in (CLOSED, SILENT)
                 and f.stream == stream and (f.kind == RST_STREAM or (
                     f.kind in (DATA, HEADERS) and f.flags & END_STREAM)))


def data_of(length, stream=1):
    """The next DATA frame has exactly this length."""
    def passes(conn, f):
        if is_frame(f, DATA) and f.stream == stream:
            if len(f.payload) != length:
                raise Wrong(f'wanted DATA of {length}, got {f}')
            return True
        return False
    return until(f'DATA of {length}', passes)


def first_frame_is_settings(conn):
    conn.send(PREFACE, wire.settings())
    for f in conn.frames():
        if is_frame(f, SETTINGS) and not f.flags & ACK:
            return
        raise Wrong(f'the first frame was {f}')


held = hello((INITIAL_WINDOW_SIZE, 0))
"""A handshake after which no answer can end: its body waits for a window."""
