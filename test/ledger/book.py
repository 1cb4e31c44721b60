# SPDX-License-Identifier: Apache-2.0
"""The comparison: what the simulator charged, row by row, beside what Weir's book says, record by record
and sum by sum.

A row of the ledger is one of three:

    told     its usage reached Weir: one record has exactly its tokens, model, lane and workload
    untold   it was charged (or nobody can know), and its usage never came: one record, flagged as
             estimated, not zero
    nothing  it cost nothing: an error, or an operation without usage: a record without tokens

Records are found by the request's id where the client learned it, by the serial number in the model's
ARN where the client left before, and else by everything that is in them.
"""
import collections
import json
import re

from weirflow import check

KINDS = ('input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write_30m')
UNTOLD = ('exception', 'frame-error', 'hang', 'cut', 'garbage')
INVOCATIONS = ('Converse', 'ConverseStream', 'InvokeModel', 'InvokeModelWithResponseStream', 'Messages', 'ChatCompletions',
               'Responses')
LANES = {'': 'ondemand', 'default': 'ondemand', 'flex': 'flex', 'priority': 'priority', 'reserved': 'reserved'}
TAG = re.compile(r'^arn:aws:bedrock:us-east-1:(\d{12}):inference-profile/')


def rows_of(sim):
    """The whole ledger, in slices."""
    rows, last = [], 0
    while True:
        text = sim.control(f'/sim/ledger?n=5000&headers=0&after={last}')
        more = [json.loads(line) for line in text.splitlines()]
        if not more:
            return rows
        rows += more
        last = more[-1]['id']


def judge(row, spec):
    fault = spec.fault.split('=')[0]
    if spec.operation not in INVOCATIONS:
        return 'nothing'
    if fault == 'refuse' and row['outcome'] == 'cut' and row['protocol'] != 'h2':  # REFUSED_STREAM is plain
        return 'untold'
    if not row['charged']:
        return 'nothing'
    if spec.operation == 'InvokeModel' and fault == 'cut' and spec.fault != 'cut=before':
        return 'told'  # header fields told it before the cut
    return 'told' if row['outcome'] == 'sent' and fault not in UNTOLD and spec.tells else 'untold'


def tokens_of(thing):
    return tuple(thing[kind] for kind in KINDS)


def add(sums, name, tokens):
    sums[name] = tuple(a + b for a, b in zip(sums.get(name, (0,) * len(KINDS)), tokens))


class Comparison:
    """`specs` by key, `ids` from request id to serial."""

    def __init__(self, specs, rows, records, ids):
        self.specs, self.rows, self.records, self.ids = specs, rows, records, ids
        self.problems = collections.Counter()
        self.examples = {}

    def problem(self, what, example):
        self.problems[what] += 1
        self.examples.setdefault(what, []).append(example)

    def serial_of(self, record):
        serial = self.ids.get(record['id'])
        tag = TAG.match(record['asked'])
        if serial is None and tag and tag[1] != '123456789012':
            serial = int(tag[1])
        return serial

    def sort(self):
        """Rows and records into drawers by what both sides know."""
        self.told_rows, self.told_records = collections.defaultdict(list), collections.defaultdict(list)
        self.untold_rows, self.estimated = collections.Counter(), collections.Counter()
        self.calls, self.attempts = collections.Counter(), collections.Counter()
        self.row_sums, self.record_sums, self.odd = {}, {}, collections.defaultdict(list)
        for row in self.rows:
            if row['operation'] == 'GetInferenceProfile':  # Weir asks that for itself
                continue
            spec = self.specs.get(row['body_sha256'] if row['body_bytes'] else row['path'])
            if spec is None:
                self.problem('a row that nobody sent', row)
                continue
            spec = spec.of(row)
            where = (spec.workload, spec.operation, spec.asked or '')
            self.calls[where] += 1
            kind = judge(row, spec)
            if kind == 'told':
                whole = (*where, spec.model, LANES[row.get('tier', '')], tokens_of(row))
                self.told_rows[whole].append(spec.serial)
                add(self.row_sums, (spec.workload, spec.model, whole[4]), whole[5])
            elif kind == 'untold':
                self.untold_rows[where] += 1
        for record in self.records:
            self.take(record)

    def take(self, record):
        where = (record['workload'], record['operation'], record['asked'])
        tokens = tokens_of(record['tokens'])
        if record['joined']:
            if any(tokens) or record['cost_usd']:
                self.problem('a joined request that has tokens', record)
            return
        self.attempts[where] += record['attempts']
        if not record['attempts'] and any(tokens):
            self.problem('tokens of a request that was never sent', record)
        if record['outcome'] not in ('answered', 'refused-by-origin'):
            self.odd[where].append((record['id'], record['outcome'], record['attempts'], tokens))
        if record['estimated']:
            self.estimated[where] += 1
            if not any(tokens):
                self.problem('an estimate of zero', record)
        elif any(tokens):
            self.told_records[(*where, record['model'], record['lane'], tokens)].append(record)
            add(self.record_sums, (record['workload'], record['model'], record['lane']), tokens)

    def match(self):
        for whole in {*self.told_rows, *self.told_records}:
            rows, records = self.told_rows.get(whole, []), self.told_records.get(whole, [])
            if len(rows) != len(records):
                what = 'charged, and not in the book so' if len(rows) > len(records) else 'in the book, and not charged so'
                self.problem(what, (whole, rows, [r['id'] for r in records]))
                continue
            known = [self.serial_of(r) for r in records]
            for serial in known:
                if serial is not None and serial not in rows:
                    self.problem('tokens of another request', (whole, serial))
        for name, left, right in (('charged without usage / estimated', self.untold_rows, self.estimated),
                                  ('calls in the ledger / in the book', self.calls, self.attempts)):
            for where in {*left, *right}:
                if left[where] != right[where]:
                    self.problem(name, (where, left[where], right[where], self.odd[where]))
        ids = collections.Counter(r['id'] for r in self.records)
        for twice in [i for i, n in ids.items() if n > 1]:
            self.problem('a record twice', twice)

    def check(self):
        self.sort()
        self.match()
        words = [f'{n} x {what}, such as {self.examples[what][:3]}' for what, n in self.problems.items()]
        check(not words, '\n'.join(words))
        return self

    def difference(self):
        """Tokens by kind: the book's minus the ledger's, of what was told."""
        total = [0] * len(KINDS)
        for name in {*self.row_sums, *self.record_sums}:
            zero = (0,) * len(KINDS)
            for i, (a, b) in enumerate(zip(self.record_sums.get(name, zero), self.row_sums.get(name, zero))):
                total[i] += abs(a - b)
        return dict(zip(KINDS, total))


# --- what the program says of its own book

def sums_of(weir):
    """`weir report` by everything: {(workload, model, lane): tokens}."""
    told = json.loads(weir.command('report', '--since', '2d', '--by', 'workload,model,lane', '--format', 'json'))
    sums = {}
    for row in told['rows']:
        add(sums, (row['workload'], row['model'], row['lane']), tokens_of(row['tokens']))
    return {name: tokens for name, tokens in sums.items() if any(tokens)}


def sums_of_records(records):
    sums = {}
    for record in records:
        add(sums, (record['workload'], record['model'], record['lane']), tokens_of(record['tokens']))
    return {name: tokens for name, tokens in sums.items() if any(tokens)}
