"""Reads recorded fixtures without running anything that a pickle may hold."""

from __future__ import annotations

import math
import pickle
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from grader.errors import UsageError


class PlainUnpickler(pickle._Unpickler):
    """Accepts only plain data (numbers, strings, lists, tuples, dicts); no class and no function.

    It derives from the unpickler in Python, because the one in C may allocate gigabytes for one damaged byte.
    """

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module}.{name}, and a fixture holds plain numbers only")


@lru_cache
def read_once(path: Path) -> dict[str, dict[str, list[Any]]]:
    """As `recorded`, but reads a file only once per process."""
    return recorded(path)


def recorded(path: Path) -> dict[str, dict[str, list[Any]]]:
    """`backprop-data.pkl`: function -> {"inputs": tuples of float, "outputs": floats}, with as many inputs as outputs.

    Raises UsageError for a file that is absent, damaged, of another form, or that names a class or function.
    """
    try:
        with path.open("rb") as file:
            data = PlainUnpickler(file).load()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); make it with fixtures/make_backprop_data.py"
        ) from None
    except EOFError:
        raise UsageError(f"{path} is not a recorded fixture: it ends too early; make it again") from None
    except Exception as error:  # a damaged pickle raises nearly anything: ValueError, IndexError, KeyError, ...
        reason = f"{type(error).__name__}: {error!s:.100}"
        raise UsageError(f"{path} is not a recorded fixture: {reason}; make it again") from None
    problem = misshapen(data)
    if problem:
        raise UsageError(f"{path} is not a recorded fixture: {problem}; make it again")
    return data  # type: ignore[no-any-return]


def misshapen(data: object) -> str:
    """What is wrong with the form of a fixture, or ""."""
    if not isinstance(data, dict) or not data:
        return "it should be a dict of functions"
    for name, record in data.items():
        if not isinstance(name, str):
            return "its keys should be names of functions"
        if not isinstance(record, dict) or record.keys() != {"inputs", "outputs"}:
            return f"{name!r:.40} should hold 'inputs' and 'outputs'"
        inputs, outputs = record["inputs"], record["outputs"]
        if not isinstance(inputs, list) or not isinstance(outputs, list) or not inputs or len(inputs) != len(outputs):
            return f"{name!r:.40} should hold as many inputs as outputs, in lists"
        if not all(isinstance(point, tuple) and point and all(map(is_number, point)) for point in inputs):
            return f"the inputs of {name!r:.40} should be tuples of finite floats"
        if len({len(point) for point in inputs}) > 1:
            return f"the inputs of {name!r:.40} differ in how many numbers they hold"
        if not all(map(is_number, outputs)):
            return f"the outputs of {name!r:.40} should be finite floats"
    return ""


def is_number(value: object) -> bool:
    """Whether a value is a finite float. A NaN equals nothing, so it would fail every student."""
    return isinstance(value, float) and math.isfinite(value)
