# SPDX-License-Identifier: Apache-2.0
"""Markers that never pay, by order (cache.mode: always, every prompt new): the loss is a negative saving wherever
savings are told, the same number each time."""
import datetime
import json
from exports import Clock, cloudwatch, settings
from weirflow import BUILD, MODEL, Story, ask, check, claude, converse, equal, http_ask, model_path, until

with Story() as s:
    s.simulator()
    clock = Clock(s)
    emf = s.dir / 'emf.log'
    weir = s.weir(env=clock.env(), cache={'mode': 'always', 'holdout': '0%'},
                  **settings(s, cloudwatch={'namespace': 'Weir', 'every': '1s'}, emf={'to': str(emf)}))
    for n in range(6):
        prompt = converse('Well?', system=[{'text': f'Story {n}. ' + 'Once upon a time. ' * 600}])
        equal(ask(weir.url, model_path('converse'), prompt).status, 200)
    one = claude('Well? ' + 'And then it was told again. ' * 600)
    answer = http_ask(weir.url, 'POST', model_path('invoke'), {'Content-Type': 'application/json', 'x-weir-explain': '1'},
                      json.dumps(one).encode())
    records = weir.records(7)
    check(all(r['tokens']['cache_write_5m'] + r['tokens']['cache_write_1h'] > 0 for r in records), 'all were written')
    lost = round(sum(r['untouched_usd'] - r['cost_usd'] for r in records), 9)
    check(lost < -0.001, f'{lost}')
    last = next(r for r in records if r['operation'] == 'InvokeModel')
    equal(round(float(answer.header('x-weir-saved-usd')), 9), round(last['untouched_usd'] - last['cost_usd'], 9), 'header')

    def report(form):
        return s.run([BUILD / 'src' / 'weir', 'report', '-c', weir.path, '--until', '2099-01-01', '--format', form])
    total = json.loads(report('json'))['total']
    equal((round(total['saved_usd'], 9), round(total['saved_by']['cache'], 9)), (lost, lost), 'report')
    equal(total['control_group']['state'], 'none', 'nobody was left alone')
    check(f'Saved by caching: -${-lost:.6f} (estimate); against the control group: nothing to compare' in report('table'),
          report('table'))
    saved, gone = (weir.metric(f'weir_{word}_usd_total', lever='cache') for word in ('saved', 'lost'))
    equal((saved, round(gone, 9)), (0, -lost), 'counters do not fall')
    now = datetime.datetime.now(datetime.timezone.utc)
    points = cloudwatch(weir).get_metric_statistics(Namespace='Weir', MetricName='EstimatedSavings', Statistics=['Sum', 'Average'],
                                      Dimensions=[{'Name': 'ModelId', 'Value': MODEL}], Period=86400,
                                      StartTime=now - datetime.timedelta(days=1), EndTime=now + datetime.timedelta(days=1))['Datapoints']
    equal(round(sum(p['Sum'] for p in points), 9), lost, 'the CloudWatch endpoint')
    clock.forward(70)

    def told():
        rows = [json.loads(line) for line in s.sim.control('/sim/metrics').splitlines()]
        return round(sum(r['sum'] for r in rows if r['metric'] == 'EstimatedSavings' and 'Client' in r['dimensions']), 9)
    until('PutMetricData', lambda: told() == lost)
    lines = [json.loads(line) for line in until('the file', lambda: emf.exists() and emf.read_text()).splitlines()]
    equal(round(sum(e['EstimatedSavings'] for e in lines if 'Client' in e), 9), lost, 'embedded metric format')
