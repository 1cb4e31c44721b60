# SPDX-License-Identifier: Apache-2.0
"""Small servers that a story puts where AWS or a company's network would be. Threads of the story's own
process; `with` ends them."""
import http.server
import socket
import socketserver
import struct
import threading
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
