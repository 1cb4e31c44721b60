# SPDX-License-Identifier: Apache-2.0
"""Killed with SIGKILL, Weir knows what it knew when it last saved, 20 seconds before at most: the conversation goes on
with markers as if nothing had been."""
import signal
import time
from weirflow import Story, ask, check, equal, http_ask, model_path, until

RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(800))


def turn(weir, said):
    """The next question of a conversation; how many markers Weir set."""
    said.append({'role': 'user', 'content': [{'text': f'Question {len(said)}. {RULES}'}]})
    body = {'system': [{'text': f'You keep the weir. {RULES}'}], 'messages': said}
    answer = ask(weir.url, model_path('converse'), body)
    equal(answer.status, 200, f'turn {len(said)}')
    said.append({'role': 'assistant', 'content': [{'text': 'An answer.'}]})
    return int(answer.header('x-weir-decision').split(';')[0].split('=')[1].split('@')[0])


def known(weir):
    return http_ask(weir.admin, 'GET', '/api/v1/prefixes').json()


def kill(weir):
    weir.may_fail = True
    weir.signal(signal.SIGKILL)
    weir.wait()


with Story() as s:
    weir, said = s.weir(cache={'memory': '1MiB', 'holdout': '0%'}), []
    file = s.dir / 'state' / 'prefixes' / 'data.mdb'
    first = [turn(weir, said) for _ in range(16)]
    equal(first[0], 0, 'nothing is known at first')
    check(first[-1] > 0, f'markers, then: {first}')
    page, asked = known(weir), time.time()
    until('save that is over', lambda: asked < file.stat().st_mtime < time.time() - 1, seconds=40)
    kill(weir)

    weir = s.weir(**weir.config)
    weir.line(r' prefixes .*were loaded')
    equal(known(weir), page, 'what it knew')
    check(turn(weir, said) > 0, 'and goes on with markers')
    equal(known(weir)['index']['entries'], page['index']['entries'] + 2, 'an answer and a question more')
