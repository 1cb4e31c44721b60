# SPDX-License-Identifier: Apache-2.0
"""What waits is told each minute under CloudWatch's names: the endpoint that answers as CloudWatch has BatchQueueDepth and
BatchOldestAge, in lane batch. Reports and exported records know nothing of it: nothing was asked yet."""
import datetime
import json
from batchflow import BATCH_MODEL
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, ask, check, converse, equal, http_ask, until

PATH = workload('night') + MODEL_PATH


def statistics(weir, name, **dimensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    times = [(now + datetime.timedelta(minutes=m)).strftime('%Y-%m-%dT%H:%M:00Z') for m in (-5, 5)]
    body = {'Namespace': 'Weir', 'MetricName': name, 'Period': 600, 'Statistics': ['Sum', 'Maximum', 'SampleCount'],
            'StartTime': times[0], 'EndTime': times[1], 'Dimensions': [{'Name': k, 'Value': v} for k, v in dimensions.items()]}
    head = {'X-Amz-Target': 'GraniteServiceVersion20100801.GetMetricStatistics', 'Content-Type': 'application/x-amz-json-1.0'}
    answer = http_ask(weir.admin, 'POST', '/', head, json.dumps(body).encode())
    equal(answer.status, 200, answer.body)
    return answer.json()['Datapoints']

with Story() as s:
    weir = holding(s, linger='10m', metering='strict')
    for i in range(7):
        ask(weir.url, PATH, converse(f'Question {i}'), {'x-weir-reply': 'ticket'})
    where = {'ModelId': BATCH_MODEL, 'Client': 'anonymous', 'Lane': 'batch'}
    depth = until('a sample', lambda: statistics(weir, 'BatchQueueDepth', **where))
    check(1 <= depth[0]['Maximum'] <= 7 and depth[0]['SampleCount'] >= 1, depth)
    equal(statistics(weir, 'BatchQueueDepth', Lane='batch')[0]['Maximum'], depth[0]['Maximum'], 'over all clients')
    check(statistics(weir, 'BatchOldestAge', **where)[0]['Maximum'] < 60, 'its age')
    check('batch' not in weir.command('report', '--by', 'model,lane'), 'no row')
    equal(weir.command('book', 'export'), '', 'no record')
    equal(http_ask(weir.admin, 'GET', '/api/v1/decisions').json()['decisions'], [], 'no decision')
    equal(weir.command('book', 'check').count('wrong'), 0, 'the book')
    equal((weir.metric('weir_batch_records', state='pooled'), weir.metric('weir_batch_spool_open')), (7.0, 1.0), 'gauges')
