"""The line of the running check, for messages to the author of a homework."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[1]
PACKAGES = ("stdlib", "platlib", "purelib")  # what sysconfig calls the folders of Python's and of installed code


def line() -> str:
    """The file and line of the running check: the innermost frame outside the engine and the packages it uses."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not in_homework(Path(frame.f_code.co_filename)):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def in_homework(path: Path) -> bool:
    """Whether a file is neither the engine's nor a package's."""
    return not in_engine(path) and not any(path.is_relative_to(sysconfig.get_path(name)) for name in PACKAGES)


def in_engine(path: Path) -> bool:
    return path.is_relative_to(ENGINE) and path.relative_to(ENGINE).parts[0] != "homework"
