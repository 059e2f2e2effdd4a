"""A web server on 127.0.0.1 that misbehaves as a test tells it to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Site:
    """What is served by path, and how: each request takes the next of `manners`, the last one stays."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    manners: list[Callable[[Any, bytes], None]] = field(default_factory=lambda: [whole])
    ranges: list[str | None] = field(default_factory=list)  # the Range header of each request


def wanted(request: Any) -> int:
    """The first byte asked for."""
    return int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])


def head(request: Any, data: bytes, begin: int) -> None:
    request.send_response(206 if begin else 200)
    if begin:
        request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
    request.send_header("Content-Length", str(len(data) - begin))
    request.end_headers()


def whole(request: Any, data: bytes) -> None:
    """As a server should."""
    begin = wanted(request)
    if begin and begin >= len(data):
        request.send_error(416)
        return
    head(request, data, begin)
    request.wfile.write(data[begin:])


def cut(count: int) -> Callable[[Any, bytes], None]:
    """Announces everything, sends `count` bytes of what was asked for, and hangs up."""

    def send(request: Any, data: bytes) -> None:
        begin = wanted(request)
        head(request, data, begin)
        request.wfile.write(data[begin : begin + count])

    return send


def ignoring_ranges(request: Any, data: bytes) -> None:
    head(request, data, 0)
    request.wfile.write(data)


def cut_ignoring_ranges(count: int) -> Callable[[Any, bytes], None]:
    def send(request: Any, data: bytes) -> None:
        head(request, data, 0)
        request.wfile.write(data[:count])

    return send


def unannounced(request: Any, data: bytes) -> None:
    """Says nothing of the length; the end of the connection is the end of the file."""
    request.send_response(200)
    request.end_headers()
    request.wfile.write(data)


def answering(code: int) -> Callable[[Any, bytes], None]:
    return lambda request, data: request.send_error(code)


def dead(request: Any, data: bytes) -> None:
    """Hangs up without a word."""


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client hangs up on a file that is too long
            super().handle_error(request, client_address)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.ranges.append(self.headers.get("Range"))
            manner = site.manners.pop(0) if len(site.manners) > 1 else site.manners[0]
            name = self.path.lstrip("/")
            if name in site.files:
                manner(self, site.files[name])
            else:
                self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}", files)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
