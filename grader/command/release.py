"""grade.py release: what leaves the instructor's machine, as archives that are the same bytes each time."""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from grader import rubric
from grader.data import datasets
from grader.errors import UsageError
from grader.files import ZIP, check_place, write
from grader.loading import OWN, ROOT
from grader.release.archive import unpacked, zipped
from grader.release.source import Source, absent
from grader.release.trial import untouched
from grader.report.progress import live
from grader.report.text import Printer, Terminal

PACKAGES = (
    "handout",
    "gradescope",
    "github",
    "autolab",
    "prairielearn",
)  # each is a module of release, with build and ARCHIVE
GRADED = 0
LEAST = 60  # seconds below which no run is of use


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py release",
        description="Make the archives for students, platforms and CI. The same inputs give the same bytes.",
        epilog="exit codes: 0 made, 2 usage",
    )
    add = root.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="where the archives go; made if it is not there")
    add("--for", dest="packages", action="append", default=[], choices=PACKAGES, metavar="PACKAGE",
        help=f"{', '.join(PACKAGES)}; may be given more than once (default: all)")  # fmt: skip
    add("--seconds", type=int, metavar="N", help="time that the platform gives (default: the platform's own)")
    add("--seeds", type=int, default=32, metavar="N", help="seeds that a handout has answers for (default: 32)")
    add("--image", default="backgrade", metavar="NAME", help="container image of autolab and prairielearn")
    add("--data-root", type=Path, metavar="FOLDER", help="where data is (default: BACKGRADE_DATA, or a cache)")
    add("--allow-unsafe", action="store_true", help="let packages grade even if student code is not confined")
    add(
        "--check", action="store_true", help="compare each archive with its manifest and a second build, and try it out"
    )
    add("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    source, say = source_of(arguments), Printer(Terminal())
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {arguments.out} ({error.strerror}); name another one") from None
    packages = [import_module(f"grader.release.{name}") for name in dict.fromkeys(arguments.packages or PACKAGES)]
    for package in packages:
        check_place(arguments.out / package.ARCHIVE, ZIP)
    with live(lambda done: f"{done} of {source.seeds} sets of questions recorded") as show:
        source = replace(source, progress=show)
        made = [zipped(package.build(source)) for package in packages]
    for package, packed in zip(packages, made, strict=True):
        path = arguments.out / package.ARCHIVE
        write(path, packed)
        say(f"written: {path} ({decimal(len(packed))})")
        if (most := getattr(package, "LONGEST", None)) and (arguments.seconds or 0) > most:
            say(f"note: {package.ARCHIVE} gives a submission {most} seconds, because its platform gives no more")
        if arguments.check:
            check(path, zipped(package.build(source)))
            say("  it reads back as its manifest says, and a second build is the same bytes")
        if arguments.check and hasattr(package, "tried"):
            attempt(package, path, source)
            say("  unpacked as its platform does, it grades: the untouched handout gets no points")
    for sentence in absent(source):
        say(f"note: {sentence}")
    return GRADED


def source_of(arguments: argparse.Namespace) -> Source:
    """What to release, as the options say. Raises UsageError for options that are not possible."""
    if arguments.seconds is not None and arguments.seconds < LEAST:
        raise UsageError(f"--seconds {arguments.seconds}; a platform has to give at least {LEAST}")
    if arguments.seeds < 1:
        raise UsageError(f"--seeds {arguments.seeds}; a handout has to know at least one set of questions")
    if not arguments.image.strip():
        raise UsageError("--image names no image; leave it out, or give a name")
    out = arguments.out.resolve()
    for inner in (arguments.homework, *(ROOT / name for name in ("grader", "reference", "fixtures"))):
        if out.is_relative_to(inner.resolve()):
            raise UsageError(f"{arguments.out} is inside {inner}, which is packed; choose a folder outside")
    datasets.check_root(arguments.data_root)
    plan = rubric.load(arguments.homework / "rubric.yaml")
    return Source(
        arguments.homework,
        plan,
        data_root=arguments.data_root,
        seconds=arguments.seconds,
        image=arguments.image,
        allow_unsafe=arguments.allow_unsafe,
        seeds=arguments.seeds,
    )


def check(path: Path, again: bytes) -> None:
    """Raise UsageError unless the archive holds what its manifest says and another build of it is the same."""
    unpacked(path)
    if path.read_bytes() != again:
        raise UsageError(f"{path} differs from a second build of it: a file changed meanwhile; make it anew")


def attempt(package: Any, path: Path, source: Source) -> None:
    """Raise UsageError unless the package, laid out as its platform lays it out, gives the untouched handout 0, and the
    solution all points that it can."""
    with tempfile.TemporaryDirectory(prefix="backgrade-") as place:
        folder = Path(os.path.realpath(place))
        gained = package.tried(unpacked(path), untouched(source), folder)
        lost = package.lost_by_the_solution(folder, source) if hasattr(package, "lost_by_the_solution") else {}
    if gained:
        raise UsageError(f"{path} gives {gained:g} points to the untouched handout; correct the checks that give them")
    if lost:
        few = f"{path} gives the solution {sum(lost.values()):g} points too few"
        raise UsageError(f"{few}; correct the checks that lose them: {', '.join(lost)}")
