"""Loads a homework's drivers: modules that run in the student's process and drive the student's code for longer runs.

They are loaded while the process can still be trusted: before it confines itself and runs the student's code. A driver
is a module in the homework's `worker/` folder with a function `begin(student, order)`, which returns the run. A check
calls the run's methods by name, and gets their results as it gets the student's.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Student:
    """What a driver knows of the student: `module` imports a module by its name in the rubric, `folder` holds the
    student's code, and `files` is the folder with the files of the order."""

    module: Callable[[str], Any]
    folder: str
    files: str


class DriverError(Exception):
    """A driver cannot be loaded: a fault of the homework. The message is a sentence with file and line."""


def add_package(name: str, folder: str) -> None:
    """Make a homework's folder importable under `name`, wherever it is. Its `__init__.py` is not run.

    The files of a homework import each other relatively, so that two homeworks in one process do not mix.
    """
    if name not in sys.modules:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [folder]
        sys.modules[name] = module_from_spec(spec)


def load(package: Sequence[str], names: Sequence[str]) -> dict[str, ModuleType]:
    """Load the named drivers; `package` is the homework's name and folder. Raises DriverError."""
    if not names:
        return {}
    name, folder = package
    add_package(name, folder)
    return {driver: loaded(f"{name}.worker.{driver}", folder) for driver in names}


def loaded(module: str, folder: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(folder)]
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else module
        if isinstance(error, SyntaxError):
            where = f"{error.filename}:{error.lineno}"
        raise DriverError(f"{Path(where)}: {type(error).__name__}: {error}; correct this driver") from error
