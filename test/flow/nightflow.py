# SPDX-License-Identifier: Apache-2.0
"""What a story of nightly work needs: a book of nights that were not, and a zone in which it is night now."""
import os
import time
from batchflow import BATCH_MODEL, BUCKET, ROLE, Batch
from holdflow import PATH
from weirflow import BUILD, ask_as, converse, place, skip

HOUR_MS, DAY_MS = 3600000, 86400000


def night(days, hour, n=150, kind='fit', client='reports', workload='nightly', model=BATCH_MODEL, at_once=120, latency_ms=4000):
    """One night's work in that hour of UTC, so many days ago (0: the last one that is over), as lines of book_driver."""
    now = int(time.time() * 1000)
    begin = (now // DAY_MS - days) * DAY_MS + hour * HOUR_MS
    begin -= DAY_MS if begin + HOUR_MS > now - days * DAY_MS else 0
    return [f'{begin + 60000 + (1 + i // at_once) * latency_ms} {latency_ms} {kind} {client} {workload} {model}'
            for i in range(n)]


def nights(n=10, hour=2, **more):
    return [line for days in range(n) for line in night(days, hour, **more)]


def make_book(story, *lines):
    """Before the Weir whose book it is to be."""
    state = story.dir / 'state'
    state.mkdir(mode=0o700, exist_ok=True)
    text = '\n'.join(line for group in lines for line in group) + '\n'
    story.run([BUILD / 'test' / 'flow' / 'book_driver', state / 'meter'], stdin=text.encode())


def night_now():
    """The hour that it is, and a zone in which it is 02:00 to 03:00 then."""
    while time.gmtime().tm_min >= 57:
        time.sleep(1)  # the hour's end is not near: three minutes at most, which a story's timeout must allow
    hour = time.gmtime().tm_hour
    east = (2 - hour + 12) % 24 - 12
    zone = f'Etc/GMT{-east:+d}'  # as POSIX counts, so the wrong way round
    if not os.path.exists(f'/usr/share/zoneinfo/{zone}'):
        skip('no tzdata')
    return hour, zone


def batch(story, weir, *words, zone='UTC', status=0):
    """weir batch ..., where this is the machine's zone."""
    return story.run([BUILD / 'src' / 'weir', 'batch', *words, '-c', weir.path], env=story.clean_env(TZ=zone), status=status)


def nightly_weir(story, linger='10m', **more):
    """After make_book: a Weir with a bucket and the clients of the book."""
    story.batch = Batch(story)
    admin = place()  # commands must know the port
    clients = [story.client(name, data={'persist': 'spool'}) for name in ('reports', 'slow')]
    return story.weir(endpoints={'s3': story.batch.url}, clients=clients, admin={'address': admin}, **more,
                      batch={'bucket': BUCKET, 'role_arn': ROLE, 'linger': linger, 'poll': '1s'})


def waits(weir, text='Night.', workload='nightly', client='reports'):
    """The status of a request that asks for a ticket: 202 where a rule has a deadline for it, else 400."""
    return ask_as(client, weir.url, f'/w/{workload}{PATH}' if workload else PATH, converse(text), {'x-weir-reply': 'ticket'}).status
