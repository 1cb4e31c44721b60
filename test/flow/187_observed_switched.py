# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What was withheld is not believed cached when the levers go on, nor after a restart with them on: agents in mid-session are
written anew at once, and no verdict holds it against the model."""
from cacheflow import ALONE, Ledger, as_json, prefixes, words
from weirflow import Story, ask, check, converse, equal, model_path, place

AGENTS = 6

admin = place()

with Story() as s:
    weir = s.weir(admin={'address': admin}, levers='observe', **ALONE)
    sessions = {seed: [[] for _ in range(AGENTS)] for seed in ('first', 'second')}

    def turns(seed, n):
        ledger = Ledger(s.sim)
        for turn in range(n * AGENTS):
            messages = sessions[seed][turn % AGENTS]
            messages.append({'role': 'user', 'content': [{'text': words((seed, turn % AGENTS, len(messages)), 500)}]})
            body = as_json({**converse('', system=[{'text': words(seed, 2500)}]), 'messages': messages})
            equal(ask(weir.url, model_path('converse'), body).status, 200, 'status')
            messages.append({'role': 'assistant', 'content': [{'text': 'I see.'}]})
        rows = ledger.rows()
        return ledger.share(), sum(r['cache_read'] for r in rows), sum(r['cache_write_5m'] + r['cache_write_1h'] for r in rows)

    def hits():
        return prefixes(weir)['verdicts'][0]['hit_rate']

    equal(turns('first', 8), (1, 0, 0), 'observe')
    weir.command('levers', 'on')
    share, _, written = turns('first', 1)
    check(written > AGENTS * 4000, f'whole sessions are written at once: {written} tokens')
    share, read, _ = turns('first', 4)
    check(share < 0.4 and read, f'on: {share}')
    check(hits() > 0.98, f'no miss is held against the model: {hits()}')

    weir.command('levers', 'observe')
    _, read, written = turns('second', 8)
    equal((read, written), (0, 0), 'observe again')
    weir.end()
    weir = s.weir(**{**weir.config, 'levers': 'on'})
    weir.line(r' prefixes .*were loaded')
    share, _, written = turns('second', 1)
    check(written > AGENTS * 4000, f'nothing withheld is believed after a restart: {written} tokens')
    check(hits() > 0.98, f'nor there: {hits()}')
