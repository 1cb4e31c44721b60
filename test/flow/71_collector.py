# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""An OpenTelemetry collector that is away, refuses, comes back and is changed by a reload: sums are cumulative,
so that nothing is missing and nothing counted twice, the last ones are told before Weir stops, and a dead
collector costs nothing."""
import time
from exports import Collector, book, settings, use
from weirflow import Story, equal, until


def outputs(sums):
    return {k: v['OutputTokenCount'] for k, v in sums.items() if v.get('OutputTokenCount')}


with Story() as s:
    s.simulator()
    weir = s.weir(**settings(s, otlp={'endpoint': 'http://127.0.0.1:1', 'every': '200ms'},
                             cloudwatch={'namespace': 'Weir'}, emf={'to': str(s.dir / 'emf.log')}))

    def go_to(collector, path=''):
        weir.reload({**weir.config, 'metrics': {'otlp': {'endpoint': collector.url + path, 'every': '200ms'}}})

    def has_all(collector):
        return collector.sums('gen_ai.usage.output_tokens') == outputs(book(s, weir))

    started = time.monotonic()
    use(weir)
    equal(time.monotonic() - started < 30, True, 'nobody waits for a dead collector')
    weir.line(r'export .*otlp: .*it is tried again')
    collector = Collector(s)
    go_to(collector)
    weir.line(r'export .*otlp: it is well again')
    until('all of it', lambda: has_all(collector))
    collector.fail(3)
    use(weir)
    until('refusals', lambda: weir.metric('weir_export_failed_total', exporter='otlp') >= 4)
    until('all of it', lambda: has_all(collector))
    equal({p['attributes']['weir.workload'] for p in collector.state()['points']}, {'', 'nightly'})
    equal({p['resource']['service.name'] for p in collector.state()['points']}, {'weir'})

    weir.reload({**weir.config, 'metrics': {'otlp': {'endpoint': collector.url, 'every': '1h'}}})
    use(weir)
    equal(weir.end(), 0)
    equal(has_all(collector), True, 'the last word before it stopped')
    weir = s.weir(**settings(s, otlp={'endpoint': collector.url, 'every': '200ms'}))
    use(weir)
    until('both processes', lambda: has_all(collector))
    equal(len({p['resource']['service.instance.id'] for p in collector.state()['points']}), 2)
