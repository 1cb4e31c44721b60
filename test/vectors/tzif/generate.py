# SPDX-License-Identifier: Apache-2.0
"""Zones' files of this system, and what Python's zoneinfo says of them: around each turn of 2026 to 2028, at some
moments of 1850 to 2200, and whether each moment lies in some windows. Run from the source root; it writes beside itself."""
import random
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Europe/Dublin', 'Africa/Casablanca', 'Asia/Kolkata',
         'America/Nuuk', 'Asia/Gaza', 'Pacific/Chatham', 'America/Santiago', 'Pacific/Apia', 'Asia/Tehran']
WINDOWS = ['22:00-06:00', '02:30-04:00', '02:15-02:45', '00:00-24:00', 'Mon-Fri 22:00-06:00', 'Sat,Sun 00:30-01:30',
           'Fri-Mon 23:59-00:01', 'Sun 01:00-03:00']
DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
HOUR = 3600


def local(zone, moment):
    return (EPOCH + timedelta(seconds=moment)).astimezone(zone)


def offset(zone, moment):
    return int(local(zone, moment).utcoffset().total_seconds())


def epoch(year):
    return int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())


def turns(zone):
    for begin in range(epoch(2026), epoch(2029), 3 * HOUR):
        low, high = begin, begin + 3 * HOUR
        if offset(zone, low) == offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == offset(zone, low):
                low = middle
            else:
                high = middle
        yield high


def moments(zone):
    found = {epoch(year) for year in (1900, 1970, 2000, 2037, 2038, 2100)}
    for turn in turns(zone):
        found |= {turn - HOUR, turn - 1, turn, turn + 1, turn + HOUR}
    return sorted(found | {random.randrange(epoch(1850), epoch(2200)) for _ in range(20)})


def days_of(words):
    found = set()
    for word in words.split(','):
        first, _, last = word.partition('-')
        day, end = DAYS.index(first), DAYS.index(last or first)
        found.add(day)
        while day != end:
            day = (day + 1) % 7
            found.add(day)
    return found


def minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


def inside(window, zone, moment):
    """By the clock on the wall; what goes over midnight belongs to the day on which it begins."""
    *days, times = window.split(' ')
    begin, end = (minutes(t) for t in times.split('-'))
    days = days_of(days[0]) if days else set(range(7))
    now = local(zone, moment)
    minute = now.hour * 60 + now.minute
    today, yesterday = now.weekday() in days, (now.weekday() - 1) % 7 in days
    if begin < end:
        return today and begin <= minute < end
    return (today and minute >= begin) or (yesterday and minute < end)


def around_turns(zone):
    """The three days around each turn: those of 23 and 25 hours. Where there is none: a week."""
    starts = [turn - 36 * HOUR for turn in turns(zone)]
    return [(start, 3 * 96) for start in starts] or [(epoch(2026), 8 * 96)]


def runs(window, zone, start, quarters):
    """How many quarters of an hour outside, then inside, then outside, ..."""
    found, now = [0], False
    for i in range(quarters):
        if inside(window, zone, start + i * HOUR // 4) != now:
            now = not now
            found.append(0)
        found[-1] += 1
    return ' '.join(map(str, found))


random.seed(1)
with open(HERE / 'offsets.txt', 'w') as offsets, open(HERE / 'windows.txt', 'w') as windows:
    for name in ZONES:
        zone, file = ZoneInfo(name), name.replace('/', '_')
        shutil.copyfile(f'/usr/share/zoneinfo/{name}', HERE / file)
        for moment in moments(zone):
            offsets.write(f'{file} {moment} {offset(zone, moment)}\n')
        for window in WINDOWS:
            for start, quarters in around_turns(zone):
                windows.write(f'{file}|{window}|{start} {runs(window, zone, start, quarters)}\n')
