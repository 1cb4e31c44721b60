# SPDX-License-Identifier: Apache-2.0
"""What the book says is what CloudWatch got, what the lines of embedded metric format say, and what an
OpenTelemetry collector decodes, to the token: over a reload and a restart, with calls throttled."""
from exports import MODELS, TOKENS, Clock, Collector, book, emf, order, settings, simulator, told, use
from weirflow import Story, equal, until

with Story() as s:
    s.simulator()
    clock, collector, lines = Clock(s), Collector(s), s.dir / 'emf.log'
    asked = settings(s, emf={'to': str(lines)}, cloudwatch={'namespace': 'Weir', 'every': '1s'},
                     otlp={'endpoint': collector.url, 'every': '1s'})
    weir = s.weir(env=clock.env(), **asked)
    use(weir)
    clock.forward(70)
    told(weir, 'cloudwatch')
    equal(simulator(s), book(s, weir), 'the first minutes')

    asked['metrics']['cloudwatch']['max_series'] = 400
    weir.reload({**weir.config, **asked})
    order(s, 'throttle', 2)
    use(weir)
    clock.forward(70)
    told(weir, 'cloudwatch', 2)
    equal(weir.metric('weir_export_failed_total', exporter='cloudwatch'), 2, 'throttled')
    use(weir, 8)  # the next process tells them
    equal(weir.end(), 0)
    clock.forward(70)

    weir = s.weir(env=clock.env(), **asked)
    use(weir, 4)
    clock.forward(70)
    told(weir, 'cloudwatch', 2)
    told(weir, 'emf', 2)
    wanted = book(s, weir)
    equal({k[0] for k in wanted}, set(MODELS), 'models')
    equal(simulator(s), wanted, 'CloudWatch')
    equal(emf(lines.read_text()), wanted, 'embedded metric format')
    tokens = {m: {k: v[m] for k, v in wanted.items() if v.get(m)} for m in TOKENS}
    equal({k[0]: v['InputTokenCount'] for k, v in simulator(s, totals=True).items()},
          {k[0]: n for k, n in tokens['InputTokenCount'].items()}, 'over all clients')
    until('the last sums', lambda: collector.sums('gen_ai.usage.output_tokens') == tokens['OutputTokenCount'])
    equal(collector.sums('gen_ai.usage.cache_read.input_tokens'), tokens['CacheReadInputTokenCount'])
    equal(collector.sums('gen_ai.usage.cache_creation.input_tokens'), tokens['CacheWriteInputTokenCount'])
    kinds = collector.sums('gen_ai.client.token.usage', ('gen_ai.token.type',))
    equal((kinds['input',], sum(kinds.values())),
          (sum(tokens['InputTokenCount'].values()), sum(n for t in tokens.values() for n in t.values())), 'by kind')
