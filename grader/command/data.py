"""grade.py data: which data sets are here and whether they are the official ones; fetch one that is not."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from grader.data import datasets, download
from grader.data.datasets import DataSet
from grader.errors import UsageError
from grader.files import STANDARD_OUTPUT
from grader.files import write as write_file
from grader.report.text import Terminal, Writer

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
CIFAR10_MD5, CIFAR10_SIZE = "c58f30108f718f92721af3b95e74349a", 170_498_071
# The address and the sums that torchvision has; the sizes are those of the files there.
FASHION_MNIST_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
FASHION_MNIST_FILES: dict[str, tuple[str | None, int]] = {
    "train-images-idx3-ubyte": ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
    "train-labels-idx1-ubyte": ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
    "t10k-images-idx3-ubyte": ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    "t10k-labels-idx1-ubyte": ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
}
FETCH_WEIGHTS = """python -c "import torchvision.models as m; m.squeezenet1_1(weights='IMAGENET1K_V1')\""""
MARK = {"verified": "✓", "unverified": "?", "damaged": "✗", "absent": "–"}
STYLE = {"verified": "green", "unverified": "yellow", "damaged": "red", "absent": "dim"}
MOST = 1 << 30  # bytes of anything, packed or not


@dataclass(frozen=True)
class Place:
    """What is known of one data set here. `state` is a word for the table; `hint` says how to come by what is not."""

    name: str
    state: str
    folder: str = ""
    bytes: int = 0
    hint: str = ""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py data",
        description="Show which data sets are here, where, and whether they are the official ones; or fetch one.",
        epilog="exit codes: 0 done, 2 usage, or a data set that cannot be had",
    )
    root.add_argument("fetch", nargs="?", choices=list(FETCH), metavar="NAME", help="fetch cifar10 or fashion-mnist")
    root.add_argument(
        "--data-root",
        type=Path,
        metavar="FOLDER",
        help="where data sets are (default: BACKGRADE_DATA, or a cache folder)",
    )
    root.add_argument("--url", help="fetch from here: the archive of cifar10, or the folder of fashion-mnist's files")
    root.add_argument("--unverified", action="store_true", help="take what is there or comes, whatever its sums")
    root.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON; - prints it")
    return root


def run(arguments: argparse.Namespace) -> int:
    root = datasets.root(arguments.data_root)
    if arguments.fetch:
        FETCH[arguments.fetch](root, arguments.url, arguments.unverified)
    elif arguments.url:
        raise UsageError("--url needs the data set's name, too: cifar10 or fashion-mnist")
    places = survey(root)
    show(root, places, stderr=arguments.json == STANDARD_OUTPUT)
    if arguments.json:
        document = {"root": str(root), "data": [asdict(place) for place in places]}
        write_file(arguments.json, json.dumps(document, indent=2) + "\n")
    return 0


def survey(root: Path) -> list[Place]:
    """What is on this machine; every file is read, so that what is called verified was verified now."""
    cifar10, fashion_mnist = datasets.cifar10_folder(root), datasets.fashion_mnist_folder(root)
    return [
        place(datasets.CIFAR10, cifar10, datasets.cifar10, root, "python grade.py data cifar10"),
        place(
            datasets.FASHION_MNIST,
            fashion_mnist,
            datasets.fashion_mnist,
            root,
            "python grade.py data fashion-mnist (on Debian and Ubuntu also: apt install dataset-fashion-mnist)",
        ),
        weights(root),
    ]


def place(name: str, folder: Path | None, read: Callable[..., DataSet], root: Path, command: str) -> Place:
    if folder is None:
        return Place(name, "absent", hint=f"stand-in data is used instead; to fetch it: {command}")
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    try:
        verified = read(root, unverified=True).verified
    except UsageError as error:
        return Place(name, "damaged", str(folder), size, str(error))
    hint = "" if verified else "not the official files: used only with --unverified, and reports say so"
    return Place(name, "verified" if verified else "unverified", str(folder), size, hint)


def weights(root: Path) -> Place:
    name, path = "SqueezeNet 1.1", datasets.weights(root)
    if path is None:
        hint = f"without its weights Task 6 is skipped; to fetch them: {FETCH_WEIGHTS}; or put {datasets.WEIGHTS} there"
        return Place(name, "absent", hint=hint)
    state = "verified" if datasets.official_weights(path) else "unverified"
    return Place(name, state, str(path), path.stat().st_size)


def show(root: Path, places: list[Place], *, stderr: bool = False) -> None:
    console = Terminal(stderr=stderr)
    write = Writer(console.lacking)
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("data", no_wrap=True)
    grid.add_column("state", no_wrap=True)
    grid.add_column("size", justify="right", no_wrap=True)
    grid.add_column("where", overflow="fold")
    for one in places:
        size = decimal(one.bytes) if one.folder else ""
        grid.add_row(
            write(one.name), write(f"{MARK[one.state]} {one.state}", STYLE[one.state]), size, write(one.folder)
        )
    console.print(grid)
    console.print(write(f"\nLooked for in {root}, with the weights also in torch's cache.", "dim"))
    for one in places:
        if one.hint:
            console.print(write(f"{one.name}: {one.hint}"))


def fetch_cifar10(root: Path, url: str | None, unverified: bool) -> None:
    """Raises UsageError where it cannot be had, or where another folder is in its place."""
    if datasets.cifar10_folder(root):
        datasets.cifar10(root, unverified=unverified)
        return
    archive = root / "cifar-10-python.tar.gz"
    md5, size = (None, MOST) if unverified else (CIFAR10_MD5, CIFAR10_SIZE)
    with progress() as on_progress:
        download.fetch(url or CIFAR10_URL, archive, md5=md5, size=size, on_progress=on_progress(archive.name))
    download.untar(archive, datasets.cifar10_place(root), most=MOST)
    archive.unlink()


def fetch_fashion_mnist(root: Path, url: str | None, unverified: bool) -> None:
    """As torchvision lays it out. Raises UsageError where it cannot be had."""
    if datasets.fashion_mnist_folder(root):
        datasets.fashion_mnist(root, unverified=unverified)
        return
    packed = root / ".fashion-mnist"
    archives = {name: packed / f"{name}.gz" for name in FASHION_MNIST_FILES}
    with progress() as on_progress:
        for name, (md5, size) in FASHION_MNIST_FILES.items():
            source = f"{(url or FASHION_MNIST_URL).rstrip('/')}/{name}.gz"
            if unverified:
                md5, size = None, MOST
            download.fetch(source, archives[name], md5=md5, size=size, on_progress=on_progress(name))
    download.gunzip(archives, root / datasets.FASHION_MNIST_FOLDER, most=MOST)
    shutil.rmtree(packed)


FETCH = {"cifar10": fetch_cifar10, "fashion-mnist": fetch_fashion_mnist}


@contextmanager
def progress() -> Iterator[Callable[[str], download.Progress]]:
    """A bar for each file, on a terminal; nothing elsewhere."""
    console = Terminal(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bars:

        def bar(name: str) -> download.Progress:
            task = bars.add_task(name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield bar
