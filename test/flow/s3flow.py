# SPDX-License-Identifier: Apache-2.0
"""S3 for stories: two real servers, what may go wrong between, and a driver of aws/s3.

    with Story() as s:
        rgw = s.start(Rgw(s))                 # Ceph's: verifies signatures and hashes; up in a second or two
        moto = s.start(Moto(s))               # knows If-None-Match on Complete
        bucket = rgw.bucket()                 # a new one, made
        rgw.client                            # boto3's
        wire = s.start(Between(rgw.url))      # the same server, with faults
        equal(s.start(Driver(s, wire.url, bucket))('put a/key 1000 7'), 'good')

A server that is not installed skips the story. Each is a child of its story and ends with it.
"""
import array
import collections
import functools
import hashlib
import http.client
import http.server
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading

import weirflow
from weirflow import BUILD, HERE, ROOT, Failed, Process, skip, until

MOTO = pathlib.Path(os.environ.get('WEIR_MOTO', ROOT / '.cache' / 'moto' / 'usr' / 'lib' / 'python3' / 'dist-packages'))
KEY, SECRET = 'AKIDEXAMPLE', 'wJalrXUtnFEMIEXAMPLE'
S3_KEY, S3_SECRET = 'AKIDBUCKET', 'secret-of-the-bucket'  # who plays Bedrock
REGION = 'us-east-1'
KEYS = {'AWS_ACCESS_KEY_ID': KEY, 'AWS_SECRET_ACCESS_KEY': SECRET, 'AWS_REGION': REGION}


def s3_client(url, key=KEY, secret=SECRET):
    import boto3
    from botocore.config import Config
    return boto3.client('s3', endpoint_url=url, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret,
                        config=Config(s3={'addressing_style': 'path'}))


class Server:
    """What a test asks of a server by itself, past Weir."""
    numbers = itertools.count(1)

    @functools.cached_property
    def client(self):
        return s3_client(self.url)

    def bucket(self):
        name = f'acme-{next(self.numbers)}'
        self.client.create_bucket(Bucket=name)
        return name

    def content(self, bucket, key):
        return self.client.get_object(Bucket=bucket, Key=key)['Body'].read()

    def store(self, bucket, key, body):
        self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def keys(self, bucket, prefix=''):
        return [o['Key'] for o in self.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get('Contents', [])]

    def uploads(self, bucket):
        """How many uploads were begun and neither completed nor aborted."""
        return len(self.client.list_multipart_uploads(Bucket=bucket).get('Uploads', []))


class Rgw(Server):
    """Its one user has three pairs of keys: the driver's, Weir's, and that of who plays Bedrock."""
    name = 'radosgw'

    def __init__(self, story):
        os.environ['PATH'] += ':/usr/sbin:/sbin'
        if not shutil.which('radosgw') or not shutil.which('ceph-osd'):
            skip('radosgw is not here: see need_rgw in tools/lib.sh')
        self.dir = story.dir / f'rgw{len(story.processes)}'
        pairs = [f'{KEY}:{SECRET}', f'{weirflow.KEY}:{weirflow.SECRET}', f'{S3_KEY}:{S3_SECRET}']
        self.popen = subprocess.Popen([HERE / 'rgw.sh', self.dir, *pairs], stdin=subprocess.PIPE, env=story.clean_env(),
                                      stdout=subprocess.DEVNULL)
        until('radosgw', lambda: (self.dir / 'url').exists() or self.popen.poll() is not None, seconds=180)
        if self.popen.poll() is not None:
            raise Failed('radosgw did not start')
        self.url = (self.dir / 'url').read_text().strip()

    def log(self):
        return ''

    def end(self):
        self.popen.stdin.close()
        self.popen.wait(60)


class Moto(Server, Process):
    def __init__(self, story):
        if not (MOTO / 'moto').is_dir():
            skip('moto is not here: it comes unpacked from Debian packages, see need_moto in tools/lib.sh')
        super().__init__('moto', ['/usr/bin/python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'],
                         story.clean_env(PYTHONPATH=str(MOTO), **KEYS), story.dir)
        self.url = self.line(r'Running on (http://\S+)')[1]


class Between(http.server.ThreadingHTTPServer):
    """Hands requests on as they are. What shall happen to the next one that fits is said with `on`:

        wire.on('PUT', 'lose')                    it is done, and the answer is lost
        wire.on('PUT', 'refuse')                  it is not done, and nothing answers
        wire.on('POST .*uploadId', 503, body)     it is not done, and this is the answer
        wire.on('GET', 'cut', 1000)               the answer breaks off after 1000 bytes of its body
        wire.storm(0.3, seed=7)                   from now on so many of all requests meet one of these
    """
    daemon_threads = True

    def __init__(self, url):
        self.there, self.rules, self.seen, self.lock = url.partition('//')[2], [], [], threading.Lock()
        self.share, self.dice, self.met = 0, random.Random(), collections.Counter()
        super().__init__(('127.0.0.1', 0), Handing)
        self.url = f'http://127.0.0.1:{self.server_address[1]}'
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def on(self, fits, what, more=b'', times=1):
        with self.lock:
            self.rules += [(fits, what, more)] * times

    def storm(self, share, seed):
        self.share, self.dice = share, random.Random(seed)

    def take(self, line):
        with self.lock:
            self.seen.append(line)
            for i, (fits, what, more) in enumerate(self.rules):
                if re.match(fits, line):
                    del self.rules[i]
                    return what, more
            if self.dice.random() < self.share:
                what = self.dice.choice(['lose', 'refuse', 'cut', 503, 500])
                self.met[what] += 1
                return what, self.dice.randrange(1000000) if what == 'cut' else b''
        return 'pass', None

    def log(self):
        return '\n'.join(self.seen)

    name = 'between'

    def end(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Who asked has left: that is what some of this is for."""


class Handing(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        what, more = self.server.take(f'{self.command} {self.path}')
        if what == 'refuse':
            self.close_connection = True
        elif isinstance(what, int):
            self.answer(what, [], more)
        else:
            self.hand_on(body, what, more)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def hand_on(self, body, what, more):
        there = http.client.HTTPConnection(self.server.there, timeout=60)
        there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            there.putheader(name, value)
        there.endheaders(body)
        answer = there.getresponse()
        content = answer.read()
        there.close()
        if what == 'lose':
            self.close_connection = True
            return
        self.answer(answer.status, answer.getheaders(), content, more if what == 'cut' else None)

    def answer(self, status, headers, content, cut=None):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ('content-length', 'transfer-encoding', 'connection'):
                self.send_header(name, value)
        length = dict((n.lower(), v) for n, v in headers).get('content-length', len(content))
        self.send_header('Content-Length', length if self.command == 'HEAD' else len(content))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content if cut is None else content[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_):
        pass


class Driver:
    """test/flow/s3_driver.c: a command, and the line that it answers."""
    name = 's3_driver'

    def __init__(self, story, url, bucket, *options, prefix=(), **env):
        self.said = []
        self.popen = subprocess.Popen([*prefix, BUILD / 'test' / 'flow' / 's3_driver', url, bucket, *options],
                                      env=story.clean_env(**{**KEYS, **env}), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __call__(self, command):
        self.popen.stdin.write(command + '\n')
        self.popen.stdin.flush()
        line = self.popen.stdout.readline().strip()
        self.said.append(f'{command}: {line}')
        return line

    def peak_kib(self):
        return int(re.search(r'VmHWM:\s+(\d+)', pathlib.Path(f'/proc/{self.popen.pid}/status').read_text())[1])

    def log(self):
        return '\n'.join(self.said)

    def end(self):
        rest, _ = self.popen.communicate(timeout=20)
        self.said.append(rest)
        if self.popen.returncode != 0:
            print(f'{self.log()}\ns3_driver ended with {self.popen.returncode}')
            sys.exit(1)


def made(length, seed):
    """The bytes that the driver makes: words that count from the seed on."""
    words = array.array('Q', range(seed, seed + (length + 7) // 8))
    if sys.byteorder == 'big':
        words.byteswap()
    return words.tobytes()[:length]


def got(body):
    """What the driver says of these bytes."""
    return f'good {len(body)} {hashlib.sha256(body).hexdigest()}'
