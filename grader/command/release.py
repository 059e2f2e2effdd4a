"""grade.py release: what leaves the instructor's machine, as archives that are the same bytes each time."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from rich.filesize import decimal

from grader import rubric
from grader.check import OWN
from grader.errors import UsageError
from grader.files import write
from grader.release.archive import unpacked, zipped
from grader.release.source import Source
from grader.report.text import Printer, Terminal

PACKAGES = ("gradescope", "github", "autolab", "prairielearn")  # each is a module of release, with build and ARCHIVE
GRADED = 0
LEAST = 60  # seconds below which no run is of use


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py release",
        description="Make what students, platforms and CI get. The same inputs give the same bytes.",
        epilog="exit codes: 0 made, 2 usage",
    )
    add = root.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="where the archives go; made if it is not there")
    add("--for", dest="packages", action="append", default=[], choices=PACKAGES, metavar="PACKAGE",
        help=f"{', '.join(PACKAGES)}; may be given more than once (default: all)")  # fmt: skip
    add("--seconds", type=int, metavar="N", help="time that the platform gives (default: the platform's own)")
    add("--image", default="backgrade", metavar="NAME", help="container image of autolab and prairielearn")
    add("--allow-unsafe", action="store_true", help="grade also where a platform does not confine student code")
    add(
        "--check", action="store_true", help="read each archive back, and hold it to its manifest and to a second build"
    )
    add("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    if arguments.seconds is not None and arguments.seconds < LEAST:
        raise UsageError(f"--seconds {arguments.seconds}; a platform has to give at least {LEAST}")
    plan = rubric.load(arguments.homework / "rubric.yaml")
    source = Source(
        arguments.homework,
        plan,
        seconds=arguments.seconds,
        image=arguments.image,
        allow_unsafe=arguments.allow_unsafe,
    )
    say = Printer(Terminal())
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {arguments.out} ({error.strerror}); name another one") from None
    for name in dict.fromkeys(arguments.packages or PACKAGES):
        package = import_module(f"grader.release.{name}")
        path = arguments.out / package.ARCHIVE
        packed = zipped(package.build(source))
        write(path, packed)
        say(f"written: {path} ({decimal(len(packed))})")
        if arguments.check:
            check(path, zipped(package.build(source)))
            say("  it reads back as its manifest says, and a second build is the same bytes")
    return GRADED


def check(path: Path, again: bytes) -> None:
    """Raise UsageError unless the archive holds what its manifest says and another build of it is the same."""
    unpacked(path)
    if path.read_bytes() != again:
        raise UsageError(f"{path} differs from a second build of it: a file changed meanwhile; make it anew")
