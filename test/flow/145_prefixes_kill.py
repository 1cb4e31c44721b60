# SPDX-License-Identifier: Apache-2.0
# waits: 20
"""Killed in the middle of a conversation: after a restart Weir knows what it had saved at most half a minute before, and
the next prompt of the conversation is read from the cache at once."""
import signal
from weirflow import MODEL, Story, ask, check, equal, http_ask, model_path, until

RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(1200))


def talk(weir, turns, said):
    for _ in range(turns):
        said.append({'role': 'user', 'content': [{'text': f'Question {len(said)}. {RULES}'}]})
        body = {'system': [{'text': f'You keep the weir. {RULES}'}], 'messages': said}
        answer = ask(weir.url, model_path('converse'), body)
        equal(answer.status, 200, f'turn {len(said)}')
        said.append({'role': 'assistant', 'content': [{'text': 'An answer.'}]})
    return answer.json()['usage']


def known(weir):
    page = http_ask(weir.admin, 'GET', '/api/v1/prefixes').json()
    return page['index']['entries'], [(r['model'], r['requests']) for r in page['scales']]


with Story() as s:
    weir, said = s.weir(cache={'holdout': '0%'}), []
    weir.may_fail = True
    talk(weir, 10, said)
    equal(known(weir), (1 + 10 + 9, [(MODEL, 10)]), 'learned')
    until('all of it is saved', lambda: weir.metric('weir_prefix_saved_total') >= 20 + 3, 40)
    equal(weir.metric('weir_prefix_save_failures_total'), 0.0, 'failures')
    weir.signal(signal.SIGKILL)
    weir.wait()

    weir = s.weir(**weir.config)
    weir.line(r' prefixes .*were loaded')
    equal(known(weir), (1 + 10 + 9, [(MODEL, 10)]), 'known again')
    used = talk(weir, 1, said)
    check(used['cacheReadInputTokens'] > 9 * used['cacheWriteInputTokens'] > 0, f'read, and written on: {used}')
