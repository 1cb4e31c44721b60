# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI of the distribution reads Weir's book as if it were CloudWatch."""
import datetime
import json
import os
from weirflow import MODEL, REGION, Story, ask, check, converse, equal, model_path, skip, until

CLI = '/usr/bin/aws'
if not os.path.exists(CLI):
    skip('no AWS CLI: Debian\'s package is awscli')

with Story() as s:
    weir = s.weir()
    for n in range(5):
        ask(weir.url, '/w/nightly' + model_path('converse'), converse(f'Hello {n}.'))
    ask(weir.url, model_path('converse'), converse('[[sim:throttle]]'))
    charged = s.sim.summary()
    now = datetime.datetime.now(datetime.timezone.utc)
    env = s.client_env(weir, AWS_PAGER='', AWS_DEFAULT_REGION=REGION)

    def aws(*args, good=True):
        text = s.run([CLI, 'cloudwatch', *args, '--endpoint-url', weir.admin, '--output', 'json'], env,
                     status=0 if good else None)
        return json.loads(text) if good else text

    def statistics(metric, *args):
        got = aws('get-metric-statistics', '--namespace', 'Weir', '--metric-name', metric, '--period', '86400',
                  '--start-time', (now - datetime.timedelta(hours=1)).isoformat(),
                  '--end-time', (now + datetime.timedelta(minutes=2)).isoformat(), *args)
        equal(got['Label'], metric)
        return got['Datapoints'][0] if got['Datapoints'] else None

    until('five calls in the book', lambda: (statistics('Invocations', '--statistics', 'Sum') or {}).get('Sum') == 5)
    equal(statistics('InvocationThrottles', '--statistics', 'Sum')['Sum'], 1)
    model = ['--dimensions', f'Name=ModelId,Value={MODEL}']
    for metric, kind in (('InputTokenCount', 'input'), ('OutputTokenCount', 'output')):
        got = statistics(metric, '--statistics', 'Sum', 'SampleCount', 'Average', *model)
        equal([got['Sum'], got['SampleCount'], got['Unit']], [charged[kind], 5, 'Count'], metric)
        equal(got['Average'], charged[kind] / 5)
    latency = statistics('InvocationLatency', '--extended-statistics', 'p50', 'p99.9', *model)
    check(0 < latency['ExtendedStatistics']['p50'] <= latency['ExtendedStatistics']['p99.9'], latency)
    check(statistics('EstimatedCost', '--statistics', 'Sum')['Sum'] > 0, 'a cost')
    equal(statistics('Invocations', '--statistics', 'Sum', '--dimensions', 'Name=ModelId,Value=other'), None)

    listed = aws('list-metrics', '--namespace', 'Weir', '--metric-name', 'Invocations',
                 '--dimensions', 'Name=Workload,Value=nightly', '--recently-active', 'PT3H')['Metrics']
    check([{'Name': 'Workload', 'Value': 'nightly'}] in [m['Dimensions'] for m in listed], listed)
    refused = aws('get-metric-statistics', '--namespace', 'Weir', '--metric-name', 'Invocations', '--period', '60',
                  '--start-time', '2026-01-01', '--end-time', '2026-02-01', '--statistics', 'Sum', good=False)
    check('(InvalidParameterCombination)' in refused and 'limit of 1440' in refused, refused)
