# SPDX-License-Identifier: Apache-2.0
"""What tools/demo runs: every kind of request, asked of the simulator itself and then through Weir.

Both times the client says which body it sent and what answer it got, the simulator says in its ledger
what arrived, and Weir says in its log how long it kept each request. A row agrees when all requests
were answered, the simulator counted as many as we sent, every body arrived byte for byte, and every
answer is the one that the simulator gives without Weir.
"""
import collections
import concurrent.futures
import datetime
import json
import pathlib
import re
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / 'test' / 'flow'), str(ROOT / 'tools')]

import demo_cache
import demo_lanes
import weirflow as w

HERE = ROOT / 'test' / 'flow'
KINDS = [  # what stands in the table, how it is sent, how many
    ('AWS SDK for JavaScript, h2', 'node:aws-h2', 300),
    ('  the same, ConverseStream', 'node:aws-h2-stream', 200),
    ('  one shared connection', 'node:aws-h2-shared', 300),
    ('AWS SDK for JavaScript, HTTP/1.1', 'node:aws-http1', 300),
    ('  the same, ConverseStream', 'node:aws-http1-stream', 200),
    ('Anthropic SDK, InvokeModel', 'node:anthropic', 200),
    ('  the same, stream', 'node:anthropic-stream', 200),
    ('Anthropic SDK, /anthropic', 'node:anthropic-messages', 200),
    ('OpenAI SDK, chat', 'node:openai', 200),
    ('  the same, stream', 'node:openai-stream', 200),
    ('boto3, Converse', 'boto3:converse', 200),
    ('  the same, ConverseStream', 'boto3:converse_stream', 200),
    ('Converse, cached prefixes', 'cached:', 100),
    ('curl, HTTP/1.1, chunked', 'curl:--http1.1 -HTransfer-Encoding:chunked', 100),
    ('curl, h2 with prior knowledge', 'curl:--http2-prior-knowledge', 100),
    ('body of 64 KB, InvokeModel', 'body:64000', 200),
    ('body of 1 MB', 'body:1000000', 40),
    ('body of 8 MB', 'body:8000000', 8),
    ('body of 24 MB', 'body:24000000', 4),
]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def human(n):
    for unit in ('B', 'KB', 'MB'):
        if n < 10_000 or unit == 'MB':
            return f'{n} {unit}'
        n //= 1000
    return ''


# One function per way of sending; each returns a list of {ok, ms, sent, got}.

def by_node(s, url, what, count):
    env = {**s.client_env(), 'WEIR_URL': url, 'DRIVE_BEARER': w.BEARER}
    lines = s.run(['node', HERE / 'clients' / 'drive.mjs', what, count], env, seconds=300).splitlines()
    return [json.loads(line) for line in lines if line.startswith('{')]


def in_turn(count, one, parallel=4):
    def timed(n):
        began = time.monotonic()
        try:
            sent, got = one(n)
            return {'ok': True, 'ms': 1000 * (time.monotonic() - began), 'sent': w.sha256(sent), 'got': w.sha256(got)}
        except Exception as error:  # a row of the table tells it
            return {'ok': False, 'ms': 1000 * (time.monotonic() - began), 'why': repr(error)}
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(timed, range(count)))


def by_boto3(s, url, what, count):
    client = s.boto3(url, retries={'total_max_attempts': 1}, max_pool_connections=8)
    bodies = {}
    client.meta.events.register('before-send', lambda request, **_: bodies.update(
        {re.search(rb'Question (\d+)', request.body)[1]: bytes(request.body)}))

    def one(n):
        answer = getattr(client, what)(modelId=w.ARN, messages=[{'role': 'user', 'content': [
            {'text': f'Question {n} – ü'}]}])
        got = list(answer['stream']) if 'stream' in answer else answer['output']
        return bodies[str(n).encode()], json.dumps([{k: v for k, v in e.items() if k != 'p'} for e in got]
                                                   if isinstance(got, list) else got).encode()
    return in_turn(count, one)


def by_curl(s, url, what, count):
    def one(n):
        body = json.dumps(w.converse(f'Question {n} ' * 20)).encode()
        signing = [f'-H{k}: {v}' for k, v in w.signed(url, w.model_path('converse'), body).items()]
        text = s.run(['curl', '-sS', '--fail', '--max-time', '30', *what.split(), *signing, '--data-binary', '@-',
                      url + w.model_path('converse')], stdin=body)
        return body, json.dumps(json.loads(text)['output']).encode()
    return in_turn(count, one, parallel=2)


def by_cached(s, url, what, count):
    """Marked for an hour and, behind it, for five minutes."""
    handbook = ' '.join(f'Rule {n} holds.' for n in range(400))

    def one(n):
        asked = w.converse(f'Question {n}', system=[{'text': handbook}, {'cachePoint': {'type': 'default', 'ttl': '1h'}}])
        asked['messages'][0]['content'].append({'cachePoint': {'type': 'default'}})
        body = json.dumps(asked).encode()
        answer = w.ask(url, w.model_path('converse'), body)
        w.equal(answer.status, 200, 'status')
        return body, json.dumps(answer.json()['output']).encode()
    return in_turn(count, one)


def by_body(s, url, what, count):
    before, after = json.dumps(w.claude('@')).encode().split(b'@')

    def one(n):
        room = int(what) - len(before) - len(after)
        body = before + b''.join(b'%04d %08d lorem ipsum ' % (n, i) for i in range(room // 26 + 1))[:room] + after
        answer = w.ask(url, w.model_path('invoke'), body, seconds=60)
        w.equal(answer.status, 200, 'status')
        return body, answer.body
    return in_turn(count, one, parallel=2)


WAYS = {'node': by_node, 'boto3': by_boto3, 'curl': by_curl, 'cached': by_cached, 'body': by_body}


# A row of the table.

def mark(s):
    return s.sim.summary()['requests']


def arrived(s, since):
    """Digests of the bodies that the simulator has got since, from its ledger."""
    rows = [json.loads(line) for line in s.sim.control('/sim/ledger?n=100000').splitlines() if line]
    return collections.Counter(row['body_sha256'] for row in rows if row['id'] > since)


def from_log(weir, since, count):
    """What Weir says of these requests: protocols, bytes in and out, milliseconds added."""
    def lines():
        found = [t for t in weir.lines[since:] if ' exchange ' in t]
        return found if len(found) >= count else None
    found = w.until('log lines', lines)
    pick = [dict(re.findall(r'(\w+)=(\S+)', t)) for t in found]
    return {'via': '/'.join(sorted({p['via'] for p in pick})), 'in': sum(int(p['in']) for p in pick),
            'out': sum(int(p['out']) for p in pick), 'added': [float(p['added_ms']) for p in pick]}


def carry(s, weir, name, how, count):
    way, _, what = how.partition(':')
    straight = WAYS[way](s, s.sim.url, what, count)
    since, log_since = mark(s), len(weir.lines)
    through = WAYS[way](s, weir.url, what, count)
    told = from_log(weir, log_since, len(through))
    ok = sum(r['ok'] for r in through)
    troubles = [f'without Weir: {r["why"]}' for r in straight if not r['ok']][:1]
    if ok != count:
        troubles.append(f'{count - ok} failed: {next(r["why"] for r in through if not r["ok"])}')
    if mark(s) - since != count:
        troubles.append(f'the simulator counts {mark(s) - since}')
    if arrived(s, since) != collections.Counter(r.get('sent') for r in through):
        troubles.append('bodies differ')
    if sorted(r.get('got', '') for r in straight) != sorted(r.get('got', '') for r in through):
        troubles.append('answers differ')
    ms = [r['ms'] for r in through]
    print(f'{name:33}{count:6}{ok:6} {human(told["in"]):>9} {human(told["out"]):>9}  {told["via"]:9}'
          f'{percentile(ms, .5):8.1f}{percentile(ms, .99):8.1f}{percentile([r["ms"] for r in straight], .5):8.1f}'
          f'{percentile(told["added"], .5):8.2f}{percentile(told["added"], .99):8.2f}  {"; ".join(troubles) or "agrees"}',
          flush=True)
    return not troubles, count


def header():
    print('\n' + ' ' * 33 + f'{"":12} {"bytes":>9} {"bytes":>9}  {"":9}{"ms through Weir":>16}{"direct":>8}{"Weir added":>16}')
    print(f'{"kind":33}{"sent":>6}{"ok":>6} {"up":>9} {"down":>9}  {"protocol":9}{"p50":>8}{"p99":>8}{"p50":>8}'
          f'{"p50":>8}{"p99":>8}  ledger, bodies, answers\n' + '-' * 146)


# What the book says of it.

TOKENS = {'input': 'input', 'output': 'output', 'cache_read': 'cache read', 'cache_write_5m': 'written for 5 min',
          'cache_write_1h': 'written for 1 h', 'cache_write_30m': 'written for 30 min'}


def charged(s):
    """What the simulator charged Weir, from its ledger: tokens by kind."""
    rows = [row for row in s.sim.rows() if row['charged'] and row['access_key'] == w.KEY]
    return len(rows), {kind: sum(row[kind] for row in rows) for kind in TOKENS}


def ask_cloudwatch(weir):
    """The client that everybody has for it; where it is missing nothing is said."""
    try:
        import boto3
    except ImportError:
        return
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
    client = boto3.client('cloudwatch', endpoint_url=weir.admin, region_name=w.REGION, aws_access_key_id='any',
                          aws_secret_access_key='any')
    told = client.get_metric_statistics(Namespace='Weir', MetricName='InputTokenCount', Statistics=['Sum'], Period=3600,
                                        StartTime=end - datetime.timedelta(hours=2), EndTime=end)
    print(f'\n$ aws cloudwatch get-metric-statistics --endpoint-url {weir.admin} --namespace Weir '
          f'--metric-name InputTokenCount --statistics Sum --period 3600 ...\n'
          f'{sum(point["Sum"] for point in told["Datapoints"]):.0f}')


def show_book(s, weir):
    """True when the book says what the simulator charged, to the token."""
    calls, bill = charged(s)
    records = weir.records(calls)
    print(f'\n$ weir report --since 1d --by model,lane\n{weir.command("report", "--since", "1d", "--by", "model,lane")}')
    total = json.loads(weir.command('report', '--since', '1d', '--format', 'json'))['total']['tokens']
    print(f'{"tokens":20}{"the book":>12}{"the ledger":>12}{"difference":>12}')
    for kind, words in TOKENS.items():
        print(f'{words:20}{total[kind]:12}{bill[kind]:12}{total[kind] - bill[kind]:12}')
    ask_cloudwatch(weir)
    print(f'\n$ weir book export | tail -1\n{json.dumps(records[-1])}')
    return total == bill


# Who comes in: a second Weir, with clients.

CLIENTS = [{'name': 'search', 'models': ['anthropic.*'], 'limits': {'requests_per_minute': 5}},
           {'name': 'agents', 'budget': {'usd_per_day': '0.002', 'then': 'reject'}}]


def new_key(weir, client, *more):
    """A key that Weir issues: the values of the lines that it prints for pasting."""
    return re.findall(r'^AWS_\w+=(\S+)$', weir.command('keys', 'new', '--client', client, *more), re.M)


def knock(weir, what, wanted, headers, body, model=w.MODEL):
    """One request, and what came of it; True when that is what it should be."""
    target = w.model_path('converse', model)
    if callable(headers):
        headers = headers(target, body)
    answer = w.http_ask(weir.url, 'POST', target, {'Content-Type': 'application/json', **headers}, body)
    kind = answer.header('x-amzn-errortype') or ''
    after = f', Retry-After {answer.header("retry-after")}' if answer.header('retry-after') else ''
    print(f'{what:52}{answer.status} {kind}{after}')
    return answer.status == wanted


def show_clients(s):
    """True when everybody is treated as he should be."""
    admin = w.place()  # `weir keys` asks the admin port that the configuration names
    weir = s.weir(admin={'address': admin}, state=str(s.dir / 'clients'), clients=CLIENTS)
    (key, secret), (token,) = new_key(weir, 'search'), new_key(weir, 'agents', '--bearer')
    body, bearer = json.dumps(w.converse('Who am I?')).encode(), {'Authorization': f'Bearer {token}'}

    def signed(secret):
        return lambda target, body: w.signed(weir.url, target, body, key=key, secret=secret)
    print(f'\nWho comes in: a second Weir with two clients. $ weir keys new --client search: {key}')
    good = [knock(weir, 'nobody', 403, {}, body),
            knock(weir, 'search, signed with its key', 200, signed(secret), body),
            knock(weir, 'search, with another secret', 403, signed('made-up-secret'), body),
            knock(weir, 'search, a model that it may not call', 403, signed(secret), body, 'us.amazon.nova-lite-v1:0')]
    good += [knock(weir, f'search, request {n}, 5 a minute', 200 if n < 6 else 429, signed(secret), body)
             for n in range(2, 7)]
    bill = json.dumps(w.converse('Who pays?', inferenceConfig={'maxTokens': 100})).encode()
    good += [knock(weir, f'agents, bearer key, a budget of {cost}', status, bearer, bill)
             for cost, status in (('$0.002', 200), ('$0.002, spent', 400))]
    weir.command('keys', 'revoke', key)
    good.append(knock(weir, 'search, after weir keys revoke', 403, signed(secret), body))
    weir.records(6)
    print(f'\n$ weir report --by client\n{weir.command("report", "--since", "1d", "--by", "client")}', end='')
    weir.end()
    return all(good)


def stay(s, weir):
    print(f'''
Weir stays up. In another terminal:

    export AWS_ENDPOINT_URL_BEDROCK_RUNTIME={weir.url}      # any AWS SDK
    export ANTHROPIC_BEDROCK_BASE_URL={weir.url}            # the Anthropic SDK for Bedrock
    export OPENAI_BASE_URL={weir.url}/openai/v1             # the OpenAI SDK

    curl -s {weir.url}{w.model_path("converse")} -d '{json.dumps(w.converse("What is a weir?"))}'
    curl -s {weir.admin}/metrics
    curl -s {s.sim.control_url}/sim/summary                      # what the simulator saw

The client's keys do not matter here: Weir signs with its own. Ctrl-C ends it.''', flush=True)
    try:
        weir.popen.wait()
    except KeyboardInterrupt:
        pass


def main():
    once = '--once' in sys.argv
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with w.Story() as s:
        s.simulator('--ledger', '20000')
        weir = s.weir()
        print(f'simulator at {s.sim.address}, Weir at {weir.addresses[0]}, one after the other on this machine')
        header()
        kinds = KINDS
        if not (w.SHARED / 'models' / 'bedrock-runtime.json').exists():
            kinds = [k for k in KINDS if not k[1].startswith('boto3')]
        rows = [carry(s, weir, *kind) for kind in kinds]
        if kinds is not KINDS:
            print("boto3: skipped. Debian's knows Bedrock's runtime only with a newer service model (../shared/models)")
        added = weir.metric('weir_added_seconds_sum') / sum(n for _, n in rows)
        agree = all(good for good, _ in rows)
        print(f'\n{sum(n for _, n in rows)} requests through Weir, {1000 * added:.2f} ms added to each on average; '
              + ('ledger, bodies and answers agree' if agree else 'NOT everything agrees'))
        if not show_book(s, weir):
            print('The book is NOT the bill')
            agree = False
        if not demo_cache.show(s):
            print('Caching did NOT save what it should')
            agree = False
        if not demo_lanes.show(s):
            print('Batch jobs did NOT answer, or save, what they should')
            agree = False
        if not show_clients(s):
            print('Somebody was NOT treated as he should be')
            agree = False
        if not once:
            stay(s, weir)
    return 0 if agree else 1


if __name__ == '__main__':
    sys.exit(main())
