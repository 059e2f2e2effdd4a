"""Malformed inputs through every reader: a value or one clear sentence, within the limits, whatever the bytes.

    python tests/malformed.py 100000 [SEED]     some 20 minutes; the tests do 200

Inputs are real files: cut, spliced, repeated, with bytes changed. An input that a reader fails on is kept in
malformed-failures/ and named.
"""

from __future__ import annotations

import gzip
import io
import random
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import hostile  # noqa: E402

from grader.errors import Mismatch, SubmissionError  # noqa: E402
from grader.homework.notebooks import photographs, survey  # noqa: E402
from grader.homework.training import hyperparameters  # noqa: E402
from grader.intake import picture, submission  # noqa: E402
from grader.model import Limits  # noqa: E402
from grader.sandbox import reader  # noqa: E402

LIMITS = Limits(read_cpu=15, read_memory=1536 << 20)
WANTED = ("functions.py", "layers.py", "two_layer_net.py", "train.py", "part1.ipynb", "part2.ipynb", "*.jpg")
REFERENCE = {path.name: path.read_bytes() for path in sorted((ROOT / "reference").rglob("*"))
             if path.suffix in (".py", ".ipynb", ".jpg")}  # fmt: skip
SMALL = {name: content for name, content in REFERENCE.items() if len(content) < 50_000}


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in SMALL.items():
            archive.writestr(f"ada/{name}", content)
    return file.getvalue()


def tarred(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, content in (SMALL | {"é" * 120 + "/layers.py": b"x = 1\n"}).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def drawn(form: str) -> bytes:
    """A small picture in a format of Pillow's."""
    from PIL import Image

    file = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).save(file, form)
    return file.getvalue()


def read_work(data: bytes, folder: Path) -> None:
    path = folder / "work"
    path.write_bytes(data)
    submission.read(path, WANTED, SMALL, limits=LIMITS)


def read_source(data: bytes, folder: Path) -> None:
    path = folder / "ada" / "layers.py"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    submission.read(path.parent, WANTED, SMALL, limits=LIMITS)


def read_notebook(data: bytes, folder: Path) -> None:
    reader.read(survey.read, data, "part1.ipynb", {"own.py": data}, limits=LIMITS, about="part1.ipynb")


def read_train(data: bytes, folder: Path) -> None:
    reader.read(hyperparameters.read, data, limits=LIMITS, about="train.py")


def read_photograph(data: bytes, folder: Path) -> None:
    reader.read(photographs.readable, {"a.jpg": data}, ["a.jpg"], limits=LIMITS, about="a photograph")


READERS: dict[str, tuple[Callable[[bytes, Path], None], list[bytes]]] = {
    "work": (read_work, [zipped(), *map(tarred, ("w", "w:gz", "w:bz2", "w:xz")),
                         gzip.compress(REFERENCE["layers.py"])]),
    "source": (read_source, [REFERENCE["layers.py"], REFERENCE["train.py"], REFERENCE["part1.ipynb"]]),
    "notebook": (read_notebook, [REFERENCE["part1.ipynb"], REFERENCE["part2.ipynb"]]),
    "train": (read_train, [REFERENCE["train.py"], hostile.nested(b"")]),
    "photograph": (read_photograph, [*(data for name, data in REFERENCE.items() if name.endswith(".jpg")),
                                     hostile.wide(64), hostile.passes(5, 64),
                                     *map(drawn, ("GIF", "BMP", "TIFF", "PPM", "PCX", "TGA", "ICO", "SGI"))]),
}  # fmt: skip


def changed(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """One to four changes: bytes, a piece cut out, a piece repeated, a piece of another file."""
    for _ in range(draw.randint(1, 4)):
        at, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
        other = draw.choice(others)
        match draw.randrange(6):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at] + data[at : at + 4096] * draw.randint(2, 50) + data[at:]
            case 3:
                data = data[:at] + other[at : at + draw.randint(1, 2000)] + data[at:]
            case 4:
                data = data[:at] + draw.randbytes(draw.randint(1, 8)) + data[at + 4 :]
            case _:
                places = bytearray(data or b"\0")
                for _ in range(draw.randint(1, 20)):
                    places[draw.randrange(len(places))] = draw.choice((0, 255, 34, 91, 123, draw.randrange(256)))
                data = bytes(places)
    return data


def run(count: int, seed: int) -> Iterator[tuple[str, str, bytes, BaseException | None]]:
    """Reader, how it ended, the input, and what a reader must never raise."""
    draw = random.Random(seed)
    picture.load_library()
    pool = [data for _, files in READERS.values() for data in files]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            name = list(READERS)[number % len(READERS)]
            function, files = READERS[name]
            data = changed(draw.choice(files), pool, draw)
            try:
                function(data, Path(folder))
                yield name, "read", data, None
            except (Mismatch, SubmissionError) as error:
                over = "takes longer than" in str(error) or "of memory to read" in str(error) or "\n" in str(error)
                yield name, "over its limits" if over else "refused", data, error if over else None
            except Exception as error:
                yield name, "failed", data, error


def main(words: list[str]) -> int:
    count, seed = int(words[0]) if words else 1000, int(words[1]) if len(words) > 1 else 0
    ends: Counter[tuple[str, str]] = Counter()
    failures = Path("malformed-failures")
    for number, (name, end, data, error) in enumerate(run(count, seed)):
        ends[name, end] += 1
        if error is not None:
            failures.mkdir(exist_ok=True)
            (failures / f"{name}-{seed}-{number}").write_bytes(data)
            print(f"{name} {number}: {type(error).__name__}: {str(error)[-1500:]}", flush=True)
        if (number + 1) % 10_000 == 0:
            print(f"{number + 1} of {count}", file=sys.stderr, flush=True)
    for (name, end), times in sorted(ends.items()):
        print(f"{name:12}{end:16}{times}")
    return int(any(end in ("failed", "over its limits") for _, end in ends))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
