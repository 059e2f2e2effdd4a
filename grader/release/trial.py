"""Tries a package: unpacks it as its platform does, and grades the untouched handout, which must get no points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from grader import handout
from grader.errors import UsageError
from grader.release.archive import mode
from grader.release.source import Source

Found = TypeVar("Found")
SECONDS = 900  # for a handout, in which nothing trains


def untouched(source: Source) -> dict[str, bytes]:
    """What a student who did nothing hands in: base name -> bytes, for each file that is both handed out and handed
    in."""
    made = handout.pristine(handout.home(source.homework), source.rubric)
    return {Path(path).name: content for path, content in made.items() if Path(path).name in source.rubric.wanted}


def lay_out(place: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, scripts as such."""
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode(content))


def run(command: Sequence[str | Path], **environment: Path) -> str:
    """What a platform's command printed. Raises UsageError where it fails, with the last line that tells why."""
    variables = {name: str(path) for name, path in environment.items()}
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"BACKGRADE_PYTHON": sys.executable} | variables,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{Path(command[0]).name} of the package could not be tried ({error})") from None
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        told = [line for line in said if not line.startswith("isolation:")] or [f"exit code {done.returncode}"]
        program = next(Path(word).name for word in command if str(word) != sys.executable)
        raise UsageError(f"{program} of the package fails: {told[-1]}")
    return done.stdout


def score(path: Path) -> float:
    """The score in a result file. Raises UsageError where there is none."""
    return found(path, lambda result: float(result["score"]))


def earned(path: Path) -> dict[str, float]:
    """Check -> its points in a report as JSON. Raises UsageError where there is none."""
    return found(path, lambda report: {check["name"]: float(check["earned"]) for check in checks_of(report)})


def checks_of(report: Any) -> list[Any]:
    return [check for task in report["tasks"] for item in task["items"] for check in item["checks"]]


def found(path: Path, look: Callable[[Any], Found]) -> Found:
    """What `look` finds in a file of JSON. Raises UsageError where it finds nothing."""
    try:
        return look(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError):
        raise UsageError(f"the package left no result in {path.name}") from None
