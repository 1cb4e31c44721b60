# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Documents that are asked about by Zipf under one system prompt, by Converse, /anthropic messages and InvokeModel: the head and
the documents that come back are cached; what the simulator charged is far less than plain input, the book says as much."""
import random
from cacheflow import ALONE, CLAUDE, Ledger, check_markers, words
from weirflow import MODEL, Story, ask, check, claude, converse, equal, model_path

DOCUMENTS, QUESTIONS = 20, 300
MODELS = [MODEL, 'us.' + MODEL, 'eu.' + MODEL]


def body_of(kind, document, question):
    texts = [words(f'document {document}', 4000), words(f'question {question}', 30)]
    if kind == 0:
        body = converse('', system=[{'text': words('s', 1500)}])
        body['messages'][0]['content'] = [{'text': t} for t in texts]
        return model_path('converse', MODELS[0]), body
    body = claude([{'type': 'text', 'text': t} for t in texts], system=words('s', 1500))
    if kind == 1:
        return model_path('invoke', MODELS[1]), body
    del body['anthropic_version']
    return '/anthropic/v1/messages', {**body, 'model': MODELS[2]}


with Story() as s:
    weir = s.weir(metering='strict', **ALONE)
    rng, ledger = random.Random(5), Ledger(s.sim)
    weights = [1 / (n + 1) for n in range(DOCUMENTS)]
    for question in range(QUESTIONS):
        document, = rng.choices(range(DOCUMENTS), weights)
        equal(ask(weir.url, *body_of(question % 3, document, question)).status, 200, f'question {question}')
        check_markers(s.sim.last()['body'])
    for model in MODELS:
        rows = [row for row in ledger.rows() if row['model'] == model]
        tokens = sum(row[kind] for row in rows for kind in CLAUDE)
        share = sum(row[kind] * price for row in rows for kind, price in CLAUDE.items()) / tokens
        plain = sum(row['input'] for row in rows) / tokens
        print(f'# documents, {model}: input costs {share:.3f}, {plain:.3f} of it is plain')
        check(share < 0.6, f'{model}: the ledger says {share}')
    told = sum(r['untouched_usd'] - r['cost_usd'] for r in weir.records(QUESTIONS))
    plain = sum(r['plain_usd'] for r in weir.records(QUESTIONS))
    check(abs((1 - told / plain) - ledger.share()) < 0.01, f'the book says {1 - told / plain}, the ledger {ledger.share()}')
