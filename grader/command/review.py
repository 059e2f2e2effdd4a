"""grade.py review: a page on this machine, on which people decide what the grader could not."""

from __future__ import annotations

import argparse
import socket
import ssl
import sys
from importlib.util import find_spec
from pathlib import Path

from grader.course import requests
from grader.course.folder_lock import temporary
from grader.course.gradebook import Gradebook
from grader.course.pool import Pool
from grader.environment import ROOT, joined
from grader.errors import UsageError
from grader.files import remove

HOST = "127.0.0.1"
PORT = 8765  # the first that is tried; the next one if it is taken
PORTS = 20
NEEDED = ("starlette", "uvicorn", "pypdfium2")


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py review",
        description="Decide in the browser what waits for a person: questions, faults, files, requests.",
        epilog="exit codes: 0 ended with Ctrl-C, 2 usage",
    )
    root.add_argument("folder", type=Path, metavar="DIR", help="the folder that `grade.py batch --out` filled")
    root.add_argument("--names", action="store_true", help="show names; without it, students are numbers")
    root.add_argument("--requests", type=Path, metavar="PATH", help="regrade requests: a CSV or a folder of text files")
    root.add_argument("--port", type=int, metavar="N", help=f"the port (default: {PORT}, or the next free one)")
    root.add_argument("--host", metavar="ADDRESS", help="serve other machines, too; needs --cert and --key")
    root.add_argument("--cert", type=Path, metavar="FILE", help="the certificate, as PEM")
    root.add_argument("--key", type=Path, metavar="FILE", help="the certificate's key, as PEM")
    return root


def run(arguments: argparse.Namespace) -> int:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        install = joined([sys.executable, "-m", "pip", "install", "-e", f"{ROOT}[review]"])
        raise UsageError(f"{missing[0]} is not installed; type: {install}")
    encrypted = check_certificate(arguments)
    with Gradebook.open(arguments.folder) as book:
        book.run()
        if arguments.requests is not None:
            take_in(book, arguments.requests)
    with bound(arguments) as listening:
        serve(arguments, listening, encrypted)
    return 0


def check_certificate(arguments: argparse.Namespace) -> bool:
    """Whether the server is encrypted. Raises UsageError for --host without a certificate, and for one that is none."""
    given = [arguments.cert, arguments.key]
    if any(given) and not all(given):
        raise UsageError("a certificate needs its key; give both --cert and --key")
    if arguments.host not in (None, HOST, "localhost") and not all(given):
        raise UsageError(
            "--host serves other machines, so it needs a certificate; give --cert and --key, or leave it out"
        )
    if not all(given):
        return False
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(arguments.cert, arguments.key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"{arguments.cert} and {arguments.key} cannot be used ({error}); give both as PEM") from None
    return True


def take_in(book: Gradebook, path: Path) -> None:
    """Record regrade requests, and print what could not be."""
    if not path.exists():
        raise UsageError(f"{path} is not there; name a CSV or a folder of text files with --requests")
    graded = book.run()
    items = dict.fromkeys(
        item.id
        for student in book.students(graded)
        if (report := book.report(student.id, graded))
        for item in report.items
    )
    new, problems = requests.take_in(book.database, path, book.students(graded), items, author=path.name)
    print(f"{new} new request{'s' * (new != 1)} from {path}")
    for problem in problems:
        print(f"grade.py: notice: not taken: {problem}", file=sys.stderr)


def bound(arguments: argparse.Namespace) -> socket.socket:
    """The socket that listens. Raises UsageError if the port is taken."""
    host = arguments.host or HOST
    ports = [arguments.port] if arguments.port is not None else range(PORT, PORT + PORTS)
    said = ""
    for port in ports:
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(128)  # from now on, before the link is printed
        except (OSError, OverflowError) as error:
            listening.close()
            said = getattr(error, "strerror", None) or str(error)
            continue
        return listening
    raise UsageError(f"{host} port {ports[0]} cannot be used ({said}); give another one with --port")


def serve(arguments: argparse.Namespace, listening: socket.socket, encrypted: bool) -> None:
    import uvicorn

    from grader.review.desk import Desk
    from grader.review.guard import Guard
    from grader.review.server import app
    from grader.review.shared import Review

    host, port = arguments.host or HOST, listening.getsockname()[1]
    scheme, scratch = "https" if encrypted else "http", temporary()
    pool = Pool(2, scratch)
    try:
        desk = Desk.at(arguments.folder)
        guard = Guard(arguments.folder, frozenset({host, HOST, "localhost"}) if host in (HOST, "localhost") else
                      frozenset({host}), scheme, port)  # fmt: skip
        review = Review(desk, guard, pool, names=arguments.names)
        print(
            f"open this link; it is for you and those whom you trust:\n{scheme}://{host}:{port}/enter?token={guard.token}"
        )
        print(f"{len(desk.queue.open())} wait for a person; end with Ctrl-C", flush=True)
        config = uvicorn.Config(
            app(review), log_level="critical", access_log=False, server_header=False, timeout_graceful_shutdown=1,
            ssl_certfile=arguments.cert, ssl_keyfile=arguments.key, lifespan="on",
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        pool.stop()
        remove(scratch)
