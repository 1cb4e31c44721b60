# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What prompt caching knows, on the admin port: the index, each model's verdicts, and how good the estimates of tokens
are, by client; no text of a prompt; and after a restart the same."""
from weirflow import MODEL, Story, ask_as, check, equal, http_ask, model_path, until

RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(800))
TURNS = 12


def talk(weir, client, word):
    """A conversation, each prompt going on from the one before."""
    said = []
    for turn in range(TURNS):
        said.append({'role': 'user', 'content': [{'text': f'Question {turn} of the {word}. {RULES}'}]})
        body = {'system': [{'text': f'You keep the {word}. {RULES}'}], 'messages': said}
        equal(ask_as(client, weir.url, model_path('converse'), body).status, 200, f'turn {turn}')
        said.append({'role': 'assistant', 'content': [{'text': f'Answer {turn}.'}]})


with Story() as s:
    weir = s.weir(clients=[s.client('web'), s.client('agents')], cache={'memory': '1MiB', 'holdout': '0%'})
    known = lambda: http_ask(weir.admin, 'GET', '/api/v1/prefixes')
    equal(known().json()['index'], {'entries': 0, 'places': 16384, 'evicted': 0}, 'nothing yet')
    talk(weir, 'web', 'weir')
    talk(weir, 'agents', 'lock')

    page = until('all is learned', lambda: (lambda p: sum(r['requests'] for r in p['scales']) == 2 * TURNS and p)(known().json()))
    equal(page['index']['entries'], 2 * (1 + TURNS + TURNS - 1), 'a prefix for each block of both')
    check(all(v['model'] == MODEL and v['refused'] == [] and v['hit_rate'] > 0.9 for v in page['verdicts']), page['verdicts'])
    equal(sorted((r['client'], r['model'], r['requests']) for r in page['scales']),
          [('agents', MODEL, TURNS), ('web', MODEL, TURNS)], 'learned of each')
    for row in page['scales']:
        check(0.5 < row['factor'] < 2 and row['error'] < 0.25, f'{row}')
        equal(round(weir.metric('weir_token_estimate_error', client=row['client']), 4), row['error'], 'the metric')
    equal(weir.metric('weir_prefix_entries'), float(page['index']['entries']), 'the metric')
    check('river' not in known().body.decode() and 'Question' not in known().body.decode(), 'no text of a prompt')

    weir.end()
    weir = s.weir(**weir.config)
    weir.line(r' prefixes .*were loaded')
    equal(known().json()['index'], page['index'], 'after a restart')
    again = known().json()
    for what in ('scales', 'verdicts'):
        equal(sorted(map(str, again[what])), sorted(map(str, page[what])), f'{what} after a restart')
    talk(weir, 'web', 'weir')
    equal(known().json()['index'], page['index'], 'the same conversation: nothing new')
