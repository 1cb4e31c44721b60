# SPDX-License-Identifier: Apache-2.0
"""What a story needs: one Weir, one simulator, and ways to ask both.

    with Story() as s:
        weir = s.weir()                       # starts a simulator too; s.sim is it
        answer = ask(weir.url, '/model/m/converse', body)
        equal(answer.status, 200)

Every process is started on ports of its own choice, is ended by its id, and must end well: a Weir
that exits with anything but 0, or that a sanitizer had to say something about, fails its story.
Run as a program it runs a story written for Node: `weirflow.py NN_name.mjs`.
"""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get('WEIR_BUILD', ROOT / 'build'))
SHARED = pathlib.Path(os.environ.get('WEIR_SHARED', ROOT.parent / 'shared'))
SANITIZED = BUILD.name != 'build'

KEY, SECRET, REGION = 'AKIDWEIR', 'weir/secret+of+the+proxy', 'us-east-1'
CLIENT_KEY, CLIENT_SECRET = 'AKIDCLIENT', 'client/secret+of+an+application'
BEARER = 'sim-bearer-token'
MODEL = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
ARN = f'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{MODEL}'

SANITIZER_WORDS = re.compile(r'ERROR: \w+Sanitizer|runtime error:')


class Failed(Exception):
    pass


def skip(reason):
    print(reason)
    sys.exit(77)


SEED = []


def seed():
    """What this run draws its luck from: WEIR_SEED, or a new one each time, which a failure tells."""
    SEED[:] = [int(os.environ.get('WEIR_SEED', time.time_ns() % 100000))]
    return SEED[0]


def place(host='127.0.0.1'):
    """An address where nobody listens, below the ports that connections get by themselves: it stays free until it is used."""
    while True:
        number = random.randrange(10000, 32768)
        with socket.socket() as probe:
            if probe.connect_ex((host, number)) != 0:
                return f'{host}:{number}'


def equal(got, wanted, what='value'):
    if got != wanted:
        raise Failed(f'{what}: got {shorten(got)}, wanted {shorten(wanted)}')


def check(holds, what):
    if not holds:
        raise Failed(what)


def shorten(value):
    text = repr(value)
    return text if len(text) < 300 else text[:300] + f'... ({len(text)})'


def until(what, condition, seconds=60):
    """Waits for something that another process does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failed(f'no {what} after {seconds} s')


class Process:
    """A child whose output is read line by line as it comes."""

    def __init__(self, name, argv, env, cwd):
        self.name, self.lines, self.grown = name, [], threading.Condition()
        self.popen = subprocess.Popen([str(a) for a in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      errors='replace')
        self.pid = self.popen.pid
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.popen.stdout:
            with self.grown:
                self.lines.append(line.rstrip('\n'))
                self.grown.notify_all()
        with self.grown:
            self.grown.notify_all()

    def line(self, pattern, seconds=60, since=0):
        """The first line (from number `since`) that fits; waits for it."""
        deadline = time.monotonic() + seconds
        with self.grown:
            while True:
                for text in self.lines[since:]:
                    m = re.search(pattern, text)
                    if m:
                        return m
                left = deadline - time.monotonic()
                if left <= 0 or (self.popen.poll() is not None and not self.reader.is_alive()):
                    raise Failed(f'{self.name} never said {pattern!r} (exit {self.popen.poll()})')
                self.grown.wait(min(left, 0.2))

    def log(self):
        with self.grown:
            return '\n'.join(self.lines)

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=30):
        try:
            status = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f'{self.name} did not end within {seconds} s') from None
        self.reader.join(5)
        return status

    def end(self):
        """At the latest now; returns the exit status."""
        if self.alive():
            self.signal(signal.SIGTERM)
            try:
                self.popen.wait(60)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self.popen.wait()
        self.reader.join(5)
        return self.popen.returncode


class Simulator(Process):
    def __init__(self, story, options):
        argv = [BUILD / 'tools' / 'bedrock_sim' / 'bedrock_sim', '--listen', '127.0.0.1:0',
                '--control', '127.0.0.1:0', '--key', f'{KEY}:{SECRET}',
                '--key', f'{CLIENT_KEY}:{CLIENT_SECRET}', '--bearer', BEARER, *options]
        if not argv[0].exists():
            argv[0] = BUILD / 'tools' / 'bedrock_sim'
        super().__init__('simulator', argv, story.clean_env(), story.dir)
        ready = self.line(r'bedrock_sim ready data=(\S+) control=(\S+)')
        self.address, self.url, self.control_url = ready[1], f'http://{ready[1]}', f'http://{ready[2]}'
        tls = re.search(r'tls=(\S+)', ready.string)
        self.tls_address = tls[1] if tls and ':' in tls[1] else None

    def control(self, path, method='GET', body=b''):
        answer = http_ask(self.control_url, method, path, body=body)
        equal(answer.status, 200, f'simulator {path}')
        return answer.body.decode()

    def last(self, number=None):
        """The newest request, or that of this row, as it arrived: method, path, headers (pairs), body (bytes), ..."""
        seen = json.loads(self.control('/sim/last' + (f'?id={number}' if number else '')))
        seen['body'] = base64.b64decode(seen['body'])
        return seen

    def rows(self):
        return [json.loads(line) for line in self.control('/sim/ledger?n=100000').splitlines() if line]

    def summary(self):
        return json.loads(self.control('/sim/summary'))


class Weir(Process):
    def __init__(self, story, config, env):
        self.config, self.path = config, story.dir / f'weir{len(story.processes)}.yaml'
        self.write(config)
        self.story = story
        super().__init__('weir', [BUILD / 'src' / 'weir', 'serve', '-c', self.path], env, story.dir)
        story.start(self)
        self.line(r' ready |"event":"ready"')
        found = re.findall(r'listening\W+port\W+(\w+)\W+address\W+([\d.]+:\d+)', self.log())
        self.addresses = [address for port, address in found if port != 'admin']
        self.url = f'http://{self.addresses[0]}'
        self.admin = next(f'http://{address}' for port, address in found if port == 'admin')
        self.port = int(self.addresses[0].rsplit(':', 1)[1])

    def write(self, config):
        """JSON is YAML."""
        self.path.write_text(json.dumps(config, indent=1))

    def reload(self, config):
        since = len(self.lines)
        self.write(config)
        self.signal(signal.SIGHUP)
        return self.line(r' reload .*', since=since).string

    def command(self, *arguments, status=0):
        """`weir ...` with its configuration: what it prints."""
        return self.story.run([BUILD / 'src' / 'weir', *arguments, '-c', self.path], status=status)

    def metrics(self):
        return http_ask(self.admin, 'GET', '/metrics').body.decode()

    def metric(self, name, **labels):
        """The sum of the samples of this name that have these labels."""
        total = 0.0
        for line in self.metrics().splitlines():
            m = re.match(rf'{name}(?:{{(.*)}})? (\S+)$', line)
            if m and all(f'{k}="{v}"' in (m[1] or '') for k, v in labels.items()):
                total += float(m[2])
        return total

    def records(self, wanted=1, *span):
        """The book's single records, when there are so many; it may have ended."""
        def export():
            done = subprocess.run([BUILD / 'src' / 'weir', 'book', 'export', '-c', self.path, *span], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            return rows if len(rows) >= wanted else None
        return until(f'{wanted} records', export)

    def anon_bytes(self):
        text = pathlib.Path(f'/proc/{self.pid}/status').read_text()
        return int(re.search(r'RssAnon:\s+(\d+)', text)[1]) * 1024


def too_late(_, frame):
    """The runner's patience is over: fails the story, and tells where it stood."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stack = [f'{call.name}:{call.lineno}' for call in traceback.extract_stack(frame)]
    raise Failed(f'it took too long; it was at {" > ".join(stack)}')


class Story:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='weir-flow-'))
        self.processes, self.doubles, self.sim = [], contextlib.ExitStack(), None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, too_late)
        return self

    def __exit__(self, kind, error, trace):
        problems = [] if kind is None else [str(error) if issubclass(kind, Failed) else f'{kind.__name__}: {error}']
        for process in reversed(self.processes):
            status = process.end()
            found = SANITIZER_WORDS.search(process.log())
            if found:
                problems.append(f'{process.name}: {found.group()}')
            if status != 0 and isinstance(process, Weir) and not getattr(process, 'may_fail', False):
                problems.append(f'weir ended with {status}')
        self.doubles.close()
        problems += [f'with WEIR_SEED={SEED[0]}'] if problems and SEED else []
        if problems and kind is not SystemExit:
            print('failed: ' + '\n'.join(problems))  # first and, below, last: a log is often cut
            for process in self.processes:
                print(f'--- {process.name}:\n' + '\n'.join(process.log().split('\n')[-25:]))
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is SystemExit:
            return False
        if problems:
            print('failed: ' + '\n'.join(problems), flush=True)
            if kind is not None and not issubclass(kind, Failed):
                return False
            sys.exit(1)
        return False

    def clean_env(self, **more):
        """Nothing of the caller's AWS settings, nor of his proxies."""
        env = {k: os.environ[k] for k in ('PATH', 'LANG', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'WEIR_BUILD')
               if k in os.environ}
        return {**env, 'HOME': str(self.dir), 'AWS_EC2_METADATA_DISABLED': 'true', 'NO_PROXY': '*', **more}

    def keys(self, key=KEY, secret=SECRET):
        return {'AWS_ACCESS_KEY_ID': key, 'AWS_SECRET_ACCESS_KEY': secret, 'AWS_REGION': REGION}

    def client_env(self, weir=None, **more):
        """A client's own settings: other keys than Weir's, and its endpoint."""
        env = self.clean_env(**self.keys(CLIENT_KEY, CLIENT_SECRET), **more)
        if weir:
            env.update(AWS_ENDPOINT_URL_BEDROCK_RUNTIME=weir.url, WEIR_URL=weir.url, WEIR_ADMIN=weir.admin,
                       WEIR_PID=str(weir.pid))
        if self.sim:
            env.update(SIM_URL=self.sim.url, SIM_CONTROL=self.sim.control_url)
        return env

    def start(self, process):
        self.processes.append(process)
        return process

    def simulator(self, *options):
        self.sim = self.start(Simulator(self, options))
        return self.sim

    def config(self, **changes):
        base = {'listen': [{'address': '127.0.0.1:0'}], 'admin': {'address': '127.0.0.1:0'},
                'state': str(self.dir / 'state'), 'workers': 2, 'region': REGION,
                'endpoints': dict.fromkeys(('runtime', 'control'), self.sim.url if self.sim else 'http://127.0.0.1:1')}
        for key, value in changes.items():
            base[key] = {**base[key], **value} if isinstance(base.get(key), dict) else value
        return base

    def weir(self, env=None, **changes):
        """A Weir before the simulator. `env` replaces the access keys that it has in its environment."""
        if not self.sim and 'runtime' not in changes.get('endpoints', {}):
            self.simulator()
        return Weir(self, self.config(**changes), self.clean_env(**(self.keys() if env is None else env)))

    def pair(self, name, key=CLIENT_KEY, secret=CLIENT_SECRET, **more):
        """A row of `clients`: who signs with this pair, which the clients of stories do by themselves."""
        path = self.dir / f'{name}.secret'
        path.write_text(secret + '\n')
        path.chmod(0o600)
        return {'name': name, 'sigv4': {'access_key_id': key, 'secret_file': str(path)}, **more}

    def client(self, name, **more):
        """A client of the configuration with a bearer key; `ask_as` asks as it."""
        path = self.dir / f'{name}.token'
        path.write_text(token_of(name) + '\n')
        path.chmod(0o600)
        return {'name': name, 'bearer_file': str(path), **more}

    def run(self, argv, env=None, seconds=60, status=0, stdin=None):
        """A client to its end; its output."""
        done = subprocess.run([str(a) for a in argv], cwd=self.dir, env=env or self.clean_env(), input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        text = done.stdout.decode(errors='replace')
        if status is not None and done.returncode != status:
            raise Failed(f'{pathlib.Path(str(argv[0])).name} ended with {done.returncode}:\n{text[-3000:]}')
        return text

    def node(self, script, weir, **env):
        need_clients()
        return self.run(['node', HERE / script], self.client_env(weir, **env))

    def boto3(self, url, bearer=None, keys=(), **config):
        """A bedrock-runtime client of Debian's boto3, with the newer service model of the shared data."""
        model = SHARED / 'models' / 'bedrock-runtime.json'
        if not model.exists():
            skip('no shared data: boto3 needs the service model of bedrock-runtime')
        folder = self.dir / 'models' / 'bedrock-runtime' / '2023-09-30'
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / 'service-2.json').exists():  # another thread may be reading it
            shutil.copyfile(model, folder / 'service-2.json')
        for name in [n for n in os.environ if n.startswith('AWS_') or n.lower().endswith('_proxy')]:
            del os.environ[name]  # the caller's, as in clean_env
        os.environ.update(AWS_DATA_PATH=str(self.dir / 'models'), AWS_EC2_METADATA_DISABLED='true',
                          AWS_CONFIG_FILE='/dev/null', AWS_SHARED_CREDENTIALS_FILE='/dev/null')
        import boto3
        import botocore.config
        pair = {'aws_access_key_id': CLIENT_KEY, 'aws_secret_access_key': CLIENT_SECRET, **dict(keys)}
        return boto3.session.Session().client('bedrock-runtime', endpoint_url=url, region_name=REGION, **pair,
                                              config=botocore.config.Config(**config))

    def certificates(self, names='DNS:localhost,IP:127.0.0.1,IP:127.0.0.2'):
        """ca.crt, tls.crt and tls.key for these names, client.crt and client.key (CN=flow.client)."""
        def openssl(*args):
            self.run(['openssl', *args])
        ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
        openssl('req', '-x509', *ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=flow CA', '-days', '2')
        for name, subject in (('tls', 'localhost'), ('client', 'flow.client')):
            openssl('req', *ec, '-keyout', f'{name}.key', '-out', f'{name}.csr', '-subj', f'/CN={subject}')
            (self.dir / 'ext').write_text(f'subjectAltName={names if name == "tls" else "DNS:" + subject}\n')
            openssl('x509', '-req', '-in', f'{name}.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial',
                    '-days', '2', '-extfile', 'ext', '-out', f'{name}.crt')
        return self.dir


def need_clients():
    if not (HERE / 'clients' / 'node_modules' / '.installed').exists():
        skip('the JavaScript clients are not installed: run tools/test flow')


# Asking over HTTP/1.1, with every byte of the target as given.

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)


def http_ask(base, method, target, headers=(), body=b'', seconds=30):
    url = urllib.parse.urlsplit(base)
    conn = http.client.HTTPConnection(url.hostname, url.port, timeout=seconds)
    try:
        conn.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        names = {k.lower() for k, _ in pairs}
        if 'host' not in names:
            pairs.insert(0, ('Host', url.netloc))
        if body and 'content-length' not in names:
            pairs.append(('Content-Length', str(len(body))))
        for name, value in pairs:
            conn.putheader(name, value)
        conn.endheaders(body if body else None)
        answer = conn.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        conn.close()


def signed(base, target, body, headers=None, method='POST', key=CLIENT_KEY, secret=CLIENT_SECRET):
    """The header fields of a request that botocore has signed."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    fields = {'Content-Type': 'application/json', **(headers or {})} if body else dict(headers or {})
    request = AWSRequest(method, base + target, data=body, headers=fields)
    SigV4Auth(Credentials(key, secret), 'bedrock', REGION).add_auth(request)
    return dict(request.headers.items())


def ask(base, target, body=b'', headers=None, method='POST', seconds=30):
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    return http_ask(base, method, target, signed(base, target, body, headers, method), body, seconds)


def token_of(client):
    return f'token-of-{client}-0123456789'


def ask_as(client, base, target, body, headers=None, seconds=30):
    """As one of Story.client's."""
    fields = {'Content-Type': 'application/json', 'Authorization': f'Bearer {token_of(client)}', **(headers or {})}
    return http_ask(base, 'POST', target, fields, json.dumps(body).encode(), seconds)


def model_path(operation, model=MODEL):
    """As boto3 and the AWS SDK for JavaScript write it: everything escaped."""
    return f'/model/{urllib.parse.quote(model, safe="")}/{operation}'


def converse(text='Hello.', **more):
    return {'messages': [{'role': 'user', 'content': [{'text': text}]}], **more}


def claude(text='Hello.', **more):
    return {'anthropic_version': 'bedrock-2023-05-31', 'max_tokens': 64,
            'messages': [{'role': 'user', 'content': text}], **more}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


SIGNING = {'authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token', 'host', ':authority'}


def same_request(direct, through):
    """Both arrived at the simulator alike, apart from what signing again must change."""
    equal(through['method'], direct['method'], 'method')
    equal(through['path'], direct['path'], 'path')
    equal(through['body'], direct['body'], 'body')

    def kept(seen):
        transport = {'connection', 'content-length', 'transfer-encoding', 'accept-encoding', 'expect'}
        return sorted((k.lower(), v) for k, v in seen['headers']
                      if k.lower() not in SIGNING | transport and not k.startswith(':'))
    equal(kept(through), kept(direct), 'headers')


WEIRS_OWN = {'x-weir-request-id', 'x-weir-decision'}


def same_answer(direct, through):
    """Status, body and header fields, but for Weir's own and those of one connection or moment."""
    moment = {'date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'x-amzn-requestid'}
    equal(through.status, direct.status, 'status')
    equal(through.body, direct.body, 'body')

    def kept(answer):
        return sorted((k.lower(), v) for k, v in answer.headers if k.lower() not in moment | WEIRS_OWN)
    equal(kept(through), kept(direct), 'answer headers')


def main():
    story = pathlib.Path(sys.argv[1]).resolve()
    need_clients()
    with Story() as s:
        weir = s.weir()
        print(s.run(['node', story], s.client_env(weir)), end='')


if __name__ == '__main__':
    main()
