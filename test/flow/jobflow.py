# SPDX-License-Identifier: Apache-2.0
"""What a story of jobs needs: a Weir whose pools become jobs soon, many callers at a time, and what they got."""
import concurrent.futures
import json
import statistics
import time
from batchflow import BATCH_MODEL, BUCKET, ROLE, Batch
from weirflow import BUILD, ask, check, converse, equal, http_ask, model_path, until

PATH = '/w/nightly' + model_path('converse', BATCH_MODEL)
WARM, FEW = model_path('converse', BATCH_MODEL), {'maxTokens': 1}
OWN = ('linger', 'keep', 'replay', 'max_twice', 'kms_key')


def most(times, ms=10000):
    """The most of these moments that are within so many milliseconds."""
    late, best = 0, 0
    for early, begin in enumerate(times):
        while late < len(times) and times[late] < begin + ms:
            late += 1
        best = max(best, late - early)
    return best


class Road:
    """S3 and a simulator (`batch`), and a Weir before them (`weir`)."""

    def __init__(self, story, *options, linger='20s', deadline='8h', reply='wait', bucket=BUCKET, env=None, url=None, between=None,
                 **more):
        """`url`: another S3 than moto (s3flow.py); `between`: where Weir finds it, when that is another place."""
        self.story, self.reply, self.batch = story, reply, Batch(story, *options, url=url)
        own = {name: more.pop(name) for name in OWN if name in more}
        rule = {'name': 'nightly', 'match': {'workload': 'nightly'}, 'set': {'deadline': deadline, 'reply': reply}}
        self.changes = dict(endpoints={'s3': between or self.batch.url}, rules=[rule], **more,
                            batch={'bucket': bucket, 'role_arn': ROLE, 'linger': linger, 'poll': '1s', **own})
        self.weir, self.warmed = story.weir(env=env, **self.changes), 0

    def again(self, **changes):
        """The next Weir, with the same state."""
        self.weir = self.story.weir(**{**self.changes, **changes})
        return self.weir

    def ask_all(self, n, text='Question', seconds=120, flush=True):
        """n callers at once: a list of (question, answer)."""
        return self.at_once([f'{text} {i}' for i in range(n)], PATH, converse, seconds, flush)

    def at_once(self, texts, path, made, seconds=120, flush=True):
        """What is asked so, with bodies `made` of the texts. Their pool leaves when all are in it that come there: how long
        that takes is the machine's affair, not batch.linger's. Whoever is told to come again may be in it, and is done."""
        flush = flush and self.reply == 'wait'
        with concurrent.futures.ThreadPoolExecutor(len(texts)) as callers:
            asked = [callers.submit(ask, self.weir.url, path, made(text), seconds=seconds) for text in texts]
            while flush and (open_ := sum(not a.done() for a in asked)) > self.left('pooled'):
                time.sleep(0.02)
            if flush and open_:
                self.flush()
            return [(text, a.result()) for text, a in zip(texts, asked)]

    def flush(self, n=0):
        """What waits becomes a job now, or when so many wait."""
        until(f'{n} that wait', lambda: self.left('pooled') >= n)
        equal(http_ask(self.weir.admin, 'POST', '/api/v1/batches/flush', body=b'{}').status, 200, 'flush')

    def warm(self, n=600):
        """Interactive requests: so Weir learns how fast the model answers, and what goes on demand goes faster."""
        with concurrent.futures.ThreadPoolExecutor(8) as callers:
            for answer in callers.map(lambda i: ask(self.weir.url, WARM, converse('warm', inferenceConfig=FEW)), range(n)):
                equal(answer.status, 200, 'status of an interactive request')
        self.warmed = self.charged('Converse')

    def at_rate(self, rate, seconds):
        """Interactive requests at a fixed rate; p50 and p99 in ms, each one's time counted from when it should have begun.
        The median of so many times three seconds: this machine has other work, too."""
        body = self.story.dir / 'body'
        body.write_text(json.dumps(converse('warm', inferenceConfig=FEW)))
        load = [BUILD / 'tools' / 'bench' / 'weir-bench-load', '--keep', '--rate', rate, '--count', rate * 3, '--body', body]
        told = [json.loads(self.story.run([*load, self.weir.port, WARM]))['first_us'] for _ in range(max(1, seconds // 3))]
        return [round(statistics.median(t[p] for t in told) / 1000, 2) for p in ('p50', 'p99')]

    def left(self, *states):
        """Records that have no answer yet."""
        return sum(self.weir.metric('weir_batch_records', state=state) for state in states or ('pooled', 'in-job', 'direct'))

    def check_answers(self, got, status=200):
        """Each its own: the simulator's answers depend on the question."""
        words = {}
        for question, answer in got:
            equal(answer.status, status, f'status of {question}: {answer.body[:200]}')
            words[question] = answer.json()['output']['message']['content'][0]['text']
        check(len(set(words.values())) == len(words), 'two questions got one answer')
        return words

    def charged(self, operation=None):
        rows = self.batch.sim.summary()['rows']
        return sum(r['charged'] for r in rows if operation in (None, r['operation'])) - (
            0 if operation == 'BatchConverse' else self.warmed)

    def keys(self):
        return [o['Key'] for o in self.batch.s3.list_objects_v2(Bucket=BUCKET).get('Contents', [])]

    def uploads(self):
        """Begun, and neither completed nor aborted."""
        return self.batch.s3.list_multipart_uploads(Bucket=BUCKET).get('Uploads', [])

    def clean(self):
        until('nothing is left in the bucket', lambda: not self.keys() and not self.uploads())
