# SPDX-License-Identifier: Apache-2.0
# waits: 17
"""Tokens a minute: the estimate is taken and the real figure settled; what was read from the cache is free; a
request that does not say max_tokens reserves 4,096; one larger than a minute's worth is told so."""
import json
from limitflow import at_rest, body_of, clients, post, state, until
from weirflow import Story, check, converse, equal
import threading

MOST = 12000  # 200 a second come back

with Story() as s:
    s.simulator()
    weir = s.weir(**clients(s, {'name': 'search', 'limits': {'tokens_per_minute': MOST}}))

    def left(now=None):
        return (now or at_rest(weir, 'search'))['limits']['tokens_per_minute']['left']

    def reserves(body):
        """What it takes while it runs."""
        thread = threading.Thread(target=post, args=(weir, 'search', body), daemon=True)
        full = until('a full bucket', lambda: left() == MOST, 70) and MOST
        thread.start()
        taken = full - left(until('a start', lambda: (now := state(weir, 'search'))['running'] and now))
        thread.join()
        return taken

    for tokens in (3000, None):
        body = body_of('[[sim:delay=4000]]', tokens)
        wanted = -(-len(body) // 4) + (tokens or 4096)
        taken = reserves(body)
        check(wanted - 700 <= taken <= wanted, f'{taken} taken for {wanted}')
        check(left() > MOST - 160, 'most of it was given back')

    too_large = post(weir, 'search', body_of('?', MOST), status=429)
    equal(too_large.header('retry-after'), None, 'never')
    check('larger than a minute' in too_large.json()['message'], too_large.json()['message'])

    text = 'word ' * 2000  # 2,500 tokens
    cached = json.dumps({**converse('Why?', inferenceConfig={'maxTokens': 20}),
                         'system': [{'text': text}, {'cachePoint': {'type': 'default'}}]}).encode()
    usages, took = [], []
    for n in range(2):
        until('a full bucket', lambda: left() == MOST, 70)
        usages.append(post(weir, 'search', cached, status=200).json()['usage'])
        took.append(MOST - left())
    check(usages[0]['cacheWriteInputTokens'] > 2000 and usages[1]['cacheReadInputTokens'] > 2000, f'{usages}')
    check(took[0] > 1000 and took[1] < 100, f'{took} taken')
