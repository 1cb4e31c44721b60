#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends every case of weir-http1 to a running server and judges what comes back.

    http1_corpus.py HOST PORT CASES_FILE

A case is one connection's bytes and a word for what must happen. A refusal is one answer of that
status and, with "-close", the end of the connection. An acceptance is an answer that is not the
parser's refusal: it may be a 404 of the router or a 400 of the origin, but then the connection
lives on. After every acceptance a probe goes over the same connection: it must be answered as on a
fresh one, or a byte of the case was left on the wire. Bytes go out whole; cutting them
is the unit test's.

One line per case that failed, then "N passed, N failed".
"""
import json
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

ANSWER_S = 5.0  # for an answer to begin or go on
CLOSE_S = 3.0   # for a connection to end
QUIET_S = 0.3   # how long nothing must follow
AT_ONCE = 4
REFUSALS = {400, 405, 414, 417, 431, 501, 505}
PROBE = b"GET /weir/healthz HTTP/1.1\r\nHost: w.test\r\n\r\n"


class Wrong(Exception):
    """What came back is not what must."""


class Answer:
    def __init__(self, status, fields):
        self.status = status
        self.closes = "close" in fields.get("connection", "").lower()


class Connection:
    probe_status = None  # what the probe is answered on a fresh connection

    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), timeout=ANSWER_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.ended = None  # "closed" or "reset" once the other side is gone

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent: the answer is what counts

    def more(self, timeout):
        """Waits for bytes. False: none came, or the connection has ended."""
        if self.ended:
            return False
        self.sock.settimeout(timeout)
        try:
            got = self.sock.recv(65536)
        except socket.timeout:
            return False
        except ConnectionResetError:
            self.ended = "reset"
            return False
        self.data += got
        self.ended = None if got else "closed"
        return bool(got)

    def need(self, what):
        if not self.more(ANSWER_S):
            raise Wrong(f"{self.ended or 'silent'} instead of {what}, after {self.data[:60]!r}")

    def take(self, n):
        while len(self.data) < n:
            self.need("the rest of a body")
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def take_until(self, mark, what):
        while mark not in self.data:
            self.need(what)
        return self.take(self.data.index(mark) + len(mark))

    def take_chunks(self):
        size = -1
        while size:
            size = int(self.take_until(b"\r\n", "a chunk size"), 16)
            self.take(size)
            if self.take(2) != b"\r\n":
                raise Wrong("a chunk of the answer does not end in CRLF")

    def answer(self):
        """One answer with its body; interim ones too."""
        head = self.take_until(b"\r\n\r\n", "an answer").decode("latin-1")
        line, *lines = head[:-4].split("\r\n")
        if not re.fullmatch(r"HTTP/1\.[01] [1-5]\d\d( .*)?", line):
            raise Wrong(f"not a status line: {line[:60]!r}")
        fields = {k.strip().lower(): v.strip() for k, v in (f.split(":", 1) for f in lines)}
        status = int(line[9:12])
        if status < 200 or status in (204, 304):
            return Answer(status, fields)
        if fields.get("transfer-encoding", "").lower() == "chunked":
            self.take_chunks()
        elif "content-length" in fields:
            self.take(int(fields["content-length"]))
        else:
            while self.more(ANSWER_S):
                pass
            self.data = b""
        return Answer(status, fields)

    def final(self):
        answer = self.answer()
        while answer.status < 200:
            if answer.status == 101:
                raise Wrong("switched protocols")
            answer = self.answer()
        return answer

    def is_over(self, timeout):
        """Nothing more came and the connection has ended."""
        if self.data or self.more(timeout):
            raise Wrong(f"more came back: {self.data[:60]!r}")
        return self.ended is not None


def must_refuse(c, status, closes):
    answer = c.final()
    if answer.status != status:
        raise Wrong(f"answered {answer.status}")
    if closes and not c.is_over(CLOSE_S):
        raise Wrong(f"answered {status} and kept the connection")


def must_accept(c):
    answer = c.final()
    if answer.status in REFUSALS and (answer.closes or c.is_over(QUIET_S)):
        raise Wrong(f"refused with {answer.status}")
    return answer


def must_be_in_step(c, answer):
    """Closed, or good for one more request: no byte of the case was left on the wire."""
    if answer.closes:
        if not c.is_over(CLOSE_S):
            raise Wrong("said close and did not")
        return
    if c.is_over(0.01):
        return
    c.send(PROBE)
    try:
        probe = c.final()
    except Wrong:
        if c.ended and not c.data:
            return
        raise
    if probe.status != Connection.probe_status:
        raise Wrong(f"answered {answer.status}, then the probe with {probe.status}")
    c.is_over(0.01)


def expect_accept(c, raw):
    c.send(raw)
    must_be_in_step(c, must_accept(c))


def expect_continue(c, raw):
    head, body = raw.split(b"\r\n\r\n", 1)
    c.send(head + b"\r\n\r\n")
    answer = c.answer()
    if answer.status == 100:
        c.send(body)
        answer = must_accept(c)
    elif answer.status in REFUSALS or answer.status < 200:
        raise Wrong(f"answered {answer.status} instead of 100")
    must_be_in_step(c, answer)


def expect_two(c, raw):
    c.send(raw)
    must_accept(c)
    must_be_in_step(c, must_accept(c))


def expect_one_then_400(c, raw):
    c.send(raw)
    if c.final().closes:
        raise Wrong("closed behind the good request")
    must_refuse(c, 400, True)


def expect_drop(c, raw):
    """The client goes away in the middle: no success may come of it."""
    c.send(raw)
    c.sock.shutdown(socket.SHUT_WR)
    if not c.more(ANSWER_S):
        if not c.ended:
            raise Wrong("kept the connection of a client that is gone")
        return
    answer = c.final()
    if answer.status not in (400, 408):
        raise Wrong(f"answered {answer.status} to half a request")
    if not c.is_over(CLOSE_S):
        raise Wrong("kept the connection of a client that is gone")


def expect_h2_or_400(c, raw):
    c.send(raw)
    while len(c.data) < 9:
        c.need("SETTINGS or 400")
    if c.data[3:4] != b"\x04":  # the type of a SETTINGS frame
        must_refuse(c, 400, True)


def expect_400_or_drop(c, raw):
    c.send(raw)
    if c.more(ANSWER_S):
        must_refuse(c, 400, True)
    elif not c.ended:
        raise Wrong("neither answered nor closed")


WORDS = {
    "accept": expect_accept,
    "accept-body": expect_accept,
    "accept-empty": expect_accept,
    "accept-drop": expect_accept,
    "accept-drop-trailer": expect_accept,
    "accept-as-1.1": expect_accept,
    "accept-same-host": expect_accept,
    "accept-ignore-upgrade": expect_accept,
    "accept-100": expect_continue,
    "accept-x2": expect_two,
    "accept-then-400-close": expect_one_then_400,
    "drop": expect_drop,
    "drop-no-upstream": expect_drop,
    "h2-or-400": expect_h2_or_400,
    "400-close-or-drop": expect_400_or_drop,
}


def probe_fresh(host, port):
    c = Connection(host, port)
    with c.sock:
        c.send(PROBE)
        return c.final().status


def judge(host, port, case):
    """None when it is right, else what is wrong."""
    expect, raw = case["expect"], bytes.fromhex(case["raw_hex"])
    refusal = re.fullmatch(r"(\d\d\d)(-close)?", expect)
    if not refusal and expect not in WORDS:
        return "no check is known for this expectation"
    try:
        c = Connection(host, port)
        with c.sock:
            if refusal:
                c.send(raw)
                must_refuse(c, int(refusal[1]), bool(refusal[2]))
            else:
                WORDS[expect](c, raw)
    except (Wrong, OSError, ValueError) as e:
        return str(e) or type(e).__name__
    return None


def main():
    if len(sys.argv) != 4:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(path, encoding="utf-8") as f:
        cases = [json.loads(line) for line in f if line.strip()]
    Connection.probe_status = probe_fresh(host, port)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = list(pool.map(lambda case: judge(host, port, case), cases))
    for case, why in zip(cases, wrong):
        if why:
            print(f"{case['name']}: must be {case['expect']}: {why}")
    failed = sum(why is not None for why in wrong)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
