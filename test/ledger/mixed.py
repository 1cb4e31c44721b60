#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The book equals the bill: mixed requests through the whole daemon, then the simulator's ledger beside
Weir's book.

    mixed.py [--count 10000] [--seed N] [--tls] [--strict]

Every operation and dialect, every fate of test/ledger/mix.py, reloads all the time, one orderly restart
in the middle, and real SDKs beside it. With --tls Weir speaks HTTP/2 over TLS to the simulator, with
--strict no answer ends before its record is on the disk.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'flow')]

import book
import drive
import mix
from weirflow import SHARED, Failed, Story, Weir, check, equal, need_clients, sha256, until

SDK = ['aws-h2', 'aws-h2-stream', 'aws-http1', 'anthropic', 'anthropic-stream', 'anthropic-messages', 'openai']


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument('--count', type=int, default=int(os.environ.get('WEIR_LEDGER_COUNT', 10000)))
    parser.add_argument('--seed', type=int, default=int(os.environ.get('WEIR_SEED', random.randrange(10**6))))
    parser.add_argument('--tls', action='store_true', help='HTTP/2 with TLS between Weir and the simulator')
    parser.add_argument('--strict', action='store_true', help='metering: strict')
    return parser.parse_args()


class Mixed:
    def __init__(self, story, o):
        self.s, self.o, self.specs = story, o, {}
        extra = []
        if o.tls:
            certs = story.certificates()
            extra = ['--tls-listen', '127.0.0.1:0', '--cert', certs / 'tls.crt', '--key-file', certs / 'tls.key']
        story.simulator('--no-auth', '--ledger', str(3 * o.count + 20000), *extra)
        runtime = f'https://{story.sim.tls_address}' if o.tls else story.sim.url
        endpoints = {'runtime': runtime, 'control': story.sim.url, **({'ca_file': str(certs / 'ca.crt')} if o.tls else {})}
        self.config = story.config(endpoints=endpoints, timeouts={'answer': '4s'}, settle={'drain': '3s'},
                                   metering='strict' if o.strict else 'on',
                                   cache={'mode': 'off'})  # a row is known by its body's digest
        self.weir, self.driver = self.start(), drive.Drive(self.where)
        self.reloads, self.serial, self.restarted = 0, 0, False

    def start(self):
        return Weir(self.s, self.config, self.s.clean_env(**self.s.keys()))

    def where(self):
        return ('127.0.0.1', self.weir.port) if self.weir else None

    def requests(self):
        for self.serial in range(1, self.o.count + 1):
            spec = mix.make(self.o.seed, self.serial, alone=not self.o.tls, profiles=not self.o.strict)
            self.specs[spec.key] = spec
            yield spec

    def disturb(self, over):
        """Reloads all the time, and the restart in the middle."""
        while not over.wait(0.1):
            self.reloads += 1
            # It changes nothing that the book says.
            line = self.weir.reload({**self.config, 'timeouts': {'answer': '4s', 'connect': f'{3 + self.reloads % 5}s'}})
            check('in force' in line, line)
            if not self.restarted and self.serial > self.o.count // 2:
                self.restarted = True
                self.restart()

    def restart(self):
        old, self.weir = self.weir, None
        equal(old.end(), 0, 'the end of the first Weir')
        self.weir = self.start()

    def run(self):
        over, errors = threading.Event(), []

        def disturb():
            try:
                self.disturb(over)
            except Exception as error:
                errors.append(error)
                self.driver.stop = True
        thread = threading.Thread(target=disturb, daemon=True)
        began = time.monotonic()
        thread.start()
        try:
            self.driver.run(self.requests())
        finally:
            over.set()
            thread.join(60)
        for error in errors:
            raise error
        return time.monotonic() - began

    def sdks(self):
        """Real SDKs, a workload of their own; what each sent is told by the digests of its bodies."""
        try:
            need_clients()
        except SystemExit:
            return 'without the JavaScript SDKs: they are not installed'
        url, sent = f'{self.weir.url}/w/sdk', 0
        for kind in SDK:
            lines = self.s.run(['node', HERE.parent / 'flow/clients/drive.mjs', kind, 40],
                               {**self.s.client_env(), 'WEIR_URL': url}, seconds=120).splitlines()
            for told in [json.loads(line) for line in lines if line.startswith('{')]:
                check(told['ok'], f'{kind}: {told}')
                self.specs[told['sent']] = mix.Sdk()
                sent += 1
        return f'{sent + self.impatient()} more by real SDKs'

    def impatient(self):
        """boto3 waits a second for a model that takes two, and sends again: one call is bought, all answers
        are right. None without the service model that boto3 needs."""
        if not (SHARED / 'models' / 'bedrock-runtime.json').exists():
            return 0
        client = self.s.boto3(f'{self.weir.url}/w/sdk', read_timeout=1, retries={'total_max_attempts': 4, 'mode': 'standard'})
        sent = set()
        client.meta.events.register('before-send', lambda request, **_: sent.add(sha256(request.body)))
        def one(n):
            answer = client.converse(modelId=mix.SONNET, messages=[{'role': 'user', 'content': [
                {'text': f'[[sim:delay=2000]] Impatient {n}'}]}])
            return answer['output']['message']['content'][0]['text']
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(one, range(8)))
        equal((len(sent), len(answers)), (8, 8), 'different bodies, and different answers')
        bought = [row for row in book.rows_of(self.s.sim) if row['body_sha256'] in sent]
        equal(len(bought), 8, 'calls of impatient clients that were bought')
        self.specs.update({digest: mix.Sdk() for digest in sent})
        return 8

    def settle(self):
        """Until nothing runs any more; then an orderly end, and the book is whole."""
        until('the end of what runs', lambda: self.weir.metric('weir_requests_active') == 0, 30)
        until('the end of what is drained', lambda: self.weir.metric('weir_answers_read_on') == 0, 30)
        equal(self.weir.end(), 0, 'the end of the second Weir')


def main():
    o = options()
    print(f'# seed {o.seed}', flush=True)
    with Story() as s:
        m = Mixed(s, o)
        sdk = m.sdks()
        seconds = m.run()
        m.settle()
        rows, records = book.rows_of(s.sim), m.weir.records(o.count // 2)
        found = book.Comparison(m.specs, rows, records, m.driver.ids).check()
        equal(m.driver.counts['silent'], 0, 'requests without an end')
        check(m.restarted, 'it was over before the restart')
        check(any(row['protocol'] == 'h2' for row in rows) == o.tls, 'HTTP/2 to the simulator')
        equal(book.sums_of(m.weir), book.sums_of_records(records), 'the report beside the records')
        m.weir.command('book', 'check')
        check(all(n == 0 for n in found.difference().values()), found.difference())
        print(f'ok 1 - {o.count} requests ({sdk}) in {seconds:.0f} s with {m.reloads} reloads and a restart: '
              f'{len(rows)} rows, {len(records)} records, difference {json.dumps(found.difference())}, '
              f'{sum(found.estimated.values())} estimated, {sum(r["joined"] for r in records)} joined\n1..1')


if __name__ == '__main__':
    try:
        main()
    except Failed as e:
        print('not ok 1 - the book equals the bill\n' + '\n'.join('#  ' + line for line in str(e).split('\n')) + '\n1..1')
        sys.exit(1)
