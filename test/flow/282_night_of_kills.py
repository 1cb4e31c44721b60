# SPDX-License-Identifier: Apache-2.0
# timeout: 400
"""Weir is killed again and again (kill -9, WEIR_KILLS times, 30) in a night of 600 prompts, with lost answers, throttles
and errors of Bedrock and of S3 among it. Every prompt gets its answer; no job is made twice; what was charged more often
than asked is marked maybe_twice; and the book is the ledger."""
import json
import os
import random
import threading
import time
from nightflow import Night
from s3flow import Between
from weirflow import Story, check, equal

KILLS = int(os.environ.get('WEIR_KILLS', 30))
SEED = int(os.environ.get('WEIR_SEED', time.time()))
PROMPTS = int(os.environ.get('WEIR_PROMPTS', 600))


def trouble(night, wire, rng):
    """One thing that goes wrong now."""
    def sim(fault, match, count=1):
        night.batch.sim.control('/sim/fault', 'POST', json.dumps({'fault': fault, 'match': match, 'count': count}).encode())
    rng.choice((
        lambda: sim('cut=before', 'CreateModelInvocationJob'), lambda: sim('refuse', 'CreateModelInvocationJob'),
        lambda: sim('throttle', 'CreateModelInvocationJob'), lambda: sim('status=500', 'GetModelInvocationJob', 2),
        lambda: sim('cut=before', 'ListModelInvocationJobs'), lambda: sim('status=503', '/converse', 2),
        lambda: wire.on('PUT .*in.jsonl', 'lose'), lambda: wire.on('PUT .*in.jsonl', 503),
        lambda: wire.on('GET .*jsonl.out', 'cut', 3000), lambda: wire.on('GET .*jsonl.out', 500),
        lambda: wire.on('DELETE .*', 'lose')))()


with Story() as s:
    print(f'WEIR_SEED={SEED}')
    rng = random.Random(SEED)
    night = Night(s, {'threads': PROMPTS * 2 // 3, 'again': PROMPTS // 3}, linger='4s')
    wire = s.start(Between(night.batch.url))
    night.settings['endpoints']['s3'] = wire.url
    night.kill()
    killed = 0

    def killer():
        global killed
        while killed < KILLS and not night.over.is_set():
            trouble(night, wire, rng)
            time.sleep(rng.uniform(0.1, 1.6))
            night.kill()
            killed += 1
    thread = threading.Thread(target=killer, daemon=True)
    thread.start()
    night.go(stubborn=True, seconds=300)
    thread.join(60)
    night.settled()
    rows = night.charged()
    night.right()
    names = [job['name'] for job in night.jobs()]
    equal(len(names), len(set(names)), 'jobs of one name')
    equal(max(job['same_ids'] for job in night.jobs()), 0, 'a record twice in a job')
    records = night.weir.records(len(rows) - night.twice(rows))
    marked = sum(record['maybe_twice'] for record in records)
    print(f'{killed} kills, {len(names)} jobs, {len(rows)} charges, {night.twice(rows)} more than asked, {marked} marked maybe_twice')
    check(night.twice(rows) <= marked, f'{night.twice(rows)} charged more often than asked, {marked} are marked')
    if night.twice(rows) == 0:
        night.book_is_ledger(rows)
