# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""STATE/prefixes may be lost: deleted, Weir learns anew; damaged, it is put aside and begun anew, and the next start has
nothing to say of it. Clients notice neither."""
import shutil
from weirflow import Story, ask, check, equal, http_ask, model_path

RULES = ' '.join(f'Rule {n} of the river holds.' for n in range(800))


def talk(weir, said, turns):
    """A conversation goes on; how many markers Weir set in its last question."""
    for _ in range(turns):
        said.append({'role': 'user', 'content': [{'text': f'Question {len(said)}. {RULES}'}]})
        body = {'system': [{'text': f'You keep the weir. {RULES}'}], 'messages': said}
        answer = ask(weir.url, model_path('converse'), body)
        equal(answer.status, 200, f'turn {len(said)}')
        said.append({'role': 'assistant', 'content': [{'text': 'An answer.'}]})
    return int(answer.header('x-weir-decision').split(';')[0].split('=')[1].split('@')[0])


def entries(weir):
    return http_ask(weir.admin, 'GET', '/api/v1/prefixes').json()['index']['entries']


with Story() as s:
    weir, said = s.weir(cache={'memory': '1MiB', 'holdout': '0%'}), []
    prefixes, file = s.dir / 'state' / 'prefixes', s.dir / 'state' / 'prefixes' / 'data.mdb'
    check(talk(weir, said, 16) > 0, 'markers, then')
    weir.end()

    file.write_bytes(file.read_bytes()[:8192])
    weir = s.weir(**weir.config)
    weir.line(r' prefixes .*damaged.*begun anew')
    check(prefixes.with_suffix('.damaged').exists(), 'it lies aside')
    equal(entries(weir), 0, 'nothing is known')
    equal(talk(weir, said, 1), 0, 'and nothing is marked')
    weir.end()

    weir = s.weir(**weir.config)
    weir.line(r' prefixes .*were loaded')
    check(entries(weir) > 0 and 'damaged' not in weir.log(), 'the new one is good')
    weir.end()
    shutil.rmtree(prefixes)
    weir = s.weir(**weir.config)
    equal(entries(weir), 0, 'deleted')
    talk(weir, said, 1)
