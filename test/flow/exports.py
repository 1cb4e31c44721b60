# SPDX-License-Identifier: Apache-2.0
"""What the stories of the exporters share: a clock that they can move, a collector, and one shape for the
sums that each side tells, so that they can be compared:

    {(model, client, lane): {'InputTokenCount': 12, ...}}
"""
import collections
import datetime
import json
import os
import pathlib

from weirflow import (BUILD, CLIENT_KEY, CLIENT_SECRET, HERE, REGION, Process, ask, claude, converse,
                      equal, http_ask, model_path, need_clients, skip, until)

FAKETIME = next(iter(sorted(pathlib.Path('/usr/lib').glob('*/faketime/libfaketimeMT.so.1'))), None)
MODELS = ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
          'amazon.nova-pro-v1:0']
TOKENS = {'InputTokenCount': ['input'], 'OutputTokenCount': ['output'], 'CacheReadInputTokenCount': ['cache_read'],
          'CacheWriteInputTokenCount': ['cache_write_5m', 'cache_write_1h', 'cache_write_30m']}
COUNTS = {'Invocations': 'invocations', 'InvocationClientErrors': 'client_errors',
          'InvocationServerErrors': 'server_errors', 'InvocationThrottles': 'throttles'}


class Clock:
    """Weir's wall clock, so many seconds ahead; its monotonic one is the machine's."""

    def __init__(self, story):
        if not FAKETIME:
            skip('libfaketime is not installed: minutes would have to be waited for')
        self.story, self.ahead, self.file = story, 0, story.dir / 'clock'
        self.file.write_text('+0')

    def env(self, **more):
        return {**self.story.keys(), 'LD_PRELOAD': str(FAKETIME), 'FAKETIME_TIMESTAMP_FILE': str(self.file),
                'FAKETIME_NO_CACHE': '1', 'FAKETIME_DONT_FAKE_MONOTONIC': '1', **more}

    def forward(self, seconds):
        self.ahead += seconds
        self.file.write_text(f'+{self.ahead}')
        self.story.sim.control('/sim/clock', 'POST', json.dumps({'auth_ms': self.ahead * 1000}).encode())


def cloudwatch(weir):
    """boto3's client of CloudWatch, that asks Weir."""
    os.environ.update(AWS_EC2_METADATA_DISABLED='true', AWS_CONFIG_FILE='/dev/null',
                      AWS_SHARED_CREDENTIALS_FILE='/dev/null', NO_PROXY='*')
    import boto3
    return boto3.session.Session().client('cloudwatch', endpoint_url=weir.admin, region_name=REGION,
                                          aws_access_key_id=CLIENT_KEY, aws_secret_access_key=CLIENT_SECRET)


class Collector(Process):
    def __init__(self, story):
        need_clients()
        super().__init__('collector', ['node', HERE / 'clients' / 'otlp_receiver.mjs'], story.clean_env(), story.dir)
        story.start(self)
        self.url = f'http://{self.line("otlp ready (.+)")[1]}'

    def state(self):
        state = json.loads(http_ask(self.url, 'GET', '/points').body)
        equal(state['faults'], [], 'what the collector found')
        return state

    def fail(self, n):
        http_ask(self.url, 'POST', f'/fail?n={n}')

    def sums(self, name, by=('gen_ai.request.model', 'weir.client', 'weir.lane')):
        """Over all series, and over the processes that told them."""
        sums = collections.Counter()
        for p in self.state()['points']:
            if p['name'] == name:
                sums[tuple(p['attributes'].get(a) for a in by)] += p['value']
        return dict(sums)


def settings(story, **metrics):
    return {'endpoints': {'runtime': story.sim.url, 'cloudwatch': story.sim.url}, 'metrics': metrics}


def use(weir, n=12):
    """Calls of several kinds, some throttled, until they are in the book."""
    before = weir.metric('weir_book_records_total')
    cached = converse('What is it? ' * 900)
    cached['messages'][0]['content'].append({'cachePoint': {'type': 'default'}})
    for i in range(n):
        model = MODELS[i % 3]
        if i % 4 == 0:
            equal(ask(weir.url, model_path('converse-stream', model), converse(f'Story {i}.')).status, 200)
        elif i % 4 == 1:
            equal(ask(weir.url, '/w/nightly' + model_path('converse', MODELS[0]), cached).status, 200)
        elif i % 4 == 2:
            equal(ask(weir.url, model_path('invoke', MODELS[0]), claude(f'Line {i}.')).status, 200)
        else:
            equal(ask(weir.url, model_path('converse', model), converse(f'[[sim:throttle]] {i}')).status, 429)
    until(f'{n} records', lambda: weir.metric('weir_book_records_total') == before + n)


def clean(sums):
    return {k: {m: v for m, v in s.items() if v} for k, s in sums.items() if any(s.values())}


def book(story, weir, since='1d', until_=None):
    """By weir report, with the clock that Weir has."""
    argv = [BUILD / 'src' / 'weir', 'report', '-c', weir.path, '--by', 'model,client,lane', '--format', 'json',
            '--since', since, '--until', until_ or '2099-01-01']
    sums = {}
    for row in json.loads(story.run(argv))['rows']:
        sums[row['model'], row['client'], row['lane']] = {
            **{m: sum(row['tokens'][k] for k in kinds) for m, kinds in TOKENS.items()},
            **{m: row[field] for m, field in COUNTS.items()}}
    return clean(sums)


def simulator(story, totals=False):
    """What PutMetricData brought, of series with a client or of those over all clients."""
    sums = collections.defaultdict(collections.Counter)
    for line in story.sim.control('/sim/metrics').splitlines():
        m = json.loads(line)
        d = m['dimensions']
        if ('Client' in d) != totals and m['metric'] in {**TOKENS, **COUNTS}:
            sums[d['ModelId'], d.get('Client'), d['Lane']][m['metric']] += m['sum']
    return clean(sums)


def emf(text):
    sums = collections.defaultdict(collections.Counter)
    for line in text.splitlines():
        event = json.loads(line)
        names = [m['Name'] for m in event['_aws']['CloudWatchMetrics'][0]['Metrics']]
        equal(all(n in event for n in names), True, line)
        for name in names:
            if 'Client' in event and name in {**TOKENS, **COUNTS}:
                sums[event['ModelId'], event['Client'], event['Lane']][name] += event[name]
    return clean(sums)


def order(story, fault, count=1):
    """What shall go wrong with the next calls of PutMetricData."""
    body = {'fault': fault, 'count': count, 'match': 'PutMetricData'}
    story.sim.control('/sim/fault', 'POST', json.dumps(body).encode())


def minute_after(iso):
    return (datetime.datetime.fromisoformat(iso.rstrip('Z')) + datetime.timedelta(minutes=1)).isoformat() + 'Z'


def minus(all_, part):
    return clean({k: {m: v - part.get(k, {}).get(m, 0) for m, v in s.items()} for k, s in all_.items()})


def told(weir, exporter, least=1):
    """Waits until an exporter has told so much, and nothing is behind."""
    def look():
        sent = weir.metric('weir_export_sent_total', exporter=exporter)
        return sent >= least and weir.metric('weir_export_behind_seconds', exporter=exporter) < 65
    until(f'{exporter} told {least}', look, 30)
