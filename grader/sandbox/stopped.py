"""What a process was doing when it was stopped, by its stack: (file, line, function) of each call, innermost first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.errors import StudentError
from grader.model import Section
from grader.sandbox.allowance import Allowance, as_verdict
from grader.sandbox.setup import import_name

Stack = Sequence[tuple[str, str, str]]
MODULE = "<module>"  # the function that runs while a file is imported


def remember(allowance: Allowance, stack: Stack, code: Path, path: str, error: StudentError) -> None:
    """Keep which files were being imported when that was stopped: those of the stack, else the one that was asked
    for, `path`. The sentence names the innermost."""
    inside = [Path(file).relative_to(code).as_posix() for file, _, function in stack
              if function == MODULE and Path(file).is_relative_to(code)]  # fmt: skip
    if inside:
        subject = f"the import of {Path(path).name}"
        error.message = f"the import of {Path(inside[0]).name}{error.message.removeprefix(subject)}"
    for file in inside or [path]:
        allowance.files.setdefault(file, error)


def last_line(section: Section, stack: Stack) -> str:
    """Where the student's code stood when it was stopped, as "network.py:31"; "" if that is not known."""
    names = {Path(path).name for path in section.modules.values()}
    own = ((Path(file).name, line) for file, line, _ in stack)
    return next((f"{name}:{line}" for name, line in own if name in names), "")


def stopped_before(allowance: Allowance, code: Path, error: Any) -> StudentError | None:
    """What the import of a file was stopped for, where the process says that it was not tried again."""
    name = error.get("text") if isinstance(error, Mapping) and error.get("kind") == "stopped" else None
    for path, earlier in allowance.files.items() if name else ():
        if import_name(code, path) == name:
            return as_verdict(earlier, earlier.message)
    return None
