#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody reads Weir's log and its pipe is full: requests go on, lines are dropped whole and counted, and
when somebody reads again the log goes on. A Weir whose log nobody reads ends all the same.

    log_pipe.py [--seed N]
"""
import re
import signal
import threading

from rack import Failed, Ground, Story, Weir, check, dial, memory, options, run_cases, until

MOST_REQUESTS, AT_A_TIME = 60000, 500
RING = 4 << 20
LINE = re.compile(r'^\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warn|error) \w+ ')


class Deaf(Weir):
    """Its log is read until it is ready, and then when `hears` is set."""

    def read(self):
        for line in self.popen.stdout:
            with self.grown:
                self.lines.append(line.rstrip('\n'))
                self.grown.notify_all()
            if ' ready ' in line:
                self.hears = threading.Event()
                self.hears.wait()


def deaf(ground):
    ground.sim.control('/sim/reset', 'POST')
    return Deaf(ground.story, ground.story.config(workers=1), ground.story.clean_env(**ground.story.keys()))


def ask_many(weir):
    """Requests that are refused quickly, with a log line each; as many as it takes until lines are dropped."""
    request = f'GET /w/{"n" * 64}/nowhere HTTP/1.1\r\nHost: weir\r\n\r\n'.encode()
    sock, asked = dial(weir.addresses[0]), 0
    while asked < MOST_REQUESTS:
        sender = threading.Thread(target=sock.sendall, args=(request * AT_A_TIME,), daemon=True)
        sender.start()
        answers = b''
        while answers.count(b'HTTP/1.1 404') < AT_A_TIME:
            more = sock.recv(1 << 16)
            check(more, f'closed after {asked} requests')
            answers += more
        sender.join()
        asked += AT_A_TIME
        if weir.metric('weir_log_lines_dropped_total') > AT_A_TIME:
            sock.close()
            return asked
    raise Failed(f'{asked} requests, and no line was dropped')


def read_again(ground):
    weir = deaf(ground)
    with ground.on(weir):
        base = memory(weir)
        asked = ask_many(weir)
        results = ground.ask_all(weir.addresses[0])
        check(all(o.kind == 'answered' for _, o in results), f'{[o for _, o in results]}')
        check(memory(weir) - base < 4 * RING, f'{(memory(weir) - base) / 1048576:.1f} MiB')
        weir.hears.set()
        until('the log going on', lambda: ground.works_again(weir.addresses[0]) or 'op=Converse ' in weir.lines[-1])
        torn = [line for line in weir.lines if not LINE.match(line)]
        check(not torn, f'{len(torn)} torn lines: {torn[:2]}')
        dropped = weir.metric('weir_log_lines_dropped_total')
        check(len(weir.lines) + dropped > asked, f'{len(weir.lines)} lines and {dropped:.0f} dropped of {asked}')
        said = f'{asked} requests, {dropped:.0f} lines dropped'
    return said


def never_read(ground):
    weir = deaf(ground)
    try:
        ask_many(weir)
        weir.signal(signal.SIGTERM)
        check(weir.popen.wait(10) == 0, f'exit {weir.popen.returncode}')
    finally:
        weir.hears.set()
        weir.end()
        ground.story.processes.remove(weir)


def main():
    o = options('nothing more')
    with Story() as s:
        ground = Ground(s)
        run_cases(o, [('read again', lambda: read_again(ground)), ('never read', lambda: never_read(ground))])


if __name__ == '__main__':
    main()
