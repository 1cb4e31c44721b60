# SPDX-License-Identifier: Apache-2.0
"""Small servers that a story puts where AWS or a company's network would be. Threads of the story's own
process; `with` ends them."""
import contextlib
import http.server
import re
import socket
import socketserver
import struct
import threading
import time
import urllib.parse
import zlib


class HttpDouble:
    """Answers every request by `answer(method, path, headers, body)` -> (status, bytes) or (status, bytes,
    content type)."""

    def __init__(self, answer):
        double = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def serve(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                double.seen.append((self.command, self.path, dict(self.headers.items()), body))
                status, text, *kind = answer(self.command, self.path, self.headers, body)
                text = text if isinstance(text, bytes) else text.encode()
                self.send_response(status)
                if kind:
                    self.send_header('Content-Type', kind[0])
                self.send_header('Content-Length', str(len(text)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who asked may have lost interest
                    self.wfile.write(text)

            do_GET = do_POST = do_PUT = serve

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.server.shutdown()
        self.server.server_close()


def event(kind, payload):
    """One message of an event stream."""
    fields = b''.join(bytes([len(name)]) + name + b'\x07' + struct.pack('>H', len(value)) + value for name, value in (
        (b':event-type', kind.encode()), (b':content-type', b'application/json'), (b':message-type', b'event')))
    prelude = struct.pack('>II', 16 + len(fields) + len(payload), len(fields))
    start = prelude + struct.pack('>I', zlib.crc32(prelude)) + fields + payload
    return start + struct.pack('>I', zlib.crc32(start))


class ConnectProxy:
    """An HTTP proxy that knows CONNECT. Names are looked up in `names` first, as a company's would."""

    def __init__(self, names=None, authorization=None):
        proxy = self
        self.asked, self.names = [], names or {}

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                line = self.rfile.readline().decode().split()
                fields = {}
                while True:
                    name, _, value = self.rfile.readline().decode().partition(':')
                    if not value:
                        break
                    fields[name.lower()] = value.strip()
                proxy.asked.append((line[0], line[1]))
                if authorization and fields.get('proxy-authorization') != authorization:
                    self.wfile.write(b'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
                    return
                host, port = proxy.names.get(line[1]) or line[1].rsplit(':', 1)
                with socket.create_connection((host, int(port))) as origin:
                    self.wfile.write(b'HTTP/1.1 200 Connection established\r\n\r\n')
                    back = threading.Thread(target=pump, args=(origin, self.connection), daemon=True)
                    back.start()
                    pump(self.connection, origin)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.server.shutdown()
        self.server.server_close()


def pump(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Sts(HttpDouble):
    """AssumeRole for `roles` ({ARN: the client it is for}), asked with the keys `base`. Sets of keys are made of the
    client's name and a number, so that a simulator can know them beforehand: `options`."""

    def __init__(self, base, roles, life_s=3600):
        self.base, self.roles, self.life_s = base, roles, life_s
        self.denied, self.mode, self.wait_s = set(), 'well', 0
        self.calls, self.expires, self.given = [], {}, dict.fromkeys(roles.values(), 0)
        super().__init__(self.assume)

    @staticmethod
    def keys(client, n):
        return f'ASIA{client.upper()}{n}', f'secret/{client}/{n}', f'token+{client}+{n}'

    def options(self, n=8):
        """What makes a simulator take the first n sets of each role."""
        return [word for client in self.roles.values() for i in range(n)
                for word in ('--key', ':'.join(self.keys(client, i)))]

    def assume(self, method, path, headers, body):
        form = {k: v[0] for k, v in urllib.parse.parse_qs(body.decode()).items()}
        self.calls.append(form)
        client = self.roles.get(form['RoleArn'])
        time.sleep(self.wait_s)
        if self.mode == 'down':
            return 503, '<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>'
        if self.mode == 'throttled':
            return 400, '<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>'
        if not self.is_signed(method, path, headers, body):
            return 403, '<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>'
        tagged = (form.get('Tags.member.1.Key'), form.get('Tags.member.1.Value')) == ('weir:client', client)
        if not tagged or form['RoleArn'] in self.denied or form['RoleSessionName'] != f'weir-{client}':
            return 403, ('<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: '
                         f'sts:AssumeRole on resource: {form["RoleArn"]}</Message></Error></ErrorResponse>')
        key, secret, token = self.keys(client, self.given[client])
        self.given[client] += 1
        self.expires[key] = int(time.time()) + self.life_s
        until = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(self.expires[key]))
        return 200, (f'<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>'
                     f'<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>'
                     f'<Expiration>{until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>')

    def is_signed(self, method, path, headers, body):
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        m = re.match(r'AWS4-HMAC-SHA256 Credential=([^/]+)/\d+/([^/]+)/sts/aws4_request, SignedHeaders=([^,]+), '
                     r'Signature=([0-9a-f]{64})$', headers.get('Authorization', ''))
        if not m or m[1] != self.base[0]:
            return False
        request = AWSRequest(method, f'http://{headers["Host"]}{path}', data=body,
                             headers={name: headers[name] for name in m[3].split(';')})
        request.context['timestamp'] = headers['X-Amz-Date']
        auth = SigV4Auth(Credentials(*self.base), 'sts', m[2])
        return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request) == m[4]


class RawOrigin:
    """An origin whose answers are played: `act(path, body)` -> [status, Content-Length, then bytes to send, seconds to
    wait, or the error type of the head]; then the connection stays, or ends when the answer is not whole."""

    def __init__(self, act):
        self.seen, double = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                double.seen.append(body)
                status, length, *rest = act(self.path, body)
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    for kind in (r for r in rest if isinstance(r, str)):
                        self.send_header('x-amzn-errortype', kind)
                    self.send_header('Content-Type', 'application/json')
                    self.send_header('Content-Length', str(length))
                    self.end_headers()
                    for step in (r for r in rest if not isinstance(r, str)):
                        if isinstance(step, bytes):
                            self.wfile.write(step)
                            length -= len(step)
                        else:
                            time.sleep(step)
                self.close_connection = length > 0

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.server.shutdown()
        self.server.server_close()
