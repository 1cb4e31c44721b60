# SPDX-License-Identifier: Apache-2.0
"""What the torture programs share: a fixed set of requests over HTTP/1.1 and HTTP/2, what may become
of a request, and the questions after each ordeal.

Every request ends within a bounded time in one of three ways: `answered` (its own answer, byte for
byte), `refused` (an error of Weir's own) or `broken` (the connection or stream was visibly cut).
Anything else fails: an answer to somebody else, a short one that looks whole, silence. The
simulator's ledger is the witness that nothing was bought twice, and that what Weir says was not sent
was not.
"""
import argparse
import concurrent.futures
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import select
import socket
import ssl
import sys
import threading
import time

import h2.config
import h2.connection
import h2.events as events
import h2.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'flow'))

from weirflow import (Failed, SANITIZER_WORDS, Story, Weir, check, claude, converse, http_ask, model_path, until)

PATIENCE = 20  # seconds for one request; far beyond what any of them takes


# A program's shape: cases, each a function that raises Failed.

def options(long_help):
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=int(os.environ.get('WEIR_SEED', random.randrange(10**6))))
    parser.add_argument('--long', action='store_true', help=long_help)
    parser.add_argument('--only', default='', help='only cases whose name has this in it')
    return parser.parse_args()


def run_cases(o, cases):
    """cases: (name, function). One TAP line each; the seed goes with the failures."""
    print(f'# seed {o.seed}', flush=True)
    cases = [(name, run) for name, run in cases if o.only in name]
    bad = 0
    for number, (name, run) in enumerate(cases, 1):
        try:
            said = run()
            print(f'ok {number} - {name}' + (f' ({said})' if said else ''), flush=True)
        except (Failed, OSError) as e:
            bad += 1
            words = '\n'.join('#   ' + line for line in str(e).split('\n'))
            print(f'not ok {number} - {name}\n{words}\n#   again: {sys.argv[0]} --seed {o.seed} '
                  f'--only {name!r}' + (' --long' if o.long else ''), flush=True)
    print(f'1..{len(cases)}')
    sys.exit(1 if bad else 0)


# The requests.

class Request:
    """`counted`: with a Content-Length; else in chunks."""

    def __init__(self, name, target, body, counted=True):
        self.name, self.target, self.counted = name, target, counted
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.sha = hashlib.sha256(self.body).hexdigest()
        self.stream = target.endswith('stream')
        self.wanted = None  # status and bytes of the answer, as the simulator gives them without Weir


class Outcome:
    def __init__(self, kind, words=''):
        self.kind, self.words = kind, words

    def __repr__(self):
        return self.kind + (f' ({self.words})' if self.words else '')


def requests(tag=''):
    """The same for each ordeal: short, streamed, large bodies, a large answer."""
    small, stream, invoke = (model_path(p) for p in ('converse', 'converse-stream', 'invoke'))
    return [Request('converse', small, converse(f'{tag} Hello.')),
            Request('stream', stream, converse(f'{tag} [[sim:chunks=12]] Hello.')),
            Request('1 MB', invoke, claude(f'{tag} ' + 'lorem ipsum ' * 87000)),
            Request('in chunks', invoke, claude(f'{tag} ' + 'dolor sit ' * 20000), counted=False),
            Request('long answer', stream, converse(f'{tag} [[sim:bytes=300000]] Hello.'))]


def outcome_of(request, status, weirs_own, body, whole):
    """Of what came back. `whole`: the protocol says that the answer was complete."""
    if status is None or not whole:
        return Outcome('broken', 'inside' if status else 'before an answer')
    if (status, body) == request.wanted:
        return Outcome('answered')
    if status == 200 and request.stream and b'internalServerException' in body[-400:]:
        return Outcome('broken', 'by an event')
    if status >= 400 and weirs_own:
        return Outcome('refused', f'{status} {body.decode(errors="replace")[:60]}')
    raise Failed(f'{request.name}: status {status}, {len(body)} bytes that are not its answer: {body[:200]!r}')


def client_tls():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def dial(address, alpn=None, seconds=PATIENCE):
    host, port = address.rsplit(':', 1)
    sock = socket.create_connection((host, int(port)), timeout=seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if alpn:
        context = client_tls()
        context.set_alpn_protocols([alpn])
        sock = context.wrap_socket(sock)
    return sock


class H1:
    """One kept-alive connection, dialled again when it broke."""

    def __init__(self, address, tls):
        self.address, self.tls, self.conn = address, tls, None

    def ask(self, request):
        try:
            if not self.conn:
                self.conn = http.client.HTTPConnection('weir')
                self.conn.sock = dial(self.address, 'http/1.1' if self.tls else None)
            self.send(request)
            return self.answer(request)
        except TimeoutError:
            raise Failed(f'h1 {request.name}: nothing for {PATIENCE} s') from None
        except (OSError, http.client.HTTPException) as e:
            self.close()
            return Outcome('broken', type(e).__name__)

    def send(self, request):
        fields = {'Content-Type': 'application/json'}
        if request.counted:
            self.conn.request('POST', request.target, request.body, fields)
            return
        pieces = (request.body[at:at + 5000] for at in range(0, len(request.body), 5000))
        self.conn.request('POST', request.target, pieces, fields | {'Transfer-Encoding': 'chunked'},
                          encode_chunked=True)

    def answer(self, request):
        answer = self.conn.getresponse()
        body = answer.read()
        length = answer.headers.get('content-length')
        if length and len(body) != int(length):
            raise Failed(f'h1 {request.name}: {len(body)} bytes of {length}')
        if answer.will_close:
            self.close()
        return outcome_of(request, answer.status, answer.headers.get('x-weir-request-id'), body, True)

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn = None


# RFC 9113 6.8: after GOAWAY the streams go on. python3-h2 (4.1) would end them.
OPEN = h2.connection.ConnectionState.CLIENT_OPEN
h2.connection.H2ConnectionStateMachine._transitions[
    OPEN, h2.connection.ConnectionInputs.RECV_GOAWAY] = (None, OPEN)


class H2:
    """One connection, all requests at once."""

    def __init__(self, address, tls):
        self.address, self.tls = address, tls
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding='utf-8'))
        self.open = {}  # stream: [request, bytes sent, status, weir's own, body]
        self.done = []

    def ask(self, wanted):
        """[(request, outcome)...]"""
        try:
            self.sock = dial(self.address, 'h2' if self.tls else None)
            self.h2.initiate_connection()
            self.flush()
            for request in wanted:
                self.start(request)
            self.run()
        except TimeoutError:
            raise Failed(f'h2: nothing for {PATIENCE} s') from None
        except (OSError, h2.exceptions.ProtocolError):  # the latter: after its GOAWAY
            pass
        left = [s[0] for s in self.open.values()]
        left += [r for r in wanted if r not in left and r not in [d[0] for d in self.done]]
        self.close()
        return self.done + [(r, Outcome('broken', 'connection')) for r in left]

    def close(self):
        if getattr(self, 'sock', None):
            self.sock.close()

    def start(self, request):
        stream = self.h2.get_next_available_stream_id()
        self.open[stream] = [request, 0, None, False, b'']
        length = [('content-length', str(len(request.body)))] if request.counted else []
        self.h2.send_headers(stream, [(':method', 'POST'), (':scheme', 'https' if self.tls else 'http'),
                                      (':authority', 'weir'), (':path', request.target),
                                      ('content-type', 'application/json'), *length])
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def send_bodies(self):
        """One frame of each body that its windows let go; True when something went."""
        went = False
        for stream, state in list(self.open.items()):
            left = len(state[0].body) - state[1]
            n = min(left, self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if left and n > 0:
                self.h2.send_data(stream, state[0].body[state[1]:state[1] + n], end_stream=n == left)
                state[1] += n
                went = True
        self.flush()
        return went

    def readable(self, seconds):
        return (self.tls and self.sock.pending()) or select.select([self.sock], [], [], seconds)[0]

    def run(self):
        deadline = time.monotonic() + PATIENCE
        while self.open:
            went = self.send_bodies()
            if self.readable(0 if went else 0.5):
                data = self.sock.recv(65536)
                if not data:
                    return
                for event in self.h2.receive_data(data):
                    self.take(event)
                self.flush()
            if time.monotonic() > deadline:
                raise Failed(f'h2: no end of {[s[0].name for s in self.open.values()]} after {PATIENCE} s')

    def take(self, event):
        state = self.open.get(getattr(event, 'stream_id', None))
        if isinstance(event, events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if not state:
            return
        if isinstance(event, events.ResponseReceived):
            headers = dict(event.headers)
            state[2], state[3] = int(headers[':status']), 'x-weir-request-id' in headers
        elif isinstance(event, events.DataReceived):
            state[4] += event.data
        elif isinstance(event, (events.StreamEnded, events.StreamReset)):
            del self.open[event.stream_id]
            whole = isinstance(event, events.StreamEnded)
            self.done.append((state[0], outcome_of(state[0], state[2], state[3], state[4], whole)))


# The ground: a simulator, and one Weir after another.

class Ground:
    """In clear: clients and origin speak clear text, the origin HTTP/1.1. With TLS: both sides have
    it, and the origin speaks HTTP/2."""

    def __init__(self, story, tls=False):
        self.story, self.tls = story, tls
        if tls:
            self.certs = story.certificates()
            self.sim = story.simulator('--tls-listen', '127.0.0.1:0', '--cert', self.certs / 'tls.crt',
                                       '--key-file', self.certs / 'tls.key', '--no-auth')
        else:
            self.sim = story.simulator('--no-auth')
        self.h1_requests, self.h2_requests = requests('h1'), requests('h2')
        self.again = Request('afterwards', model_path('converse'), converse('Are you well?'))
        for r in [*self.h1_requests, *self.h2_requests, self.again]:
            self.learn(r)
            check(r.wanted[0] == 200, f'{r.name}: {r.wanted}')

    def learn(self, request):
        """What it is answered without Weir."""
        answer = http_ask(self.sim.url, 'POST', request.target, {'Content-Type': 'application/json'}, request.body)
        request.wanted = (answer.status, answer.body)

    def weir(self, hook=None, at='127.0.0.1:0', forget=True, **changes):
        """A Weir with one worker, so that the nth call is about the same one each time. The simulator
        forgets what was before."""
        config = {'workers': 1, 'listen': [{'address': at}], **changes}
        if self.tls:
            tls = {'cert': str(self.certs / 'tls.crt'), 'key': str(self.certs / 'tls.key')}
            config['listen'][0]['tls'] = tls
            config['endpoints'] = {'runtime': f'https://{self.sim.tls_address}', 'ca_file': str(self.certs / 'ca.crt')}
        if forget:
            self.sim.control('/sim/reset', 'POST')
        env = {**self.story.keys(), **({'WEIR_HOOK': hook} if hook else {})}
        return self.story.weir(env=env, **config)

    def ask_all(self, address):
        """Everything once over HTTP/1.1, then over HTTP/2: [(request, outcome)...]"""
        h1 = H1(address, self.tls)
        results = [(r, h1.ask(r)) for r in self.h1_requests]
        h1.close()
        return results + H2(address, self.tls).ask(self.h2_requests)

    def ask_all_at_once(self, address):
        def alone(request):
            h1 = H1(address, self.tls)
            outcome = h1.ask(request)
            h1.close()
            return [(request, outcome)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            runs = []
            for request in sorted(self.h1_requests, key=lambda r: r.counted):
                runs.append(pool.submit(alone, request))
                time.sleep(0.1 if not request.counted else 0)  # its memory grows in steps: it goes ahead
            runs.append(pool.submit(H2(address, self.tls).ask, self.h2_requests))
        return [result for run in runs for result in run.result()]

    def works_again(self, address, tries=2):
        """One failure can spoil one of these, not two."""
        said = []
        for _ in range(tries):
            h1 = H1(address, self.tls)
            said.append(h1.ask(self.again))
            h1.close()
            if said[-1].kind == 'answered':
                return
        raise Failed(f'the next requests do not work: {said}')

    def check_ledger(self, results):
        """Nothing bought twice; what was answered was bought; what "was not sent" was not."""
        until('quiet simulator', lambda: self.sim.summary()['open'] == 0)
        charged = [row['body_sha256'] for row in self.sim.rows() if row['charged']]
        for request, outcome in results:
            times = charged.count(request.sha)
            words = f'{request.name} was charged {times} times, {outcome}'
            check(times <= 1, words)
            check(times == 1 or outcome.kind != 'answered', words)
            check(times == 0 or 'was not sent' not in outcome.words, words)

    def dismiss(self, weir, status=0):
        """Ends it and looks at what it left: it must end by itself, soon, and well."""
        began = time.monotonic()
        ended = weir.end()
        took = time.monotonic() - began
        self.story.processes.remove(weir)
        found = SANITIZER_WORDS.search(weir.log())
        if found or ended != status or took > 10:
            raise Failed(f'weir ended with {ended} after {took:.1f} s{": " + found.group() if found else ""}\n'
                         + '\n'.join(weir.log().split('\n')[-60:]))

    @contextlib.contextmanager
    def on(self, weir):
        """Around an ordeal: whatever is found, this Weir is gone afterwards and its last words are told."""
        try:
            yield weir
        except (Failed, OSError) as e:
            weir.may_fail = True
            weir.end()
            with contextlib.suppress(ValueError):
                self.story.processes.remove(weir)
            raise Failed(f'{e}\n' + '\n'.join(weir.log().split('\n')[-25:])) from None
        if weir in self.story.processes:
            self.dismiss(weir)


def links(weir):
    """What each descriptor of it is."""
    names = []
    for number in os.listdir(f'/proc/{weir.pid}/fd'):
        with contextlib.suppress(OSError):
            names.append(os.readlink(f'/proc/{weir.pid}/fd/{number}'))
    return names


def count_fds(weir, but_to=()):
    """Descriptors, without those of connections to these ports."""
    kept = set()
    for line in pathlib.Path('/proc/net/tcp').read_text().split('\n')[1:-1]:
        fields = line.split()
        if int(fields[2].split(':')[1], 16) in but_to:
            kept.add(f'socket:[{fields[9]}]')
    return sum(name not in kept for name in links(weir))


def memory(weir, what='RssAnon'):
    text = pathlib.Path(f'/proc/{weir.pid}/status').read_text()
    return int(re.search(rf'{what}:\s+(\d+)', text)[1]) * 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def settle_fds(ground, weir, before):
    """Descriptors as before, but for the connections to the origin that are kept for the next request."""
    sims = [int(a.rsplit(':', 1)[1]) for a in (ground.sim.address, ground.sim.tls_address) if a]
    try:
        until('descriptors as before', lambda: count_fds(weir, sims) <= before, 10)
    except Failed:
        raise Failed(f'{count_fds(weir, sims)} descriptors without those to the origin, {before} before: '
                     f'{links(weir)}') from None


class Load:
    """Four clients that ask without end while the with-block runs, two over HTTP/1.1 on connections that
    they keep, two over HTTP/2 on new ones; `failed` are the requests that were not answered."""

    def __init__(self, ground, address, pause=0):
        self.ground, self.address, self.pause = ground, address, pause
        self.stop, self.asked, self.failed = threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.run, args=(asks,), daemon=True)
                        for asks in (self.h1, self.h1, self.h2, self.h2)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        for thread in self.threads:
            thread.join(3 * PATIENCE)

    def run(self, asks):
        ask = asks()
        while not self.stop.wait(self.pause):
            try:
                for request, outcome in ask():
                    self.asked += 1
                    if outcome.kind != 'answered':
                        self.failed.append(f'{request.name}: {outcome}')
            except Failed as e:
                self.failed.append(str(e))

    def h1(self):
        client, wanted = H1(self.address, self.ground.tls), itertools.cycle(self.ground.h1_requests)
        return lambda: [(r, client.ask(r)) for r in [next(wanted)]]

    def h2(self):
        return lambda: H2(self.address, self.ground.tls).ask(self.ground.h2_requests)

    def more(self, seconds):
        """Waits, and sees that the work goes on meanwhile."""
        before = self.asked
        time.sleep(seconds)
        until('requests going on', lambda: self.asked > before + 4)

    def check(self):
        check(not self.failed, f'{len(self.failed)} of {self.asked} requests: {self.failed[:3]}')
        return f'{self.asked} requests'
