"""grade.py data: lists the data sets, says whether they are official, and downloads a missing one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from grader.data import datasets, download
from grader.errors import UsageError
from grader.files import STANDARD_OUTPUT, check_place
from grader.files import write as write_file
from grader.loading import OWN, load
from grader.model import DataPlan, Homework
from grader.report.progress import live
from grader.report.text import Terminal, Writer

MARK = {"verified": "✓", "unverified": "?", "damaged": "✗", "absent": "–"}
STYLE = {"verified": "green", "unverified": "yellow", "damaged": "red", "absent": "dim"}
MOST = 1 << 30  # bytes of a file, packed or unpacked


@dataclass(frozen=True, slots=True)
class Found:
    """A data set on this machine. `state` is a word for the table; `hint` says how to get a missing one."""

    name: str
    state: str
    folder: str = ""
    bytes: int = 0
    hint: str = ""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py data",
        description="List the data sets, where they are, and whether they are official; or download one.",
        epilog="exit codes: 0 done, 2 usage, or a data set that cannot be downloaded",
    )
    root.add_argument(
        "fetch", nargs="?", metavar="NAME", help="data set to download: a name under `data` in rubric.yaml"
    )
    root.add_argument(
        "--data-root",
        type=Path,
        metavar="FOLDER",
        help="folder with data sets (default: BACKGRADE_DATA, or a cache folder)",
    )
    root.add_argument("--url", help="download from this address: that of its file, or of a folder with its files")
    root.add_argument("--unverified", action="store_true", help="accept files even if their checksums are wrong")
    root.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON; - prints it")
    root.add_argument("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    if arguments.json:
        check_place(arguments.json, '{\n  "root"')
    root, homework = datasets.root(arguments.data_root), load(arguments.homework)
    fetchable = [plan.name for plan in homework.rubric.data.values() if plan.fetch]
    named = f"name {' or '.join(fetchable)}" if fetchable else "this homework has none to download"
    if arguments.fetch:
        if arguments.fetch not in fetchable:
            raise UsageError(f"there is no data set {arguments.fetch} to download; {named}")
        fetch(homework, arguments.fetch, root, arguments.url, unverified=arguments.unverified)
    elif arguments.url:
        raise UsageError(f"--url needs the name of a data set, too; {named}")
    found = survey(homework, root)
    show(root, found, stderr=arguments.json == STANDARD_OUTPUT)
    if arguments.json:
        document = {"root": str(root), "data": [asdict(one) for one in found]}
        write_file(arguments.json, json.dumps(document, indent=2) + "\n")
    return 0


def survey(homework: Homework, root: Path) -> list[Found]:
    """The homework's data sets on this machine. Every file is read and verified now."""
    return [look_for(homework, plan, root) for plan in homework.rubric.data.values()]


def look_for(homework: Homework, plan: DataPlan, root: Path) -> Found:
    there = (datasets.find if plan.reader else datasets.find_file)(plan, root)
    if there is None:
        hints = [f"to download it: {datasets.command(homework, plan.name)}"] if plan.fetch else []
        hints = (["stand-in data is used instead"] if plan.stand_in else []) + hints
        also = f" ({plan.hint})" if hints and plan.hint else plan.hint
        return Found(plan.title, "absent", hint="; ".join(hints) + also)
    if not plan.reader:
        official = datasets.is_official(there, plan.files[there.name])
        return Found(plan.title, "verified" if official else "unverified", str(there), there.stat().st_size)
    size = sum(path.stat().st_size for path in datasets.candidates(there, plan) if path.is_file())
    try:
        verified = datasets.read(homework, plan.name, root, unverified=True).verified
    except UsageError as error:
        return Found(plan.title, "damaged", str(there), size, str(error))
    hint = (
        "" if verified else "these are not the official files: they are used only with --unverified, and reports say so"
    )
    return Found(plan.title, "verified" if verified else "unverified", str(there), size, hint)


def show(root: Path, found: list[Found], *, stderr: bool = False) -> None:
    console = Terminal(stderr=stderr)
    write = Writer(console.lacking)
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("data", no_wrap=True)
    grid.add_column("state", no_wrap=True)
    grid.add_column("size", justify="right", no_wrap=True)
    grid.add_column("where", overflow="fold")
    for one in found:
        size = decimal(one.bytes) if one.folder else ""
        grid.add_row(
            write(one.name), write(f"{MARK[one.state]} {one.state}", STYLE[one.state]), size, write(one.folder)
        )
    console.print(grid)
    console.print(write(f"\nSearched in {root} and in the places that rubric.yaml lists.", "dim"))
    for one in found:
        if one.hint:
            console.print(write(f"{one.name}: {one.hint}"))


def fetch(homework: Homework, name: str, root: Path, url: str | None, *, unverified: bool) -> None:
    """Download a data set into its first place. `url` is the address of its file, or of the folder of its files.

    Raises UsageError if it cannot be downloaded, or if it is already there but not official.
    """
    plan = homework.rubric.data[name]
    if datasets.find(plan, root):
        datasets.read(homework, name, root, unverified=unverified)
        return
    several = len(plan.fetch) > 1
    packed = root / f".{name}" if several else root
    archives = {}
    with progress() as on_progress:
        for one in plan.fetch:
            base = one.url.rpartition("/")[2]
            source = one.url if url is None else f"{url.rstrip('/')}/{base}" if several else url
            md5, size = (None, MOST) if unverified else (one.md5, one.size)
            archives[base] = packed / base
            shown = base.removesuffix(".gz") if several else base
            download.fetch(source, archives[base], md5=md5, size=size, on_progress=on_progress(shown))
    target = datasets.home(plan, root)
    if not several and base.endswith((".tar.gz", ".tgz")):
        download.untar(archives[base], target, most=MOST)
    else:
        download.unpack(archives, target, most=MOST)
    for archive in archives.values():
        archive.unlink()
    if several:
        packed.rmdir()


@contextmanager
def progress() -> Iterator[Callable[[str], download.Progress]]:
    """A progress bar for each file on a terminal; elsewhere, a line every few seconds."""
    console = Terminal(stderr=True)
    if not console.is_terminal:
        with live(lambda now: f"{now[0]}: {decimal(now[1])} of {decimal(now[2])}") as show:
            yield lambda name: lambda done, total: show((name, done, total))
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bars:

        def bar(name: str) -> download.Progress:
            task = bars.add_task(name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield bar
