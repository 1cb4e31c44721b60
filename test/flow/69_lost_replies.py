# SPDX-License-Identifier: Apache-2.0
"""A call of which nobody knows whether it arrived is not sent again: not when its reply was lost, not when
Weir was killed meanwhile. What is missing is what the metric and the log say; nothing is there twice."""
import json
import signal
from exports import Clock, book, minus, minute_after, order, settings, simulator, told, use
from weirflow import Story, equal, until

with Story() as s:
    s.simulator()
    clock = Clock(s)
    asked = settings(s, cloudwatch={'namespace': 'Weir', 'every': '1s'})
    weir = s.weir(env=clock.env(), **asked)

    def unknown():
        return weir.metric('weir_export_unknown_total', exporter='cloudwatch')

    use(weir, 4)
    order(s, 'cut=before')  # CloudWatch took it; its reply is lost
    clock.forward(70)
    weir.line(r'export .*minute \S+, part 1: nobody knows')
    equal(unknown(), 1, 'unknown')
    equal(simulator(s), book(s, weir), 'it was there')

    since = len(weir.lines)
    use(weir, 8)
    order(s, 'refuse')  # the connection closes before CloudWatch took it
    clock.forward(70)
    lost = weir.line(r'export .*minute (\S+), part 1: nobody knows', since=since)[1]
    told(weir, 'cloudwatch', 0)
    equal(unknown(), 2, 'unknown')
    missing = minus(book(s, weir), simulator(s))
    equal(missing, book(s, weir, lost, minute_after(lost)), 'what is missing')
    equal(bool(missing), True)

    use(weir, 5)
    order(s, 'hang')  # CloudWatch took it, and Weir is killed before it hears of it
    before = s.sim.control('/sim/metrics')
    clock.forward(70)
    until('the call', lambda: s.sim.control('/sim/metrics') != before)
    weir.signal(signal.SIGKILL)
    weir.wait()
    weir.may_fail = True
    weir = s.weir(env=clock.env(), **asked)
    use(weir, 3)
    clock.forward(70)
    told(weir, 'cloudwatch')
    equal(unknown(), 1, 'after the kill')
    equal(minus(book(s, weir), simulator(s)), missing, 'nothing else is missing')
    data = [json.loads(line)['data'] for line in s.sim.control('/sim/metrics').splitlines()]
    equal(set(data), {1}, 'told twice')
