# SPDX-License-Identifier: Apache-2.0
"""The abuse patterns, keyed by the names of corpora/weir-h2/attacks.json, each with its bound.

A flood sends one unit again and again and watches what comes back. It holds when the connection is
gone (GOAWAY, then closed) before the units run out, and when the server answered no more of them
than its bound. The bounds are counts of what the server sent, never guesses at how fast it read, so
a busy machine does not change a verdict. Where honest clients do the same in small measure, a small
measure of it must be survived.
"""
import collections
import concurrent.futures
import struct
import time

from hpack import Decoder

import wire
from cases_generic import huffman
from wire import (ACK, CLOSED, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS,
                  INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, PING, PRIORITY, RST_STREAM, SETTINGS,
                  SILENT, block, frame, hpack_int, hpack_string, literal, ping, priority_payload,
                  rst_stream, settings, window_update)

TOP = 2**31 - 1
GLITCHES = 100  # what a peer may do wrong on one connection
SLACK = 30      # what is on its way when the limit is reached


class Broken(Exception):
    pass


def head(stream, target, method='GET', end=True, done=True, **changes):
    flags = (END_STREAM if end else 0) | (END_HEADERS if done else 0)
    return frame(HEADERS, flags, stream, block(target.request(method, **changes)))


class Seen:
    """What one flood was answered with."""

    def __init__(self):
        self.kinds, self.acks, self.goaway, self.closed = collections.Counter(), 0, None, False
        self.started = time.monotonic()

    def take(self, f):
        if f == CLOSED:
            self.closed = True
        elif f != SILENT:
            self.kinds[f.kind] += 1
            self.acks += f.kind in (PING, SETTINGS) and f.flags & ACK
            if f.kind == GOAWAY:
                self.goaway = f

    def seconds(self):
        return time.monotonic() - self.started

    def over(self):
        return self.closed or self.goaway is not None


def flood(target, unit, units, setup=None, batch=25):
    """Sends unit(i) until the server has had enough or the units run out."""
    conn = target.dial()
    conn.hello()
    if setup:
        setup(conn)
    seen, sent = Seen(), 0
    while sent < units and not seen.over():
        conn.send(*(unit(i) for i in range(sent, min(sent + batch, units))))
        sent += batch
        for f in conn.frames(0.01):
            seen.take(f)
    for f in conn.frames(40):
        if f == SILENT or seen.closed:
            break
        seen.take(f)
    conn.close()
    return seen


def survived(target, unit, units, setup=None):
    """The same in small measure does not cost the connection."""
    conn = target.dial()
    conn.hello()
    if setup:
        setup(conn)
    conn.send(*(unit(i) for i in range(units)), ping(b'stillhow'))
    for f in conn.frames(30):
        if f == SILENT or f == CLOSED or f.kind == GOAWAY:
            raise Broken(f'{units} units, an honest measure, cost the connection: {f}')
        if f.kind == PING and f.payload == b'stillhow':
            conn.close()
            return


def bounded(target, unit, units, count=None, limit=None, per_second=0, setup=None, mild=0, batch=25):
    """The connection is gone in the end, and `count(seen)` stayed within the limit."""
    if mild:
        survived(target, unit, mild, setup)
    seen = flood(target, unit, units, setup, batch)
    if not seen.over():
        raise Broken(f'{units} units and no GOAWAY, the connection is still there; seen {dict(seen.kinds)}')
    if not seen.closed:
        raise Broken('GOAWAY, but the connection was still open 40 s later')
    got = count(seen) if count else 0
    most = None if limit is None else limit + per_second * seen.seconds() + SLACK
    if most is not None and got > most:
        raise Broken(f'answered {got} of them, at most {most:.0f} are allowed')
    return f'{wire.code_name(seen.goaway.code())}' if seen.goaway else 'closed'


def resets(seen):
    return seen.kinds[RST_STREAM]


def acks(seen):
    return seen.acks


def sid(i):
    return 1 + 2 * i


def after_open(unit):
    """Units on stream 1, which is open for a body."""
    return dict(unit=unit, setup=lambda conn: conn.send(head(1, conn.target, 'POST', end=False)))


# One function per pattern: (target, pid) -> words for the report, or Broken.

def rapid_reset(target, pid):
    def unit(i):
        return head(sid(i), target) + rst_stream(sid(i))
    return bounded(target, unit, 1000, mild=50)


def per_request(make, **more):
    """A request with a fault in it, again and again: each may be reset, not for ever."""
    def attack(target, pid):
        return bounded(target, lambda i: make(target, sid(i)), 600, resets, GLITCHES, **more)
    return attack


def refused_stream(target, pid):
    conn = target.dial()
    conn.hello()
    limit = conn.peer_settings.get(MAX_CONCURRENT_STREAMS)
    conn.close()
    if limit is None or limit > 1000:
        raise Broken(f'MAX_CONCURRENT_STREAMS is {limit}: no bound')

    def fill(conn):
        conn.send(*(head(sid(i), target, 'POST', end=False) for i in range(limit)))
    return bounded(target, lambda i: head(sid(limit + i), target, 'POST', end=False), 600, resets,
                   GLITCHES, setup=fill)


def continuation_flood(target, pid):
    piece = frame(CONTINUATION, 0, 1, literal('x-more', 'y'))
    return bounded(target, lambda i: piece, 200, batch=4,
                   setup=lambda conn: conn.send(head(1, target, done=False)))


def ping_flood(target, pid):
    return bounded(target, lambda i: ping(), 1000, acks, GLITCHES, 10, mild=50)


def settings_flood(target, pid):
    return bounded(target, lambda i: settings(), 1000, acks, GLITCHES, 10, mild=50)


def empty_data_flood(target, pid):
    return bounded(target, units=600, mild=50, **after_open(lambda i: frame(DATA, 0, 1)))


def priority_flood(target, pid):
    return bounded(target, lambda i: frame(PRIORITY, 0, 1001 + 2 * i, priority_payload()), 1000, mild=50)


def unknown_frame_flood(target, pid):
    return bounded(target, lambda i: frame(0xfa, 0, 0, b'x' * 8), 4000, batch=100, mild=300)


def window_update_flood(target, pid):
    return bounded(target, lambda i: window_update(0, 1), 4000, batch=100, mild=300)


def goaway_then_flood(target, pid):
    return bounded(target, lambda i: ping(), 1000, acks, GLITCHES, 10,
                   setup=lambda conn: conn.send(wire.goaway()))


def refusal(conn, stream=1, wait=30):
    """How a stream was refused, in words; Broken when it was not."""
    decoder = Decoder()
    for f in conn.frames(wait):
        if f == CLOSED:
            return 'closed'
        if f == SILENT:
            raise Broken('neither refused nor answered')
        if f.kind in (GOAWAY, RST_STREAM):
            return str(f).split()[0]
        if f.kind == HEADERS and f.stream == stream:
            status = dict(decoder.decode(f.payload)).get(':status', '?')
            if status.startswith('4'):
                return status
            raise Broken(f'taken, and answered {status}')
    raise Broken('neither refused nor answered')


def one_bad(target, *pieces):
    conn = target.dial()
    conn.hello()
    conn.send(*pieces)
    try:
        return refusal(conn)
    finally:
        conn.close()


def bad_heads(*heads):
    """Each of these header blocks is refused on a connection of its own."""
    def attack(target, pid):
        return ', '.join(one_bad(target, make(target)) for make in heads)
    return attack


def trailers_with_pseudo(target):
    return (head(1, target, 'POST', end=False) + frame(DATA, 0, 1, b'{}')
            + frame(HEADERS, END_STREAM | END_HEADERS, 1, block([(':path', '/other')])))


def twice_the_path(target):
    fields = target.request()
    fields.insert(3, (':path', '/other'))
    return frame(HEADERS, END_STREAM | END_HEADERS, 1, block(fields))


# What the server pays: memory and processor time of the process, when we are told which it is.

def anon_bytes(pid):
    for line in open(f'/proc/{pid}/status', encoding='ascii'):
        if line.startswith('RssAnon'):
            return int(line.split()[1]) * 1024
    return 0


def cpu_ns(pid):
    import glob
    return sum(int(open(p, encoding='ascii').read().split()[0])
               for p in glob.glob(f'/proc/{pid}/task/*/schedstat'))


BOMB_MEMORY = 4 << 20  # twenty bombs, decoded 48 MB each, may not leave more than this behind


def hpack_bomb(target, pid):
    """One 4 KiB entry in the dynamic table, then a one-byte reference to it 12,000 times."""
    bomb = (block(target.request()) + bytes([0x40]) + hpack_string(b'x') + hpack_string(b'y' * 4000)
            + hpack_int(62, 7, 0x80) * 12000)
    parts = [bomb[at:at + 16000] for at in range(0, len(bomb), 16000)]
    pieces = [frame(HEADERS, END_STREAM | (END_HEADERS if len(parts) == 1 else 0), 1, parts[0])]
    pieces += [frame(CONTINUATION, END_HEADERS if i == len(parts) - 1 else 0, 1, p)
               for i, p in enumerate(parts) if i]
    before = anon_bytes(pid) if pid else 0
    words = one_bad(target, *pieces)
    for _ in range(19):
        one_bad(target, *pieces)
    grown = anon_bytes(pid) - before if pid else 0
    if grown > BOMB_MEMORY:
        raise Broken(f'the process grew by {grown} bytes')
    return words + (f', grew by {grown} bytes' if pid else '')


def huffman_waste(target, pid):
    """A long Huffman string in a block that is refused costs what it costs in one that is taken."""
    value = huffman(b'aeiost012' * 800)
    field = bytes([0]) + hpack_string(b'x-long') + hpack_string(value, True)

    def ask(tail):
        conn = target.dial()
        conn.hello()
        conn.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block(target.request()) + field + tail))
        f = next(f for f in conn.frames(30) if f in (CLOSED, SILENT) or f.kind in (
            HEADERS, RST_STREAM, GOAWAY))
        conn.close()
        return f

    def cost(tail):
        before = cpu_ns(pid)
        for _ in range(50):
            ask(tail)
        return cpu_ns(pid) - before

    f = ask(literal('X-Bad', 'y'))
    if f == SILENT or (f != CLOSED and f.kind == HEADERS and f.payload[:1] == b'\x88'):
        raise Broken(f'a block with an illegal field: {f}')
    if not pid:
        return str(f).split()[0]
    cost(b'')
    taken, refused = cost(b''), cost(literal('X-Bad', 'y'))
    if refused > 2 * taken + 20e6:
        raise Broken(f'a refused block costs {refused / taken:.1f} times an accepted one')
    return f'{refused / taken:.2f} times the cost of an accepted one'


# The slow ones: as long as the server's patience.

def ends_within(conn, seconds, streams=(1,)):
    """Every one of the streams is answered or reset, or the connection is gone."""
    started, left, how = time.monotonic(), set(streams), collections.Counter()
    decoder = Decoder()
    while left and time.monotonic() - started < seconds:
        f = conn.next(started + seconds)
        if f == CLOSED:
            how['closed'] += len(left)
            left.clear()
        elif f != SILENT and f.kind in (HEADERS, RST_STREAM) and f.stream in left:
            left.discard(f.stream)
            how[dict(decoder.decode(f.payload))[':status'] if f.kind == HEADERS
                else str(f).split()[0]] += 1
        elif f != SILENT and f.kind == GOAWAY:
            how[str(f).split()[0]] += 1
    if left:
        raise Broken(f'{len(left)} of {len(streams)} streams still held after {seconds} s')
    if how.get('200'):
        raise Broken(f'answered as if all were well: {dict(how)}')
    return f'{", ".join(f"{k} x{v}" for k, v in how.items())} after {time.monotonic() - started:.0f} s'


def slow_headers(target, pid):
    conn = target.dial()
    conn.hello()
    conn.send(head(1, target, done=False))
    return ends_within(conn, 20)


def slow_body(target, pid):
    conn = target.dial()
    conn.hello()
    conn.send(head(1, target, 'POST', end=False, extra=[('content-length', '1000')]))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        ended = pool.submit(ends_within, conn, 45)
        while not ended.done():
            conn.send(frame(DATA, 0, 1, b'x'))
            concurrent.futures.wait([ended], timeout=5)
        return ended.result()


def slow_read(target, pid):
    """The answer's head is taken; its body never gets a window, or one byte and no more."""
    def hold(window):
        conn = target.dial()
        conn.hello((INITIAL_WINDOW_SIZE, window))
        conn.send(head(1, target))
        for f in conn.frames(40):
            if f in (CLOSED, SILENT):
                raise Broken(f'no answer: {f}')
            if f.kind == HEADERS:
                if f.flags & END_STREAM:
                    raise Broken('the answer has no body: choose another --path')
                break
        started = time.monotonic()
        for f in conn.frames(90):
            if f == SILENT:
                raise Broken('the stream is still held after 90 s')
            if f == CLOSED or f.kind in (RST_STREAM, GOAWAY):
                return f'{str(f).split()[0]} after {time.monotonic() - started:.0f} s'
        return 'closed'
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return ', '.join(pool.map(hold, (0, 1)))


def idle_streams_hold(target, pid):
    conn = target.dial()
    conn.hello()
    many = min(conn.peer_settings.get(MAX_CONCURRENT_STREAMS, 100), 100)
    conn.send(*(head(sid(i), target, 'POST', end=False) for i in range(many)))
    return ends_within(conn, 60, [sid(i) for i in range(many)])


ATTACKS = {
    'rapid-reset': rapid_reset,
    'made-you-reset/window-overflow': per_request(
        lambda t, s: head(s, t) + window_update(s, TOP)),
    'made-you-reset/window-zero': per_request(lambda t, s: head(s, t) + window_update(s, 0)),
    'made-you-reset/data-after-end': per_request(
        lambda t, s: head(s, t) + frame(DATA, END_STREAM, s, b'x'),
        setup=lambda conn: conn.send(settings((INITIAL_WINDOW_SIZE, 0)))),
    'made-you-reset/priority-self': per_request(
        lambda t, s: head(s, t) + frame(PRIORITY, 0, s, priority_payload(parent=s))),
    'made-you-reset/priority-length': per_request(
        lambda t, s: head(s, t) + frame(PRIORITY, 0, s, b'\0\0\0')),
    'made-you-reset/refused-stream': refused_stream,
    'made-you-reset/content-length-mismatch': per_request(
        lambda t, s: head(s, t, 'POST', end=False, extra=[('content-length', '1')])
        + frame(DATA, END_STREAM, s, b'xx')),
    'malformed-header-flood': per_request(lambda t, s: head(s, t, extra=[('X-Upper', 'y')])),
    'continuation-flood': continuation_flood,
    'ping-flood': ping_flood,
    'settings-flood': settings_flood,
    'empty-data-flood': empty_data_flood,
    'priority-flood': priority_flood,
    'unknown-frame-flood': unknown_frame_flood,
    'window-update-0-flood': window_update_flood,
    'hpack-bomb': hpack_bomb,
    'huffman-waste': huffman_waste,
    'slow-headers': slow_headers,
    'slow-body': slow_body,
    'slow-read': slow_read,
    'idle-streams-hold': idle_streams_hold,
    'downgrade-te': bad_heads(lambda t: head(1, t, extra=[('transfer-encoding', 'chunked')])),
    'downgrade-cl': bad_heads(
        lambda t: head(1, t, 'POST', end=False, extra=[('content-length', '9')])
        + frame(DATA, END_STREAM, 1, b'{}')),
    'crlf-in-value': bad_heads(lambda t: head(1, t, extra=[('x-test', 'a\r\nhost: evil')])),
    'pseudo-in-trailers / dup-pseudo / :path with space / :authority with userinfo': bad_heads(
        trailers_with_pseudo, twice_the_path,
        lambda t: head(1, t, replace={':path': '/a b'}),
        lambda t: head(1, t, replace={':authority': 'user@' + t.authority})),
    'goaway-then-flood': goaway_then_flood,
}

SLOW = ('slow-headers', 'slow-body', 'slow-read', 'idle-streams-hold')
