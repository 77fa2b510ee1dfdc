# SPDX-License-Identifier: Apache-2.0
"""An HTTP(S) server of slides on loopback that can misbehave, and that can be slow and narrow."""

import email.utils
import hashlib
import os
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PART = 256 << 10


class Link:
    """So many bytes a second, of all connections together."""

    def __init__(self, bytes_per_second):
        self.rate, self.free_at, self.lock = bytes_per_second, 0.0, threading.Lock()

    def carry(self, count):
        if not self.rate:
            return
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + count / self.rate
            wait = self.free_at - now
        if wait > 0:
            time.sleep(wait)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A request and its answer are small packets that must not wait for one another.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        time.sleep(self.server.owner.delay_s)  # a connection's own round trip

    def do_GET(self):
        owner = self.server.owner
        owner.note(self)
        time.sleep(owner.delay_s)
        misbehave = owner.misbehaviour
        if misbehave and misbehave(self):
            return
        self.answer()

    def do_POST(self):
        self.server.owner.on_post(self)

    def do_PUT(self):
        self.server.owner.on_put(self)

    def refuse(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def find(self):
        name = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
        path = self.server.owner.folder / name
        return path if path.is_file() else None

    def span(self, size):
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found:
            return None
        first = int(found[1])
        return first, min(int(found[2] or size - 1), size - 1)

    def answer(self, etag=None, ranges=True):
        owner = self.server.owner
        path = self.find()
        if not path:
            return self.refuse(404)
        size = path.stat().st_size
        etag = owner.etag_of(path) if etag is None else etag
        wanted = self.headers.get("If-Match")
        if wanted and wanted != etag:
            return self.refuse(412)
        since = self.headers.get("If-Unmodified-Since")
        modified = email.utils.formatdate(int(path.stat().st_mtime), usegmt=True)
        if since and since != modified:
            return self.refuse(412)
        span = self.span(size) if ranges else None
        if span and span[0] >= size:
            return self.refuse(416, [("Content-Range", f"bytes */{size}")])
        first, last = span or (0, size - 1)
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Last-Modified", modified)
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.send_part(path, first, last + 1)
        return None

    def send_part(self, path, at, end):
        owner = self.server.owner
        try:
            with path.open("rb") as file:
                while at < end:
                    count = min(PART, end - at)
                    owner.link.carry(count)
                    if owner.tls:
                        file.seek(at)
                        self.wfile.write(file.read(count))
                    else:
                        self.wfile.flush()
                        count = os.sendfile(self.connection.fileno(), file.fileno(), at, count)
                    owner.sent(count)
                    at += count
        except OSError:  # the reader has had enough
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Readers hang up when they have what they want, and tests make them."""

    request_queue_size = 64


class SlideServer:
    """Serves a folder. `misbehaviour(handler)` may answer in its own way and say so by True."""

    def __init__(self, folder, delay_s=0.0, bytes_per_second=0, certificate=None):
        self.folder, self.delay_s, self.link = Path(folder), delay_s, Link(bytes_per_second)
        self.misbehaviour = self.on_post = self.on_put = None
        self.requests, self.bytes_sent = [], 0
        self.lock = threading.Lock()
        self.etags = {}
        self.tls = certificate is not None
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.owner = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self):
        return self.server.server_port

    def url(self, name, user=""):
        scheme = "https" if self.tls else "http"
        host = "localhost" if self.tls else "127.0.0.1"
        return f"{scheme}://{user}{host}:{self.port}/{urllib.parse.quote(name)}"

    def note(self, handler):
        with self.lock:
            self.requests.append((handler.path, dict(handler.headers)))

    def sent(self, count):
        with self.lock:
            self.bytes_sent += count

    def etag_of(self, path):
        state = path.stat()
        key = (str(path), state.st_size, state.st_mtime_ns)
        if key not in self.etags:
            self.etags[key] = '"%s"' % hashlib.md5(repr(key).encode()).hexdigest()
        return self.etags[key]

    def forget(self):
        with self.lock:
            self.requests, self.bytes_sent = [], 0


def make_certificate(folder, name="localhost"):
    """(certificate, key) of a server of that name, signed by itself."""
    folder = Path(folder)
    made = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", str(made[1]), "-out", str(made[0])],
                   check=True, capture_output=True)
    return made
