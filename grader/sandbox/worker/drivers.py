"""A homework's own code beside the student's: modules that drive it for longer than a call.

They are trusted when they are loaded, before this process confines itself and before anything of the student's runs.
A driver is a module in the homework's `worker/` folder with a function `begin(student, order)`. What that returns is
the run: a check calls its methods by name, and their results travel as a student's do.
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
    """What a driver is given of the student's: how to import a module by its name in the rubric, the `folder` that the
    code lies in, and the folder in which the `files` of its order lie."""

    module: Callable[[str], Any]
    folder: str
    files: str


class DriverError(Exception):
    """A driver that cannot be loaded: a fault of the homework's, in a sentence with its line."""


def add_package(name: str, folder: str) -> None:
    """Make a homework's folder importable under `name`, wherever it lies; its `__init__.py` is not run.

    The files of a homework import each other by relative imports, so that two homeworks never meet in one process.
    """
    if name not in sys.modules:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [folder]
        sys.modules[name] = module_from_spec(spec)


def load(package: Sequence[str], names: Sequence[str]) -> dict[str, ModuleType]:
    """The drivers of those names; `package` is the homework's name and folder. Raises DriverError."""
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
