# SPDX-License-Identifier: Apache-2.0
"""A night: programs of four shapes, with unmodified SDKs and their default retries, whose prompts go through one Weir.

    threads    boto3, 200 threads; the connection is held
    promises   the AWS SDK for JavaScript, 300 promises; the connection is held
    loop       boto3, one after the other, stops on its first error
    again      boto3, notes errors, and is run again until there are none; 429 until the answer is there

Among the prompts are some with tools, some streams, and some that are asked five times with one body. `Night` says what
is asked, runs it, and checks what came of it against the simulator's ledger and Weir's book."""
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import subprocess
import threading
import time
from batchflow import BUCKET, ROLE, Batch
from exports import FAKETIME
from weirflow import HERE, SANITIZED, ask, check, converse, equal, http_ask, model_path, need_clients, place, until

MODELS = {'threads': 'us.anthropic.claude-sonnet-4-6', 'promises': 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
          'loop': 'us.anthropic.claude-opus-4-6-v1', 'again': 'amazon.nova-lite-v1:0'}
SAMPLES = 5
TOOLS = {'toolConfig': {'tools': [{'toolSpec': {'name': 'look', 'inputSchema': {'json': {'type': 'object'}}}}]}}


def told_apart(shape, n):
    """No other question of this shape has as many tokens and as many in its answer: so the book, too, tells which it was."""
    return f'{shape}: question {n:05} about the lock [[sim:bytes={100 + n % 50 * 4}]]' + ' pad' * (n // 50)


def prompts(shape, count, extras):
    """`count` that a batch takes, the last five of them one prompt; and as many with tools, and streams, as `extras`."""
    made = [{'text': told_apart(shape, n)} for n in range(count - SAMPLES)]
    made += [{'text': f'{shape}: five samples of one question [[sim:bytes=400]]'}] * SAMPLES
    made += [{'text': f'{shape}: question {n} with tools', 'tools': True} for n in range(extras)]
    made += [{'text': f'{shape}: question {n} as a stream', 'stream': True} for n in range(extras)]
    random.Random(shape).shuffle(made)
    return [{'n': n, 'tools': False, 'stream': False, **one} for n, one in enumerate(made)]


def head(text):
    """The simulator's answers begin with a hash of model and question."""
    return text.split(':')[0]


def small_disk(story, size):
    """Where `size` of disk is all that Weir's state may take, if such a thing can be mounted here."""
    state = story.dir / 'night'
    state.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', f'size={size}', 'weir', state]
    if os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        story.doubles.callback(subprocess.run, ['umount', '-l', state], check=False)
    else:
        print('no small file system can be mounted here: the disk is never full')


class Night:
    def __init__(self, story, counts, extras=0, linger='6s', deadline='2h', sim=(), **more):
        self.state = story.dir / 'night'
        self.story, self.batch = story, Batch(story, '--job-ms', '1500', '--ledger', '200000', *sim)
        rule = {'deadline': deadline}
        self.settings = {
            'listen': [{'address': place()}],  # the same after a restart
            'endpoints': {'s3': self.batch.url}, 'state': str(self.state),
            'batch': {'bucket': BUCKET, 'role_arn': ROLE, 'linger': linger, 'poll': '1s'},
            'rules': [{'name': 'again', 'match': {'workload': 'again'}, 'set': {**rule, 'reply': 'retry'}},
                      {'name': 'rest', 'match': {'workload': '*'}, 'set': rule}], **more}
        self.asked = {shape: prompts(shape, count, extras if shape != 'loop' else 0) for shape, count in counts.items()}
        self.answers = {shape: {} for shape in self.asked}
        self.errors, self.runs, self.late = collections.Counter(), collections.Counter(), {}
        self.weirs, self.over, self.peak, self.env = [], threading.Event(), 0, {}
        self.start()

    def start(self):
        self.weirs.append(self.story.weir(env={**self.story.keys(), **self.env}, **self.settings))

    @property
    def weir(self):
        return self.weirs[-1]

    def kill(self):
        """kill -9, and a new one in its place."""
        old = self.weir
        old.may_fail = True
        old.popen.kill()
        old.wait()
        for left in pathlib.Path('/dev/shm').glob(f'*faketime_*_{old.pid}'):
            left.unlink()
        self.start()

    def wrong_clock(self, seconds):
        """The next Weir's clock is so much ahead, or behind."""
        if FAKETIME and not SANITIZED:
            self.env = {'LD_PRELOAD': str(FAKETIME), 'FAKETIME': f'{seconds:+d}', 'FAKETIME_DONT_FAKE_MONOTONIC': '1'}

    def full_disk(self, seconds):
        """Nothing more can be written to Weir's disk for a while."""
        filler = self.state / 'filler'
        if not os.path.ismount(self.state) or filler.exists():
            return
        with open(filler, 'wb', buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b'x' * 4096):
                pass
        threading.Timer(seconds, filler.unlink).start()

    def trouble(self, rng, wire):
        """One thing that goes wrong now. `wire` is s3flow's Between, before S3."""
        def sim(fault, match, count=1):  # 400: enough of them wait for their call
            http_ask(self.batch.sim.control_url, 'POST', '/sim/fault',
                     body=json.dumps({'fault': fault, 'match': match, 'count': count}).encode())
        rng.choice((
            lambda: sim('cut=before', 'CreateModelInvocationJob'), lambda: sim('refuse', 'CreateModelInvocationJob'),
            lambda: sim('throttle', 'CreateModelInvocationJob'), lambda: sim('status=500', 'GetModelInvocationJob', 2),
            lambda: sim('cut=before', 'ListModelInvocationJobs'), lambda: sim('status=503', '/converse', 2),
            lambda: wire.on('PUT .*in.jsonl', 'lose'), lambda: wire.on('PUT .*in.jsonl', 503),
            lambda: wire.on('GET .*jsonl.out', 'cut', 3000), lambda: wire.on('GET .*jsonl.out', 500),
            lambda: wire.on('DELETE .*', 'lose'), lambda: self.full_disk(rng.uniform(0.2, 4))))()

    # --- the programs

    def boto3(self, shape):
        return self.story.boto3(f'{self.weir.url}/w/{shape}', max_pool_connections=400)

    def one(self, client, shape, prompt):
        body = {'modelId': MODELS[shape], **self.question(prompt)}
        if prompt['stream']:
            events = client.converse_stream(**body)['stream']
            return ''.join(e['contentBlockDelta']['delta'].get('text', '') for e in events if 'contentBlockDelta' in e)
        return client.converse(**body)['output']['message']['content'][0]['text']

    def note(self, shape, prompt, text):
        self.answers[shape][prompt['n']] = text

    def missing(self, shape):
        return [p for p in self.asked[shape] if p['n'] not in self.answers[shape]]

    def with_threads(self, shape, threads):
        client = self.boto3(shape)

        def ask(prompt):
            try:
                self.note(shape, prompt, self.one(client, shape, prompt))
            except Exception as error:
                self.errors[f'{shape}: {error!r}'[:300]] += 1
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            list(pool.map(ask, self.missing(shape)))

    def run_threads(self):
        self.with_threads('threads', 200)

    def run_promises(self):
        need_clients()
        todo = self.missing('promises')
        env = self.story.client_env(self.weir, WEIR_URL=f'{self.weir.url}/w/promises')
        done = subprocess.run(['node', HERE / 'clients' / 'promises.mjs', MODELS['promises'], '300'], env=env, check=False,
                              input='\n'.join(map(json.dumps, todo)).encode(), stdout=subprocess.PIPE, timeout=1500)
        for line in done.stdout.decode().splitlines():
            answer = json.loads(line)
            if 'text' in answer:
                self.note('promises', answer, answer['text'])
            else:
                self.errors[f'promises: {answer["error"]}'[:300]] += 1

    def run_loop(self):
        client = self.boto3('loop')
        for prompt in self.missing('loop'):
            began = time.monotonic()
            self.note('loop', prompt, self.one(client, 'loop', prompt))  # its first error ends it
            self.late[prompt['n']] = time.monotonic() - began

    def run_again(self, pause=22):
        """A request that comes within 20 seconds of the last attempt is taken for another sample of the same prompt."""
        while self.missing('again'):
            self.runs['again'] += 1
            self.with_threads('again', 200)
            time.sleep(pause if self.missing('again') else 0)

    def go(self, stubborn=False, seconds=1500):
        """All at once. `stubborn`: a program that ended with errors is run again, as after a crash."""
        def program(shape):
            while True:
                try:
                    getattr(self, 'run_' + shape)()
                except Exception as error:
                    self.errors[f'{shape}: {error!r}'[:300]] += 1
                self.runs[shape] += shape != 'again'
                if not stubborn or not self.missing(shape):
                    return
                time.sleep(0.5)
        threads = [threading.Thread(target=program, args=(shape,), daemon=True) for shape in self.asked]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        watch = threading.Thread(target=self.watch, daemon=True)
        watch.start()
        for thread in threads:
            thread.join(max(1, deadline - time.monotonic()))
        self.over.set()
        watch.join()
        stuck = [shape for shape, thread in zip(self.asked, threads) if thread.is_alive()]
        check(not stuck, f'{stuck} not at their end after {seconds} s; missing '
              + str({shape: len(self.missing(shape)) for shape in self.asked}))

    def watch(self):
        """How much memory Weir takes, at its peak."""
        while not self.over.wait(0.2):
            try:
                self.peak = max(self.peak, self.weir.anon_bytes())
            except (OSError, TypeError):  # it was killed
                pass

    # --- what came of it

    def settled(self):
        """Waits until nothing is open any more: no record without its answer, no job, no row on its way to the book."""
        def idle():
            told = json.loads(http_ask(self.weir.admin, 'GET', '/api/v1/batches').body)
            open_jobs = [job for job in told['jobs'] if job['state'] != 'gone']
            waiting = sum(self.weir.metric('weir_batch_records', state=state) for state in ('pooled', 'in-job', 'direct'))
            return not open_jobs and waiting == 0 and self.weir.metric('weir_batch_outbox') == 0
        until('end of all jobs', idle, 120)

    def right(self):
        """Every program has every answer, each that of its own question."""
        for shape, asked in self.asked.items():
            equal(len(self.answers[shape]), len(asked), f'answers of {shape}; errors {dict(self.errors)}')
            want = {}
            for prompt in asked:
                if prompt['text'] not in want:
                    want[prompt['text']] = head(self.straight(shape, prompt))
                equal(head(self.answers[shape][prompt['n']]), want[prompt['text']], f'{shape}: {prompt}')

    @staticmethod
    def question(prompt):
        return converse(prompt['text'], **(TOOLS if prompt['tools'] else {}))

    def straight(self, shape, prompt):
        """What the simulator says to it without Weir."""
        answer = ask(self.batch.sim.url, model_path('converse', MODELS[shape]), self.question(prompt))
        return json.loads(answer.body)['output']['message']['content'][0]['text']

    def charged(self):
        """Rows of the ledger that were charged, before `right` asks for more."""
        return [row for row in self.batch.sim.rows() if row['charged']]

    def share(self, rows):
        """What batch jobs and tiers cost of what the same tokens would have cost on demand, for what a batch takes."""
        price = {'us.anthropic.claude-sonnet-4-6': (3, 15), 'us.anthropic.claude-haiku-4-5-20251001-v1:0': (1, 5),
                 'amazon.nova-lite-v1:0': (.06, .24), 'us.anthropic.claude-opus-4-6-v1': (5, 25)}
        paid = plain = 0
        for row in rows:
            cost = price[row['model']][0] * row['input'] + price[row['model']][1] * row['output']
            plain += cost
            paid += cost * (0.5 if row.get('tier') in ('batch', 'flex') else 1)
        return paid / plain

    def wanted(self):
        """How often each question was asked, by the hash in its answer."""
        return collections.Counter(head(text).split()[1] for got in self.answers.values() for text in got.values())

    def twice(self, rows):
        """How many charges are more than were asked for: by question."""
        return sum((collections.Counter(row['question'] for row in rows) - self.wanted()).values())

    def book_is_ledger(self, rows):
        self.weir.records(len(rows))
        total = json.loads(self.weir.command('report', '--since', '1d', '--format', 'json'))['total']['tokens']
        for kind in ('input', 'output'):
            equal(total[kind], sum(row[kind] for row in rows), f'{kind} tokens of the book')

    def no_call_lost(self, rows, records):
        """The book against the ledger after kills, question by question: all of the jobs' part is there; of the rest no more
        than was charged; what waited and stands there more often than asked is marked. How many calls died with Weir."""
        known = {(row['model'], row['input'], row['output']): row['question'] for row in rows}
        equal(len(known), len({row['question'] for row in rows}), 'questions that their tokens tell apart')

        def questions(some):
            return collections.Counter(
                known.get((r['asked'], r['tokens']['input'], r['tokens']['output'])) for r in some)
        paid = [record for record in records if record['tokens']['output'] and not record['joined']]
        waited = [r for r in paid if r['lane'] == 'batch' or 'after=batch' in r['decision']]
        ran = collections.Counter(row['question'] for row in rows if row.get('tier') == 'batch')
        equal(questions([r for r in paid if r['lane'] == 'batch']), ran, 'of jobs in the book')
        seen, charged = questions(paid), collections.Counter(row['question'] for row in rows)
        equal(seen - charged, collections.Counter(), 'in the book and not charged')
        marked = questions([r for r in waited if r['maybe_twice']])
        equal(questions(waited) - self.wanted() - marked, collections.Counter(), 'twice, unmarked')
        return sum((charged - seen).values())

    def jobs(self):
        return self.batch.jobs()

