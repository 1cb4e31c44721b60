# SPDX-License-Identifier: Apache-2.0
"""Rules with hours hold within them: in UTC and in a zone, on a day of the week, over a reload; hours and zones that are
none are refused with their place in the file."""
import os
from datetime import datetime, timedelta, timezone
from laneflow import FLEX, rule, tiers
from weirflow import Story, ask, check, converse, equal, model_path, skip

if not os.path.exists('/usr/share/zoneinfo/Asia/Kolkata'):
    skip('no tzdata')
now = datetime.now(timezone.utc)
india = now + timedelta(hours=5, minutes=30)


def around(moment, begin=-1, end=1):
    return f'{moment + timedelta(hours=begin):%H:%M}-{moment + timedelta(hours=end):%H:%M}'  # so an edge is never near


def hours(text):
    return [rule(match={'hours': text}, deadline='8h')]


with Story() as s:
    weir = s.weir(rules=hours(around(now)))
    for text, wanted in ((around(now), 'flex'), (around(now, 2, 4), None), (around(india) + ' Asia/Kolkata', 'flex'),
                         (around(india, 2, 4) + ' Asia/Kolkata', None), (f'{now:%a}-{now + timedelta(days=1):%a} 00:00-24:00', 'flex'),
                         (f'{now + timedelta(days=2):%a}-{now - timedelta(days=1):%a} 00:00-24:00', None)):
        weir.reload({**weir.config, 'rules': hours(text)})
        equal(ask(weir.url, model_path('converse', FLEX), converse()).status, 200, text)
        equal(tiers(s.sim)[-1][0], wanted, f'{text} at {now}')
    for text, wanted in (('22-6', 'hours are like'), ('22:00-06:00 Europe/Berln', 'Is the zone'),
                         ('22:00-06:00 ../../etc/passwd', 'a name of the tz database')):
        said = weir.reload({**weir.config, 'rules': hours(text)})
        check('reload' in said, said)
        weir.write({**weir.config, 'rules': hours(text)})
        said = weir.command('check', status=2)
        check(wanted in said and 'weir' in said.split(':')[0] and said.split(':')[1].isdigit(), said)
