# SPDX-License-Identifier: Apache-2.0
"""What tools/demo shows of lanes: a program with a thread pool, unmodified but for its endpoint, whose prompts run in
batch jobs through a real S3 server, killed Weir and all. What it cost says the simulator's ledger, not Weir."""
import collections
import concurrent.futures
import http.client
import json
import time
import urllib.request

import batchflow
import s3flow
import weirflow as w

PROMPTS, THREADS = 400, 200
BODIES = [json.dumps(w.converse(f'Summarise ticket {n}: the pump of lock {n % 7} leaks.')).encode() for n in range(PROMPTS)]


def make_bucket(url):
    request = urllib.request.Request(f'{url}/{batchflow.BUCKET}', method='PUT', headers={
        'Authorization': 'AWS4-HMAC-SHA256 Credential=AKIDBUCKET/20260101/us-east-1/s3/aws4_request, '
                         'SignedHeaders=host, Signature=0'})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20).close()


def question_of(answer):
    """The simulator's answers begin with a hash of what was asked."""
    return json.loads(answer)['output']['message']['content'][0]['text'].split(':')[0]


def ask_all(weir, workload):
    """Each prompt from its own thread, sent again when the connection breaks, as SDKs do. Answers, how often."""
    path, again = workload + w.model_path('converse', batchflow.BATCH_MODEL), collections.Counter()

    def one(n):
        headers = {'Content-Type': 'application/json', 'amz-sdk-invocation-id': f'{workload}-{n}'}
        while True:
            try:
                answer = w.http_ask(weir().url, 'POST', path, headers, BODIES[n], seconds=120)
                if answer.status == 200:
                    return question_of(answer.body)
            except (OSError, http.client.HTTPException, ValueError):
                pass
            again['sent again'] += 1
            time.sleep(0.3)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(PROMPTS))), again['sent again']


def charged(s, since):
    rows = [row for row in s.sim.rows() if row['id'] > since and row['charged']]
    tiers = collections.Counter(row.get('tier') or 'default' for row in rows)
    cost = sum((3 * row['input'] + 15 * row['output']) * (0.5 if row.get('tier') == 'batch' else 1) for row in rows) / 1e6
    return tiers, cost


def show(s):
    """True when every prompt got the answer that it gets without Weir, at half the price."""
    if not s3flow.MOTO.exists():
        print('\nBatch jobs: skipped. They want an S3 server; moto could not be unpacked from its packages')
        return True
    url = batchflow.start_moto(s)
    make_bucket(url)
    s.simulator('--s3', url, '--s3-key', f'{s3flow.S3_KEY}:{s3flow.S3_SECRET}', '--ledger', '20000', '--job-ms', '3000')
    settings = {'listen': [{'address': w.place()}], 'state': str(s.dir / 'lanes'), 'endpoints': {'s3': url},
                'batch': {'bucket': batchflow.BUCKET, 'role_arn': batchflow.ROLE, 'linger': '10s', 'poll': '1s'},
                'rules': [{'name': 'nightly', 'match': {'workload': 'nightly'}, 'set': {'deadline': '8h'}}]}
    weirs = [s.weir(**settings)]
    print(f'\nLanes: {PROMPTS} prompts from {THREADS} threads, to Weir and to Weir/w/nightly, whose rule says deadline: 8h')
    want, _ = ask_all(lambda: weirs[-1], '')
    _, plain = charged(s, 0)
    since = s.sim.summary()['requests']
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        night = pool.submit(ask_all, lambda: weirs[-1], '/w/nightly')
        w.until('running job', lambda: 'runs: arn' in weirs[0].log(), 60)
        weirs[0].may_fail = True
        weirs[0].popen.kill()
        weirs[0].wait()
        weirs.append(s.weir(**settings))
        got, again = night.result()
    tiers, cost = charged(s, since)
    right = sum(a == b for a, b in zip(want, got))
    print(f'on demand {plain:.4f} $; by the ledger {cost:.4f} $ in the lanes {dict(tiers)}; Weir was killed -9 while a job ran: '
          f'{again} requests were sent again, {right} of {PROMPTS} answers are those without a batch')
    weirs[-1].records(2 * PROMPTS)
    print(f'\n$ weir report --by workload,lane\n{weirs[-1].command("report", "--since", "1d", "--by", "workload,lane")}', end='')
    weirs[-1].end()
    return right == PROMPTS and tiers['batch'] == PROMPTS and cost < 0.55 * plain
