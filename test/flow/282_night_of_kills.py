# SPDX-License-Identifier: Apache-2.0
# timeout: 600, waits: 85
"""Weir is killed again and again (kill -9, WEIR_KILLS times, 30) in a night of 600 prompts (WEIR_PROMPTS), with lost and
broken answers, throttles and errors of Bedrock and of S3 among it, a disk that is full for some seconds, and a clock that
is up to an hour off, another way now and then. Every prompt gets its answer; no job is made twice; what was charged more
often than asked is marked maybe_twice or died with Weir; and the book has all that jobs cost."""
import os
import random
import threading
import time
from programflow import Night, small_disk
from s3flow import Between
from weirflow import Story, check, equal, seed

KILLS = int(os.environ.get('WEIR_KILLS', 30))
PROMPTS = int(os.environ.get('WEIR_PROMPTS', 600))

with Story() as s:
    rng = random.Random(seed())
    small_disk(s, '64m')
    night = Night(s, {'threads': PROMPTS * 2 // 3, 'again': PROMPTS // 3}, linger='12s', deadline='8h')
    wire = s.start(Between(night.batch.url))
    night.settings['endpoints']['s3'] = wire.url
    night.kill()
    killed, failed = 0, []

    def killer():
        global killed
        try:
            while killed < KILLS and not night.over.is_set():
                night.trouble(rng, wire)
                time.sleep(rng.uniform(0.1, 1.6))
                if rng.random() < 0.25:
                    night.wrong_clock(rng.randint(-3600, 3600))
                night.kill()
                killed += 1
        except Exception as error:
            failed.append(error)
    thread = threading.Thread(target=killer, daemon=True)
    thread.start()
    night.go(stubborn=True, seconds=500 + 4 * KILLS)
    thread.join(60)
    equal(failed, [], 'a Weir that did not start')
    night.settled()
    rows = night.charged()
    night.right()
    jobs = night.jobs()
    equal(len({job['name'] for job in jobs}), len(jobs), 'jobs of one name')
    equal(max((job['same_ids'] for job in jobs), default=0), 0, 'a record twice in a job')
    ahead = time.strftime('%FT%TZ', time.gmtime(time.time() + 7200))
    records = night.weir.records(1, '--until', ahead)
    died, twice, marked = night.no_call_lost(rows, records), night.twice(rows), sum(r['maybe_twice'] for r in records)
    print(f'{killed} kills, {len(jobs)} jobs, {len(rows)} charges, {twice} more than asked, {marked} marked maybe_twice, '
          f'{died} calls died with Weir')
    check(twice <= marked + died, f'{twice} charged more often than asked, {marked} are marked, {died} died')
