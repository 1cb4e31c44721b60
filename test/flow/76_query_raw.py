# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The query endpoint byte by byte: pages, other protocols, what is no query, and hands that let go."""
import json
import socket
import urllib.parse
from weirflow import Story, ask, check, converse, equal, http_ask, model_path, until

FORM = {'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8'}
JSON = {'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': 'GraniteServiceVersion20100801.GetMetricData'}


def query(end, n=1, **more):
    return {'StartTime': end - 30 * 86400, 'EndTime': end, 'MetricDataQueries': [{'Id': f'q{i}', 'MetricStat': {
        'Period': 60, 'Stat': 'Sum', 'Metric': {'Namespace': 'Weir', 'MetricName': 'Invocations', 'Dimensions': [
            {'Name': 'ModelId', 'Value': f'model-{i}'}] if i else []}}} for i in range(n)], **more}


with Story() as s:
    weir = s.weir()

    def post(body, headers, target='/'):
        body = urllib.parse.urlencode(body) if headers is FORM else json.dumps(body)
        return http_ask(weir.admin, 'POST', target, headers, body.encode())

    ask(weir.url, model_path('converse'), converse())
    listed = {'Action': 'ListMetrics', 'MetricName': 'Invocations'}
    until('a metric', lambda: b'<Value>' in post(listed, FORM).body)
    now = int(s.run(['date', '+%s'])) + 120
    first = next(r for r in post(query(now, 500), JSON).json()['MetricDataResults'] if r['Id'] == 'q0')
    equal([first['Values'], first['StatusCode']], [[1], 'Complete'])
    for body, headers, code in (({'Action': 'PutMetricData'}, FORM, 'InvalidAction'), ({}, FORM, 'InvalidAction'),
                                ({'Action': 'GetMetricData', '.': '1'}, FORM, 'MalformedInput'),
                                ({'Action': 'ListMetrics', 'RecentlyActive': 'PT1H'}, FORM, 'InvalidParameterValue')):
        got = post(body, headers)
        equal(got.status, 400)
        check(f'<Type>Sender</Type><Code>{code}</Code>' in got.body.decode(), got.body)
    got = post(query(now, 501), JSON)
    equal([got.status, got.header('x-amzn-query-error')], [400, 'InvalidParameterValue;Sender'])
    cbor = http_ask(weir.admin, 'POST', '/service/GraniteServiceVersion20100801/operation/ListMetrics',
                    {'Smithy-Protocol': 'rpc-v2-cbor', 'Content-Type': 'application/cbor'}, b'\xbf\xff')
    equal([cbor.status, cbor.header('smithy-protocol'), cbor.body[:1]], [400, 'rpc-v2-cbor', b'\xa2'])
    check(b'JSON 1.0 and query protocols' in cbor.body, cbor.body)
    equal(post(query(now), {**JSON, 'Origin': 'http://evil.example'}).status, 403)
    body = json.dumps(query(now, 500)).encode()
    for _ in range(30):  # who asks for much and leaves
        with socket.create_connection(urllib.parse.urlsplit(weir.admin).netloc.rsplit(':', 1)) as c:
            c.sendall(b'POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: ' + JSON['X-Amz-Target'].encode() +
                      b'\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
    equal(post(query(now), JSON).status, 200)
