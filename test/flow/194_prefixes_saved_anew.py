# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""STATE/prefixes goes while Weir runs, or a plain file lies there: all that is in memory is saved anew, one line of the log
says it, and the next start knows as much as this one did. Nothing speaks of the book."""
import json
import shutil
from weirflow import MODEL, Story, ask, check, equal, http_ask, model_path

RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(800))


def entries(weir):
    return http_ask(weir.admin, 'GET', '/api/v1/prefixes').json()['index']['entries']


with Story() as s:
    weir = s.weir(cache={'memory': '1MiB'})
    prefixes = s.dir / 'state' / 'prefixes'
    for n in range(5):
        body = {'system': [{'text': f'You keep weir {n}. {RULES}'}],
                'messages': [{'role': 'user', 'content': [{'text': f'Question {n}'}]}]}
        equal(ask(weir.url, model_path('converse'), body).status, 200, f'{n}')
    known = entries(weir)
    check(known >= 10, f'{known} prefixes')
    for ruin in ('restart', 'delete', 'file'):
        if ruin != 'restart':
            shutil.rmtree(prefixes)
        if ruin == 'file':
            prefixes.write_text('somebody put this here')
        weir.end()
        check(('deleted or replaced' in weir.log()) == (ruin != 'restart'), f'{ruin} is told')
        weir = s.weir(**weir.config)
        equal(weir.line(r' prefixes .*?(\d+) prefixes were loaded')[1], str(known), f'{ruin}: as many as there are prefixes')
        equal(entries(weir), known, f'{ruin}: nothing is lost')
    check((s.dir / 'state' / 'prefixes.damaged').is_file(), 'the file lies aside')

    weir.end()
    (prefixes / 'data.mdb').write_bytes(b'no environment' * 1000)
    file = s.dir / 'body.json'
    file.write_text(json.dumps(body))
    said = weir.command('explain', '--model', MODEL, str(file))
    check('sets it aside' in said and 'a book' not in said and 'backup' not in said, said)
    shutil.rmtree(prefixes)
    prefixes.write_text('and again, at the start')
    weir = s.weir(**weir.config)
    line = weir.line(r' prefixes .*begun anew.*').string
    check('nothing need be done' in line and 'no folder' in line and 'a book' not in line, line)
