# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The client's own markers stay as they are, of whatever TTL and wherever; Weir adds what there is room for, an hour before
five minutes. Four of them: nothing is added. What Bedrock refuses of theirs it refuses as it does without Weir."""
import itertools
from cacheflow import ALONE, Ledger, as_json, check_markers, markers, prefixes, taken_out, words
from weirflow import MODEL, Story, ask, check, claude, equal, model_path, same_answer

HOUR, FIVE, BARE = ({'type': 'ephemeral', **ttl} for ttl in ({'ttl': '1h'}, {'ttl': '5m'}, {}))


def session(own, turns=8):
    """An agent that marks some of its blocks itself: a tool, the system prompt, the message that is the newest."""
    messages = []
    for turn in range(turns):
        marked = {'cache_control': own[2]} if own[2] else {}
        messages.append({'role': 'user', 'content': [{'type': 'text', 'text': words(f'{own} {turn}', 400)}]})
        newest = [*messages[:-1], {'role': 'user', 'content': [{**messages[-1]['content'][0], **marked}]}]
        yield claude(tools=[{'name': 't', 'description': words(own, 1500), 'input_schema': {'type': 'object'},
                             **({'cache_control': own[0]} if own[0] else {})}],
                     system=[{'type': 'text', 'text': words('s', 1500), **({'cache_control': own[1]} if own[1] else {})}],
                     messages=newest)
        messages.append({'role': 'assistant', 'content': 'I see.'})


with Story() as s:
    weir, added = s.weir(**ALONE), 0
    for own in itertools.product((None, HOUR, FIVE), (None, HOUR, BARE), (None, HOUR, BARE)):
        for body in session(own):
            sent, before = as_json(body), Ledger(s.sim)
            answer = ask(weir.url, model_path('invoke'), sent)
            arrived, calls = s.sim.last()['body'], len(before.rows())
            if markers(body) != sorted(markers(body)):  # with ours, then without
                equal((calls <= 2, arrived), (True, sent), 'a wrong order')
                same_answer(ask(s.sim.url, model_path('invoke'), sent), answer)
                continue
            equal((answer.status, calls), (200, 1), f'{own}')
            added += len(taken_out(sent, arrived)) > 0
            check_markers(arrived)
    check(added > 40, f'only {added} prompts with markers of their own got more')

    full = list(session((HOUR, BARE, BARE)))[-1]
    for n, status in ((2, 200), (4, 400)):  # four, then five
        full['messages'][n]['content'][0]['cache_control'] = BARE
        for _ in range(3):
            through = ask(weir.url, model_path('invoke'), as_json(full))
            equal((s.sim.last()['body'], through.status), (as_json(full), status), 'untouched')
        if status == 400:
            same_answer(ask(s.sim.url, model_path('invoke'), as_json(full)), through)
    equal(prefixes(weir, MODEL), set(), 'what was learned of the model')
