# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A model of a known family that takes no markers: Weir asks again without them, remembers for a day, over a restart,
and marks no more; clients see answers only. /api/v1/prefixes says what was refused, and until when."""
import datetime
from weirflow import Story, ask, check, equal, http_ask, model_path

NEW = 'us.anthropic.claude-opus-9-20270101-v1:0'  # the simulator knows no caching of it
RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(1200))


def talk(weir, turns, said):
    for _ in range(turns):
        said.append({'role': 'user', 'content': [{'text': f'Question {len(said)}. {RULES}'}]})
        body = {'system': [{'text': f'You keep the weir. {RULES}'}], 'messages': said}
        equal(ask(weir.url, model_path('converse', NEW), body).status, 200, f'turn {len(said)}')
        said.append({'role': 'assistant', 'content': [{'text': 'An answer.'}]})


def refused(weir):
    page = http_ask(weir.admin, 'GET', '/api/v1/prefixes').json()
    return {r['what']: r for v in page['verdicts'] if v['model'] == NEW for r in v['refused']}


def refusals(s):
    return [r for r in s.sim.rows() if r['status'] != 200]


with Story() as s:
    weir, said = s.weir(cache={'mode': 'always', 'holdout': '0%'}), []
    talk(weir, 8, said)
    told, often = refused(weir), len(refusals(s))
    check(told and set(told) <= {'tools', 'system', 'messages', 'any'} and all(r['times'] == 1 for r in told.values()), told)
    for row in told.values():
        until = datetime.datetime.strptime(row['until'], '%Y-%m-%dT%H:%M:%SZ')
        left = until - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        check(datetime.timedelta(hours=23) < left <= datetime.timedelta(days=1), f'a day: {left}')
    check(1 <= often <= 3, f'{often} refusals of 8: one for each thing that was learned')
    equal(weir.metric('weir_upstream_resent_total', reason='edit'), float(often), 'sent again without')
    check(b'cachePoint' not in s.sim.last()['body'], 'not marked any more')

    weir.end()
    weir = s.weir(**weir.config)
    weir.line(r' prefixes .*were loaded')
    equal(refused(weir), told, 'over a restart')
    talk(weir, 4, said)
    equal(len(refusals(s)), often, 'not tried again')
