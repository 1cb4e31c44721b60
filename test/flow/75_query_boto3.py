# SPDX-License-Identifier: Apache-2.0
"""boto3 and `weir report` read the same numbers, client by client, model by model, to the token."""
import datetime
import json
from exports import cloudwatch
from weirflow import BUILD, Story, ask, check, claude, converse, equal, model_path, until

MODELS = ('anthropic.claude-sonnet-4-5-20250929-v1:0', 'amazon.nova-lite-v1:0')

with Story() as s:
    weir = s.weir()
    for n in range(12):
        ask(weir.url, ['', '/w/a', '/w/b'][n % 3] + model_path('converse', MODELS[n % 2]), converse(f'Hello {n}.'))
    ask(weir.url, model_path('invoke', MODELS[0]), claude('Hi.'))
    cw = cloudwatch(weir)
    now = datetime.datetime.now(datetime.timezone.utc)
    span = {'StartTime': now - datetime.timedelta(hours=1), 'EndTime': now + datetime.timedelta(minutes=2)}

    def stat(number, metric, dimensions, period):
        return {'Id': f'q{number}', 'MetricStat': {'Stat': 'Sum', 'Period': period, 'Metric': {
            'Namespace': 'Weir', 'MetricName': metric['MetricName'], 'Dimensions': metric['Dimensions']}}}

    def sums(metrics, period):
        queries = [stat(n, m, m['Dimensions'], period) for n, m in enumerate(metrics)]
        got = {}
        for page in cw.get_paginator('get_metric_data').paginate(MetricDataQueries=queries, **span):
            for r in page['MetricDataResults']:
                got[r['Id']] = got.get(r['Id'], 0) + sum(r['Values'])
        return list(got.values())

    total = [{'MetricName': 'Invocations', 'Dimensions': []}]
    until('thirteen calls in the book', lambda: sums(total, 86400) == [13])
    listed = [m for page in cw.get_paginator('list_metrics').paginate(Namespace='Weir') for m in page['Metrics']]
    tokens = [m for m in listed if m['MetricName'] in ('InputTokenCount', 'OutputTokenCount')]
    check(len(tokens) > 40, f'{len(tokens)} metrics')
    equal(sums(tokens, 60), sums(tokens, 86400), 'by minute and by day')
    report = json.loads(s.run([BUILD / 'src' / 'weir', 'report', '-c', weir.path, '--since', '1d', '--by', 'model,workload',
                               '--format', 'json']))
    for row in report['rows']:
        names = [{'Name': 'ModelId', 'Value': row['model']}, {'Name': 'Workload', 'Value': row['workload']}]
        asked = [{'MetricName': f'{kind}TokenCount', 'Dimensions': names} for kind in ('Input', 'Output')]
        if row['workload']:
            equal(sums(asked, 86400), [row['tokens']['input'], row['tokens']['output']], row['model'])
