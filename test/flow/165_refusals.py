# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A catalogue that says more than is true: models that take no markers, by 400, in each dialect; one that takes five minutes
only. The client's request succeeds, is asked again once for each thing that is learned, and goes as it came from then on. A
403 of whatever reason likewise, the second time; what is the client's own fault is told as without Weir, nothing learned."""
import json
import time
from cacheflow import check_markers, prefixes, taken_out, words
from weirflow import MODEL, Story, ask, claude, equal, model_path, same_answer

OLD, GPT, OPUS = 'anthropic.claude-3-haiku-20240307-v1:0', 'us.openai.gpt-5.5', 'us.anthropic.claude-opus-4-1-20250805-v1:0'
CACHE = '{min_tokens: 1024, max_markers: 4, fields: [tools, system, messages], ttls: [%s], after_tool_result: true}'
LINE = '  "%s": {input: 1, output: 5, read: 0.1, write_5m: 1.25, write_1h: 2, write_30m: 1.25, cache: %s}\n'
TTLS = {'anthropic.claude-3-haiku': '5m, 1h', 'openai.gpt-5.5': '30m', 'anthropic.claude-opus-4-1': '5m, 1h', MODEL: '5m'}
LISTED = 'date: "2026-11-20"\ngeos: [us]\nmodels:\n' + ''.join(LINE % (name, CACHE % ttls) for name, ttls in TTLS.items())


def prompt(kind, n):
    if kind == 'responses':
        parts = [{'type': 'input_text', 'text': text} for text in (words(kind, 2000), words(n, 100))]
        return '/openai/v1/responses', {'model': GPT, 'input': [{'role': 'user', 'content': parts}]}
    model = OPUS if kind == 'hour' else MODEL if kind == '403' else OLD
    return model_path('invoke', model), claude(words(n, 100), system=words(kind, 2000))


with Story() as s:
    (listed := s.dir / 'catalogue.yaml').write_text(LISTED)
    weir = s.weir(catalogue=str(listed), cache={'mode': 'always', 'ttl': '1h', 'holdout': '0%'})

    def turn(kind, n):
        """How often Bedrock was asked, and the markers that were taken at last."""
        before, (target, body) = s.sim.summary()['requests'], prompt(kind, n)
        equal(ask(weir.url, target, body).status, 200, f'{kind} {n}')
        taken_out(json.dumps(body).encode(), s.sim.last()['body'])
        return s.sim.summary()['requests'] - before, set(check_markers(s.sim.last()['body']))

    for kind, model in (('invoke', OLD), ('responses', GPT)):
        equal([turn(kind, n) for n in range(5)], [(2, set())] + [(1, set())] * 4, kind)
        equal(prefixes(weir, model), {'any'}, f'what is remembered of {kind}')
    equal([turn('hour', n) for n in range(5)], [(2, set())] + [(1, {'5m'})] * 4, 'five minutes only')
    equal(prefixes(weir, OPUS), {'1h'}, 'the hour is refused')
    equal(turn('403', 0), (1, {'5m'}), 'a good model')
    bad = {**prompt('403', 1)[1], 'max_tokens': -1}
    same_answer(*(ask(url, model_path('invoke'), bad) for url in (s.sim.url, weir.url)))
    equal(prefixes(weir, MODEL), set(), 'nothing is learned of that')
    for n in (2, 3):
        s.sim.control('/sim/fault', 'POST', b'{"fault":"status=403","count":1}')
        equal((turn('403', n)[0], len(prefixes(weir, MODEL))), (2, n - 2), 'once may be chance; then one thing is the reason')
        time.sleep(1.1)  # those of one second have one reason
    equal(weir.metric('weir_upstream_resent_total', reason='edit'), 6.0, 'sent again')
