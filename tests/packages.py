"""Packages as they are made, unpacked where their platforms unpack them, and runs that are killed in the middle."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FRAMEWORK = PROJECT / "tests" / "homeworks" / "framework"  # of two tasks: tensor.py and train.py
RIGHT = FRAMEWORK / "right"


def made(out: Path, *words: object) -> Path:
    """The folder that `grade.py release` filled."""
    done = subprocess.run(
        [sys.executable, PROJECT / "grade.py", "release", "--out", out, *map(str, words)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def unpack(archive: Path, place: Path) -> Path:
    """As unzip does, with the modes that the archive tells."""
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            path = Path(packed.extract(member, place))
            path.chmod(member.external_attr >> 16 & 0o777)
    return place


def right() -> dict[str, bytes]:
    """The files of a right submission of the small homework."""
    folder = next(path for path in sorted(RIGHT.iterdir()) if path.is_dir())
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.py"))}


def hanging() -> dict[str, bytes]:
    """One whose second task never comes back."""
    files = right()
    return files | {"train.py": b"while True:\n    pass\n" + files["train.py"]}


def zipped_work(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def hand_in(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def environment(**more: object) -> dict[str, str]:
    return {**os.environ, "BACKGRADE_PYTHON": sys.executable, **{name: str(value) for name, value in more.items()}}


def ran(command: list[object], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False, **options)  # type: ignore[call-overload]


def killed(command: list[object], ready: Callable[[], bool], output: Path, **options: object) -> str:
    """What a run had printed when all of it was killed without warning, once `ready`."""
    with output.open("wb") as file:
        running = subprocess.Popen(
            list(map(str, command)), stdout=file, stderr=subprocess.STDOUT, start_new_session=True, **options
        )  # type: ignore[call-overload]
        try:
            end = time.monotonic() + 120
            while not ready():
                assert running.poll() is None, f"it ended by itself: {output.read_text()}"
                assert time.monotonic() < end, f"it was never ready: {output.read_text()}"
                time.sleep(0.05)
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    return output.read_text(encoding="utf-8")
