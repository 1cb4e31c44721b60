#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The book equals the bill: mixed requests through the whole daemon, then the simulator's ledger beside
Weir's book.

    mixed.py [--count 10000] [--seed N] [--tls]

Every operation and dialect, every fate of test/ledger/mix.py, reloads all the time, one orderly restart
in the middle, and real SDKs beside it. With --tls Weir speaks HTTP/2 over TLS to the simulator.
"""
import argparse
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
from doubles import HttpDouble
from weirflow import Failed, Story, Weir, check, equal, need_clients, until

SDK = ['aws-h2', 'aws-h2-stream', 'aws-http1', 'anthropic', 'anthropic-stream', 'anthropic-messages', 'openai']


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument('--count', type=int, default=int(os.environ.get('WEIR_LEDGER_COUNT', 10000)))
    parser.add_argument('--seed', type=int, default=int(os.environ.get('WEIR_SEED', random.randrange(10**6))))
    parser.add_argument('--tls', action='store_true', help='HTTP/2 with TLS between Weir and the simulator')
    return parser.parse_args()


def control_plane(method, path, headers, body):
    """GetInferenceProfile: the one application profile of the mix."""
    if 'application-inference-profile' not in path:
        return 404, '{"message":"no such profile"}'
    return 200, json.dumps({'inferenceProfileArn': mix.PROFILE, 'models': [
        {'modelArn': f'arn:aws:bedrock:us-east-1::foundation-model/{mix.SONNET}'}]})


class Mixed:
    def __init__(self, story, o, control):
        self.s, self.o, self.specs = story, o, {}
        extra = []
        if o.tls:
            certs = story.certificates()
            extra = ['--tls-listen', '127.0.0.1:0', '--cert', certs / 'tls.crt', '--key-file', certs / 'tls.key']
        story.simulator('--no-auth', '--ledger', str(3 * o.count + 20000), *extra)
        runtime = f'https://{story.sim.tls_address}' if o.tls else story.sim.url
        endpoints = {'runtime': runtime, 'control': control.url, **({'ca_file': str(certs / 'ca.crt')} if o.tls else {})}
        self.config = story.config(endpoints=endpoints, timeouts={'answer': '4s'}, settle={'drain': '3s'})
        self.weir, self.driver = self.start(), drive.Drive(self.where)
        self.reloads, self.serial = 0, 0

    def start(self):
        return Weir(self.s, self.config, self.s.clean_env(**self.s.keys()))

    def where(self):
        return ('127.0.0.1', self.weir.port) if self.weir else None

    def requests(self):
        for self.serial in range(1, self.o.count + 1):
            spec = mix.make(self.o.seed, self.serial)
            self.specs[spec.key] = spec
            yield spec

    def disturb(self, over):
        """Reloads all the time, and the restart in the middle."""
        restarted = False
        while not over.wait(0.5):
            self.reloads += 1
            # It changes nothing that the book says.
            line = self.weir.reload({**self.config, 'timeouts': {'answer': '4s', 'connect': f'{3 + self.reloads % 5}s'}})
            check('in force' in line, line)
            if not restarted and self.serial > self.o.count // 2:
                restarted = True
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
                self.specs[told['sent']] = sdk_spec(kind)
                sent += 1
        return f'{sent} of them by real SDKs'

    def settle(self):
        """Until nothing runs any more; then an orderly end, and the book is whole."""
        until('the end of what runs', lambda: self.weir.metric('weir_requests_active') == 0, 30)
        until('the end of what is drained', lambda: self.weir.metric('weir_upstream_draining') == 0, 30)
        equal(self.weir.end(), 0, 'the end of the second Weir')


def sdk_spec(kind):
    spec = mix.Spec(0, random.Random(0))
    spec.workload, spec.tells = 'sdk', True
    model = mix.OPEN[0] if 'openai' in kind else mix.SONNET
    arn = f'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{mix.SONNET}'
    by_arn = kind in ('aws-h2', 'aws-http1', 'anthropic')
    spec.asked = arn if by_arn else f'us.{mix.SONNET}' if kind == 'anthropic-messages' else model
    spec.model = f'us.{mix.SONNET}' if by_arn else spec.asked
    if kind == 'aws-h2-stream':
        spec.asked, spec.model = arn, f'us.{mix.SONNET}'
    spec.operation = {'aws-h2': 'Converse', 'aws-http1': 'Converse', 'aws-h2-stream': 'ConverseStream',
                      'anthropic': 'InvokeModel', 'anthropic-stream': 'InvokeModelWithResponseStream',
                      'anthropic-messages': 'Messages', 'openai': 'ChatCompletions'}[kind]
    return spec


def main():
    o = options()
    print(f'# seed {o.seed}', flush=True)
    with Story() as s, HttpDouble(control_plane) as control:
        m = Mixed(s, o, control)
        sdk = m.sdks()
        seconds = m.run()
        m.settle()
        rows, records = book.rows_of(s.sim), book.records_of(s, m.weir.path)
        found = book.Comparison(m.specs, rows, records, m.driver.ids).check()
        equal(m.driver.counts['silent'], 0, 'requests without an end')
        equal(book.sums_of(s, m.weir.path), book.sums_of_records(records), 'the report beside the records')
        book.weir(s, m.weir.path, 'book', 'check')
        check(all(n == 0 for n in found.difference().values()), found.difference())
        print(f'ok 1 - {o.count} requests ({sdk}) in {seconds:.0f} s with {m.reloads} reloads and a restart: '
              f'{len(rows)} rows, {len(records)} records, difference {json.dumps(found.difference())}, '
              f'{sum(found.estimated.values())} estimated, {sum("joined" in r["flags"] for r in records)} joined\n1..1')


if __name__ == '__main__':
    try:
        main()
    except Failed as e:
        print('not ok 1 - the book equals the bill\n' + '\n'.join('#  ' + line for line in str(e).split('\n')) + '\n1..1')
        sys.exit(1)
