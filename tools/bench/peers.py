# SPDX-License-Identifier: Apache-2.0
"""What stands between load and origin: how each is configured, started, measured and ended.

Every one of them gets one worker, keeps connections to the origin, and writes no access log (Weir
has a row with its line per request and one without). Limits of requests per connection are lifted,
so that none of them is measured at reconnecting. All else is its default.
"""
import ctypes
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

TICK_US = 1e6 / os.sysconf('SC_CLK_TCK')
PR_SET_PDEATHSIG = 1
paced = False  # a load with a fixed pace is on: what begins now is to be in real time
LIBC = ctypes.CDLL(None)
PATH = os.environ.get('PATH', '') + ':/usr/local/sbin:/usr/sbin:/sbin'


def which(program):
    return shutil.which(program, path=PATH)


def free_ports(n):
    """n ports that nobody has now."""
    held = [socket.create_server(('127.0.0.1', 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def open_files():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def go_first():
    """Before what else runs here: a nice value counts only within a session where the kernel groups by
    session, so the group gets one too."""
    os.setsid()
    os.nice(-15)
    group = pathlib.Path('/proc/self/autogroup')
    if group.exists():
        group.write_text('-15')
    set_schedule(os.getpid())


def set_schedule(pid):
    """Under a fixed pace a delay is what is measured, and another program's share of a core would be
    measured too: so that is done in real time. Never under a load that fills a core."""
    how = (os.SCHED_RR, 1) if paced else (os.SCHED_OTHER, 0)
    for one in family(pid):
        for task in os.listdir(f'/proc/{one}/task'):
            os.sched_setscheduler(int(task), how[0], os.sched_param(how[1]))


def set_pace(on, pids):
    """For what runs and for what begins from now on; only root can."""
    global paced
    if os.geteuid() == 0:
        paced = on
        for pid in pids:
            set_schedule(pid)


def begin(argv, core, **more):
    """A program that ends with this one, may open as many files as allowed, keeps to a core, and, where
    that may be asked for, goes before what else runs here."""
    def prepare():
        if os.geteuid() == 0:
            go_first()
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        most = open_files()
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})
    return subprocess.Popen([str(a) for a in argv], preexec_fn=prepare, stdin=subprocess.DEVNULL, **more)


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def family(pid):
    """The process and all below it."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in os.listdir(f'/proc/{pid}/task'):
                todo += map(int, pathlib.Path(f'/proc/{pid}/task/{task}/children').read_text().split())
        except FileNotFoundError:
            pass
    return found


def cpu_us(pid):
    """User and system time of all threads of the family since they began."""
    total = 0
    for one in family(pid):
        fields = pathlib.Path(f'/proc/{one}/stat').read_text().rpartition(')')[2].split()
        total += int(fields[11]) + int(fields[12])
    return total * TICK_US


def thread_us(pid):
    """Time on the CPU by thread name, to the nanosecond: workers name themselves, the office is the
    process, and the clerk is the one left."""
    found = {'worker': 0, 'office': 0, 'clerk': 0}
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        name = (task / 'comm').read_text().strip()
        name = 'office' if task.name == str(pid) else 'worker' if name == 'weir-worker' else 'clerk'
        found[name] += int((task / 'schedstat').read_text().split()[0]) / 1e3
    return found


def memory_kib(pid):
    """(VmRSS, RssAnon) of the family. Pages that a master shares with its worker count twice in the
    first; programs' own text is in the first only."""
    total = {'VmRSS:': 0, 'RssAnon:': 0}
    for one in family(pid):
        for line in pathlib.Path(f'/proc/{one}/status').read_text().split('\n'):
            name, _, value = line.partition('\t')
            if name in total:
                total[name] += int(value.split()[0])
    return total['VmRSS:'], total['RssAnon:']


class Peer:
    """One proxy: `port(http, tls)` is where it takes that kind of connection."""

    def __init__(self, name, folder, origin_port, cert):
        self.name, self.folder, self.origin_port, self.cert = name, folder / name, origin_port, cert
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clear, self.clear_h2, self.secure, self.admin = free_ports(4)
        self.process = None

    def port(self, http, tls):
        return self.secure if tls else self.clear

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self):
        with open(self.folder / 'log', 'ab') as log:
            self.process = begin(self.command(), 0, stdout=log, stderr=log, env=self.environment())
        until = time.monotonic() + 10
        while not all(self.answers(p) for p in {self.port('h1', False), self.port('h2', False), self.secure}):
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f'bench: {self.name} does not start:\n{(self.folder / "log").read_text()[-2000:]}')
            time.sleep(0.05)

    def environment(self):
        return None

    @staticmethod
    def answers(port):
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            end(self.process)
        self.process = None


class Nginx(Peer):
    """As Weir must, it reads a body whole before the origin hears of it (nginx's default), in memory."""
    program = 'nginx'
    buffering, buffer = 'on', '2m'

    def port(self, http, tls):
        """Its clear-text ports speak one protocol each."""
        return self.clear_h2 if http == 'h2' and not tls else super().port(http, tls)

    def command(self):
        temporary = '\n'.join(f'{what}_temp_path {self.folder}/{what};' for what in
                              ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        most = open_files()
        return [which('nginx'), '-p', self.folder, '-e', self.folder / 'error.log', '-c', self.write('nginx.conf', f'''
{'user root;' if os.geteuid() == 0 else ''}
daemon off;
worker_processes 1;
worker_rlimit_nofile {most};
error_log {self.folder}/error.log warn;
pid {self.folder}/nginx.pid;
events {{ worker_connections {most * 5 // 4}; }} # it begins to drop some when the last sixteenth is used
http {{
    access_log off;
    {temporary}
    client_max_body_size 32m;
    client_body_buffer_size {self.buffer};
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    upstream origin {{
        server 127.0.0.1:{self.origin_port};
        keepalive 128;
        keepalive_requests 1000000000;
        keepalive_timeout 300s;
    }}
    server {{
        listen 127.0.0.1:{self.clear} backlog=4096;
        listen 127.0.0.1:{self.clear_h2} http2 backlog=4096;
        listen 127.0.0.1:{self.secure} ssl http2 backlog=4096;
        ssl_certificate {self.cert}/cert.pem;
        ssl_certificate_key {self.cert}/key.pem;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_request_buffering {self.buffering};
        location / {{ proxy_pass http://origin; }}
        location ~ converse-stream$ {{ proxy_pass http://origin; proxy_buffering off; }}
    }}
}}
''')]


class NginxPassing(Nginx):
    """The body goes on as it comes: less to do, and what Weir cannot do, since the signature holds the
    body's hash."""
    buffering, buffer = 'off', '128k'


class Haproxy(Peer):
    program = 'haproxy'

    def command(self):
        pem = self.write('both.pem', (self.cert / 'cert.pem').read_text() + (self.cert / 'key.pem').read_text())
        return [which('haproxy'), '-db', '-f', self.write('haproxy.cfg', f'''
global
    nbthread 1
    maxconn {open_files() // 2 - 100}
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
    http-reuse always
    option http-no-delay
    maxconn {open_files() // 2 - 100}
frontend front
    bind 127.0.0.1:{self.clear} backlog 4096
    bind 127.0.0.1:{self.secure} ssl crt {pem} alpn h2,http/1.1 backlog 4096
    default_backend origin
backend origin
    server origin 127.0.0.1:{self.origin_port}
''')]


class Nghttpx(Peer):
    program = 'nghttpx'

    def command(self):
        return [which('nghttpx'), '--conf=/dev/null', '--workers=1', f'--rlimit-nofile={open_files()}',
                f'--frontend=127.0.0.1,{self.clear};no-tls', f'--frontend=127.0.0.1,{self.secure}',
                f'--backend=127.0.0.1,{self.origin_port}', '--backlog=4096', '--no-ocsp',
                '--frontend-read-timeout=300s', '--backend-read-timeout=300s', '--stream-read-timeout=300s',
                '--backend-keep-alive-timeout=300s', f'--errorlog-file={self.folder}/error.log',
                f'--pid-file={self.folder}/pid', self.cert / 'key.pem', self.cert / 'cert.pem']


class Weir(Peer):
    program = None
    binary = None  # set by run
    level, metering, levers = 'info', 'on', 'off'  # what levers add has a case of its own

    def environment(self):
        return {**{k: v for k, v in os.environ.items() if not k.startswith('AWS_')},
                'AWS_ACCESS_KEY_ID': 'AKIDEXAMPLE', 'AWS_SECRET_ACCESS_KEY': 'wJalrXUtnFEMIEXAMPLEKEY'}

    def command(self):
        return [self.binary, 'serve', '-c', self.write('weir.yaml', f'''
listen:
  - address: 127.0.0.1:{self.clear}
  - address: 127.0.0.1:{self.secure}
    tls: {{cert: {self.cert}/cert.pem, key: {self.cert}/key.pem}}
admin: {{address: 127.0.0.1:{self.admin}}}
state: {self.folder}/state
workers: 1
region: us-east-1
endpoints: {{runtime: http://127.0.0.1:{self.origin_port}}}
metering: {self.metering}
levers: {self.levers}
cache: {{holdout: 0}}
log: {{format: text, level: {self.level}}}
''')]


class WeirQuiet(Weir):
    level = 'warn'


class WeirUnmetered(WeirQuiet):
    metering = 'off'


class WeirObserving(WeirQuiet):
    levers = 'observe'


class WeirActing(WeirQuiet):
    levers = 'on'


class WeirLimited(WeirQuiet):
    """One client, which may have so many calls at a time."""
    token, concurrent = 'token-of-the-bench-0123456789', 100

    def write(self, name, text):
        token = super().write('token', self.token + '\n')
        token.chmod(0o600)
        return super().write(name, f'''{text}clients:
  - name: bench
    bearer_file: {token}
    limits: {{concurrent: {self.concurrent}}}
''')


PEERS = {'nginx': Nginx, 'nginx-passing': NginxPassing, 'haproxy': Haproxy, 'nghttpx': Nghttpx, 'weir': Weir, 'weir-warn': WeirQuiet}


class Direct:
    """No proxy: what the origin itself takes."""
    name = 'direct'

    def __init__(self, origin_port):
        self.origin_port = origin_port

    def port(self, http, tls):
        return self.origin_port
