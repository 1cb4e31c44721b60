# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Prompts that never come back get not one marker, in any dialect, one by one and in bursts, and a system prompt that begins
with the time. Nova alone may get some, where a write costs what plain input does. In the ledger all cost what they cost
without Weir."""
import concurrent.futures
from cacheflow import NOVA, Ledger, check_markers, marks_of, words
from weirflow import MODEL, Story, ask, check, claude, converse, equal, model_path

NOVA_MODEL = 'us.amazon.nova-lite-v1:0'


def prompt(n):
    """One of each dialect, new from its first block on; every third has its system prompt dated."""
    said, system = words(f'said {n}', 1500), f'It is {n} o\'clock. ' + words('system', 1500 if n % 3 else 200)
    if n % 4 == 0:
        return model_path('converse'), converse(said, system=[{'text': system}])
    if n % 4 == 1:
        return model_path('invoke'), claude(said, system=system)
    if n % 4 == 2:
        return '/anthropic/v1/messages', {'model': 'us.' + MODEL, 'max_tokens': 9, 'system': [{'type': 'text', 'text': system}],
                                          'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': said}]}]}
    return model_path('invoke', NOVA_MODEL), {'schemaVersion': 'messages-v1', 'system': [{'text': system}],
                                              'messages': [{'role': 'user', 'content': [{'text': said}]}]}


with Story() as s:
    s.simulator('--keep', '400')
    weir = s.weir()
    ledger = Ledger(s.sim)

    def one(n):
        answer = ask(weir.url, *prompt(n))
        equal(answer.status, 200, f'prompt {n}')
        return marks_of(answer)

    told = [one(n) for n in range(120)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told += list(pool.map(one, range(120, 360)))
    told = [marks for n, marks in enumerate(told) if n % 4 < 3]
    check(set(told) <= {0, None}, f'x-weir-decision tells of markers: {told}')  # None: the control group
    check(told.count(0) > 240, 'most were planned')
    equal(ledger.share(NOVA), 1, 'what the ledger says')
    for row in ledger.rows():
        if row['model'] != NOVA_MODEL:
            equal(check_markers(s.sim.last(row['id'])['body']), [], 'markers')
