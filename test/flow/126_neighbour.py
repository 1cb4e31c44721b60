# SPDX-License-Identifier: Apache-2.0
"""One client at far more than ten times its limit, and what another feels of it: each of its requests is
answered; its p99 beside the quiet value is printed, not judged."""
import http.client
import threading
import time
from limitflow import body_of, clients, model_path
from weirflow import Story, check, equal

A_MINUTE, CALLS = 60, 400

with Story() as s:
    s.simulator()
    weir = s.weir(**clients(s, {'name': 'loud', 'limits': {'requests_per_minute': A_MINUTE, 'concurrent': 4}},
                            {'name': 'calm'}))
    over, statuses = threading.Event(), []

    def ask(conn, client, n):
        conn.request('POST', model_path('converse'), body_of(f'{client} {n}', 30),
                     {'Authorization': f'Bearer token-of-{client}-0123456789'})
        answer = conn.getresponse()
        answer.read()
        return answer.status

    def calm():
        """p50 and p99 in milliseconds; a request each 4 ms."""
        conn, took = http.client.HTTPConnection('127.0.0.1', weir.port), []
        for n in range(CALLS):
            began = time.monotonic()
            equal(ask(conn, 'calm', n), 200, 'the calm one')
            took.append(1000 * (time.monotonic() - began))
            time.sleep(max(0, 0.004 - took[-1] / 1000))
        took.sort()
        return took[CALLS // 2], took[CALLS * 99 // 100]

    def loud():
        conn, n = http.client.HTTPConnection('127.0.0.1', weir.port), 0
        while not over.wait(0.005):
            statuses.append(ask(conn, 'loud', n))
            n += 1

    quiet, began = calm(), time.monotonic()
    threads = [threading.Thread(target=loud) for _ in range(2)]
    for t in threads:
        t.start()
    beside = calm()
    over.set()
    for t in threads:
        t.join()
    seconds = time.monotonic() - began
    came, times = statuses.count(200), len(statuses) / (seconds * A_MINUTE / 60)
    equal(len(statuses), came + statuses.count(429), 'answers of the loud one')
    check(min(A_MINUTE, len(statuses)) <= came <= A_MINUTE + 1 + seconds * A_MINUTE / 60, f'{came} in {seconds} s')
    check(times > 10, f'it came at {times:.0f} times its limit')
    equal(weir.metric('weir_limited_total', client='calm'), 0.0, 'the calm one refused')
    print(f'quiet p50 {quiet[0]:.2f} p99 {quiet[1]:.2f} ms; beside {times:.0f} times a limit p50 {beside[0]:.2f} '
          f'p99 {beside[1]:.2f} ms: p99 {beside[1] / quiet[1]:.2f} times')
