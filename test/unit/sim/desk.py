# SPDX-License-Identifier: Apache-2.0
"""The simulator as a process, asked over plain sockets: what is cut is cut where it was asked for, what is
ordered happens as often as ordered, and the control port says what came. Standard library only."""
import base64
import http.client
import json
import socket
import subprocess
import sys

PATH = '/model/us.anthropic.claude-sonnet-4-6/converse'


class Simulator:
    def __init__(self, program):
        self.process = subprocess.Popen([program, '--no-auth', '--threads', '2'], stdout=subprocess.PIPE, text=True)
        ready = dict(word.split('=') for word in self.process.stdout.readline().split()[2:])
        self.data, self.control = ready['data'].split(':'), ready['control']

    def raw(self, words, path=PATH):
        """All bytes of the answer to this prompt on a connection of its own, and how that ended."""
        body = json.dumps({'messages': [{'role': 'user', 'content': [{'text': words}]}]}).encode()
        head = f'POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n'
        return self.bytes(head.encode() + body)

    def bytes(self, sent):
        s = socket.create_connection((self.data[0], int(self.data[1])), 20)
        s.sendall(sent)
        got = b''
        try:
            while piece := s.recv(65536):
                got += piece
            return got, 'end'
        except ConnectionError:
            return got, 'reset'

    def ask(self, words):
        head, _, body = self.raw(words)[0].partition(b'\r\n\r\n')
        return int(head.split()[1]), body

    def tell(self, method, path, body=None, status=200):
        c = http.client.HTTPConnection(self.control, timeout=20)
        c.request(method, path, json.dumps(body) if body is not None else None)
        answer = c.getresponse()
        text = answer.read().decode()
        equal(answer.status, status, f'{path}: {text}')
        return text

    def summary(self):
        return json.loads(self.tell('GET', '/sim/summary'))


def equal(got, want, what):
    if got != want:
        raise AssertionError(f'{what}: got {got!r}, want {want!r}')


def cuts_where_it_was_asked(sim):
    for words, length, how in (('[[sim:cut=before]]', None, 'reset'), ('[[sim:cut=head]]', 0, 'reset'),
                               ('[[sim:cut=100]]', 100, 'reset'), ('[[sim:refuse]]', None, 'reset'),
                               ('[[sim:bytes=3000000]] [[sim:cut=2000000]]', 2000000, 'reset')):
        got, end = sim.raw(words)
        equal(end, how, words)
        equal(len(got.partition(b'\r\n\r\n')[2]) if got else None, length, words)
    got, _ = sim.raw('[[sim:garbage]]')
    equal(got[:4], b'SSH-', 'garbage')


def sends_in_pieces(sim):
    got, end = sim.raw('[[sim:chunks=7]] [[sim:slow=1]] [[sim:delay=1]]', PATH + '-stream')
    equal(end, 'end', 'a slow stream')
    equal(got.count(b'contentBlockDelta'), 7, 'deltas')
    equal(got[-5:], b'0\r\n\r\n', 'the last chunk')
    status, body = sim.ask('[[sim:slow=1]] [[sim:bytes=4000000]]')
    equal(len(json.loads(body)['output']['message']['content'][0]['text']), 4000000, 'a large answer')


def does_what_is_ordered(sim):
    sim.tell('POST', '/sim/fault', {'fault': 'status=503', 'count': 2, 'match': '/converse'})
    equal([sim.ask('x')[0] for _ in range(3)], [503, 503, 200], 'two ordered')
    sim.tell('POST', '/sim/fault', {'fault': 'status=500', 'count': 5})
    sim.tell('POST', '/sim/fault', {'fault': ''})
    equal(sim.ask('x')[0], 200, 'the order was taken back')
    sim.tell('POST', '/sim/fault', {'fault': 'nonsense=1'}, 400)
    sim.tell('POST', '/sim/fault', {'fault': 'early status=429'})
    got, _ = sim.bytes(f'POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n'.encode())
    equal(got.split()[1], b'429', 'an answer before the body')
    sim.tell('GET', '/sim/nothing', status=404)


def keeps_a_ledger(sim):
    sim.tell('POST', '/sim/reset')
    equal(sim.summary()['requests'], 0, 'after a reset')
    sim.ask('one')
    sim.ask('[[sim:throttle]]')
    sim.raw('[[sim:cut=before]]')
    rows = [json.loads(line) for line in sim.tell('GET', '/sim/ledger').splitlines()]
    equal([(r['status'], r['charged'], r['outcome']) for r in rows],
          [(200, True, 'sent'), (429, False, 'sent'), (200, True, 'cut')], 'rows')
    behind = [json.loads(line) for line in sim.tell('GET', f'/sim/ledger?n=1&headers=0&after={rows[0]["id"]}').splitlines()]
    equal([(r['id'], 'headers' in r) for r in behind], [(rows[1]['id'], False)], 'the row behind the first')
    last = json.loads(sim.tell('GET', f'/sim/last?id={rows[0]["id"]}'))
    equal(json.loads(base64.b64decode(last['body']))['messages'][0]['content'][0]['text'], 'one', 'the body')
    equal(['host', 'x'] in last['headers'], True, 'the head')
    summary = sim.summary()
    equal((summary['requests'], summary['charged'], summary['connections'], summary['cut']), (3, 2, 3, 1), 'sums')


def has_a_clock(sim):
    prompt = '{"system":[{"text":"%s"},{"cachePoint":{"type":"default"}}],"messages":[{"role":"user","content":' \
             '[{"text":"x"}]}]}' % ('y' * 9000)
    request = f'POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(prompt)}\r\n\r\n{prompt}'

    def read():
        return json.loads(sim.bytes(request.encode())[0].partition(b'\r\n\r\n')[2])['usage']['cacheReadInputTokens']
    equal(read(), 0, 'written')
    equal(read() > 0, True, 'read')
    sim.tell('POST', '/sim/clock', {'advance_ms': 299000})
    equal(read() > 0, True, 'read just in time, and refreshed')
    sim.tell('POST', '/sim/clock', {'advance_ms': 299000})
    equal(read() > 0, True, 'read again')
    sim.tell('POST', '/sim/clock', {'advance_ms': 301000})
    equal(read(), 0, 'too late')


def main():
    tests = [cuts_where_it_was_asked, sends_in_pieces, does_what_is_ordered, keeps_a_ledger, has_a_clock]
    sim, failed = Simulator(sys.argv[1]), 0
    print(f'1..{len(tests) + 1}')
    for n, test in enumerate(tests, 1):
        try:
            test(sim)
            print(f'ok {n} - {test.__name__}')
        except Exception as e:  # told below, with the others going on
            failed += 1
            print(f'not ok {n} - {test.__name__}\n# {type(e).__name__}: {e}')
    sim.process.terminate()
    good = sim.process.wait(20) == 0
    print(f'{"ok" if good else "not ok"} {len(tests) + 1} - ends on SIGTERM')
    return 0 if good and not failed else 1


if __name__ == '__main__':
    sys.exit(main())
