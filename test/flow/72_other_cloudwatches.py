# SPDX-License-Identifier: Apache-2.0
"""Our CloudWatch takes what AWS's own SDK puts. And a second one, not ours: moto takes what Weir puts, and answers
questions about it to the token."""
import json
import os
import pathlib
import time
from exports import TOKENS, Clock, book, told, use
from weirflow import HERE, ROOT, Process, Story, equal, http_ask, need_clients, skip

MOTO = pathlib.Path(os.environ.get('WEIR_MOTO', ROOT / '.cache' / 'moto' / 'usr' / 'lib' / 'python3' / 'dist-packages'))


def ask(url, operation, body):
    headers = {'Content-Type': 'application/x-amz-json-1.0',
               'X-Amz-Target': f'GraniteServiceVersion20100801.{operation}',
               'Authorization': 'AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/monitoring/aws4_request, '
                                'SignedHeaders=host, Signature=0'}
    answer = http_ask(url, 'POST', '/', headers, json.dumps(body).encode())
    equal(answer.status, 200, answer.body)
    return answer.json()


with Story() as s:
    s.simulator()
    need_clients()
    said = s.run(['node', HERE / 'clients' / 'put_metrics.mjs'], s.client_env())
    equal('InvalidParameterValueException 400' in said, True, 'a name space of AWS\'s')
    sums = {m['metric']: (m['sum'], m['samples']) for m in map(json.loads, s.sim.control('/sim/metrics').splitlines())}
    equal(sums, {'T': (6.75, 4), 'N': (7, 1)}, 'by the SDK')
    if not MOTO.exists():
        skip('moto is not here: it comes unpacked from Debian packages, see need_moto in tools/lib.sh')
    clock = Clock(s)
    moto = s.start(Process('moto', ['/usr/bin/python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'],
                           s.clean_env(PYTHONPATH=str(MOTO)), s.dir))
    url = moto.line(r'Running on (http://\S+)')[1]
    weir = s.weir(env=clock.env(), endpoints={'runtime': s.sim.url, 'cloudwatch': url},
                  metrics={'cloudwatch': {'namespace': 'Weir', 'every': '1s'}})
    use(weir)
    clock.forward(70)
    told(weir, 'cloudwatch')
    now = int(time.time()) // 60 * 60
    for (model, client, lane), wanted in book(s, weir).items():
        dimensions = [{'Name': n, 'Value': v} for n, v in (('ModelId', model), ('Client', client), ('Lane', lane))]
        for metric in [*TOKENS, 'Invocations']:
            stat = {'Metric': {'Namespace': 'Weir', 'MetricName': metric, 'Dimensions': dimensions}, 'Period': 60,
                    'Stat': 'Sum'}
            found = ask(url, 'GetMetricData', {'MetricDataQueries': [{'Id': 'a', 'MetricStat': stat}],
                                               'StartTime': now - 600, 'EndTime': now + 60})
            equal(sum(found['MetricDataResults'][0]['Values']), wanted.get(metric, 0), f'{model} {metric}')
