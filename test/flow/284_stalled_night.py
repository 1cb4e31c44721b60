# SPDX-License-Identifier: Apache-2.0
# timeout: 200, waits: 54
"""A job of many records stalls for ever: it is stopped in time, its records go on demand no faster than a fifth of what the
model was seen to take, and all are answered by their deadline, each rightly, while somebody else asks all the time.

    WEIR_STALL=12000 WEIR_STALL_STATE=Scheduled WEIR_STALL_DEADLINE=480 WEIR_STALL_RATE=400      by hand: all of them, and
                                                                        how long somebody else waits then"""
import concurrent.futures
import json
import os
import time
from jobflow import PATH, Road, most
from weirflow import Story, check, converse, equal, http_ask, until

RECORDS, DEADLINE, RATE = (int(os.environ.get(name, usual)) for name, usual in (
    ('WEIR_STALL', 300), ('WEIR_STALL_DEADLINE', 40), ('WEIR_STALL_RATE', 150)))


def ticket(road, n):
    said = http_ask(road.weir.url, 'POST', PATH, {'x-weir-reply': 'ticket'}, json.dumps(converse(f'Stalled {n}')).encode())
    equal(said.status, 202, 'a ticket')
    return f'Stalled {n}', said.json()['status_url']


with Story() as s:
    seconds = 12 if RECORDS < 1000 else 24
    road = Road(s, '--ledger', '400000', linger=f'{2 + RECORDS // 600}s', deadline=f'{DEADLINE}s')
    quiet = road.at_rate(RATE, seconds)
    road.batch.order(order='stall=' + os.environ.get('WEIR_STALL_STATE', 'InProgress'))  # half of it is answered
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        tickets = list(callers.map(lambda n: ticket(road, n), range(RECORDS)))
    road.weir.line(r'job 1: \d+ records', DEADLINE)
    until('the end of the job', lambda: road.left('in-job') == 0, DEADLINE)
    stopped = time.monotonic() - began
    busy = road.at_rate(RATE, min(seconds, max(4, RECORDS * 5 // RATE - 10)))
    until('all answers', lambda: road.left() == 0, DEADLINE)
    took = time.monotonic() - began
    again = road.at_rate(RATE, seconds)
    road.check_answers([(text, http_ask(road.weir.url, 'GET', url)) for text, url in tickets])
    rows = [row for row in road.batch.sim.rows() if row['charged']]
    warm = rows[0]['question']
    late = [row['time_ms'] for row in rows if row['question'] != warm and row.get('tier') != 'batch']
    pace, seen = most(late), most([row['time_ms'] for row in rows])
    print(f'{RECORDS} records, {len(late)} on demand: their job left after {stopped:.0f} s, all answered after {took:.0f} of {DEADLINE} s; most in ten '
          f'seconds: {pace} of them, {seen} of all; somebody else at {RATE}/s, p50 and p99: {quiet} ms, then {busy}, '
          f'afterwards {again}')
    equal(road.charged() - sum(row['question'] == warm for row in rows), RECORDS, 'charged')
    check(took < DEADLINE, f'{took:.1f} s')
    check(pace <= seen / 5 * 1.1 + 5, f'{pace} in ten seconds, {seen} were seen')
