# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A catalogue of one's own replaces the built-in one at a reload: new requests cost what it says, what is
in the book stays, and what was running finishes under the old prices. A bad one is refused, by line."""
import threading
from weirflow import BUILD, Story, ask, check, converse, equal, model_path, until

MODEL = 'amazon.nova-lite-v1:0'
GOOD = 'date: "2026-12-01"\nmodels:\n  amazon.nova-lite-v1: {input: 1, output: 2}\n'

with Story() as s:
    weir = s.weir()

    def use(text):
        equal(ask(weir.url, model_path('converse', MODEL), converse(text)).status, 200)

    def price_of(record):
        tokens, nano = record['tokens'], round(record['cost_usd'] * 1e9)
        return {tokens['input'] * 60 + tokens['output'] * 240: 'built in',
                tokens['input'] * 1000 + tokens['output'] * 2000: 'own'}.get(nano, nano)

    use('before')
    slow = threading.Thread(target=use, args=('[[sim:delay=1500]] it began before',))
    slow.start()
    until('slow request', lambda: s.sim.summary()['open'])
    own = s.dir / 'catalogue.yaml'
    config = {**weir.config, 'catalogue': str(own)}

    own.write_text(GOOD.replace('input', 'inptu') + '  a.b: {lanes: {flecks: 1}}\n')
    told = weir.reload(config)
    check('refused' in told and 'catalogue.yaml:3:25: unknown key' in told, told)
    told = s.run([BUILD / 'src' / 'weir', 'check', '-c', weir.path], status=2)
    check('catalogue.yaml:3:25: unknown key "inptu"; did you mean "input"?' in told, told)
    check('catalogue.yaml:4:17: unknown key "flecks"' in told, told)
    use('still before')

    own.write_text(GOOD)
    check('in force' in weir.reload(config), 'the good one is taken')
    s.run([BUILD / 'src' / 'weir', 'check', '-c', weir.path])
    use('after')
    slow.join()
    equal([price_of(r) for r in weir.records(4)], ['built in', 'built in', 'own', 'built in'], 'in order of their ends')
